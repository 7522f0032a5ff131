/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * porthole.h: the public interface of libporthole, whole but for tap.h, which is for diagnosis.
 *
 * porthole opens a port of this host to the Internet through the router in the way, by PCP (RFC
 * 6887), NAT-PMP (RFC 6886) or UPnP-IGD, keeps it open by renewing it, and gives it back when
 * asked.
 *
 * The least of it
 *
 *     struct porthole *client;
 *     struct porthole_request request = PORTHOLE_REQUEST_INIT;
 *     struct porthole_mapping mapping = PORTHOLE_MAPPING_INIT;
 *     request.protocol = PORTHOLE_TCP;
 *     request.internal_port = 8080;
 *     if (porthole_open(NULL, &client) != 0)
 *         return;
 *     int error = porthole_map_wait(client, &request, 10000, &mapping);
 *     if (error == 0)
 *         printf("%s port %u\n", mapping.external_address, mapping.external_port);
 *     else
 *         printf("%s (%s)\n", porthole_strerror(error), mapping.text);
 *     ...                               the port stays open until here
 *     porthole_close(client, -1);
 *
 * The life of a mapping
 *
 *     porthole_map() ---> PENDING <---> SUCCESS       MAPPED    the gateway holds the port
 *                            |             ^          CHANGED   ... now at another address or port
 *                            v             |          FAILED    not now; it is tried again
 *                         FAILURE ---------+          PENDING   it was lost and is made again
 *     porthole_unmap(),
 *     porthole_close() -> DESTROYING --> DESTROYED     UNMAPPED  the end, told exactly once
 *
 *   - porthole_map() returns at once with an id. Events (on the right) tell the mapping's callback
 *     what becomes of it, porthole_query() tells whoever asks, and porthole_wait() waits for it.
 *     The first event of all is MAPPED, FAILED or UNMAPPED.
 *   - A mapping that failed is not over: it is tried again, with pauses that grow from 2 s to
 *     5 min, and when the network changes, until it is unmapped.
 *   - A mapping that was made is renewed for as long as it exists. It moves along when the host
 *     gets another address or gateway: PENDING, then MAPPED. A network that is gone for less than
 *     5 s is no event; then it is FAILED with NO_NETWORK. After a sleep, SUCCESS is verified.
 *
 * What the functions have in common
 *
 *   - One that can fail returns an int: 0 or more is success, a negative number is one of enum
 *     porthole_error. The comment of a function lists its errors; INVALID for a NULL where none may
 *     be, and STATE in a forked child (see porthole_open()), go without saying. A function that
 *     returned an error has changed nothing through its pointers, unless its comment says so, and
 *     never calls back.
 *   - What a gateway answered is data, not an error number: see `error`, `code` and `text` of
 *     struct porthole_mapping.
 *   - Times are in milliseconds (`_ms`) or seconds (`_s`), ports are in host byte order, addresses
 *     are text.
 *   - Strings and structs given to a function are copied before it returns.
 *   - Structs begin with their own size, set by an INIT macro. Later versions add fields at the end
 *     only, so that programs and libraries of different versions understand each other.
 *   - Nothing here raises a signal, prints, or changes anything of the whole process. Descriptors
 *     are closed on exec.
 *
 * Three ways to drive a client, with the same meaning
 *
 *   (a) Its own thread, with callbacks on that thread: the default.
 *   (b) Its own thread, with callbacks in yours: PORTHOLE_DISPATCH. porthole_event_fd() becomes
 *       readable when callbacks wait, and porthole_dispatch() runs them.
 *   (c) No thread: PORTHOLE_NO_THREAD. Poll porthole_pollfds() for at most porthole_timeout_ms(),
 *       then call porthole_process(), which also runs the callbacks. Functions that block drive the
 *       client, and run callbacks, while they wait.
 *
 * Threads
 *
 *   With its own thread, (a) and (b), a client may be used from any thread at any time. Without
 *   one, (c), calls on it must come from one thread at a time. Different clients are independent
 *   of each other. Only the end needs care: see porthole_close().
 *
 * Callbacks
 *
 *   They run one at a time for each client, with no lock held, on state that is final. They may
 *   call anything but what blocks or runs callbacks: there porthole_close(), porthole_wait(),
 *   porthole_map_wait(), porthole_probe(), porthole_external_address(), porthole_dispatch() and
 *   porthole_process() on their own client do nothing and return REENTRANT.
 *
 *   In ways (a) and (c) nothing is renewed while a callback runs. A renewal is due at half of its
 *   lease, so that a callback of some seconds does no harm, and it comes before the next callback.
 */
