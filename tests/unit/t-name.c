/*
 * t-name.c - account/name.c: what people may call things.
 */
#include "account/name.h"

#include "unit.h"

static char long_name[NAME_MAX_BYTES + 2];

static void test_names(void **state)
{
    static const char *const good[] = {"al", "alice", "a1", "1a", "a-b", "a.b_c-d", "0x"};
    static const char *const bad[] = {"",    "a",    "Alice", "a+b", "a/b",          "-ab",
                                      "ab-", "a--b", "a._b",  "a b", "\xc3\xa4\x62", "a\nb"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (name_check(NULL, "user name", str_z(good[i])))
            fail_msg("'%s' was refused", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fail f = FAIL_INIT;
        if (name_check(&f, "user name", str_z(bad[i])) != E_BAD_REQUEST)
            fail_msg("'%s' was accepted", bad[i]);
        assert_non_null(strstr(f.message, "user name"));
    }
    memset(long_name, 'a', NAME_MAX_BYTES + 1);
    assert_int_equal(name_check(NULL, "team name", (struct str){long_name, NAME_MAX_BYTES}), E_OK);
    assert_int_equal(name_check(NULL, "team name", (struct str){long_name, NAME_MAX_BYTES + 1}),
                     E_BAD_REQUEST);
}

static void test_robots(void **state)
{
    struct str ns, shortname;
    (void)state;
    memset(long_name, 'a', NAME_MAX_BYTES);
    assert_int_equal(name_check_robot(NULL, STR("acme"), STR("ci")), E_OK);
    assert_int_equal(name_check_robot(NULL, STR("acme"), STR("acme+ci")), E_BAD_REQUEST);
    assert_int_equal(name_check_robot(NULL, STR("acme"), STR("CI")), E_BAD_REQUEST);
    assert_int_equal(name_check_robot(NULL, STR("acme"), (struct str){long_name, 250}), E_OK);
    assert_int_equal(name_check_robot(NULL, STR("acme"), (struct str){long_name, 251}),
                     E_BAD_REQUEST);
    assert_true(name_split_robot(STR("acme+ci"), &ns, &shortname));
    assert_true(str_eqz(ns, "acme") && str_eqz(shortname, "ci"));
    assert_false(name_split_robot(STR("acme"), &ns, &shortname));
    assert_false(name_split_robot(STR("+ci"), &ns, &shortname));
    assert_false(name_split_robot(STR("acme+"), &ns, &shortname));
}

static void test_texts(void **state)
{
    (void)state;
    assert_int_equal(name_check_email(NULL, STR_NONE), E_OK);
    assert_int_equal(name_check_email(NULL, STR("a@b")), E_OK);
    assert_int_equal(name_check_email(NULL, STR("")), E_BAD_REQUEST);
    assert_int_equal(name_check_email(NULL, STR("a")), E_BAD_REQUEST);
    assert_int_equal(name_check_email(NULL, STR("@b")), E_BAD_REQUEST);
    assert_int_equal(name_check_email(NULL, STR("a@")), E_BAD_REQUEST);
    assert_int_equal(name_check_email(NULL, STR("a@b@c")), E_BAD_REQUEST);
    assert_int_equal(name_check_email(NULL, STR("a b@c")), E_BAD_REQUEST);
    assert_int_equal(name_check_email(NULL, STR("a\n@c")), E_BAD_REQUEST);

    assert_int_equal(name_check_password(NULL, STR("1234567")), E_BAD_REQUEST);
    assert_int_equal(name_check_password(NULL, STR("12345678")), E_OK);
    assert_int_equal(name_check_password(NULL, STR("pass\xff word")), E_BAD_REQUEST);

    assert_int_equal(name_check_text(NULL, "title", STR(""), 1), E_BAD_REQUEST);
    assert_int_equal(name_check_text(NULL, "title", STR(""), 0), E_OK);
    assert_int_equal(name_check_text(NULL, "title", STR("my laptop"), 1), E_OK);
    assert_int_equal(name_check_text(NULL, "title", STR("a\tb"), 1), E_BAD_REQUEST);
    assert_int_equal(name_check_text(NULL, "title", STR("\x80"), 1), E_BAD_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_robots),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
