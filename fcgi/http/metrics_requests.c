/*
 * metrics_requests.c - see metrics_requests.h.
 */
#include "http/metrics_requests.h"

#include "base/metrics.h"
#include "http/router.h"

const uint32_t request_bucket_ms[REQUEST_BUCKETS] = {1,   2,   5,    10,   25,   50,    100,
                                                     250, 500, 1000, 2500, 5000, 10000, 30000};

const int request_statuses[REQUEST_STATUSES] = {200, 201, 202, 204, 206, 304, 307, 400,
                                                401, 403, 404, 405, 409, 412, 413, 415,
                                                416, 429, 500, 503, 507, 520};

#define WORDS (sizeof(struct request_counts) / sizeof(int64_t))

size_t metrics_requests_words(void)
{
    size_t n;
    router_routes(&n);
    return (n + 1) * WORDS;
}

/* FNV-1a over the rows: two builds with the same table agree. */
uint64_t metrics_requests_layout(void)
{
    size_t n;
    const struct route *r = router_routes(&n);
    uint64_t hash = 0xcbf29ce484222325u ^ WORDS;
    for (size_t i = 0; i < n; i++) {
        hash = (hash ^ r[i].methods) * 0x100000001b3u;
        for (const char *p = r[i].path; *p; p++)
            hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
    }
    return hash;
}

static size_t method_slot(enum method m)
{
    return m == METHOD_NONE ? 0 : (size_t)__builtin_ctz((unsigned)m) + 1;
}

static size_t status_slot(int status)
{
    int general = status >= 500 ? 500 : status >= 400 ? 400 : 200;
    size_t found = 0;
    for (size_t i = 0; i < REQUEST_STATUSES; i++) {
        if (request_statuses[i] == status)
            return i;
        if (request_statuses[i] == general)
            found = i;
    }
    return found;
}

void metrics_requests_add(const struct route *route, enum method method, int status, uint64_t ns)
{
    size_t n, bucket = 0;
    const struct route *routes = router_routes(&n);
    int64_t *words = metrics_extra();

    if (!words)
        return;
    struct request_counts *c =
        (struct request_counts *)(void *)words + (route ? (size_t)(route - routes) : n);
    while (bucket < REQUEST_BUCKETS && ns > (uint64_t)request_bucket_ms[bucket] * 1000000u)
        bucket++;
    metrics_word_add(&c->by_status[method_slot(method)][status_slot(status)], 1);
    metrics_word_add(&c->buckets[bucket], 1);
    metrics_word_add(&c->sum_us, (int64_t)(ns / 1000));
}
