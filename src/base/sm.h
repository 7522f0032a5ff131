/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sm.h: a state machine as a table: each state's name and the states that may follow it. One
 * function asks whether an edge exists, so that a move which the drawing does not have stops at an
 * assertion and not in the field.
 */
#ifndef PH_BASE_SM_H
#define PH_BASE_SM_H

#include <stdbool.h>

/* The set bit of a state, for `next`. */
#define PH_SM(state) (1U << (state))

struct ph_sm_state {
    const char *name;
    unsigned next; /* PH_SM() of each state that may follow */
};

static inline bool ph_sm_allows(const struct ph_sm_state *table, unsigned from, unsigned to) {
    return (table[from].next & PH_SM(to)) != 0;
}

#endif
