/*
 * t-reference.c - names of repositories, tags, and references: what is taken, what is refused and
 * with which words.
 */
#include "registry/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define N(a)  (sizeof(a) / sizeof((a)[0]))

static void test_names(void **state)
{
    static const struct {
        const char *full, *ns, *name;
    } good[] = {
        {"busybox", "library", "busybox"},
        {"b", "library", "b"},
        {"acme/web", "acme", "web"},
        {"a1/0", "a1", "0"},
        {"a/b", "a", "b"}, /* no namespace is so short, but the name is well-formed */
        {"acme/web/front/v2", "acme", "web/front/v2"},
        {"a.b_c-d/x.y_z__w-v--u---t", "a.b_c-d", "x.y_z__w-v--u---t"},
        {"acme/a/b/c/d/e", "acme", "a/b/c/d/e"},
    };
    (void)state;
    for (size_t i = 0; i < N(good); i++) {
        struct fail f = FAIL_INIT;
        struct repo_name r;
        assert_int_equal(repo_name_parse(&f, str_z(good[i].full), STR("library"), true, &r), E_OK);
        assert_true(str_eqz(r.namespace_name, good[i].ns));
        assert_true(str_eqz(r.name, good[i].name));
    }
}

static void test_names_refused(void **state)
{
    static const struct {
        struct str full;
        const char *why;
    } bad[] = {
        {STR_INIT(""), "empty"},
        {STR_INIT("/"), "empty"},
        {STR_INIT("/web"), "empty"},
        {STR_INIT("acme/"), "empty"},
        {STR_INIT("acme//web"), "empty"},
        {STR_INIT("acme/web/"), "empty"},
        {STR_INIT("Acme/web"), "lower-case"},
        {STR_INIT("acme/Web"), "lower-case"},
        {STR_INIT("acme/weB"), "lower-case"},
        {STR_INIT("acme/.web"), "begin"},
        {STR_INIT("acme/_web"), "begin"},
        {STR_INIT("acme/-web"), "begin"},
        {STR_INIT("acme/web-"), "end"},
        {STR_INIT("acme/web__"), "end"},
        {STR_INIT("acme/.."), "begin"},
        {STR_INIT("../etc"), "begin"},
        {STR_INIT("acme/a..b"), "mixed or repeated"},
        {STR_INIT("acme/a___b"), "mixed or repeated"},
        {STR_INIT("acme/a.-b"), "mixed or repeated"},
        {STR_INIT("acme/a-_b"), "mixed or repeated"},
        {STR_INIT("ac--me/web"), "singly"},
        {STR_INIT("ac__me/web"), "singly"},
        {STR_INIT("ac.-me/web"), "singly"},
        {STR_INIT("acme/w b"), "only a-z"},
        {STR_INIT("acme/w\0b"), "only a-z"},
        {STR_INIT("acme/w\nb"), "only a-z"},
        {STR_INIT("acme/web:1"), "only a-z"},
        {STR_INIT("acme/w\xc3\xa9"
                  "b"),
         "only a-z"},
        {STR_INIT("acme+robot/web"), "only a-z"},
    };
    (void)state;
    for (size_t i = 0; i < N(bad); i++) {
        struct fail f = FAIL_INIT;
        struct repo_name r = {.name = {"kept", 4}};
        assert_int_equal(repo_name_parse(&f, bad[i].full, STR("library"), true, &r),
                         E_NAME_INVALID);
        assert_true(str_eqz(r.name, "kept"));
        if (!strstr(f.message, bad[i].why))
            fail_msg("\"%s\" does not say \"%s\"", f.message, bad[i].why);
        for (const char *p = f.message; *p; p++)
            assert_true(*p >= ' ' && *p < 0x7f);
    }
}

static void test_name_length(void **state)
{
    static char text[5000];
    struct fail f = FAIL_INIT;
    struct repo_name r;
    (void)state;
    memset(text, 'a', sizeof(text));
    text[4] = '/';
    assert_int_equal(repo_name_parse(&f, (struct str){text, 255}, STR("library"), true, &r), E_OK);
    assert_int_equal(r.name.n, 250);
    assert_int_equal(repo_name_parse(&f, (struct str){text, 256}, STR("library"), true, &r),
                     E_NAME_INVALID);
    assert_non_null(strstr(f.message, "256 bytes"));
    fail_clear(&f);
    assert_int_equal(repo_name_parse(&f, (struct str){text, 5000}, STR("library"), true, &r),
                     E_NAME_INVALID);
    assert_true(strlen(f.message) < 200);
}

