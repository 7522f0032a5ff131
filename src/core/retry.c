/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * retry.c: when to try again: retransmissions, the back-off after failures, renewals. Jitter keeps
 * many hosts behind one gateway from asking in step.
 */
#include "core/state.h"

/* Uniform in [at_least, at_least + span). */
static ph_us spread(struct ph_engine *e, ph_us at_least, ph_us span) {
    uint32_t milli = ph_random_below(&e->config.random, 1024);
    return at_least + span / 1024 * milli;
}

ph_us ph_retry_delay(struct ph_engine *e, unsigned tries) {
    /* RFC 6886 §3.1: 250 ms, doubling. RFC 6887 §8.1.1 asks for a jitter of 10 %; ours only
     * shortens, so that a lost datagram never costs more than the schedule says. */
    unsigned doublings = tries > 0 ? tries - 1 : 0;
    ph_us delay = PH_RETRY_FIRST << (doublings < 10 ? doublings : 10);
    return spread(e, delay - delay / 10, delay / 10);
}

ph_us ph_retry_backoff(struct ph_engine *e, unsigned failures) {
    unsigned doublings = failures > 0 ? failures - 1 : 0;
    ph_us delay = PH_BACKOFF_FIRST << (doublings < 10 ? doublings : 10);
    if (delay > PH_BACKOFF_MAX)
        delay = PH_BACKOFF_MAX;
    /* Who wants a loss noticed sooner wants a gateway noticed sooner that is back. */
    if (delay > e->config.recheck_period)
        delay = e->config.recheck_period;
    return spread(e, delay - delay / 4, delay / 4);
}

ph_us ph_retry_renewal(struct ph_engine *e, ph_us left) {
    /* RFC 6887 §11.2.1: at a random point of [1/2, 5/8] of the lease; after a failure the same of
     * what is left, which is [3/4, 3/4 + 1/16] of the whole, then [7/8, 7/8 + 1/32], and so on, but
     * at least 4 s apart. */
    ph_us delay = spread(e, left / 2, left / 8);
    return delay < PH_RENEW_MIN ? PH_RENEW_MIN : delay;
}
