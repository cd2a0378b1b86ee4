/*
 * t-arena.c - memory of a request: alignment, zeroes, the limit, and reuse after a reset.
 */
#include "base/arena.h"

#include "base/cleanup.h"

#include "unit.h"

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i])
            return false;
    }
    return true;
}

/* Every size around the block's edge, twice, the second time in memory that was dirty. */
static void zeroed_and_aligned(void **state)
{
    (void)state;
    CLEANUP(arena_freep) struct arena *a = arena_new((size_t)64 << 20);
    static const size_t sizes[] = {0, 1, 15, 16, 17, 255, 4096, 16383, 16384, 16385, 100000, 3, 1};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            unsigned char *p = arena_alloc(a, sizes[i]);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(all_zero(p, sizes[i]));
            if (sizes[i])
                memset(p, 0xaa, sizes[i]);
        }
        arena_reset(a);
        assert_int_equal(arena_used(a), 0);
    }
}

static void nothing_overlaps(void **state)
{
    (void)state;
    CLEANUP(arena_freep) struct arena *a = arena_new((size_t)16 << 20);
    unsigned char *p[400];
    for (size_t i = 0; i < 400; i++) {
        p[i] = arena_alloc(a, i * 7);
        assert_non_null(p[i]);
        memset(p[i], (int)(i & 0xff), i * 7);
    }
    for (size_t i = 0; i < 400; i++) {
        for (size_t k = 0; k < i * 7; k++)
            assert_int_equal(p[i][k], i & 0xff);
    }
}

static void limits(void **state)
{
    (void)state;
    CLEANUP(arena_freep) struct arena *a = arena_new(1024);
    assert_null(arena_alloc(a, 1025));
    assert_non_null(arena_alloc(a, 1024));
    assert_int_equal(arena_used(a), 1024);
    assert_null(arena_alloc(a, 1));
    assert_null(arena_alloc(a, 0));
    assert_null(arena_strdup(a, STR("x")));
    assert_null(arena_printf(a, "%d", 1));
    assert_null(arena_str(a, STR("x")).p);
    arena_reset(a);
    assert_non_null(arena_alloc(a, 1000));
    arena_reset(a);
    /* the compiler would warn of sizes it can see */
    volatile size_t most = SIZE_MAX;
    assert_null(arena_alloc(a, most));
    assert_null(arena_alloc(a, most - 14));
    assert_null(arena_array(a, most / 2, 3));
    assert_null(arena_array(a, most, most));
    assert_null(arena_strdup(a, (struct str){"x", most}));
    assert_non_null(arena_array(a, 0, most));
}

static void texts(void **state)
{
    (void)state;
    CLEANUP(arena_freep) struct arena *a = arena_new(1 << 20);
    assert_string_equal(arena_strdup(a, STR_NONE), "");
    assert_string_equal(arena_strdup(a, str_head(STR("abcdef"), 3)), "abc");
    struct str s = arena_str(a, STR("a\0b"));
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.p, "a\0b", 4);
    assert_non_null(arena_str(a, STR_NONE).p);
    assert_string_equal(arena_printf(a, "%s-%d", "x", 42), "x-42");
    assert_string_equal(arena_printf(a, "%s", ""), "");
    assert_int_equal(strlen(arena_printf(a, "%20000d", 1)), 20000);
}

/* A freed arena, no arena at all: nothing happens. */
static void no_arena(void **state)
{
    (void)state;
    struct arena *a = NULL;
    arena_free(NULL);
    arena_freep(&a);
    a = arena_new(10);
    arena_freep(&a);
    assert_null(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_and_aligned),
        cmocka_unit_test(nothing_overlaps),
        cmocka_unit_test(limits),
        cmocka_unit_test(texts),
        cmocka_unit_test(no_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
