/*
 * clock.h - time. Wall-clock times are milliseconds since the epoch, UTC; durations are measured on the
 * monotonic clock.
 */
#ifndef GANTRY_BASE_CLOCK_H
#define GANTRY_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_ms(void);        /* wall clock */
int64_t clock_s(void);         /* wall clock, seconds */
uint64_t clock_mono_ns(void);  /* for durations and deadlines */

#define CLOCK_TEXT 96
/* "2026-08-21T20:02:54.123Z" (RFC 3339) */
void clock_rfc3339(int64_t ms, char out[static CLOCK_TEXT]);
/* "Fri, 21 Aug 2026 20:02:54 -0000" (RFC 2822, as Quay's API writes dates) */
void clock_rfc2822(int64_t ms, char out[static CLOCK_TEXT]);
/* "Fri, 21 Aug 2026 20:02:54 GMT" (RFC 9110 5.6.7) */
void clock_http(int64_t ms, char out[static CLOCK_TEXT]);

#endif
