/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * list.h: a doubly linked list of links that live inside the objects they belong to; all O(1),
 * nothing is allocated. A link that is in no list points to itself, so removing it twice is
 * harmless.
 */
#ifndef PH_BASE_LIST_H
#define PH_BASE_LIST_H

#include <stdbool.h>

struct ph_link {
    struct ph_link *next;
    struct ph_link *prev;
};

/* For a list's head and for a link before its first use. */
static inline void ph_link_init(struct ph_link *link) { link->next = link->prev = link; }

static inline bool ph_list_is_empty(const struct ph_link *head) { return head->next == head; }

static inline bool ph_link_is_in(const struct ph_link *link) { return link->next != link; }

static inline void ph_link_remove(struct ph_link *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    ph_link_init(link);
}

/* At the end; the link must be in no list. */
static inline void ph_list_append(struct ph_link *head, struct ph_link *link) {
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

#endif
