/*
 * t-backoff.c - how long a guesser waits: the steps, the limit, clocks that disagree, and who
 * counts as one address.
 */
#include "auth/backoff.h"

#include "unit.h"

#define NOW INT64_C(1700000000000)

static void test_steps(void **state)
{
    static const struct {
        int64_t attempts;
        int wait;
    } rows[] = {
        {0, 0},    {1, 0},    {4, 0},         {5, 1},           {6, 2},    {7, 4},
        {8, 8},    {9, 16},   {10, 32},       {11, 64},         {12, 128}, {13, 256},
        {14, 300}, {15, 300}, {1000000, 300}, {INT64_MAX, 300},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(backoff_account(rows[i].attempts, NOW, NOW), rows[i].wait);
        /* a moment before and at the end */
        assert_int_equal(backoff_account(rows[i].attempts, NOW, NOW + rows[i].wait * 1000 - 1),
                         rows[i].wait ? 1 : 0);
        assert_int_equal(backoff_account(rows[i].attempts, NOW, NOW + rows[i].wait * 1000), 0);
    }
}

static void test_clocks(void **state)
{
    (void)state;
    assert_int_equal(backoff_account(8, NOW + 3600 * 1000, NOW),
                     8); /* never longer than the step */
    assert_int_equal(backoff_account(8, NOW - 3600 * 1000, NOW), 0);
    assert_int_equal(backoff_account(8, 0, NOW), 0);
}

static bool same(const char *a, const char *b)
{
    char room_a[BACKOFF_KEY], room_b[BACKOFF_KEY];
    struct str key_a = backoff_key(str_z(a), NOW, room_a),
               key_b = backoff_key(str_z(b), NOW, room_b);
    assert_true(key_a.n && key_b.n);
    return str_eq(key_a, key_b);
}

static void test_keys(void **state)
{
    char room[BACKOFF_KEY], later[BACKOFF_KEY];
    static const char *const none[] = {
        "",          "unix:",
        "localhost", "1.2.3",
        "1.2.3.4.5", "::1%lo",
        "1.2.3.4\n", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
    (void)state;
    assert_true(same("192.0.2.1", "192.0.2.1"));
    assert_false(same("192.0.2.1", "192.0.2.2"));
    assert_true(same("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"));
    assert_false(same("2001:db8:0:1::1", "2001:db8:0:2::1"));
    assert_false(same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(backoff_key(str_z(none[i]), NOW, room).n, 0);
    /* Another minute is another key. */
    assert_false(str_eq(backoff_key(STR("192.0.2.1"), NOW, room),
                        backoff_key(STR("192.0.2.1"), NOW + 60000, later)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