#ifndef PORTHOLE_PORTHOLE_H
#define PORTHOLE_PORTHOLE_H

#include <stddef.h>
#include <stdint.h>

#define PORTHOLE_VERSION_MAJOR 0
#define PORTHOLE_VERSION_MINOR 1
#define PORTHOLE_VERSION_PATCH 0
#define PORTHOLE_VERSION "0.1.0"

#if defined(__GNUC__) && !defined(_WIN32)
#define PORTHOLE_API __attribute__((visibility("default")))
#else
#define PORTHOLE_API
#endif

/* What the INIT macros are made of: everything zero but the size. C++ has designated initialisers
 * from C++20 on only, and some compilers warn of the fields that they leave out. */
#ifdef __cplusplus
template <typename Struct> inline Struct porthole_sized() {
    Struct made = Struct();
    made.size = sizeof(Struct);
    return made;
}
#define PORTHOLE_SIZED_(type) porthole_sized<type>()
#else
#define PORTHOLE_SIZED_(type)                                                                      \
    { .size = sizeof(type) }
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ---------------------------------------------------------------------------------- */

/* One table gives the enum, porthole_strerror() and porthole_errname(): X(NAME, number, name, text)
 * is PORTHOLE_ERR_NAME. -1 to -3 equal libplum's; -1xx is the caller's use, -2xx this host's
 * network, -3xx a refusal by the gateway, -4xx an answer of the gateway that cannot be used, -9xx
 * this host's resources. Numbers are never reused. */
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

/* All of these return static strings, never NULL. */

/* The text of an error number, in English; of any number, also one that no error has. */
PORTHOLE_API const char *porthole_strerror(int error);
/* The name of an error number in lower case, such as "no_gateway", for logs and JSON. */
PORTHOLE_API const char *porthole_errname(int error);
/* The version of the library in use, such as "0.1.0"; PORTHOLE_VERSION is that of this header. */
PORTHOLE_API const char *porthole_version(void);

/* ---- Words ----------------------------------------------------------------------------------- */

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
    PORTHOLE_FAILURE = 3,   /* not now; tried again for as long as it exists */
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

/* ---- Structs --------------------------------------------------------------------------------- */

/* Room for any address as text, an IPv6 scope and the final NUL included. */
#define PORTHOLE_ADDRESS_SIZE 64
#define PORTHOLE_TEXT_SIZE 128
/* A key's 24 hexadecimal digits and a NUL. */
#define PORTHOLE_KEY_SIZE 25

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
    char external_address[PORTHOLE_ADDRESS_SIZE]; /* "" until the first success */
    char gateway[PORTHOLE_ADDRESS_SIZE];          /* "" when there is none */
    enum porthole_reach reach; /* of external_address: only PUBLIC is open to the Internet */
    uint32_t lifetime_s;       /* granted by the gateway; 0 = without end */
    uint32_t expires_in_ms;    /* until the lease ends; 0 = without end, or none */
    double elapsed_ms;         /* from porthole_map() to the first success */
    int error;                 /* enum porthole_error, of a failure since the last success; or 0 */
    int code; /* what the gateway answered: PCP or NAT-PMP result, UPnP errorCode; 0 = nothing */
    char text[PORTHOLE_TEXT_SIZE]; /* the same in words; printable ASCII */
    enum porthole_fate fate;       /* set in PORTHOLE_EVENT_UNMAPPED */
    void *user;                    /* as given in the request */
    char key[PORTHOLE_KEY_SIZE]; /* by which a PCP gateway knows its owner: whoever has it can renew
                                    or remove the mapping. For `key` of a request */
    uint32_t granted_ago_ms;     /* since what was granted last was asked for; 0 = never, DIRECT */
};
#define PORTHOLE_MAPPING_INIT PORTHOLE_SIZED_(struct porthole_mapping)

