/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * porthole.h: the whole public interface of libporthole.
 *
 * porthole opens a port of this host to the Internet through the router in the way, by PCP (RFC
 * 6887), NAT-PMP (RFC 6886) or UPnP-IGD, keeps it open by renewing it, and removes it when asked.
 *
 * The short of it
 *   - porthole_open() makes a client, porthole_map() asks for a mapping and returns its id at once,
 *     porthole_wait() blocks until the first result, porthole_unmap() gives the port back, and
 *     porthole_close() removes all that is left and frees the client.
 *   - Every function that can fail returns an int: 0 or more is success, a negative number is one
 * of enum porthole_error. What a gateway answered is data, not an error number: see the fields
 * `error`, `code` and `text` of struct porthole_mapping.
 *   - Times are in milliseconds (`_ms`) or seconds (`_s`), ports in host byte order, addresses are
 * text.
 *   - Strings and structs given to a function are copied before it returns.
 *
 * Three ways to drive a client, with the same semantics
 *   (a) its own thread, callbacks on that thread: the default;
 *   (b) its own thread, callbacks in yours: PORTHOLE_DISPATCH. porthole_event_fd() becomes
 * readable, and porthole_dispatch() runs the callbacks that wait; (c) no thread:
 * PORTHOLE_NO_THREAD. Poll porthole_pollfds() for at most porthole_timeout_ms(), then call
 * porthole_process(), which also runs the callbacks. Blocking functions drive the client themselves
 * while they wait.
 *
 * Threads: with its own thread ((a) and (b)) every function may be called from any thread. Without
 * one (c) all calls on a client must come from one thread at a time. Different clients are
 * independent.
 *
 * Callbacks run with no lock held and may call anything but porthole_close() on their own client,
 * which answers PORTHOLE_ERR_REENTRANT. A blocking function called from a callback answers the
 * same. A function that returned an error never calls back. Every mapping that porthole_map()
 * accepted ends with exactly one PORTHOLE_EVENT_UNMAPPED, which is its last.
 */
#ifndef PORTHOLE_PORTHOLE_H
#define PORTHOLE_PORTHOLE_H

#include <stddef.h>
#include <stdint.h>

#define PORTHOLE_VERSION_MAJOR 0
#define PORTHOLE_VERSION_MINOR 1
#define PORTHOLE_VERSION_PATCH 0
#define PORTHOLE_VERSION "0.1.0"

#if defined(_WIN32)
#define PORTHOLE_API
#elif defined(__GNUC__)
#define PORTHOLE_API __attribute__((visibility("default")))
#else
#define PORTHOLE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ------------------------------------------------------------------------------------
 */

/* One table gives the enum, porthole_strerror() and porthole_errname(). X(NAME, number, name,
 * text). -1 to -3 equal libplum's; -1xx the caller's use, -2xx this host's network, -3xx refused by
 * the gateway, -4xx the gateway's answer is unusable, -9xx this host's resources. Numbers are never
 * reused. */
#define PORTHOLE_ERROR_TABLE(X)                                                                    \
    X(OK, 0, "ok", "success")                                                                      \
    X(INVALID, -1, "invalid", "invalid argument")                                                  \
    X(FAILED, -2, "failed", "failed")                                                              \
    X(NOT_AVAILABLE, -3, "not_available", "not available")                                         \
    X(STATE, -100, "state", "not possible in this state")                                          \
    X(EXISTS, -101, "exists", "this port is mapped by this client already")                        \
    X(REENTRANT, -102, "reentrant", "not possible from a callback")                                \
    X(LIMIT, -103, "limit", "a limit is reached")                                                  \
    X(TIMEOUT, -104, "timeout", "timed out")                                                       \
    X(CANCELLED, -105, "cancelled", "cancelled")                                                   \
    X(UNKNOWN_ID, -106, "unknown_id", "no mapping has this id")                                    \
    X(NO_NETWORK, -200, "no_network", "no usable network: there is no default route")              \
    X(NO_GATEWAY, -201, "no_gateway", "no gateway answered")                                       \
    X(SYSTEM, -202, "system", "the operating system refused")                                      \
    X(UNREACHABLE, -203, "unreachable", "the gateway cannot be reached")                           \
    X(PORT_CLOSED, -204, "port_closed", "the gateway has nothing listening on that port")          \
    X(REFUSED, -300, "refused", "the gateway refused")                                             \
    X(NOT_AUTHORIZED, -301, "not_authorized", "the gateway does not allow it")                     \
    X(NO_RESOURCES, -302, "no_resources", "the gateway has no room for it")                        \
    X(PORT_TAKEN, -303, "port_taken", "the external port is taken")                                \
    X(UNSUPPORTED, -304, "unsupported", "the gateway does not support it")                         \
    X(NO_UPLINK, -305, "no_uplink", "the gateway has no external address")                         \
    X(MALFORMED, -400, "malformed", "malformed answer")                                            \
    X(TRUNCATED, -401, "truncated", "truncated answer")                                            \
    X(TOO_LARGE, -402, "too_large", "answer too large")                                            \
    X(UNTRUSTED, -403, "untrusted", "the answer points to another host")                           \
    X(NO_MEMORY, -901, "no_memory", "out of memory")

