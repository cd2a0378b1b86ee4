/*
 * t-upload-range.c - Content-Range of a chunk, and where the chunk goes.
 */
#include "base/config.h"
#include "base/worker.h"
#include "registry/upload.h"

#include "unit.h"

static void test_good(void **state)
{
    static const struct {
        struct str text;
        uint64_t first, last;
    } good[] = {
        {STR_INIT("0-0"), 0, 0},
        {STR_INIT("0-1023"), 0, 1023},
        {STR_INIT("1024-2047"), 1024, 2047},
        {STR_INIT("007-008"), 7, 8},
        {STR_INIT("0-9223372036854775806"), 0, INT64_MAX - 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct upload_range r = {0};
        assert_int_equal(upload_range_parse(NULL, good[i].text, &r), E_OK);
        assert_true(r.given);
        assert_int_equal(r.first, good[i].first);
        assert_int_equal(r.last, good[i].last);
    }
    struct upload_range r = {.given = true};
    assert_int_equal(upload_range_parse(NULL, STR_NONE, &r), E_OK);
    assert_false(r.given);
}

static void test_bad(void **state)
{
    static const struct str bad[] = {
        STR_INIT("-"),
        STR_INIT("0"),
        STR_INIT("0-"),
        STR_INIT("-5"),
        STR_INIT("5-4"),
        STR_INIT("0--1"),
        STR_INIT("a-b"),
        STR_INIT("0x0-0x9"),
        STR_INIT("0-9 "),
        STR_INIT(" 0-9"),
        STR_INIT("0 - 9"),
        STR_INIT("+0-+9"),
        STR_INIT("0-9/10"),
        STR_INIT("bytes 0-9/10"),
        STR_INIT("bytes=0-9"),
        STR_INIT("0-9,10-19"),
        STR_INIT("0-9-10"),
        STR_INIT("0-\0009"),
        STR_INIT("0-9223372036854775807"),
        STR_INIT("0-18446744073709551615"),
        STR_INIT("0-18446744073709551616"),
        STR_INIT("18446744073709551615-18446744073709551615"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fail f = FAIL_INIT;
        struct upload_range r = {.first = 77};
        assert_int_equal(upload_range_parse(&f, bad[i], &r), E_UPLOAD_INVALID);
        assert_int_equal(r.first, 77);
        assert_non_null(strstr(f.message, "Content-Range"));
    }
}

/* have: bytes that are there; range or none; length or unknown (-1); at most 1000 bytes. */
static void test_place(void **state)
{
    static const struct {
        uint64_t have;
        const char *range;
        int length;
        enum err err;
        uint64_t offset;
    } cases[] = {
        /* no range: behind what is there */
        {0, "", 0, E_OK, 0},
        {0, "", 1000, E_OK, 0},
        {0, "", 1001, E_TOO_LARGE, 0},
        {400, "", 600, E_OK, 400},
        {400, "", 601, E_TOO_LARGE, 0},
        {400, "", -1, E_OK, 400},
        {1000, "", 0, E_OK, 1000},
        {1000, "", -1, E_OK, 1000},
        /* in order */
        {0, "0-99", 100, E_OK, 0},
        {100, "100-199", 100, E_OK, 100},
        {100, "100-199", -1, E_OK, 100},
        {0, "0-999", 1000, E_OK, 0},
        {0, "0-1000", 1001, E_TOO_LARGE, 0},
        {0, "0-1000", -1, E_TOO_LARGE, 0},
        {999, "999-999", 1, E_OK, 999},
        {999, "999-1000", 2, E_TOO_LARGE, 0},
        /* out of order: ahead, behind, overlapping, the same once more */
        {0, "100-199", 100, E_RANGE_INVALID, 0},
        {0, "1-1", 1, E_RANGE_INVALID, 0},
        {200, "0-99", 100, E_RANGE_INVALID, 0},
        {200, "100-199", 100, E_RANGE_INVALID, 0},
        {200, "150-250", 101, E_RANGE_INVALID, 0},
        {200, "201-300", 100, E_RANGE_INVALID, 0},
        {100, "0-99", 100, E_RANGE_INVALID, 0},
        {100, "1-200", 200, E_RANGE_INVALID, 0},
        /* a restart reaches further than what is there */
        {100, "0-100", 101, E_OK, 0},
        {100, "0-499", 500, E_OK, 0},
        {100, "0-499", -1, E_OK, 0},
        {100, "0-1000", 1001, E_TOO_LARGE, 0},
        /* range and body disagree */
        {0, "0-99", 99, E_SIZE_INVALID, 0},
        {0, "0-99", 101, E_SIZE_INVALID, 0},
        {0, "0-0", 0, E_SIZE_INVALID, 0},
        {100, "0-499", 1, E_SIZE_INVALID, 0},
        /* being out of order is said first: it is what the client can mend */
        {200, "0-99", 5, E_RANGE_INVALID, 0},
    };
    struct config config = {.max_layer_size = 1000};
    struct worker w = {.config = &config};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct upload u = {.byte_count = cases[i].have};
        struct upload_range range;
        struct fail f = FAIL_INIT;
        uint64_t offset = 4711;
        assert_int_equal(upload_range_parse(NULL, str_z(cases[i].range), &range), E_OK);
        enum err e = upload_place(&w, &f, &u, &range, cases[i].length >= 0,
                                  cases[i].length >= 0 ? (uint64_t)cases[i].length : 0, &offset);
        if (e != cases[i].err)
            fail_msg("%d bytes, range \"%s\", length %d: %s", (int)cases[i].have, cases[i].range,
                     cases[i].length, err_info(e)->id);
        assert_int_equal(offset, e ? 4711 : cases[i].offset);
        assert_true(!e || f.message[0] != '\0');
    }
}

/* No number makes a sum wrap. */
static void test_large_numbers(void **state)
{
    struct config config = {.max_layer_size = INT64_MAX};
    struct worker w = {.config = &config};
    struct upload u = {.byte_count = INT64_MAX};
    struct upload_range none = {.given = false}, range;
    uint64_t offset;
    (void)state;
    assert_int_equal(upload_place(&w, NULL, &u, &none, true, UINT64_MAX, &offset), E_TOO_LARGE);
    assert_int_equal(upload_place(&w, NULL, &u, &none, true, 1, &offset), E_TOO_LARGE);
    assert_int_equal(upload_range_parse(NULL, STR("0-9223372036854775806"), &range), E_OK);
    u.byte_count = 5;
    assert_int_equal(upload_place(&w, NULL, &u, &range, false, 0, &offset), E_OK);
    assert_int_equal(offset, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_large_numbers),
    };
    return cmocka_run_group_tests_name("upload-range", tests, NULL, NULL);
}