enum porthole_event_type {
    PORTHOLE_EVENT_PENDING = 1, /* the mapping was lost and is being made again */
    PORTHOLE_EVENT_MAPPED = 2,  /* the gateway holds it: the first time, or again after a loss */
    PORTHOLE_EVENT_CHANGED = 3, /* still held, with another external address, port or method */
    PORTHOLE_EVENT_FAILED = 4,  /* not now, for a reason not told before; it is tried again */
    PORTHOLE_EVENT_UNMAPPED = 5 /* the last event of a mapping; see fate */
};
/* "pending", "mapped", "changed", "failed", "unmapped". Static. */
PORTHOLE_API const char *porthole_event_name(enum porthole_event_type type);

struct porthole_event {
    size_t size;
    enum porthole_event_type type;
    struct porthole_mapping mapping; /* as it was when the event happened */
};

/* Called for each event of a mapping; `event` is valid until it returns. See "Callbacks" above.
 * Of one mapping at most three events wait, fewer without memory for them; when more happen before
 * the callbacks are run, the last that waits is replaced by the newest. */
typedef void porthole_event_fn(struct porthole *client, const struct porthole_event *event,
                               void *user);

enum porthole_log_level {
    PORTHOLE_LOG_NONE = 0,
    PORTHOLE_LOG_WARN = 1,
    PORTHOLE_LOG_INFO = 2,
    PORTHOLE_LOG_DEBUG = 3,
    PORTHOLE_LOG_TRACE = 4 /* every packet and decision */
};
/* Called with one line, without its newline, valid until it returns, on whichever thread has
 * something to log. A lock is held meanwhile: it must not call the library. */
typedef void porthole_log_fn(enum porthole_log_level level, const char *line, void *user);

#define PORTHOLE_NO_THREAD (1U << 0) /* way (c) */
#define PORTHOLE_DISPATCH (1U << 1)  /* way (b) */

/* Fill by PORTHOLE_CONFIG_INIT, then set what you want; zero is every field's default. */
struct porthole_config {
    size_t size;
    unsigned flags;           /* PORTHOLE_NO_THREAD or PORTHOLE_DISPATCH; 0 = way (a) */
    unsigned methods;         /* PORTHOLE_USE_*; 0 = all */
    const char *gateway;      /* address of the gateway; NULL = the default route's */
    const char *bind_address; /* local address to ask from; NULL = the one towards the gateway */
    int discover_timeout_ms;  /* NO_GATEWAY is told after this at the latest; 0 = 10000; after 3250
                                 when nothing has answered at all */
    int mapping_timeout_ms;   /* most for one request to a gateway that is there; 0 = 10000 */
    int recheck_period_ms;    /* at most this long until a loss is noticed; 0 = 300000, or 60000
                                 where no announcement of the gateway would tell of its restart */
    uint32_t lifetime_s;      /* lease to ask for, at least 20; 0 = 7200 (RFC 6886 §3.3) */
    enum porthole_log_level log_level; /* lines up to this level go to on_log */
    porthole_log_fn *on_log;           /* NULL = no log */
    void *log_user;                    /* handed to on_log */
};
#define PORTHOLE_CONFIG_INIT PORTHOLE_SIZED_(struct porthole_config)

