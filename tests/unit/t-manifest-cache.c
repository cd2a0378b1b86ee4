/*
 * t-manifest-cache.c - the cache of manifest bytes: what goes in comes out, it stays within its bound, the least recently
 * used go first, and threads do not disturb each other.
 */
#include "registry/manifest_cache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct digest key(unsigned n)
{
    struct digest d = {.n = 33};
    d.raw[0] = DIGEST_SHA256;
    memcpy(d.raw + 1, &n, sizeof(n));
    memcpy(d.raw + 9, &n, sizeof(n));
    return d;
}

/* The bytes under a key follow from it, so that a mix-up shows. */
static bool is_content(struct str s, unsigned n)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != (char)(n + i))
            return false;
    }
    return true;
}

static void add(unsigned n, size_t size)
{
    char *p = malloc(size + 1);
    struct digest d = key(n);
    for (size_t i = 0; i < size; i++)
        p[i] = (char)(n + i);
    manifest_cache_put(&d, (struct str){p, size});
    free(p);
}

static bool has(struct arena *a, unsigned n, size_t size)
{
    struct digest d = key(n);
    struct str s;
    if (!manifest_cache_get(a, &d, &s))
        return false;
    assert_int_equal(s.n, size);
    assert_true(is_content(s, n));
    return true;
}

static int tear_down(void **state)
{
    (void)state;
    manifest_cache_clear();
    assert_int_equal(manifest_cache_used(), 0);
    return 0;
}

static void test_round_trip(void **state)
{
    struct arena *a = arena_new((size_t)8 << 20);
    (void)state;
    assert_false(has(a, 1, 100));
    add(1, 100);
    add(2, 0);
    add(1, 100); /* twice changes nothing */
    size_t used = manifest_cache_used();
    add(1, 100);
    assert_int_equal(manifest_cache_used(), used);
    assert_true(has(a, 1, 100));
    assert_true(has(a, 2, 0));
    /* keys in one bucket (their first bytes agree) are told apart */
    struct digest d = key(1);
    struct str s;
    d.raw[32] = 7;
    assert_false(manifest_cache_get(a, &d, &s));
    manifest_cache_put(&d, STR("other"));
    assert_true(manifest_cache_get(a, &d, &s));
    assert_true(str_eqz(s, "other"));
    assert_true(has(a, 1, 100));
    /* no room in the arena is no hit */
    struct arena *small = arena_new(16);
    assert_false(manifest_cache_get(small, &d, &s) && s.n > 16);
    arena_free(small);
    arena_free(a);
}

static void test_bound(void **state)
{
    struct arena *a = arena_new((size_t)32 << 20);
    size_t size = 100000;
    (void)state;
    add(7, MANIFEST_CACHE_BYTES / 16 + 1); /* too large to be kept */
    assert_int_equal(manifest_cache_used(), 0);
    add(7, MANIFEST_CACHE_BYTES / 16);
    assert_true(manifest_cache_used() > 0);
    for (unsigned n = 1000; n < 1400; n++) {
        add(n, size);
        assert_true(manifest_cache_used() <= MANIFEST_CACHE_BYTES);
        if (n >= 1001)
            assert_true(has(a, 1001, size)); /* in use: stays */
        arena_reset(a);
    }
    assert_false(has(a, 1000, size)); /* as old, not used: gone */
    assert_false(has(a, 7, MANIFEST_CACHE_BYTES / 16));
    assert_true(has(a, 1399, size));
    arena_free(a);
}

static void *hammer(void *arg)
{
    unsigned seed = *(unsigned *)arg;
    struct arena *a = arena_new((size_t)1 << 20);
    bool good = true;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned n = seed >> 16 & 0x3ff;
        size_t size = 20000 + n * 16;
        struct digest d = key(n);
        struct str s;
        if (manifest_cache_get(a, &d, &s))
            good = good && s.n == size && is_content(s, n);
        else
            add(n, size);
        arena_reset(a);
    }
    arena_free(a);
    *(unsigned *)arg = good;
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[8];
    unsigned args[8];
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        args[i] = i * 7919 + 1;
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, &args[i]), 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(args[i], 1);
    }
    assert_true(manifest_cache_used() <= MANIFEST_CACHE_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_round_trip, tear_down),
        cmocka_unit_test_teardown(test_bound, tear_down),
        cmocka_unit_test_teardown(test_threads, tear_down),
    };
    return cmocka_run_group_tests_name("manifest-cache", tests, NULL, NULL);
}