enum porthole_error {
#define PORTHOLE_ERROR_ENUM_(upper, number, name, text) PORTHOLE_ERR_##upper = (number),
    PORTHOLE_ERROR_TABLE(PORTHOLE_ERROR_ENUM_)
#undef PORTHOLE_ERROR_ENUM_
};

/* The text of an error number, in English; never NULL, also for numbers that no error has. Static.
 */
PORTHOLE_API const char *porthole_strerror(int error);
/* The name of an error number in lower case, such as "no_gateway", for logs and JSON. Static. */
PORTHOLE_API const char *porthole_errname(int error);
/* The version of the library in use, such as "0.1.0". Static. */
PORTHOLE_API const char *porthole_version(void);

/* ---- Words -------------------------------------------------------------------------------------
 */

/* Transport protocols, by their IANA numbers. */
enum porthole_protocol { PORTHOLE_TCP = 6, PORTHOLE_UDP = 17 };

/* How a mapping was made; in order of preference, DIRECT aside. */
enum porthole_method {
    PORTHOLE_NONE = 0,
    PORTHOLE_PCP = 1,
    PORTHOLE_NATPMP = 2,
    PORTHOLE_UPNP = 3,
    PORTHOLE_DIRECT = 4 /* the local address is public: nothing is in the way */
};

/* Sets of methods for struct porthole_config; 0 means all. */
#define PORTHOLE_USE_PCP (1U << PORTHOLE_PCP)
#define PORTHOLE_USE_NATPMP (1U << PORTHOLE_NATPMP)
#define PORTHOLE_USE_UPNP (1U << PORTHOLE_UPNP)
#define PORTHOLE_USE_ALL (PORTHOLE_USE_PCP | PORTHOLE_USE_NATPMP | PORTHOLE_USE_UPNP)

enum porthole_state {
    PORTHOLE_DESTROYED = 0,
    PORTHOLE_PENDING = 1,   /* no result yet, or lost and being made again */
    PORTHOLE_SUCCESS = 2,   /* the gateway holds it */
    PORTHOLE_FAILURE = 3,   /* not now; retried with back-off for as long as it exists */
    PORTHOLE_DESTROYING = 4 /* being removed from the gateway */
};

/* Who can reach an address, by the IANA special-purpose address registries. */
enum porthole_reach {
    PORTHOLE_REACH_UNKNOWN = 0,
    PORTHOLE_REACH_PUBLIC = 1,   /* globally reachable */
    PORTHOLE_REACH_PRIVATE = 2,  /* RFC 1918, RFC 4193: a second NAT is in the way */
    PORTHOLE_REACH_SHARED = 3,   /* 100.64.0.0/10, RFC 6598: carrier-grade NAT is in the way */
    PORTHOLE_REACH_LOOPBACK = 4, /* this host only */
    PORTHOLE_REACH_OTHER = 5     /* link-local, documentation, reserved and the rest */
};

/* What became of a mapping on the gateway when it ended. */
enum porthole_fate {
    PORTHOLE_FATE_NONE = 0,    /* nothing was there to remove */
    PORTHOLE_FATE_REMOVED = 1, /* the gateway confirmed */
    PORTHOLE_FATE_EXPIRES = 2, /* not confirmed, or left on purpose: it ends with its lease */
    PORTHOLE_FATE_LEFT = 3     /* not confirmed, and its lease has no end */
};

/* Lower-case names for logs and JSON: "tcp", "pcp", "success", "public", "removed"; "?" for a
 * number that the enum lacks. Static. */
