/*
 * metrics.h - counters that survive a crashed worker process and are readable by another pool.
 *
 * Each worker process of a pool owns a slab in a file mapped shared, DIR/run/metrics-<pool>; adding is one relaxed atomic. /metrics in the api pool
 * maps all files and sums. Without metrics_init() (tests, the operator's command) everything here does nothing.
 */
#ifndef GANTRY_BASE_METRICS_H
#define GANTRY_BASE_METRICS_H

#include <stdint.h>

enum metric {
#define METRIC(id, type, name, help) METRIC_##id,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

void metrics_add(enum metric m, int64_t n);
void metrics_set(enum metric m, int64_t value);

#endif
