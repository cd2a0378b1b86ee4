/*
 * metrics_requests.h - how many requests, of which route, with which outcome, how long: the extra words of a slab of
 * base/metrics.h.
 *
 * Per route (and one more for what no route answered): a counter per method and status, a latency histogram, and the
 * sum of durations in microseconds.
 */
#ifndef GANTRY_HTTP_METRICS_REQUESTS_H
#define GANTRY_HTTP_METRICS_REQUESTS_H

#include "http/request.h"

/* Upper bounds of the buckets in milliseconds; one more bucket takes the rest. */
#define REQUEST_BUCKETS 14
extern const uint32_t request_bucket_ms[REQUEST_BUCKETS];

/* Statuses counted by themselves; any other is counted with its class (200, 400, 500). */
#define REQUEST_STATUSES 22
extern const int request_statuses[REQUEST_STATUSES];

#define REQUEST_METHODS 8 /* [0] unknown, then the bits of enum method in order */

struct request_counts {
    int64_t by_status[REQUEST_METHODS][REQUEST_STATUSES];
    int64_t buckets[REQUEST_BUCKETS + 1];
    int64_t sum_us;
};

/* Words that router_routes() needs, and a hash of the table: what metrics_create() asks for. After router_init(). */
size_t metrics_requests_words(void);
uint64_t metrics_requests_layout(void);

/* route NULL: none. */
void metrics_requests_add(const struct route *route, enum method method, int status, uint64_t ns);

#endif
