/*
 * arena.h - memory with the lifetime of one request (or one job step).
 *
 * Allocation is a bump of a pointer; nothing is freed singly; arena_reset() ends all of it and keeps one block
 * for the next request. An arena has a limit: past it, and when malloc fails, allocation gives NULL, which the
 * caller turns into E_NO_MEMORY. One thread uses an arena at a time.
 *
 * Normal builds poison released memory; in sanitizer builds every allocation is a malloc of its own, so that
 * ASan sees overruns and use after reset.
 */
#ifndef GANTRY_BASE_ARENA_H
#define GANTRY_BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

struct arena;

/* limit: bytes that may be live at once. NULL when out of memory. */
struct arena *arena_new(size_t limit);
void arena_free(struct arena *a);
void arena_freep(struct arena **a);
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type; NULL past the limit. n = 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n) __attribute__((malloc, alloc_size(2)));
/* n items of size; NULL on overflow as well. */
void *arena_array(struct arena *a, size_t n, size_t size) __attribute__((malloc, alloc_size(2, 3)));

/* NUL-terminated copies; NULL past the limit. */
char *arena_strdup(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);

/* A copy as a slice (NUL-terminated too). p is NULL only past the limit. */
struct str arena_str(struct arena *a, struct str s);

/* Bytes live now. */
size_t arena_used(const struct arena *a);

#endif
