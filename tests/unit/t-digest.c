/*
 * t-digest.c - the text and database forms of digests, and digests of bytes.
 */
#include "registry/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* FIPS 180-2 examples: "abc". */
#define ABC_256 "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_512                                                                                    \
    "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                      \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_round_trip(void **state)
{
    static const char *const good[] = {ABC_256, ABC_512, "sha256:" HEX64, "sha512:" HEX64 HEX64};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct fail f = FAIL_INIT;
        struct digest d, again;
        char text[DIGEST_TEXT_MAX];
        assert_int_equal(digest_parse(&f, str_z(good[i]), &d), E_OK);
        digest_format(&d, text);
        assert_string_equal(text, good[i]);
        assert_true(digest_from_db(digest_db(&d), &again));
        assert_true(digest_eq(&d, &again));
    }
}

static void test_refused(void **state)
{
    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT(":"),
        STR_INIT("sha256"),
        STR_INIT("sha256:"),
        STR_INIT("sha256:baddigeststring"),
        STR_INIT("sha256:" HEX64 "0"),
        STR_INIT("sha256:" HEX64 " "),
        STR_INIT(" sha256:" HEX64),
        STR_INIT("SHA256:" HEX64),
        STR_INIT("sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"),
        STR_INIT("sha256:0123456789abcdeg0123456789abcdef0123456789abcdef0123456789abcdef"),
        STR_INIT("sha256:0123456789abcde\0000123456789abcdef0123456789abcdef0123456789abcde"),
        STR_INIT("sha512:" HEX64),
        STR_INIT("sha256:" HEX64 HEX64),
        STR_INIT("sha384:" HEX64),
        STR_INIT("md5:0123456789abcdef0123456789abcdef"),
        STR_INIT("sha256:../../../../etc/passwd"),
        STR_INIT("sha256+b64:" HEX64),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fail f = FAIL_INIT;
        struct digest d = {.n = 7};
        assert_int_equal(digest_parse(&f, bad[i], &d), E_DIGEST_INVALID);
        assert_int_equal(d.n, 7);          /* untouched */
        assert_true(f.message[0] != '\0'); /* and says why */
        for (const char *p = f.message; *p; p++)
            assert_true(*p >= ' ' && *p < 0x7f);
    }
}

static void test_long_text(void **state)
{
    static char text[100000];
    struct fail f = FAIL_INIT;
    struct digest d;
    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, "sha256:", 7);
    assert_int_equal(digest_parse(&f, (struct str){text, sizeof(text)}, &d), E_DIGEST_INVALID);
    assert_true(strlen(f.message) < 300);
}

static void test_from_db(void **state)
{
    uint8_t raw[DIGEST_RAW_MAX + 1] = {0};
    struct digest d;
    (void)state;
    raw[0] = DIGEST_SHA256;
    assert_true(digest_from_db((struct str){(char *)raw, 33}, &d));
    assert_false(digest_from_db((struct str){(char *)raw, 32}, &d));
    assert_false(digest_from_db((struct str){(char *)raw, 34}, &d));
    assert_false(digest_from_db((struct str){(char *)raw, 65}, &d));
    assert_false(digest_from_db((struct str){(char *)raw, 1}, &d));
    assert_false(digest_from_db(STR_NONE, &d));
    raw[0] = DIGEST_SHA512;
    assert_true(digest_from_db((struct str){(char *)raw, 65}, &d));
    assert_false(digest_from_db((struct str){(char *)raw, 66}, &d));
    assert_false(digest_from_db((struct str){(char *)raw, 33}, &d));
    raw[0] = 0;
    assert_false(digest_from_db((struct str){(char *)raw, 33}, &d));
    assert_false(digest_from_db((struct str){(char *)raw, 1}, &d));
    raw[0] = 3;
    assert_false(digest_from_db((struct str){(char *)raw, 33}, &d));
    raw[0] = 255;
    assert_false(digest_from_db((struct str){(char *)raw, 65}, &d));
}

static void test_of(void **state)
{
    struct fail f = FAIL_INIT;
    struct digest d;
    char text[DIGEST_TEXT_MAX];
    (void)state;
    assert_int_equal(digest_of(&f, DIGEST_SHA256, STR("abc"), &d), E_OK);
    digest_format(&d, text);
    assert_string_equal(text, ABC_256);
    assert_int_equal(digest_of(&f, DIGEST_SHA512, STR("abc"), &d), E_OK);
    digest_format(&d, text);
    assert_string_equal(text, ABC_512);
    assert_int_equal(digest_of(&f, DIGEST_SHA256, STR_NONE, &d), E_OK);
    digest_format(&d, text);
    assert_string_equal(text,
                        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_equal(void **state)
{
    struct digest a = {.raw = {DIGEST_SHA256, 1}, .n = 33}, b = a, c = {.raw = {2, 1}, .n = 65};
    (void)state;
    assert_true(digest_eq(&a, &b));
    b.raw[32] = 1;
    assert_false(digest_eq(&a, &b));
    assert_false(digest_eq(&a, &c));
}

static void test_algorithm(void **state)
{
    struct fail f = FAIL_INIT;
    enum digest_algorithm a;
    (void)state;
    assert_int_equal(digest_algorithm_parse(&f, STR("sha256"), &a), E_OK);
    assert_int_equal(a, DIGEST_SHA256);
    assert_int_equal(digest_algorithm_parse(&f, STR("sha512"), &a), E_OK);
    assert_int_equal(a, DIGEST_SHA512);
    assert_int_equal(digest_algorithm_parse(&f, STR(""), &a), E_DIGEST_INVALID);
    fail_clear(&f);
    assert_int_equal(digest_algorithm_parse(&f, STR("sha1"), &a), E_DIGEST_INVALID);
    assert_non_null(strstr(f.message, "sha1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_text),  cmocka_unit_test(test_from_db),
        cmocka_unit_test(test_of),         cmocka_unit_test(test_equal),
        cmocka_unit_test(test_algorithm),
    };
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
