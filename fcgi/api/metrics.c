/*
 * metrics.c - GET /metrics: what all pools of this machine have counted, in Prometheus' text format
 * 0.0.4.
 *
 * Every pool (and every other program that counts) has a file run/metrics-<name>; its name becomes
 * the label "pool". Rows that were never counted are left out, but for the metrics of metrics.def.
 */
#include "config.h"

#include "api/handlers.h"
#include "api/listen_queue.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/config.h"
#include "base/metrics.h"
#include "http/metrics_requests.h"
#include "http/params.h"
#include "http/router.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define POOLS_MAX 16

static const struct {
    const char *name, *help;
    enum metric_type type;
} metrics[METRIC_COUNT] = {
#define METRIC(id, type, name, help) [METRIC_##id] = {name, help, type},
#include "base/metrics.def"
#undef METRIC
};

struct pools {
    struct metrics_sum v[POOLS_MAX];
    size_t n;
};

static void dir_close(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* A file that cannot be read belongs to a pool that is just starting, or to another version: it is
 * left out. */
static enum err pools_read(struct request *req, struct pools *ret)
{
    char run[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
    struct dirent *entry;
    config_path(req->w->config, "run", run);
    CLEANUP(dir_close) DIR *dir = opendir(run);

    if (!dir)
        return fail_internal(&req->fail, E_INTERNAL, "cannot read %s: %s", run, strerror(errno));
    while ((entry = readdir(dir)) && ret->n < POOLS_MAX) {
        struct fail ignored = FAIL_INIT;
        struct str name = str_z(entry->d_name);
        if (!str_starts(name, STR("metrics-")) || str_ends(name, STR(".new")))
            continue;
        snprintf(path, sizeof(path), "%s/%s", run, entry->d_name);
        if (metrics_read(&ignored, req->w->arena, path, metrics_requests_layout(),
                         &ret->v[ret->n]) == E_OK)
            ret->n++;
    }
    return E_OK;
}

static void head(struct buf *b, const char *name, const char *help, const char *type)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_metrics(const struct pools *p, struct buf *b)
{
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        head(b, metrics[m].name, metrics[m].help, metrics[m].type == GAUGE ? "gauge" : "counter");
        for (size_t i = 0; i < p->n; i++)
            buf_printf(b, "%s{pool=\"%s\"} %lld\n", metrics[m].name, p->v[i].pool,
                       (long long)p->v[i].values[m]);
    }
    head(b, "gantry_pool_threads", "threads that can serve at once", "gauge");
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].pool_size)
            buf_printf(b, "gantry_pool_threads{pool=\"%s\"} %lld\n", p->v[i].pool,
                       (long long)p->v[i].pool_size);
    }
}

static void put_queues(const struct config *c, const struct pools *p, struct buf *b)
{
    char path[PATH_MAX], relative[64];
    bool headed = false;
    for (size_t i = 0; i < p->n; i++) {
        uint32_t depth;
        snprintf(relative, sizeof(relative), "run/%s.sock", p->v[i].pool);
        config_path(c, relative, path);
        if (!listen_queue(path, &depth))
            continue;
        if (!headed)
            head(b, "gantry_pool_queue_depth", "connections that wait for a free thread", "gauge");
        headed = true;
        buf_printf(b, "gantry_pool_queue_depth{pool=\"%s\"} %u\n", p->v[i].pool, depth);
    }
}

/* ---- requests ---- */

static const char *route_label(size_t route)
{
    size_t n;
    const struct route *r = router_routes(&n);
    return route < n ? r[route].path : "none";
}

static const struct request_counts *counts(const struct metrics_sum *pool, size_t route)
{
    size_t words = sizeof(struct request_counts) / sizeof(int64_t);
    if (!pool->extra || (route + 1) * words > pool->n_extra)
        return NULL;
    return (const struct request_counts *)(const void *)(pool->extra + route * words);
}

static void put_route_totals(const struct metrics_sum *pool, size_t route, struct buf *b)
{
    const struct request_counts *c = counts(pool, route);
    for (size_t m = 0; c && m < REQUEST_METHODS; m++) {
        for (size_t s = 0; s < REQUEST_STATUSES; s++) {
            if (c->by_status[m][s] == 0)
                continue;
            buf_printf(b,
                       "gantry_http_requests_total{pool=\"%s\",route=\"%s\",method=\"%s\","
                       "status=\"%d\"} %lld\n",
                       pool->pool, route_label(route),
                       m ? method_name((enum method)(1u << (m - 1))) : "other", request_statuses[s],
                       (long long)c->by_status[m][s]);
        }
    }
}

static void put_route_times(const struct metrics_sum *pool, size_t route, struct buf *b)
{
    static const char name[] = "gantry_http_request_duration_seconds";
    const struct request_counts *c = counts(pool, route);
    const char *label = route_label(route);
    int64_t total = 0;

    for (size_t i = 0; c && i <= REQUEST_BUCKETS; i++)
        total += c->buckets[i];
    if (total == 0)
        return;
    int64_t up_to = 0;
    for (size_t i = 0; i < REQUEST_BUCKETS; i++) {
        up_to += c->buckets[i];
        buf_printf(b, "%s_bucket{pool=\"%s\",route=\"%s\",le=\"%g\"} %lld\n", name, pool->pool,
                   label, request_bucket_ms[i] / 1000.0, (long long)up_to);
    }
    buf_printf(b, "%s_bucket{pool=\"%s\",route=\"%s\",le=\"+Inf\"} %lld\n", name, pool->pool, label,
               (long long)total);
    buf_printf(b, "%s_sum{pool=\"%s\",route=\"%s\"} %.6f\n", name, pool->pool, label,
               (double)c->sum_us / 1e6);
    buf_printf(b, "%s_count{pool=\"%s\",route=\"%s\"} %lld\n", name, pool->pool, label,
               (long long)total);
}

static void put_requests(const struct pools *p, struct buf *b)
{
    size_t n;
    router_routes(&n);
    head(b, "gantry_http_requests_total", "requests answered", "counter");
    for (size_t i = 0; i < p->n; i++) {
        for (size_t r = 0; r <= n; r++)
            put_route_totals(&p->v[i], r, b);
    }
    head(b, "gantry_http_request_duration_seconds",
         "time from the complete request to its answer, in the handler", "histogram");
    for (size_t i = 0; i < p->n; i++) {
        for (size_t r = 0; r <= n; r++)
            put_route_times(&p->v[i], r, b);
    }
}

enum err api_metrics(struct request *req)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    struct pools *p = arena_alloc(req->w->arena, sizeof(*p));
    if (!p)
        return fail_internal(&req->fail, E_NO_MEMORY, "no memory for the metrics");
    enum err e = pools_read(req, p);
    if (e)
        return e;
    head(&b, "gantry_build_info", "version of the program", "gauge");
    buf_putz(&b, "gantry_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
    put_metrics(p, &b);
    put_queues(req->w->config, p, &b);
    put_requests(p, &b);
    e = buf_err(&b);
    if (e)
        return fail_internal(&req->fail, e, "no memory for the metrics");
    return res_send(req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
}
