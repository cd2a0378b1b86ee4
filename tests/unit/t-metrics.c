/*
 * t-metrics.c - counters in a shared file: slabs are summed, a successor goes on counting, gauges of the dead are gone,
 * strange files are refused.
 */
#include "base/arena.h"
#include "base/metrics.h"
#include "http/metrics_requests.h"
#include "http/router.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/gantry-t-metrics-XXXXXX";
static char path[64];
static struct arena *arena;

static const struct route rows[] = {
    {.methods = GET | PUT, .path = "/a", .name = "a"},
    {.methods = GET, .path = "/b", .name = "b"},
};

static int init(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/metrics-x", dir);
    arena = arena_new((size_t)4 << 20);
    router_init(rows, 2);
    return arena ? 0 : -1;
}

static int done(void **state)
{
    (void)state;
    arena_freep(&arena);
    unlink(path);
    return rmdir(dir);
}

static struct metrics_sum read_all(uint64_t layout)
{
    struct fail f = FAIL_INIT;
    struct metrics_sum sum;
    assert_int_equal(metrics_read(&f, arena, path, layout, &sum), E_OK);
    return sum;
}

static void create(void)
{
    struct fail f = FAIL_INIT;
    assert_int_equal(
        metrics_create(&f, path, "x", metrics_requests_words(), metrics_requests_layout()), E_OK);
}

static void test_unattached(void **state)
{
    (void)state;
    metrics_add(METRIC_PULLS, 1); /* nothing to write to, and no harm */
    create();
    metrics_add(METRIC_PULLS, 1);
    assert_null(metrics_extra());
    assert_int_equal(read_all(metrics_requests_layout()).values[METRIC_PULLS], 0);
    metrics_attach(METRICS_SLABS);
    metrics_add(METRIC_PULLS, 1);
    assert_int_equal(read_all(metrics_requests_layout()).values[METRIC_PULLS], 0);
}

static void test_slabs(void **state)
{
    (void)state;
    create();
    metrics_pool_size(12);
    metrics_attach(0);
    metrics_add(METRIC_PULLS, 2);
    metrics_add(METRIC_BUSY, 1);
    metrics_attach(5);
    metrics_add(METRIC_PULLS, 3);
    metrics_add(METRIC_BUSY, 1);
    metrics_set(METRIC_DB_CONNECTIONS, 9);
    struct metrics_sum s = read_all(metrics_requests_layout());
    assert_string_equal(s.pool, "x");
    assert_int_equal(s.pool_size, 12);
    assert_int_equal(s.values[METRIC_PULLS], 5);
    assert_int_equal(s.values[METRIC_BUSY], 2);
    assert_int_equal(s.values[METRIC_DB_CONNECTIONS], 9);
    metrics_clear_gauges(5);
    s = read_all(metrics_requests_layout());
    assert_int_equal(s.values[METRIC_BUSY], 1);
    assert_int_equal(s.values[METRIC_DB_CONNECTIONS], 0);
    assert_int_equal(s.values[METRIC_PULLS], 5);
    metrics_attach(0); /* the successor of a process that died busy */
    metrics_add(METRIC_PULLS, 1);
    s = read_all(metrics_requests_layout());
    assert_int_equal(s.values[METRIC_BUSY], 0);
    assert_int_equal(s.values[METRIC_PULLS], 6);
}

static void test_requests(void **state)
{
    (void)state;
    create();
    metrics_attach(1);
    metrics_requests_add(&rows[1], GET, 200, 700000);   /* 0.7 ms */
    metrics_requests_add(&rows[1], GET, 200, 1000000);  /* 1 ms belongs to the first bucket */
    metrics_requests_add(&rows[1], HEAD, 418, 1000001); /* counted as 400 */
    metrics_requests_add(NULL, METHOD_NONE, 404, UINT64_C(40000000000));
    struct metrics_sum s = read_all(metrics_requests_layout());
    assert_int_equal(s.n_extra, metrics_requests_words());
    const struct request_counts *c = (const void *)s.extra;
    assert_int_equal(c[0].sum_us, 0);
    assert_int_equal(c[1].by_status[1][0], 2);
    assert_int_equal(c[1].by_status[2][7], 1);
    assert_int_equal(request_statuses[7], 400);
    assert_int_equal(c[1].buckets[0], 2);
    assert_int_equal(c[1].buckets[1], 1);
    assert_int_equal(c[1].sum_us, 2700);
    assert_int_equal(c[2].buckets[REQUEST_BUCKETS], 1);
    assert_int_equal(c[2].by_status[0][10], 1);
    assert_null(read_all(metrics_requests_layout() + 1).extra); /* another build's table */
}

static void test_strange_file(void **state)
{
    struct fail f = FAIL_INIT;
    struct metrics_sum sum;
    (void)state;
    create();
    metrics_attach(3);
    metrics_add(METRIC_PULLS, 1);
    assert_int_equal(truncate(path, 4096), 0); /* the slabs are gone */
    assert_int_equal(metrics_read(&f, arena, path, metrics_requests_layout(), &sum), E_SYSTEM);
    assert_int_equal(truncate(path, 10), 0);
    assert_int_equal(metrics_read(&f, arena, path, metrics_requests_layout(), &sum), E_SYSTEM);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(truncate(path, 100000), 0); /* zeroes */
    assert_int_equal(metrics_read(&f, arena, path, metrics_requests_layout(), &sum), E_SYSTEM);
    assert_int_equal(metrics_read(&f, arena, "/nowhere/x", 0, &sum), E_SYSTEM);
    metrics_attach(METRICS_SLABS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unattached),
        cmocka_unit_test(test_slabs),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_strange_file),
    };
    return cmocka_run_group_tests(tests, init, done);
}