PORTHOLE_API const char *porthole_protocol_name(enum porthole_protocol protocol);
PORTHOLE_API const char *porthole_method_name(enum porthole_method method);
PORTHOLE_API const char *porthole_state_name(enum porthole_state state);
PORTHOLE_API const char *porthole_reach_name(enum porthole_reach reach);
PORTHOLE_API const char *porthole_fate_name(enum porthole_fate fate);

/* ---- Structs -----------------------------------------------------------------------------------
 */

/* Room for any address as text, an IPv6 scope and the final NUL included. */
#define PORTHOLE_ADDRESS_SIZE 64
#define PORTHOLE_TEXT_SIZE 128

struct porthole;              /* a client */
typedef uint64_t porthole_id; /* of a mapping; never 0, never used again in this client */

/* The facts of one mapping. Set `size` by PORTHOLE_MAPPING_INIT before a call fills it. */
struct porthole_mapping {
    size_t size;
    porthole_id id;
    enum porthole_state state;
    enum porthole_protocol protocol;
    enum porthole_method method; /* NONE until the first success */
    uint16_t internal_port;
    uint16_t external_port;                       /* 0 until the first success */
    char internal_address[PORTHOLE_ADDRESS_SIZE]; /* "" when not known */
    char external_address[PORTHOLE_ADDRESS_SIZE];
    char gateway[PORTHOLE_ADDRESS_SIZE];
    enum porthole_reach reach; /* of external_address: judge SUCCESS by it */
    uint32_t lifetime_s;       /* granted by the gateway; 0 = without end */
    uint32_t expires_in_ms;    /* until the lease ends; 0 = without end, or none */
    double elapsed_ms;         /* from porthole_map() to the first success */
    int error;                 /* of the last failure, enum porthole_error; 0 = none */
    int code; /* what the gateway answered: PCP or NAT-PMP result, UPnP errorCode */
    char text[PORTHOLE_TEXT_SIZE]; /* the same in words; printable ASCII */
    enum porthole_fate fate;       /* set in PORTHOLE_EVENT_UNMAPPED */
    void *user;                    /* as given in the request */
};
#define PORTHOLE_MAPPING_INIT                                                                      \
    { .size = sizeof(struct porthole_mapping) }

enum porthole_event_type {
    PORTHOLE_EVENT_PENDING = 1, /* the mapping was lost and is being made again */
    PORTHOLE_EVENT_MAPPED = 2,  /* the gateway holds it: the first time, or again after a loss */
    PORTHOLE_EVENT_CHANGED = 3, /* still held, with another external address, port or method */
    PORTHOLE_EVENT_FAILED = 4,  /* not now; see error, code and text. It is retried */
    PORTHOLE_EVENT_UNMAPPED = 5 /* the last event of a mapping; see fate */
};
/* "pending", "mapped", "changed", "failed", "unmapped". Static. */
PORTHOLE_API const char *porthole_event_name(enum porthole_event_type type);

struct porthole_event {
    size_t size;
    enum porthole_event_type type;
    struct porthole_mapping mapping;
};

/* Called for each event of a mapping; `event` is valid until it returns. */
typedef void porthole_event_fn(struct porthole *client, const struct porthole_event *event,
                               void *user);

enum porthole_log_level {
    PORTHOLE_LOG_NONE = 0,
    PORTHOLE_LOG_WARN = 1,
    PORTHOLE_LOG_INFO = 2,
    PORTHOLE_LOG_DEBUG = 3,
    PORTHOLE_LOG_TRACE = 4 /* every packet and decision */
};
/* Called with one line, without its newline, valid until it returns. Runs with a lock held: it must
 * not call the library. */
typedef void porthole_log_fn(enum porthole_log_level level, const char *line, void *user);

#define PORTHOLE_NO_THREAD (1U << 0) /* way (c) */
#define PORTHOLE_DISPATCH (1U << 1)  /* way (b) */

/* Fill by PORTHOLE_CONFIG_INIT, then set what you want; zero is every field's default. */
struct porthole_config {
    size_t size;
    unsigned flags;           /* PORTHOLE_NO_THREAD, PORTHOLE_DISPATCH */
    unsigned methods;         /* PORTHOLE_USE_*; 0 = all */
    const char *gateway;      /* address of the gateway; NULL = the default route's */
    const char *bind_address; /* local address to ask from; NULL = the one towards the gateway */
    int discover_timeout_ms;  /* at most this long until "no gateway answered"; 0 = 10000. Reported
                                 earlier, after 3250 ms, when nothing has answered anything */
    int mapping_timeout_ms;   /* at most this long for one request to a gateway that is there; 0 =
                                 10000 */
    int recheck_period_ms;    /* at most this long until a loss is noticed; 0 = 300000 */
    uint32_t lifetime_s; /* lease to ask for; 0 = 7200 (the recommendation of RFC 6886 §3.3) */
    enum porthole_log_level log_level; /* lines up to this level go to on_log */
    porthole_log_fn *on_log;           /* NULL = no log */
    void *log_user;
};
#define PORTHOLE_CONFIG_INIT                                                                       \
    { .size = sizeof(struct porthole_config) }

