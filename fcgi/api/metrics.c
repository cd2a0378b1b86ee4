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

/* Sums over all pools, but for how busy each of them is. */
static void put_metrics(const struct pools *p, struct buf *b)
{
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        int64_t sum = 0;
        head(b, metrics[m].name, metrics[m].help, metrics[m].type == GAUGE ? "gauge" : "counter");
        for (size_t i = 0; i < p->n; i++) {
            sum += p->v[i].values[m];
            if (m == METRIC_BUSY && p->v[i].pool_size)
                buf_printf(b, "%s{pool=\"%s\"} %lld\n", metrics[m].name, p->v[i].pool,
                           (long long)p->v[i].values[m]);
        }
        if (m != METRIC_BUSY)
            buf_printf(b, "%s %lld\n", metrics[m].name, (long long)sum);
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

/* route="/v2/{repo}/tags/list",handler="oci_tags_list" */
static void put_labels(size_t route, struct buf *b)
{
    size_t n;
    const struct route *r = router_routes(&n);
    buf_printf(b, "route=\"%s\",handler=\"%s\"", route < n ? r[route].path : "none",
               route < n ? r[route].name : "none");
}

/* Of all pools together: a pool of another build, which may have other routes, is left out. */
static struct request_counts *requests_sum(struct arena *a, const struct pools *p)
{
    size_t words = metrics_requests_words();
    int64_t *sum = arena_array(a, words, sizeof(*sum));
    for (size_t i = 0; sum && i < p->n; i++) {
        if (!p->v[i].extra || p->v[i].n_extra != words)
            continue;
        for (size_t w = 0; w < words; w++)
            sum[w] += p->v[i].extra[w];
    }
    return (struct request_counts *)(void *)sum;
}

static void put_route_totals(const struct request_counts *c, size_t route, struct buf *b)
{
    for (size_t m = 0; m < REQUEST_METHODS; m++) {
        for (size_t s = 0; s < REQUEST_STATUSES; s++) {
            if (c->by_status[m][s] == 0)
                continue;
            buf_putz(b, "gantry_http_requests_total{");
            put_labels(route, b);
            buf_printf(b, ",method=\"%s\",status=\"%d\"} %lld\n",
                       m ? method_name((enum method)(1u << (m - 1))) : "other", request_statuses[s],
                       (long long)c->by_status[m][s]);
        }
    }
}

static void put_bucket(size_t route, const char *le, int64_t n, struct buf *b)
{
    buf_putz(b, "gantry_http_request_duration_seconds_bucket{");
    put_labels(route, b);
    buf_printf(b, ",le=\"%s\"} %lld\n", le, (long long)n);
}

static void put_route_times(const struct request_counts *c, size_t route, struct buf *b)
{
    int64_t up_to = 0;
    char le[32];

    for (size_t i = 0; i <= REQUEST_BUCKETS; i++)
        up_to += c->buckets[i];
    if (up_to == 0)
        return;
    up_to = 0;
    for (size_t i = 0; i < REQUEST_BUCKETS; i++) {
        up_to += c->buckets[i];
        snprintf(le, sizeof(le), "%g", request_bucket_ms[i] / 1000.0);
        put_bucket(route, le, up_to, b);
    }
    up_to += c->buckets[REQUEST_BUCKETS];
    put_bucket(route, "+Inf", up_to, b);
    buf_putz(b, "gantry_http_request_duration_seconds_sum{");
    put_labels(route, b);
    buf_printf(b, "} %.6f\ngantry_http_request_duration_seconds_count{", (double)c->sum_us / 1e6);
    put_labels(route, b);
    buf_printf(b, "} %lld\n", (long long)up_to);
}

static void put_requests(const struct request_counts *c, struct buf *b)
{
    size_t n;
    router_routes(&n);
    head(b, "gantry_http_requests_total", "requests answered", "counter");
    for (size_t r = 0; r <= n; r++)
        put_route_totals(&c[r], r, b);
    head(b, "gantry_http_request_duration_seconds",
         "time from the complete request to its answer, in the handler", "histogram");
    for (size_t r = 0; r <= n; r++)
        put_route_times(&c[r], r, b);
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
    const struct request_counts *requests = requests_sum(req->w->arena, p);
    if (!requests)
        return fail_internal(&req->fail, E_NO_MEMORY, "no memory for the metrics");
    head(&b, "gantry_build_info", "version of the program", "gauge");
    buf_putz(&b, "gantry_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
    put_metrics(p, &b);
    put_queues(req->w->config, p, &b);
    put_requests(requests, &b);
    e = buf_err(&b);
    if (e)
        return fail_internal(&req->fail, e, "no memory for the metrics");
    return res_send(req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&b));
}
