/*
 * t-clock.c - dates as the three formats write them, at the places where calendars bend.
 */
#include "base/clock.h"

#include "unit.h"

#include <string.h>

static void formats(void **state)
{
    static const struct {
        int64_t ms;
        const char *rfc3339, *rfc2822, *http;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 -0000",
         "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 -0000",
         "Wed, 31 Dec 1969 23:59:59 GMT"},
        {951782400000, "2000-02-29T00:00:00.000Z", "Tue, 29 Feb 2000 00:00:00 -0000",
         "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1787342574123, "2026-08-21T20:02:54.123Z", "Fri, 21 Aug 2026 20:02:54 -0000",
         "Fri, 21 Aug 2026 20:02:54 GMT"},
        {2147483648007, "2038-01-19T03:14:08.007Z", "Tue, 19 Jan 2038 03:14:08 -0000",
         "Tue, 19 Jan 2038 03:14:08 GMT"},
        {4107542400000, "2100-03-01T00:00:00.000Z", "Mon, 01 Mar 2100 00:00:00 -0000",
         "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799999, "9999-12-31T23:59:59.999Z", "Fri, 31 Dec 9999 23:59:59 -0000",
         "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    char out[CLOCK_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        clock_rfc3339(rows[i].ms, out);
        assert_string_equal(out, rows[i].rfc3339);
        clock_rfc2822(rows[i].ms, out);
        assert_string_equal(out, rows[i].rfc2822);
        clock_http(rows[i].ms, out);
        assert_string_equal(out, rows[i].http);
    }
}

/* No calendar reaches there; what is written stays inside the buffer. */
static void out_of_range(void **state)
{
    static const int64_t far[] = {INT64_MIN, INT64_MAX, INT64_MIN / 1000, INT64_MAX / 1000};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char out[CLOCK_TEXT];
        memset(out, 'x', sizeof(out));
        clock_rfc3339(far[i], out);
        assert_non_null(memchr(out, '\0', sizeof(out)));
        clock_http(far[i], out);
        assert_non_null(memchr(out, '\0', sizeof(out)));
    }
}

static void now(void **state)
{
    (void)state;
    assert_true(clock_ms() > 1700000000000);
    int64_t s = clock_s();
    assert_true(clock_ms() / 1000 >= s);
    uint64_t before = clock_mono_ns();
    assert_true(clock_mono_ns() >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(out_of_range),
        cmocka_unit_test(now),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