/* Fail with PORT_TAKEN rather than take another external port than the one wished for. */
#define PORTHOLE_EXACT_PORT (1U << 0)
/* Neither renewed, nor removed on close: it lasts for its lifetime, also beyond the process. */
#define PORTHOLE_LEASE (1U << 1)
/* For porthole_remove() only, with internal_port 0: whatever this host has. */
#define PORTHOLE_ALL_PORTS (1U << 2)

/* Fill by PORTHOLE_REQUEST_INIT; protocol and internal_port are needed. */
struct porthole_request {
    size_t size;
    enum porthole_protocol protocol;
    uint16_t internal_port;      /* 1 to 65535 */
    uint16_t external_port;      /* wished for; 0 = the same as internal_port */
    unsigned flags;              /* PORTHOLE_EXACT_PORT, PORTHOLE_LEASE, PORTHOLE_ALL_PORTS */
    uint32_t lifetime_s;         /* at least 20, for safe renewals; 0 = the client's */
    const char *description;     /* UPnP's; printable ASCII, up to 63 bytes; "" = "porthole" */
    porthole_event_fn *on_event; /* NULL = none */
    void *user;                  /* handed to on_event, and back in struct porthole_mapping */
    const char *key;    /* of an earlier mapping of the same port, to renew or remove that: from
                           struct porthole_mapping, or 24 hexadecimal digits that nobody can guess;
                           NULL or "" = one is drawn */
    uint32_t refresh_s; /* renewed this often, at least 4 (RFC 6887 §11.2.1); 0 = by the lease */
    unsigned methods;   /* PORTHOLE_USE_*, a part of the client's set; 0 = all of that */
};
#define PORTHOLE_REQUEST_INIT PORTHOLE_SIZED_(struct porthole_request)

/* ---- Client ---------------------------------------------------------------------------------- */

/* Makes a client in *ret_client; config may be NULL. Nothing is sent until something is asked for.
 * A host without a default route is no error: mappings fail with NO_NETWORK and are tried again.
 *
 * The client belongs to the process that opened it. In a child made by fork() every function on it
 * returns STATE, but for porthole_close(), which frees what is the child's and returns 0; the
 * parent's mappings are not disturbed by either.
 *
 *   INVALID        size or flags unknown, an address that is none, gateway and bind_address of
 *                  different families, a negative timeout, a lifetime too short
 *   NOT_AVAILABLE  this system's routes cannot be read, and no gateway is given
 *   SYSTEM         no thread or no file descriptor could be had
 *   NO_MEMORY */
PORTHOLE_API int porthole_open(const struct porthole_config *config, struct porthole **ret_client);

/* Removes all mappings from the gateway, all at the same time, for at most deadline_ms (0 = asks
 * and waits for no answer, but at most 250 ms for a UPnP gateway to take what is asked, which needs
 * a connection; negative = 3000), runs the callbacks that wait and each mapping's UNMAPPED, and
 * frees the client. No callback runs after it has returned. NULL is a no-op.
 *
 * Blocking functions that other threads are in return CANCELLED before. No thread may call a
 * function on the client once porthole_close() was called: the client is gone when it returns.
 *
 *   REENTRANT  called from a callback of this client: nothing was done
 *   STATE      another thread closes it already */
PORTHOLE_API int porthole_close(struct porthole *client, int deadline_ms);

/* ---- Mappings -------------------------------------------------------------------------------- */

/* Asks for a mapping and returns at once with its id in *ret_id. From here on, and only when this
 * returned 0, its callback is called, for the last time with UNMAPPED.
 *
 *   INVALID    size, port, protocol, flags, lifetime, description, key, refresh_s or methods
 *   EXISTS     this client has a mapping of that protocol and port, not being removed
 *   LIMIT (65535 mappings exist)  STATE (the client is closing)  NO_MEMORY */
PORTHOLE_API int porthole_map(struct porthole *client, const struct porthole_request *request,
                              porthole_id *ret_id);

