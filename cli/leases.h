/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * leases.h: the state file: which leases this user's porthole has on gateways, with the keys by
 * which a later process renews or removes them. It is a note and no authority: what is wrong in it
 * costs a refusal by a gateway, never a port.
 */
#ifndef PH_CLI_LEASES_H
#define PH_CLI_LEASES_H

#include <porthole/porthole.h>
#include <stdbool.h>
#include <stdint.h>

/* A process that holds a lease; number 0 = nobody. */
struct ph_holder {
    int64_t number;
    int64_t started; /* in the system's own unit, so that a number used again is told apart */
};

struct ph_lease {
    enum porthole_protocol protocol;
    enum porthole_method method; /* NONE = not made yet, as far as is known */
    uint16_t internal_port;
    uint16_t external_port; /* 0 = not known */
    char gateway[PORTHOLE_ADDRESS_SIZE];
    char key[PORTHOLE_KEY_SIZE];
    int64_t until_s; /* seconds of the system's clock; 0 = without end, or renewed by its holder */
    struct ph_holder holder;
};

/* A lease that is to be noted, or forgotten. Gateway, protocol and internal port name it. */
struct ph_lease_change {
    struct ph_lease lease;
    bool is_gone;
};

struct ph_leases;

/* Where the file is: `path`, or $PORTHOLE_STATE, or leases.json in porthole's folder of the XDG
 * state directory; "none" for no file. Nothing is read or made yet. NULL: no file, which has been
 * said when it is not what the user chose. */
struct ph_leases *ph_leases_open(const char *command, const char *path);
/* All below take NULL for an empty file that forgets at once. */
void ph_leases_close(struct ph_leases *leases);

/* Between the two nobody else writes. False: it cannot be locked, which has been said. */
bool ph_leases_lock(struct ph_leases *leases);
void ph_leases_unlock(struct ph_leases *leases);

/* All leases that may still be there; *ret is freed by the caller. -1: the file cannot be read,
 * which has been said. */
int ph_leases_read(struct ph_leases *leases, struct ph_lease **ret);
/* The one by this name in a list; NULL = none. */
const struct ph_lease *ph_leases_find(const struct ph_lease *list, int count,
                                      const struct porthole_request *request, const char *gateway);
/* Writes changes, all at once or not at all. False: it could not, which is said once. */
bool ph_leases_write(struct ph_leases *leases, const struct ph_lease_change *changes, size_t count);

/* This process, and whether another one still lives. */
struct ph_holder ph_leases_me(void);
bool ph_leases_is_alive(const struct ph_holder *holder);
/* A new key. False: the system has no random bytes. */
bool ph_leases_draw_key(char ret[PORTHOLE_KEY_SIZE]);
/* Seconds of the system's clock. */
int64_t ph_leases_now_s(void);

#endif