#define PORTHOLE_EXACT_PORT (1U << 0) /* fail rather than take another external port */
#define PORTHOLE_LEASE                                                                             \
    (1U << 1) /* neither renewed nor removed on close: it lasts for its lifetime */

/* Fill by PORTHOLE_REQUEST_INIT; internal_port and protocol are needed. */
struct porthole_request {
    size_t size;
    enum porthole_protocol protocol;
    uint16_t internal_port; /* 1 to 65535 */
    uint16_t external_port; /* wished for; 0 = the same as internal_port */
    unsigned flags;         /* PORTHOLE_EXACT_PORT, PORTHOLE_LEASE */
    uint32_t
        lifetime_s; /* 0 = the client's; at least 20 (a shorter lease can't be renewed safely) */
    const char *description; /* shown by UPnP gateways; printable ASCII, at most 63 bytes; NULL =
                                "porthole" */
    porthole_event_fn *on_event; /* NULL = none */
    void *user;                  /* handed to on_event and back in struct porthole_mapping */
};
#define PORTHOLE_REQUEST_INIT                                                                      \
    { .size = sizeof(struct porthole_request) }

/* ---- Client ------------------------------------------------------------------------------------
 */

/* Makes a client in *ret_client; config may be NULL. Nothing is sent until something is asked for.
 *   INVALID     size or flags unknown, an address that is none, families of gateway and
 * bind_address differ, a negative timeout NOT_AVAILABLE  this system's routes cannot be read and no
 * gateway is given SYSTEM      no thread or no file descriptor could be had NO_MEMORY A host
 * without a default route is not an error: mappings fail with NO_NETWORK and are retried. */
PORTHOLE_API int porthole_open(const struct porthole_config *config, struct porthole **ret_client);

/* Removes all mappings from the gateway, all at once, for at most deadline_ms (0 = at once, without
 * waiting for answers; negative = 3000), delivers each one's UNMAPPED event, and frees the client.
 * Blocking calls in other threads return CANCELLED. NULL is a no-op. REENTRANT  called from a
 * callback of this client: nothing was done */
PORTHOLE_API int porthole_close(struct porthole *client, int deadline_ms);

/* ---- Mappings ----------------------------------------------------------------------------------
 */

/* Asks for a mapping and returns at once with its id in *ret_id.
 *   INVALID    size, port, protocol, flags, lifetime or description
 *   EXISTS     this client has a mapping of this protocol and internal port that is not being
 * removed LIMIT      65535 mappings exist STATE      the client is closing NO_MEMORY */
PORTHOLE_API int porthole_map(struct porthole *client, const struct porthole_request *request,
                              porthole_id *ret_id);

/* Blocks until the mapping is SUCCESS or FAILURE, for at most timeout_ms (negative = no limit), and
 * fills *ret_mapping (may be NULL). Returns 0 for SUCCESS; for FAILURE the mapping's own error.
 *   TIMEOUT     still PENDING; the mapping goes on
 *   UNKNOWN_ID  CANCELLED (unmapped or closed meanwhile)  REENTRANT */
PORTHOLE_API int porthole_wait(struct porthole *client, porthole_id id, int timeout_ms,
                               struct porthole_mapping *ret_mapping);

/* porthole_map() and porthole_wait() in one. On anything but SUCCESS the mapping is given up,
 * removed from the gateway in the background, and its error returned; ret_mapping then tells why.
 */
PORTHOLE_API int porthole_map_wait(struct porthole *client, const struct porthole_request *request,
                                   int timeout_ms, struct porthole_mapping *ret_mapping);

/* Fills *ret_mapping with the present facts. UNKNOWN_ID  INVALID (size) */
PORTHOLE_API int porthole_query(struct porthole *client, porthole_id id,
                                struct porthole_mapping *ret_mapping);

/* Asks the gateway again now, and counts the lease from the answer. UNKNOWN_ID */
PORTHOLE_API int porthole_refresh(struct porthole *client, porthole_id id);

