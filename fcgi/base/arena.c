/*
 * arena.c - see arena.h. Blocks form a list, the newest first; a large request gets a block of its own.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ARENA_MALLOC_EACH 1
#elif defined(__has_feature) /* clang's way to say it */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ARENA_MALLOC_EACH 1
#endif
#endif
#ifndef ARENA_MALLOC_EACH
#define ARENA_MALLOC_EACH 0
#endif

#define BLOCK_SIZE 16384u
#define ALIGN      16u
#define POISON     0xdd

struct block {
    struct block *next;
    size_t size; /* of data */
    size_t used;
    _Alignas(ALIGN) unsigned char data[];
};

struct arena {
    struct block *blocks;
    size_t limit;
    size_t used;
};

struct arena *arena_new(size_t limit)
{
    struct arena *a = calloc(1, sizeof(*a));
    if (a)
        a->limit = limit;
    return a;
}

static void blocks_free(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        free(b);
        b = next;
    }
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    blocks_free(a->blocks);
    free(a);
}

void arena_freep(struct arena **a)
{
    arena_free(*a);
    *a = NULL;
}

void arena_reset(struct arena *a)
{
    struct block *keep = NULL;
    if (!ARENA_MALLOC_EACH) {
        /* the oldest block has the ordinary size: keep it, poisoned */
        struct block **at = &a->blocks;
        while (*at && (*at)->next)
            at = &(*at)->next;
        if (*at && (*at)->size == BLOCK_SIZE) {
            keep = *at;
            *at = NULL;
            memset(keep->data, POISON, keep->used);
            keep->used = 0;
        }
    }
    blocks_free(a->blocks);
    a->blocks = keep;
    a->used = 0;
}

static struct block *block_add(struct arena *a, size_t size)
{
    struct block *b = malloc(sizeof(*b) + size);
    if (!b)
        return NULL;
    b->size = size;
    b->used = 0;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t need;
    struct block *b = a->blocks;

    if (__builtin_add_overflow(n ? n : 1, ALIGN - 1, &need))
        return NULL;
    need &= ~(size_t)(ALIGN - 1);
    if (need > a->limit || a->used > a->limit - need)
        return NULL;
    if (ARENA_MALLOC_EACH) {
        b = block_add(a, n ? n : 1); /* exact size: overruns are seen */
        if (!b)
            return NULL;
        b->used = b->size;
        a->used += need;
        return memset(b->data, 0, b->size);
    }
    if (!b || b->size - b->used < need) {
        b = block_add(a, need > BLOCK_SIZE ? need : BLOCK_SIZE);
        if (!b)
            return NULL;
    }
    void *p = b->data + b->used;
    b->used += need;
    a->used += need;
    return memset(p, 0, need);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total))
        return NULL;
    return arena_alloc(a, total);
}

char *arena_strdup(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;
    if (p && s.n)
        memcpy(p, s.p, s.n);
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p = arena_strdup(a, s);
    return (struct str){p, p ? s.n : 0};
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    char *p = NULL;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n >= 0)
        p = arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return p;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
