/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * defects.h: the engine with the defects of defects.txt in it, of which one may be on at a time.
 * make_defects.py makes what is declared here; nothing of it is in the library.
 */
#ifndef TESTS_SIM_DEFECTS_H
#define TESTS_SIM_DEFECTS_H

extern unsigned ph_defects_active;           /* the number of one, from 1 on; 0 = none */
extern const char *const ph_defects_names[]; /* number 1 first; NULL behind the last */
extern const int ph_defects_stale[];         /* the source has changed, and lacks it */

#endif