/* Gives the port back; returns at once, the UNMAPPED event tells the end. Ids that are unknown or
 * are being removed are a no-op: 0. */
PORTHOLE_API int porthole_unmap(struct porthole *client, porthole_id id);
PORTHOLE_API int porthole_unmap_all(struct porthole *client);

/* 1 when the id is of a mapping that is not being removed, else 0. */
PORTHOLE_API int porthole_has_mapping(struct porthole *client, porthole_id id);
/* How many mappings exist, those being removed not counted. */
PORTHOLE_API int porthole_mapping_count(struct porthole *client);

/* ---- Facts about the network -------------------------------------------------------------------
 */

/* The local address towards the gateway, and the gateway's, as text of at most
 * PORTHOLE_ADDRESS_SIZE bytes. NO_NETWORK  there is no default route INVALID     the buffer is too
 * small */
PORTHOLE_API int porthole_local_address(struct porthole *client, char *ret_text, size_t size);
PORTHOLE_API int porthole_gateway_address(struct porthole *client, char *ret_text, size_t size);

/* What one method answered to a probe. */
struct porthole_probe_method {
    int error; /* 0 = it answered; PORT_CLOSED, NO_GATEWAY (silent), UNSUPPORTED, ... ; CANCELLED =
                  not asked */
    int code;  /* the gateway's own result code, 0 = none */
    char text[PORTHOLE_TEXT_SIZE];                /* why, in words; "" when it answered */
    double rtt_ms;                                /* from the last request sent to its answer */
    char external_address[PORTHOLE_ADDRESS_SIZE]; /* "" when not told */
    enum porthole_reach reach;                    /* of external_address */
    uint32_t epoch_s;                             /* the gateway's clock, PCP and NAT-PMP only */
    char device[PORTHOLE_TEXT_SIZE]; /* UPnP: friendlyName and modelName, printable ASCII */
    char url[256];                   /* UPnP: where its description is */
};

/* Set `size` by PORTHOLE_PROBE_INIT before the call. */
struct porthole_probe {
    size_t size;
    char gateway[PORTHOLE_ADDRESS_SIZE];
    char local_address[PORTHOLE_ADDRESS_SIZE];
    enum porthole_reach local_reach;
    double elapsed_ms;
    struct porthole_probe_method pcp;
    struct porthole_probe_method natpmp;
    struct porthole_probe_method upnp;
};
#define PORTHOLE_PROBE_INIT                                                                        \
    { .size = sizeof(struct porthole_probe) }

/* Asks all methods of the client's set what they are, for at most timeout_ms (0 = 3250), and blocks
 * until each has answered or been given up. Learning the external address by PCP makes and removes
 * a mapping of UDP port 9 (RFC 6887 §11.6). Returns how many methods answered. NO_NETWORK
 * NO_GATEWAY (none answered; *ret_probe tells why)  REENTRANT  CANCELLED STATE       another probe
 * of this client is under way */
PORTHOLE_API int porthole_probe(struct porthole *client, int timeout_ms,
                                struct porthole_probe *ret_probe);

/* The external address by whichever method tells it first; blocks for at most timeout_ms (0 =
 * 3250). A public local address is the answer at once. Errors as porthole_probe(), and NO_UPLINK,
 * INVALID (size). */
PORTHOLE_API int porthole_external_address(struct porthole *client, int timeout_ms, char *ret_text,
                                           size_t size);

/* ---- Driving it --------------------------------------------------------------------------------
 */

struct pollfd;

/* Way (b). The descriptor is readable while callbacks wait; it belongs to the client. STATE in
 * other ways. */
PORTHOLE_API int porthole_event_fd(struct porthole *client);
/* Runs the callbacks that wait and returns how many. STATE in other ways, REENTRANT from a
 * callback. */
PORTHOLE_API int porthole_dispatch(struct porthole *client);

/* Way (c). Fills at most `count` entries and returns how many the client has, which may be more.
 * STATE in other ways. The set changes with each porthole_process() and each call that asks for
 * something. */
PORTHOLE_API int porthole_pollfds(struct porthole *client, struct pollfd *ret_fds, size_t count);
/* How long poll() may sleep: -1 = until a descriptor is ready. */
PORTHOLE_API int porthole_timeout_ms(struct porthole *client);
/* Does all that is due, never blocks, and runs callbacks. Returns 0, or STATE, REENTRANT. */
PORTHOLE_API int porthole_process(struct porthole *client);

#ifdef __cplusplus
}
#endif

#endif