static void test_nested_off(void **state)
{
    struct fail f = FAIL_INIT;
    struct repo_name r;
    (void)state;
    assert_int_equal(repo_name_parse(&f, STR("acme/web"), STR("library"), false, &r), E_OK);
    assert_int_equal(repo_name_parse(&f, STR("acme/web/front"), STR("library"), false, &r),
                     E_NAME_INVALID);
    assert_non_null(strstr(f.message, "FEATURE_EXTENDED_REPOSITORY_NAMES"));
}

static void test_namespaces(void **state)
{
    static const char *const good[] = {"ab", "a1", "a-b", "a.b.c", "library", "0-0"};
    static const char *const bad[] = {"",     "a",   "-a", "a-",   "a--b", "a__b", "a..b",
                                      "a/bc", "A-b", "a+", "a+bc", "a b",  "ab\n"};
    static char text[256];
    (void)state;
    for (size_t i = 0; i < N(good); i++)
        assert_true(namespace_valid(str_z(good[i])));
    for (size_t i = 0; i < N(bad); i++)
        assert_false(namespace_valid(str_z(bad[i])));
    memset(text, 'a', sizeof(text));
    assert_true(namespace_valid((struct str){text, 255}));
    assert_false(namespace_valid((struct str){text, 256}));
}

static void test_tags(void **state)
{
    static const char *const good[] = {"latest", "v1.0",    "_",    "_x", "A",
                                       "0",      "a.b-c_d", "1..2", "a-", "sha256-" HEX64 ".sig"};
    static const struct str bad[] = {
        STR_INIT(""),    STR_INIT(".a"),  STR_INIT("-a"),   STR_INIT("a b"), STR_INIT("a/b"),
        STR_INIT("a:b"), STR_INIT("a\n"), STR_INIT("a\0b"), STR_INIT("a+b"), STR_INIT("\xc3\xa9")};
    static char text[129];
    (void)state;
    for (size_t i = 0; i < N(good); i++)
        assert_true(tag_valid(str_z(good[i])));
    for (size_t i = 0; i < N(bad); i++)
        assert_false(tag_valid(bad[i]));
    memset(text, 'a', sizeof(text));
    assert_true(tag_valid((struct str){text, 128}));
    assert_false(tag_valid((struct str){text, 129}));
}

static void test_references(void **state)
{
    struct fail f = FAIL_INIT;
    struct reference r;
    char text[DIGEST_TEXT_MAX];
    (void)state;
    assert_int_equal(reference_parse(&f, STR("latest"), &r), E_OK);
    assert_false(r.is_digest);
    assert_true(str_eqz(r.tag, "latest"));
    assert_int_equal(reference_parse(&f, STR("sha256:" HEX64), &r), E_OK);
    assert_true(r.is_digest);
    digest_format(&r.digest, text);
    assert_string_equal(text, "sha256:" HEX64);
    assert_int_equal(reference_parse(&f, STR("sha512:" HEX64 HEX64), &r), E_OK);
    assert_true(r.is_digest);

    assert_int_equal(reference_parse(&f, STR("sha256:baddigeststring"), &r), E_DIGEST_INVALID);
    fail_clear(&f);
    assert_int_equal(reference_parse(&f, STR(":"), &r), E_DIGEST_INVALID);
    fail_clear(&f);
    assert_int_equal(reference_parse(&f, STR(".hidden"), &r), E_TAG_INVALID);
    assert_non_null(strstr(f.message, "begin"));
    fail_clear(&f);
    assert_int_equal(reference_parse(&f, STR(""), &r), E_TAG_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),       cmocka_unit_test(test_names_refused),
        cmocka_unit_test(test_name_length), cmocka_unit_test(test_nested_off),
        cmocka_unit_test(test_namespaces),  cmocka_unit_test(test_tags),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
