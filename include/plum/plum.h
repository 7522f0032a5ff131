/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum.h: the interface of libplum 0.6, as porthole implements it: the same names, values and
 * layouts, so that a program written for libplum builds and runs unchanged. docs/libplum.md tells
 * what differs behind it. New programs are better served by <porthole/porthole.h>.
 *
 * plum_init() starts the library, plum_create_mapping() asks the router for a port and returns at
 * once, the callback tells what came of it, and plum_cleanup() gives all ports back. There is one
 * instance in a process.
 *
 * Every function may be called from any thread. Callbacks run on a thread of the library, one at a
 * time, and may call everything but plum_cleanup(), which answers PLUM_ERR_FAILED there. The log
 * callback must not create or destroy mappings: PLUM_ERR_FAILED too. Strings and structs given to a
 * function are copied before it returns.
 */
#ifndef PLUM_H
#define PLUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PLUM_STATIC: linked with the archive. PLUM_EXPORTS: the library itself is being built. */
#if defined(PLUM_STATIC)
#define PLUM_EXPORT
#elif defined(_WIN32) && defined(PLUM_EXPORTS)
#define PLUM_EXPORT __declspec(dllexport)
#elif defined(_WIN32)
#define PLUM_EXPORT __declspec(dllimport)
#elif defined(__GNUC__)
#define PLUM_EXPORT __attribute__((visibility("default")))
#else
#define PLUM_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What functions return: one of these, or 0 and more where the function says so. */
#define PLUM_ERR_SUCCESS 0
#define PLUM_ERR_INVALID -1   /* an argument is wrong */
#define PLUM_ERR_FAILED -2    /* not possible now: not started, no memory, refused by the system */
#define PLUM_ERR_NOT_AVAIL -3 /* there is no such thing */

/* ---- Starting and ending --------------------------------------------------------------------- */

/* Messages of a lower level than plum_config_t.log_level are left out. None are of level ERROR or
 * FATAL: what went wrong is told by return values and callbacks. */
typedef enum {
    PLUM_LOG_LEVEL_VERBOSE = 0, /* every packet and decision */
    PLUM_LOG_LEVEL_DEBUG = 1,
    PLUM_LOG_LEVEL_INFO = 2,
    PLUM_LOG_LEVEL_WARN = 3,
    PLUM_LOG_LEVEL_ERROR = 4,
    PLUM_LOG_LEVEL_FATAL = 5,
    PLUM_LOG_LEVEL_NONE = 6
} plum_log_level_t;

/* One message, without a newline, valid until the callback returns. */
typedef void (*plum_log_callback_t)(plum_log_level_t level, const char *message);

/* Which protocols may be used. A choice never falls back to the other family. */
typedef enum {
    PLUM_PROTOCOL_ANY = 0,
    PLUM_PROTOCOL_PCP = 1, /* PCP and its predecessor NAT-PMP */
    PLUM_PROTOCOL_UPNP = 2
} plum_protocol_t;

/* Set all of it to zero first: zero is the default of every field. */
typedef struct {
    plum_log_level_t log_level;
    plum_log_callback_t log_callback; /* NULL = standard output */
    const char *dummytls_domain;      /* not used */
    int discover_timeout;             /* ms until "no gateway answered" at the latest; 0 = 10000 */
    int mapping_timeout;              /* ms for one request to a gateway that is there; 0 = 10000 */
    int recheck_period;               /* ms until a loss is noticed at the latest; 0 = 300000 */
    plum_protocol_t protocol;
} plum_config_t;

/* Starts the library; nothing is sent yet.
 *   INVALID  config is NULL, a timeout is negative, or the protocol is none
 *   FAILED   the library is started already, which goes on as before; or the system refused */
PLUM_EXPORT int plum_init(const plum_config_t *config);

/* Removes all mappings from the router, for at most three seconds, calls back DESTROYED for each
 * of them, and ends the library. It can be started again after that.
 *   FAILED   not started, ended already, being ended by another thread, or called from a callback:
 *            nothing was done */
PLUM_EXPORT int plum_cleanup(void);

/* ---- Mappings -------------------------------------------------------------------------------- */

typedef enum { PLUM_IP_PROTOCOL_TCP = 0, PLUM_IP_PROTOCOL_UDP = 1 } plum_ip_protocol_t;

