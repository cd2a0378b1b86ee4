/*
 * metrics.h - counters that survive a crashed worker process and are readable by another pool.
 *
 * Each worker process of a pool owns a slab in a file mapped shared, DIR/run/metrics-<pool>; adding is one relaxed atomic. /metrics in the api pool
 * reads all files and sums. Without metrics_attach() (tests, the operator's command) everything here does nothing.
 *
 * A slab holds the rows of metrics.def and, behind them, words whose meaning is the caller's (http/ keeps its request
 * counters there). A successor takes over the slab of a dead process: counters go on, gauges start at 0.
 */
#ifndef GANTRY_BASE_METRICS_H
#define GANTRY_BASE_METRICS_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

enum metric {
#define METRIC(id, type, name, help) METRIC_##id,
#include "base/metrics.def"
#undef METRIC
    METRIC_COUNT
};

enum metric_type {
    COUNTER,
    GAUGE,
};

void metrics_add(enum metric m, int64_t n);
void metrics_set(enum metric m, int64_t value);

/* ---- the process that owns the file: a pool's master, or a program without one ---- */

#define METRICS_SLABS 64

/*
 * Makes the file anew (a temporary name, then rename) and maps it; to be called before fork. extra: words behind the
 * metrics; layout: tells readers of another build that they cannot understand them. E_SYSTEM.
 */
enum err metrics_create(struct fail *f, const char *path, const char *pool, size_t extra,
                        uint64_t layout) MUST_CHECK;
/* Threads that can serve at once, of all its processes together. */
void metrics_pool_size(int64_t threads);
/* This process writes to the slab from now on; METRICS_SLABS and more: to none. No two living processes share one. */
void metrics_attach(unsigned slab);
/* The owner of the slab is gone: what it had open or in hand is not there any more. */
void metrics_clear_gauges(unsigned slab);
/* The extra words of this process's slab, to be changed by metrics_word_add(); NULL when there are none. */
int64_t *metrics_extra(void);
void metrics_word_add(int64_t *word, int64_t n);

/* ---- readers ---- */

struct metrics_sum {
    char pool[24];
    int64_t pool_size;
    uint64_t layout;
    int64_t values[METRIC_COUNT];
    size_t n_extra;
    int64_t *extra; /* in the arena; NULL when the file is of another layout than asked for */
};

/* The sum of all slabs of a file. E_SYSTEM: not there, or not understood. */
enum err metrics_read(struct fail *f, struct arena *a, const char *path, uint64_t layout,
                      struct metrics_sum *ret) MUST_CHECK;

#endif