/* Blocks until the mapping is SUCCESS or FAILURE, for at most timeout_ms (negative = no limit).
 * Returns 0 for SUCCESS, and for FAILURE the mapping's own error. Fills *ret_mapping, which may be
 * NULL, with the facts as they are then, but not for UNKNOWN_ID, INVALID and REENTRANT.
 *
 *   TIMEOUT     still PENDING; the mapping goes on
 *   CANCELLED   unmapped, or the client closed, before or meanwhile
 *   UNKNOWN_ID  INVALID (size)  REENTRANT */
PORTHOLE_API int porthole_wait(struct porthole *client, porthole_id id, int timeout_ms,
                               struct porthole_mapping *ret_mapping);

/* porthole_map() and porthole_wait() in one. On anything but SUCCESS the mapping is given up: it is
 * removed from the gateway in the background and never calls back, so that what `user` points to
 * may be freed at once. ret_mapping, which may be NULL, then tells why. The callbacks of a mapping
 * that succeeds, MAPPED first, are not run before the success is known.
 *   The errors of both, but for UNKNOWN_ID */
PORTHOLE_API int porthole_map_wait(struct porthole *client, const struct porthole_request *request,
                                   int timeout_ms, struct porthole_mapping *ret_mapping);

/* Fills *ret_mapping with the facts as they are now.
 *   UNKNOWN_ID  INVALID (size) */
PORTHOLE_API int porthole_query(struct porthole *client, porthole_id id,
                                struct porthole_mapping *ret_mapping);

/* Asks the gateway again now, and counts the lease from that; one that failed is tried again now.
 *   UNKNOWN_ID */
PORTHOLE_API int porthole_refresh(struct porthole *client, porthole_id id);

/* Gives the port back; returns at once, UNMAPPED tells the end. Who waits for the mapping gets
 * CANCELLED. Ids that are unknown or are being removed are a no-op: 0. */
PORTHOLE_API int porthole_unmap(struct porthole *client, porthole_id id);
/* The same for every mapping of this client, leases included. */
PORTHOLE_API int porthole_unmap_all(struct porthole *client);

/* Removes from the gateway what no mapping of this client stands for: a lease that an earlier
 * process of this host left behind. Returns at once with an id in *ret_id, which has one event,
 * UNMAPPED, and is DESTROYING until then; porthole_unmap() of it gives the removal up. Nothing else
 * sends a lifetime of 0, so that none is sent by accident.
 *
 * Of the request count protocol, internal_port, external_port, key, methods, on_event and user:
 *   - By NAT-PMP the port is enough. A PCP gateway obeys only who knows the `key` of the lease.
 *   - A UPnP gateway obeys everybody; so its entry is looked at first, and only one that leads to
 *     this host's address and port is removed. external_port 0: the whole list is searched.
 *   - PORTHOLE_ALL_PORTS with internal_port 0: all that this host has of the protocol, those of
 *     other programs included, by NAT-PMP and UPnP. PCP has no such request.
 *
 * `fate` is REMOVED when the gateway confirmed (by NAT-PMP also for what never was there), NONE
 * when nothing was there or nobody to ask, and EXPIRES when a method that answers did not do it;
 * then, and when nobody answered, `error`, `code` and `text` tell why. `external_port` is that of
 * the UPnP entry which was removed.
 *
 *   INVALID      size, port, protocol, flags, key or methods
 *   EXISTS       this client has a mapping or a removal of it: that is porthole_unmap()'s
 *   UNSUPPORTED  all ports, by PCP alone
 *   LIMIT  STATE  NO_MEMORY  as of porthole_map() */
PORTHOLE_API int porthole_remove(struct porthole *client, const struct porthole_request *request,
                                 porthole_id *ret_id);
