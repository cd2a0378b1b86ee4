/*
 * t-str.c - slices: what stands at their ends, and that nothing is read behind them.
 */
#include "base/str.h"

#include "unit.h"

#include <stdlib.h>

/* A slice whose memory ends with it: valgrind and ASan see a read past the end. */
static struct str tight(const char *z, char **ret_memory)
{
    size_t n = strlen(z);
    *ret_memory = malloc(n ? n : 1);
    assert_non_null(*ret_memory);
    memcpy(*ret_memory, z, n);
    return (struct str){*ret_memory, n};
}

static void equality(void **state)
{
    (void)state;
    assert_true(str_eq(STR_NONE, STR("")));
    assert_true(str_eqz(STR_NONE, ""));
    assert_true(str_eq(str_z(NULL), STR_NONE));
    assert_true(str_eq(STR("a\0b"), (struct str){"a\0b", 3}));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eqz(STR("a\0"), "a"));
    assert_false(str_eq(STR("ab"), STR("a")));
    assert_true(str_ieq(STR("BeArEr"), STR("bearer")));
    assert_false(str_ieq(STR("bearer"), STR("beare")));
    assert_false(str_ieq(STR("beare"), STR("bearer")));
    assert_false(str_ieq(STR("@"), STR("`"))); /* differ by 0x20, are no letters */
    assert_false(str_ieq(STR("["), STR("{")));
    assert_false(str_ieq(STR("\xc4"), STR("\xe4"))); /* ASCII only */
}

static void beginnings_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts(STR_NONE, STR_NONE));
    assert_true(str_starts(STR("abc"), STR("")));
    assert_true(str_starts(STR("abc"), STR("abc")));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_istarts(STR("BASIC x"), STR("basic ")));
    assert_false(str_istarts(STR("BASI"), STR("basic ")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_true(str_ends(STR_NONE, STR("")));
    assert_false(str_ends(STR("bc"), STR("abc")));
    assert_false(str_ends(STR("abc"), STR("ab")));
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void order(void **state)
{
    static const struct str ordered[] = {
        STR_INIT(""),  STR_INIT("\0"),   STR_INIT("-"),   STR_INIT("1"),   STR_INIT("10"),
        STR_INIT("2"), STR_INIT("A"),    STR_INIT("a"),   STR_INIT("a\0"), STR_INIT("aa"),
        STR_INIT("b"), STR_INIT("\x80"), STR_INIT("\xff")};
    const int n = sizeof(ordered) / sizeof(ordered[0]);
    (void)state;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            assert_int_equal(sign(str_cmp(ordered[i], ordered[k])), sign(i - k));
    assert_int_equal(str_cmp(STR_NONE, STR_NONE), 0);
}

static void parts(void **state)
{
    (void)state;
    assert_true(str_eqz(str_from(STR("abc"), 1), "bc"));
    assert_int_equal(str_from(STR("abc"), 3).n, 0);
    assert_int_equal(str_from(STR("abc"), SIZE_MAX).n, 0);
    assert_true(str_eqz(str_head(STR("abc"), 2), "ab"));
    assert_true(str_eqz(str_head(STR("abc"), SIZE_MAX), "abc"));
    assert_int_equal(str_head(STR_NONE, 5).n, 0);
    assert_true(str_eqz(str_trim(STR(" \t a b\t ")), "a b"));
    assert_true(str_eqz(str_trim(STR(" \t ")), ""));
    assert_true(str_eqz(str_trim(STR("\na\r")), "\na\r")); /* only OWS */
    assert_int_equal(str_trim(STR_NONE).n, 0);
}

static void finding(void **state)
{
    (void)state;
    assert_int_equal(str_chr(STR("abca"), 'a'), 0);
    assert_int_equal(str_rchr(STR("abca"), 'a'), 3);
    assert_int_equal(str_chr(STR("abca"), 'x'), -1);
    assert_int_equal(str_rchr(STR("abca"), 'x'), -1);
    assert_int_equal(str_chr(STR_NONE, 'x'), -1);
    assert_int_equal(str_rchr(STR_NONE, 'x'), -1);
    assert_int_equal(str_chr(STR("a\0b"), '\0'), 1);
    assert_int_equal(str_chr(STR("ab"), '\0'), -1); /* the literal's end is not part of it */
}

static void cutting(void **state)
{
    struct str head, tail;
    (void)state;
    assert_true(str_cut(STR("a/b/c"), '/', &head, &tail));
    assert_true(str_eqz(head, "a") && str_eqz(tail, "b/c"));
    assert_true(str_rcut(STR("a/b/c"), '/', &head, &tail));
    assert_true(str_eqz(head, "a/b") && str_eqz(tail, "c"));
    assert_false(str_cut(STR("abc"), '/', &head, &tail));
    assert_true(str_eqz(head, "abc") && tail.n == 0);
    assert_false(str_rcut(STR("abc"), '/', &head, &tail));
    assert_true(str_eqz(head, "abc") && tail.n == 0);
    assert_true(str_cut(STR("/"), '/', &head, &tail));
    assert_true(head.n == 0 && tail.n == 0);
    assert_true(str_cut(STR("a/"), '/', &head, &tail));
    assert_true(str_eqz(head, "a") && tail.n == 0);
    struct str rest = STR("a,b,,c"), word; /* outputs alias the input */
    size_t n = 0;
    while (rest.n) {
        str_cut(rest, ',', &word, &rest);
        n++;
    }
    assert_int_equal(n, 4);
    assert_true(str_eqz(word, "c"));
}

static void numbers(void **state)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "1e3",
                                      "18446744073709551616",
                                      "18446744073709551620",
                                      "99999999999999999999999999",
                                      "1\n",
                                      "\xd9\xa1"};
    uint64_t v = 7;
    (void)state;
    assert_true(str_u64(STR("0"), &v) && v == 0);
    assert_true(str_u64(STR("007"), &v) && v == 7);
    assert_true(str_u64(STR("18446744073709551615"), &v) && v == UINT64_MAX);
    assert_true(str_u64(STR("0000000000000000000000000000018"), &v) && v == 18);
    v = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (str_u64(str_z(bad[i]), &v) || v != 7)
            fail_msg("\"%s\" was accepted", bad[i]);
    assert_false(str_u64(STR("1\0"), &v));
}

