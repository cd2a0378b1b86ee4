/*
 * metrics.c - see metrics.h.
 *
 * The file: one page of struct head, then METRICS_SLABS slabs of whole pages, so that two processes
 * never write to one cache line. It is sparse; only pages that somebody counted in exist.
 */
#include "base/metrics.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE      4096u
#define MAGIC     (0x4741545259303100u | METRIC_COUNT)
#define EXTRA_MAX ((size_t)1 << 20)

struct head {
    uint64_t magic, layout, extra;
    char pool[24];
    int64_t pool_size;
    uint64_t used; /* slabs below this have had an owner */
};

static const uint8_t types[METRIC_COUNT] = {
#define METRIC(id, type, name, help) [METRIC_##id] = type,
#include "base/metrics.def"
#undef METRIC
};

/* Set before threads start, then read-only. */
static struct head *mapped;
static int64_t *slab;

static size_t slab_size(size_t extra)
{
    size_t n = (METRIC_COUNT + extra) * sizeof(int64_t);
    return (n + PAGE - 1) / PAGE * PAGE;
}

void metrics_word_add(int64_t *word, int64_t n)
{
    __atomic_fetch_add(word, n, __ATOMIC_RELAXED);
}

void metrics_add(enum metric m, int64_t n)
{
    if (slab)
        metrics_word_add(&slab[m], n);
}

void metrics_set(enum metric m, int64_t value)
{
    if (slab)
        __atomic_store_n(&slab[m], value, __ATOMIC_RELAXED);
}

static enum err failed(struct fail *f, const char *what, const char *path)
{
    return fail_internal(f, E_SYSTEM, "cannot %s the metrics file %s: %s", what, path,
                         strerror(errno));
}

enum err metrics_create(struct fail *f, const char *path, const char *pool, size_t extra,
                        uint64_t layout)
{
    char temporary[4096];
    size_t size = PAGE + METRICS_SLABS * slab_size(extra);
    int n = snprintf(temporary, sizeof(temporary), "%s.new", path);

    if (n < 0 || (size_t)n >= sizeof(temporary) || extra > EXTRA_MAX)
        return fail_internal(f, E_SYSTEM, "the name of the metrics file is too long: %s", path);
    if (unlink(temporary) < 0 && errno != ENOENT)
        return failed(f, "replace", temporary);
    CLEANUP(fd_close) int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return failed(f, "make", temporary);
    if (ftruncate(fd, (off_t)size) < 0)
        return failed(f, "size", temporary);
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return failed(f, "map", temporary);
    struct head *h = p;
    *h = (struct head){.magic = MAGIC, .layout = layout, .extra = extra};
    snprintf(h->pool, sizeof(h->pool), "%s", pool);
    if (rename(temporary, path) < 0) {
        enum err e = failed(f, "rename", temporary);
        munmap(p, size);
        return e;
    }
    mapped = h;
    slab = NULL;
    return E_OK;
}

void metrics_pool_size(int64_t threads)
{
    if (mapped)
        __atomic_store_n(&mapped->pool_size, threads, __ATOMIC_RELAXED);
}

static int64_t *slab_at(unsigned number)
{
    if (!mapped || number >= METRICS_SLABS)
        return NULL;
    return (int64_t *)(void *)((char *)mapped + PAGE + number * slab_size(mapped->extra));
}

void metrics_clear_gauges(unsigned number)
{
    int64_t *words = slab_at(number);
    for (int m = 0; words && m < METRIC_COUNT; m++) {
        if (types[m] == GAUGE)
            __atomic_store_n(&words[m], 0, __ATOMIC_RELAXED);
    }
}

void metrics_attach(unsigned number)
{
    slab = slab_at(number);
    if (!slab)
        return;
    metrics_clear_gauges(number);
    uint64_t used = __atomic_load_n(&mapped->used, __ATOMIC_RELAXED);
    while (used <= number && !__atomic_compare_exchange_n(&mapped->used, &used, number + 1u, false,
                                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

int64_t *metrics_extra(void)
{
    return slab && mapped->extra ? slab + METRIC_COUNT : NULL;
}

/* ---- readers: read(2) and not mmap(2), so that a file cut short is an error and not a signal ----
 */

enum err metrics_read(struct fail *f, struct arena *a, const char *path, uint64_t layout,
                      struct metrics_sum *ret)
{
    struct head h;
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return failed(f, "open", path);
    if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
        return failed(f, "read", path);
    if (h.magic != MAGIC || h.extra > EXTRA_MAX || h.used > METRICS_SLABS)
        return fail_internal(f, E_SYSTEM, "%s was made by another version", path);
    size_t words = METRIC_COUNT + h.extra;
    int64_t *sum = arena_array(a, words, sizeof(*sum));
    int64_t *one = arena_array(a, words, sizeof(*one));
    if (!sum || !one)
        return fail_internal(f, E_NO_MEMORY, "no memory for the metrics of %s", path);
    for (uint64_t s = 0; s < h.used; s++) {
        off_t at = (off_t)(PAGE + s * slab_size(h.extra));
        size_t n = words * sizeof(*one);
        if (pread(fd, one, n, at) != (ssize_t)n)
            return failed(f, "read", path);
        for (size_t w = 0; w < words; w++)
            sum[w] += one[w];
    }
    *ret = (struct metrics_sum){.pool_size = h.pool_size, .layout = h.layout};
    memcpy(ret->pool, h.pool, sizeof(ret->pool) - 1);
    memcpy(ret->values, sum, sizeof(ret->values));
    if (h.layout == layout) {
        ret->extra = sum + METRIC_COUNT;
        ret->n_extra = h.extra;
    }
    return E_OK;
}
