/*
 * t-secret.c - what is sealed opens only where it belongs, and any altered byte is noticed.
 */
#include "auth/secret.h"

#include "base/cleanup.h"

#include "unit.h"

static struct config config = {.database_secret_key =
                                   (char[]){"a-secret-of-the-database-0123456789"}};
static struct config other = {.database_secret_key =
                                  (char[]){"a-secret-of-the-database-0123456780"}};

static void test_round_trip(void **state)
{
    struct str texts[] = {STR(""), STR("x"), STR("QZ0123456789ABCDEF"), STR("with\0nul")};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(secret_done) struct buf sealed = BUF_INIT, opened = BUF_INIT;
        assert_int_equal(secret_encrypt(&config, NULL, STR("robot_token:17"), texts[i], &sealed),
                         E_OK);
        assert_int_equal(sealed.n, texts[i].n + SECRET_OVERHEAD);
        assert_int_equal(
            secret_decrypt(&config, NULL, STR("robot_token:17"), buf_str(&sealed), &opened), E_OK);
        assert_true(str_eq(buf_str(&opened), texts[i]));
    }
}

static void test_no_two_alike(void **state)
{
    CLEANUP(secret_done) struct buf a = BUF_INIT, b = BUF_INIT;
    (void)state;
    assert_int_equal(secret_encrypt(&config, NULL, STR("p"), STR("same"), &a), E_OK);
    assert_int_equal(secret_encrypt(&config, NULL, STR("p"), STR("same"), &b), E_OK);
    assert_false(str_eq(buf_str(&a), buf_str(&b)));
}

static void test_appends(void **state)
{
    CLEANUP(secret_done) struct buf sealed = BUF_INIT, opened = BUF_INIT;
    (void)state;
    buf_putz(&sealed, "head");
    buf_putz(&opened, "head");
    assert_int_equal(secret_encrypt(&config, NULL, STR("p"), STR("tail"), &sealed), E_OK);
    assert_true(str_starts(buf_str(&sealed), STR("head\001")));
    assert_int_equal(
        secret_decrypt(&config, NULL, STR("p"), str_from(buf_str(&sealed), 4), &opened), E_OK);
    assert_true(str_eqz(buf_str(&opened), "headtail"));
}

static void refuses(const struct config *c, struct str purpose, struct str sealed)
{
    CLEANUP(secret_done) struct buf out = BUF_INIT;
    struct fail f = FAIL_INIT;
    assert_int_equal(secret_decrypt(c, &f, purpose, sealed, &out), E_INTERNAL);
    assert_int_equal(out.n, 0);
    assert_true(f.internal[0]);
    assert_false(f.message[0]);
}

static void test_refusals(void **state)
{
    CLEANUP(secret_done) struct buf sealed = BUF_INIT;
    (void)state;
    assert_int_equal(secret_encrypt(&config, NULL, STR("robot_token:17"), STR("secret"), &sealed),
                     E_OK);
    refuses(&config, STR("robot_token:18"), buf_str(&sealed));
    refuses(&config, STR("robot_token:1"), buf_str(&sealed));
    refuses(&config, STR(""), buf_str(&sealed));
    refuses(&other, STR("robot_token:17"), buf_str(&sealed));
    for (size_t i = 0; i < sealed.n; i++) {
        refuses(&config, STR("robot_token:17"), str_head(buf_str(&sealed), i));
        sealed.p[i] ^= 1;
        refuses(&config, STR("robot_token:17"), buf_str(&sealed));
        sealed.p[i] ^= 1;
    }
    buf_putc(&sealed, 'x');
    refuses(&config, STR("robot_token:17"), buf_str(&sealed));
}

static void test_no_key(void **state)
{
    struct config none = {.database_secret_key = NULL};
    CLEANUP(secret_done) struct buf out = BUF_INIT;
    (void)state;
    assert_int_equal(secret_encrypt(&none, NULL, STR("p"), STR("x"), &out), E_CONFIG);
    assert_int_equal(out.n, 0);
}

static void test_hash(void **state)
{
    uint8_t raw[SECRET_HASH];
    char hex[2 * SECRET_HASH + 1];
    (void)state;
    assert_int_equal(secret_hash(NULL, STR("abc"), raw), E_OK); /* FIPS 180-2, B.1 */
    hex_encode(raw, sizeof(raw), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(secret_hash(NULL, STR_NONE, raw), E_OK);
    hex_encode(raw, sizeof(raw), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_no_two_alike),
        cmocka_unit_test(test_appends),    cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_key),     cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