static void utf8(void **state)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "a\xc3\xa4z"};
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff",
                                      "\xfe",
                                      "\xc2",
                                      "\xe0\xa0",
                                      "\xf0\x90\x80",
                                      "\xc2"
                                      "a",
                                      "\xe0\xa0"
                                      "a",
                                      "ab\xc3"};
    char *memory;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!str_is_utf8(tight(good[i], &memory)))
            fail_msg("good %zu was refused", i);
        free(memory);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (str_is_utf8(tight(bad[i], &memory)))
            fail_msg("bad %zu was accepted", i);
        free(memory);
    }
    assert_false(str_is_utf8(STR("a\0b")));
}

static void hexadecimal(void **state)
{
    uint8_t out[4] = {9, 9, 9, 9};
    char text[9];
    (void)state;
    assert_true(str_unhex(STR("00ff10a5"), out, 4));
    assert_memory_equal(out, "\x00\xff\x10\xa5", 4);
    hex_encode(out, 4, text);
    assert_string_equal(text, "00ff10a5");
    hex_encode(out, 0, text);
    assert_string_equal(text, "");
    assert_true(str_unhex(STR_NONE, out, 0));
    assert_false(str_unhex(STR("00FF10A5"), out, 4));
    assert_false(str_unhex(STR("00ff10a"), out, 4));
    assert_false(str_unhex(STR("00ff10a5a"), out, 4));
    assert_false(str_unhex(STR("0g"), out, 1));
    assert_false(str_unhex(STR("g0"), out, 1));
    assert_false(str_unhex(STR("0x"), out, 1));
    assert_false(str_unhex(STR("\0\0"), out, 1));
}

static void secrets(void **state)
{
    (void)state;
    assert_true(str_eq_secret(STR_NONE, STR("")));
    assert_true(str_eq_secret(STR("abc"), STR("abc")));
    assert_false(str_eq_secret(STR("abc"), STR("abd")));
    assert_false(str_eq_secret(STR("abc"), STR("ab")));
    assert_false(str_eq_secret(STR(""), STR("a")));
    assert_false(str_eq_secret(STR("a\0b"), STR("a\0c")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equality),    cmocka_unit_test(beginnings_and_ends),
        cmocka_unit_test(order),       cmocka_unit_test(parts),
        cmocka_unit_test(finding),     cmocka_unit_test(cutting),
        cmocka_unit_test(numbers),     cmocka_unit_test(utf8),
        cmocka_unit_test(hexadecimal), cmocka_unit_test(secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
