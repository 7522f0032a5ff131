/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scarce_memory.h: memory that runs out when the test wants it, for everything that is linked, and
 * expat. A program that links scarce_memory.c is linked with the options that put its functions in
 * the place of the system's.
 */
#ifndef TESTS_CONTRACT_SCARCE_MEMORY_H
#define TESTS_CONTRACT_SCARCE_MEMORY_H

#include <stdbool.h>

/* From now on allocations are counted, from 1, and remembered until they are freed; `failures` of
 * them fail, beginning with the first-th. */
void scarce_begin(unsigned first, unsigned failures);
/* Back to the usual; returns how many allocations there were. What is still allocated of them stays
 * known to scarce_left(). */
unsigned scarce_end(void);
/* How many are not freed yet. */
unsigned scarce_left(void);
/* Whether a failure has happened. */
bool scarce_has_failed(void);
/* The calling thread is none of the tested: nothing of the above is for it. */
void scarce_spare_thread(void);

#endif
