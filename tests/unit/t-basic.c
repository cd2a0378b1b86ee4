/*
 * t-basic.c - the Authorization header: what is taken, what is refused, what happens to the secret.
 */
#include "auth/basic.h"
#include "base/buf.h"
#include "base/cleanup.h"

#include "unit.h"

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new((size_t)1 << 20);
    return !arena;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void test_basic(void **state)
{
    static const struct {
        const char *header, *user, *password;
    } rows[] = {
        {"Basic YWRtaW46c2VjcmV0", "admin", "secret"},
        {"basic YWRtaW46c2VjcmV0", "admin", "secret"},
        {"BASIC  YWRtaW46c2VjcmV0 ", "admin", "secret"},
        {"Basic YWRtaW46YTpiOmM=", "admin", "a:b:c"},
        {"Basic YWRtaW46", "admin", ""},
        {"Basic Og==", "", ""},
        {"Basic YWNtZStjaTp0b2tlbg==", "acme+ci", "token"},
        {"Basic JGFwcDpww6Rzcw==", "$app", "p\xc3\xa4ss"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(authorization_done) struct authorization a = {.scheme = SCHEME_NONE};
        assert_int_equal(authorization_parse(NULL, arena, str_z(rows[i].header), &a), E_OK);
        assert_int_equal(a.scheme, SCHEME_BASIC);
        assert_true(str_eqz(a.user, rows[i].user));
        assert_true(str_eqz(a.password, rows[i].password));
    }
}

static void test_bearer_and_none(void **state)
{
    struct authorization a;
    (void)state;
    assert_int_equal(authorization_parse(NULL, arena, STR("Bearer a.b.c"), &a), E_OK);
    assert_int_equal(a.scheme, SCHEME_BEARER);
    assert_true(str_eqz(a.token, "a.b.c"));
    assert_int_equal(authorization_parse(NULL, arena, STR("bearer  a.b.c"), &a), E_OK);
    assert_true(str_eqz(a.token, "a.b.c"));
    assert_int_equal(authorization_parse(NULL, arena, STR_NONE, &a), E_OK);
    assert_int_equal(a.scheme, SCHEME_NONE);
    assert_int_equal(authorization_parse(NULL, arena, STR("Bearer"), &a), E_TOKEN_INVALID);
    assert_int_equal(authorization_parse(NULL, arena, STR("Bearer "), &a), E_TOKEN_INVALID);
}

static void test_refused(void **state)
{
    static const char *const rows[] = {
        "Basic",
        "Basic ",
        "Basic YWRtaW4=",        /* no colon */
        "Basic YWRtaW46c2VjcmV", /* cut */
        "Basic YWRtaW46cw",      /* padding is missing */
        "Basic YWRtaW46cx==",    /* excess bits */
        "Basic YWRt aW46c2VjcmV0",
        "Basic YWRtaW46c2VjcmV0,",
        "Basic YWRtaW46_-8=", /* the URL alphabet */
        "Basic YTr/",         /* a:\xff */
        "Basic YTpiAGM=",     /* a:b\0c */
        "Basic:YWRtaW46c2VjcmV0",
        "Digest username=\"admin\"",
        "Negotiate abc",
        "YWRtaW46c2VjcmV0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fail f = FAIL_INIT;
        struct authorization a;
        assert_int_equal(authorization_parse(&f, arena, str_z(rows[i]), &a), E_BAD_CREDENTIALS);
        assert_null(strstr(f.message, "YW"));
    }
}

static void test_lengths(void **state)
{
    struct authorization a;
    CLEANUP(buf_done) struct buf header = BUF_INIT;
    (void)state;
    for (int over = 0; over <= 1; over++) {
        /* 84 times "aaa", then "aaa:" or "aaaa:" */
        buf_reset(&header);
        buf_putz(&header, "Basic ");
        for (int i = 0; i < 84; i++)
            buf_putz(&header, "YWFh");
        buf_putz(&header, over ? "YWFhYTo=" : "YWFhOg==");
        assert_int_equal(authorization_parse(NULL, arena, buf_str(&header), &a),
                         over ? E_BAD_CREDENTIALS : E_OK);
    }
    buf_reset(&header);
    buf_putz(&header, "Basic ");
    for (int i = 0; i < 4000; i++)
        buf_putz(&header, "YTph");
    assert_int_equal(authorization_parse(NULL, arena, buf_str(&header), &a), E_BAD_CREDENTIALS);
}

static void test_cleansed(void **state)
{
    struct authorization a;
    (void)state;
    assert_int_equal(authorization_parse(NULL, arena, STR("Basic YWRtaW46c2VjcmV0"), &a), E_OK);
    const uint8_t *room = a.room;
    size_t n = a.room_n;
    assert_int_equal(n, 12);
    authorization_done(&a);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(room[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic),    cmocka_unit_test(test_bearer_and_none),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_cleansed),
    };
    return cmocka_run_group_tests_name("basic", tests, begin, end);
}
