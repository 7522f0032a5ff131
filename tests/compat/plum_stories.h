/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * plum_stories.h: see plum_stories.c. Each is one test, named on the command line, because each
 * needs a router of its own.
 */
#ifndef TESTS_COMPAT_PLUM_STORIES_H
#define TESTS_COMPAT_PLUM_STORIES_H

#include "plum_check.h"

void story_of_a_hold(void);                 /* "held", a line, end */
void story_of_nobody_there(void);           /* "failed", a router comes, a line, end */
void story_of_a_failed_one_destroyed(void); /* no router */
void story_of_an_unanswered_mapping(void);  /* a router that does not answer requests to map */
void story_of_a_filter(void);               /* a router that only speaks what the filter forbids */
void story_of_no_route(void);               /* no default route */
void story_of_instant_ends(void);           /* no default route */
/* "mapped", the router restarts without memory, a line, "mapped again", a line, end */
void story_of_a_restart(void);

#endif