/* The same, and blocks until its end, for at most timeout_ms (negative = no limit). Returns 0 when
 * `fate` is REMOVED, or NONE by a gateway's own word; else why not. ret_mapping, which may be NULL,
 * has the facts of UNMAPPED.
 *
 *   TIMEOUT  NO_GATEWAY  NO_NETWORK  CANCELLED (the client closes)  REENTRANT, those of
 *   porthole_remove(), and what a gateway's refusal means: NOT_AUTHORIZED, REFUSED, ... */
PORTHOLE_API int porthole_remove_wait(struct porthole *client,
                                      const struct porthole_request *request, int timeout_ms,
                                      struct porthole_mapping *ret_mapping);

/* 1 when the id is of a mapping that is not being removed, else 0. */
PORTHOLE_API int porthole_has_mapping(struct porthole *client, porthole_id id);
/* How many mappings exist, those being removed not counted. */
PORTHOLE_API int porthole_mapping_count(struct porthole *client);

/* ---- Facts about the network ----------------------------------------------------------------- */

/* The local address towards the gateway, and the gateway's own, as text of at most
 * PORTHOLE_ADDRESS_SIZE bytes. Nothing is sent.
 *
 *   NO_NETWORK  there is no default route
 *   INVALID     the buffer is too small */
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
#define PORTHOLE_PROBE_INIT PORTHOLE_SIZED_(struct porthole_probe)

#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* a function named as its struct is, like stat() */
#endif
/* Asks all methods of the client's set what they are, for at most timeout_ms (0 = 3250), and blocks
 * until each has answered or been given up. Returns how many answered. Learning the external
 * address by PCP makes and removes a mapping of UDP port 9 (RFC 6887 §11.6).
 *
 *   NO_GATEWAY  none answered; *ret_probe tells why
 *   NO_NETWORK  there is none to ask; *ret_probe is filled as well
 *   STATE       another probe of this client is under way
 *   CANCELLED   the client closed meanwhile
 *   INVALID (size, a negative timeout)  REENTRANT  NO_MEMORY */
PORTHOLE_API int porthole_probe(struct porthole *client, int timeout_ms,
                                struct porthole_probe *ret_probe);
#if defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/* The external address by whichever method tells it first, as text; blocks for at most timeout_ms
 * (0 = 3250). A public local address is the answer at once.
 *
 *   The errors of porthole_probe(), and
 *   NO_UPLINK   a gateway answered, and has no external address
 *   INVALID     the buffer is too small */
PORTHOLE_API int porthole_external_address(struct porthole *client, int timeout_ms, char *ret_text,
                                           size_t size);

/* ---- Driving it ------------------------------------------------------------------------------ */

struct pollfd; /* of <poll.h> */

/* Way (b). A descriptor that is readable while callbacks wait. Poll it and do nothing else with it:
 * it belongs to the client, for as long as that exists.
 *   STATE  in other ways */
PORTHOLE_API int porthole_event_fd(struct porthole *client);
/* Way (b). Runs the callbacks that wait and returns how many; 0 while another thread does.
 *   STATE (in other ways)  REENTRANT */
PORTHOLE_API int porthole_dispatch(struct porthole *client);

/* Way (c). Fills at most `count` entries, none when ret_fds is NULL, and returns how many the
 * client has, which may be more: then call again with more room. The set may change with every
 * function on the client, so ask anew before each poll(). A descriptor that is no longer in it may
 * be closed.
 *   STATE  in other ways */
PORTHOLE_API int porthole_pollfds(struct porthole *client, struct pollfd *ret_fds, size_t count);
/* Way (c). How long poll() may sleep; 0 = not at all, -1 = until a descriptor is ready.
 *   STATE  in other ways: a negative number below -1 */
PORTHOLE_API int porthole_timeout_ms(struct porthole *client);
/* Way (c). Does what is due, whatever poll() said, and runs callbacks; never blocks itself. When
 * more is left to do, porthole_timeout_ms() is 0. Returns 0.
 *   STATE (in other ways)  REENTRANT */
PORTHOLE_API int porthole_process(struct porthole *client);

#ifdef __cplusplus
}
#endif

#endif