typedef enum {
    PLUM_STATE_DESTROYED = 0,
    PLUM_STATE_PENDING = 1,   /* no result yet, or lost and being made again */
    PLUM_STATE_SUCCESS = 2,   /* the port is open */
    PLUM_STATE_FAILURE = 3,   /* not now; tried again for as long as the mapping exists */
    PLUM_STATE_DESTROYING = 4 /* being removed from the router */
} plum_state_t;

/* How a mapping was made. */
typedef enum {
    PLUM_MAPPING_PROTOCOL_UNKNOWN = 0, /* it is not made */
    PLUM_MAPPING_PROTOCOL_PCP = 1,
    PLUM_MAPPING_PROTOCOL_NATPMP = 2,
    PLUM_MAPPING_PROTOCOL_UPNP = 3,
    PLUM_MAPPING_PROTOCOL_DIRECT = 4 /* the local address is public: nothing is in the way */
} plum_mapping_protocol_t;

#define PLUM_MAX_HOST_LEN 256   /* room for an external host, the final NUL included */
#define PLUM_MAX_ADDRESS_LEN 64 /* room for an address, the final NUL included */

/* In a request: protocol, internal_port, user_ptr, and the wished external_port, 0 = the same as
 * internal_port. In a result, external_port and external_host tell what the router granted: 0 and
 * "" before the first success and after a failure. */
typedef struct {
    plum_ip_protocol_t protocol;
    plum_mapping_protocol_t mapping_protocol;
    uint16_t internal_port;
    uint16_t external_port;
    char external_host[PLUM_MAX_HOST_LEN];
    void *user_ptr;
} plum_mapping_t;

/* Called with SUCCESS, FAILURE and DESTROYED, and no other state: with the first result, again when
 * it changes or when the mapping was lost and made again, and with DESTROYED as the last. *mapping
 * is valid until the callback returns. */
typedef void (*plum_mapping_callback_t)(int id, plum_state_t state, const plum_mapping_t *mapping);

/* Asks for a mapping and returns its id at once; the callback may be NULL. Ids count up from 0 and
 * none comes twice until plum_cleanup().
 *   INVALID  mapping is NULL, its protocol is none, or its internal_port is 0
 *   FAILED   not started, no memory, or there is a mapping of this protocol and internal_port that
 *            is not being destroyed. The callback is not called */
PLUM_EXPORT int plum_create_mapping(const plum_mapping_t *mapping,
                                    plum_mapping_callback_t callback);

/* The present state and facts of a mapping; either pointer may be NULL.
 *   INVALID  the id is negative     NOT_AVAIL  no such mapping, or DESTROYED was called back
 *   FAILED   not started */
PLUM_EXPORT int plum_query_mapping(int id, plum_state_t *state, plum_mapping_t *mapping);

/* Removes a mapping from the router; returns at once, the callback tells the end. Success as well
 * while it is being destroyed.
 *   INVALID  the id is negative     NOT_AVAIL  no such mapping, or DESTROYED was called back
 *   FAILED   not started */
PLUM_EXPORT int plum_destroy_mapping(int id);

/* ---- Facts about the network ----------------------------------------------------------------- */

/* Writes this host's address towards its router, and returns its length. Works without plum_init().
 *   INVALID  buffer is NULL or size is 0     NOT_AVAIL  there is no default route
 *   FAILED   size is too small, or the system refused */
PLUM_EXPORT int plum_get_local_address(char *buffer, size_t size);

/* ---- Not supported --------------------------------------------------------------------------- */

typedef enum {
    PLUM_DUMMYTLS_PEM_CERT = 0,
    PLUM_DUMMYTLS_PEM_CHAIN = 1,
    PLUM_DUMMYTLS_PEM_FULLCHAIN = 2,
    PLUM_DUMMYTLS_PEM_PRIVKEY = 3
} plum_dummytls_cert_type_t;

/* Both answer NOT_AVAIL whatever they are given. */
PLUM_EXPORT int plum_get_dummytls_certificate(plum_dummytls_cert_type_t type, char *buffer,
                                              size_t size);
PLUM_EXPORT int plum_get_dummytls_host(const char *address, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif

#endif
