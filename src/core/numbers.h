/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * numbers.h: the part of state.h that is the core's times and limits, and where they come from.
 * Only state.h includes it.
 */
#ifndef PH_CORE_NUMBERS_H
#define PH_CORE_NUMBERS_H

#include "base/time.h"

/* The first retransmission of RFC 6886 §3.1; each next one waits twice as long. */
#define PH_RETRY_FIRST PH_MS(250)
/* How long a better method may be silent before a worse one is used beside it: a few times the
 * round trip of a home network, far less than anybody notices. */
#define PH_HEAD_START PH_MS(25)
/* Four requests, at 0, 250, 750 and 1750 ms, and 1500 ms for the last one's answer. */
#define PH_VERDICT PH_MS(3250)
/* How long the gateway itself may take before another host of its network is taken for the IGD. */
#define PH_STRANGER_DELAY PH_MS(200)
#define PH_TRIES_MAX 4
/* Requests in flight to one gateway and method: slow start up to what a socket buffer of a small
 * router holds. */
#define PH_WINDOW_FIRST 4U
#define PH_WINDOW_MAX 64U
#define PH_WINDOW_LEAST 2U
/* HTTP exchanges at a time: small routers serve few connections. */
#define PH_HTTP_WINDOW 4U
/* The longest an HTTP exchange may take in all. */
#define PH_HTTP_DEADLINE PH_SECONDS(10)
/* Timers nearer than that are kept apart: the pauses between the tries of a request. */
#define PH_SOON PH_SECONDS(2)
/* Renewals are never closer than this (RFC 6887 §11.2.1). */
#define PH_RENEW_MIN PH_SECONDS(4)
/* A longer lease is renewed as if it were this long, so that a loss is noticed within a day. */
#define PH_LEASE_TRUSTED_S 86400U
/* A mapping without end is asked for again this often: nothing else would notice its loss. */
#define PH_PERMANENT_RECHECK PH_SECONDS(3600)
#define PH_BACKOFF_FIRST PH_SECONDS(2)
#define PH_BACKOFF_MAX PH_SECONDS(300)
/* Restarts of a gateway are not believed closer than this. */
#define PH_RESTART_MIN PH_SECONDS(5)
/* A network that is gone is waited for so long before anybody is told: renewing an address, or
 * roaming from one access point to another, takes a few seconds. */
#define PH_OFFLINE_GRACE PH_SECONDS(5)
/* How long deletes may take at a gateway that is no longer ours: the tries of one that answers
 * late. */
#define PH_LEAVE_MAX PH_SECONDS(4)
#define PH_FORMER_MAX 4U
/* What is held is not asked about more often than this, however often the network changes. */
#define PH_DOUBT_MIN PH_SECONDS(1)
/* What a UPnP device gets to take its deletes when a client closes and does not want to wait: it
 * can only be asked over a connection. */
#define PH_HANDOVER PH_MS(250)
#define PH_CANDIDATES_MAX 4U
/* Descriptions fetched in one search, false claims of others included. */
#define PH_FETCHES_MAX 16U
#define PH_MAPPINGS_MAX 65535U

#endif
