/*
 * t-random.c - shapes of random values, and that no part of their range is left out.
 */
#include "base/random.h"

#include "unit.h"

#include <string.h>

static void uuids(void **state)
{
    char a[UUID_TEXT], b[UUID_TEXT];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        random_uuid(a);
        random_uuid(b);
        assert_int_equal(strlen(a), 36);
        assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
        assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
        assert_int_equal(a[14], '4');
        assert_non_null(strchr("89ab", a[19]));
        assert_string_not_equal(a, b);
    }
}

static void texts(void **state)
{
    char out[4001];
    (void)state;
    random_text("ab-", 4000, out);
    assert_int_equal(strlen(out), 4000);
    assert_int_equal(strspn(out, "ab-"), 4000);
    assert_true(strchr(out, 'a') && strchr(out, 'b') && strchr(out, '-'));
    random_text("o", 3, out);
    assert_string_equal(out, "ooo");
    random_text("x", 0, out);
    assert_string_equal(out, "");
}

static void below(void **state)
{
    unsigned seen[7] = {0};
    (void)state;
    for (int i = 0; i < 7000; i++) {
        uint32_t v = random_below(7);
        assert_in_range(v, 0, 6);
        seen[v]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(
            seen[i], 500,
            1500); /* 1000 expected; this far off is less likely than a broken machine */
    assert_int_equal(random_below(1), 0);
    assert_in_range(random_below(UINT32_MAX), 0, UINT32_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuids),
        cmocka_unit_test(texts),
        cmocka_unit_test(below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
