/*
 * t-jwt.c - compact JWS: the vector of RFC 7515 A.3, our own round trip, and everything a token
 * must not be.
 */
#include "auth/base64.h"
#include "auth/jwt.h"
#include "auth/token_cache.h"
#include "base/cleanup.h"

#include "unit.h"

#include <stdio.h>

/* The key of RFC 7515 A.3.1, written as we write ours. */
#define RFC_JWK                                                                                    \
    "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define RFC_INPUT                                                                                  \
    "eyJhbGciOiJFUzI1NiJ9."                                                                        \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define RFC_SIGNATURE                                                                              \
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

static struct arena *arena;
static EVP_PKEY *ours, *others;

static int begin(void **state)
{
    (void)state;
    arena = arena_new((size_t)1 << 20);
    return !arena || es256_generate(NULL, &ours) || es256_generate(NULL, &others);
}

static int end(void **state)
{
    (void)state;
    es256_free(&ours);
    es256_free(&others);
    arena_free(arena);
    return 0;
}

static void test_rfc_vector(void **state)
{
    uint8_t signature[BASE64_ROOM(sizeof(RFC_SIGNATURE))];
    char kid[KID_MAX + 1];
    size_t n = 0;
    CLEANUP(es256_free) EVP_PKEY *key = NULL;
    CLEANUP(buf_done) struct buf jwk = BUF_INIT;
    (void)state;
    assert_int_equal(jwk_read(NULL, STR(RFC_JWK "}"), &key), E_OK);
    assert_true(base64url_decode(STR(RFC_SIGNATURE), signature, &n));
    assert_int_equal(n, ES256_SIGNATURE);
    assert_true(es256_verify(key, STR(RFC_INPUT), signature));
    assert_false(es256_verify(key, STR(RFC_INPUT "x"), signature));
    assert_false(es256_verify(ours, STR(RFC_INPUT), signature));
    for (size_t i = 0; i < n; i++) {
        signature[i] ^= 0x80;
        assert_false(es256_verify(key, STR(RFC_INPUT), signature));
        signature[i] ^= 0x80;
    }
    assert_int_equal(jwk_write(NULL, key, STR("k"), &jwk), E_OK);
    assert_true(
        str_eqz(buf_str(&jwk), RFC_JWK ",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"k\"}"));
    assert_int_equal(jwk_thumbprint(NULL, key, kid), E_OK);
    assert_string_equal(kid, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

/* r = 0 or s = 0 must never verify (nor crash the conversion). */
static void test_zero_signature(void **state)
{
    uint8_t signature[ES256_SIGNATURE] = {0};
    (void)state;
    assert_false(es256_verify(ours, STR("x"), signature));
    memset(signature, 0xff, sizeof(signature));
    assert_false(es256_verify(ours, STR("x"), signature));
}

static struct str sign(struct str payload)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    assert_int_equal(jwt_sign(NULL, ours, STR("the-key"), payload, &out), E_OK);
    return arena_str(arena, buf_str(&out));
}

static enum err check(struct str token)
{
    struct jwt jwt;
    struct fail f = FAIL_INIT;
    enum err e = jwt_parse(&f, arena, token, &jwt);
    if (!e)
        e = jwt_verify(&f, &jwt, ours);
    if (e)
        assert_true(f.message[0]);
    return e;
}

static void test_round_trip(void **state)
{
    struct jwt jwt;
    struct str token = sign(STR("{\"a\":1}"));
    (void)state;
    assert_int_equal(jwt_parse(NULL, arena, token, &jwt), E_OK);
    assert_true(str_eqz(jwt.kid, "the-key"));
    assert_true(str_eqz(jwt.payload, "{\"a\":1}"));
    assert_int_equal(jwt_verify(NULL, &jwt, ours), E_OK);
    assert_int_equal(jwt_verify(NULL, &jwt, others), E_TOKEN_INVALID);
}

/* Any one character of the token changed is another token. */
static void test_tampered(void **state)
{
    struct str token = sign(STR("{\"sub\":\"admin\",\"exp\":1}"));
    char *copy = arena_strdup(arena, token);
    (void)state;
    assert_int_equal(check(token), E_OK);
    for (size_t i = 0; i < token.n; i++) {
        char c = copy[i];
        copy[i] = c == 'A' ? 'B' : 'A';
        assert_int_equal(check((struct str){copy, token.n}), E_TOKEN_INVALID);
        copy[i] = c;
        assert_int_equal(check(str_head(token, i)), E_TOKEN_INVALID);
    }
}

static void test_around(void **state)
{
    struct str token = sign(STR("{}"));
    static const char *const forms[] = {"%.*s.",  ".%.*s",  "%.*s=",  " %.*s", "%.*s\n",
                                        "%.*s..", "..%.*s", "x.%.*s", "%.*s.x"};
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char text[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof(text), forms[i], STR_ARG(token));
#pragma GCC diagnostic pop
        assert_int_equal(check(str_z(text)), E_TOKEN_INVALID);
    }
    assert_int_equal(check(STR("")), E_TOKEN_INVALID);
    assert_int_equal(check(STR(".")), E_TOKEN_INVALID);
    assert_int_equal(check(STR("..")), E_TOKEN_INVALID);
    assert_int_equal(check(STR("a.b.c")), E_TOKEN_INVALID);
}

/* A token whose header is ours to choose, signed rightly. */
static struct str with_header(const char *header)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    uint8_t signature[ES256_SIGNATURE];
    buf_base64url(&out, (const uint8_t *)header, strlen(header));
    buf_putz(&out, ".");
    buf_base64url(&out, (const uint8_t *)"{}", 2);
    assert_int_equal(es256_sign(NULL, ours, buf_str(&out), signature), E_OK);
    buf_putz(&out, ".");
    buf_base64url(&out, signature, sizeof(signature));
    return arena_str(arena, buf_str(&out));
}

static void test_headers(void **state)
{
    static const char *const good[] = {
        "{\"alg\":\"ES256\",\"kid\":\"k\"}",
        "{\"typ\":\"jwt\",\"kid\":\"k\",\"alg\":\"ES256\",\"jku\":\"https://evil.example\"}",
    };
    static const char *const bad[] = {
        "{\"alg\":\"none\",\"kid\":\"k\"}",
        "{\"alg\":\"None\",\"kid\":\"k\"}",
        "{\"alg\":\"\",\"kid\":\"k\"}",
        "{\"alg\":\"HS256\",\"kid\":\"k\"}",
        "{\"alg\":\"RS256\",\"kid\":\"k\"}",
        "{\"alg\":\"es256\",\"kid\":\"k\"}",
        "{\"alg\":[\"ES256\"],\"kid\":\"k\"}",
        "{\"kid\":\"k\"}",
        "{\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"kid\":\"\"}",
        "{\"alg\":\"ES256\",\"kid\":7}",
        "{\"alg\":\"ES256\",\"kid\":"
        "\"0123456789012345678901234567890123456789012345678901234567890123x\"}",
        "{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[]}",
        "{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"JOSE\"}",
        "{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":1}",
        "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"k\"}",
        "[\"ES256\"]",
        "ES256",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(check(with_header(good[i])), E_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(check(with_header(bad[i])), E_TOKEN_INVALID);
}

/* The unsigned form of RFC 7519 section 6, with and without its last dot. */
static void test_unsigned(void **state)
{
    (void)state;
    assert_int_equal(check(STR("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.")), E_TOKEN_INVALID);
    assert_int_equal(check(STR("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9")), E_TOKEN_INVALID);
}

static void test_too_long(void **state)
{
    size_t n = JWT_MAX + 1;
    char *big = arena_alloc(arena, n);
    (void)state;
    memset(big, 'A', n);
    big[100] = big[200] = '.';
    assert_int_equal(check((struct str){big, n}), E_TOKEN_INVALID);
}

static void test_jwk_refusals(void **state)
{
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        RFC_JWK,
        "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":"
        "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVE\","
        "\"y\":"
        "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
        /* not on the curve */
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":"
        "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EVP_PKEY *key = NULL;
        assert_int_equal(jwk_read(NULL, str_z(bad[i]), &key), E_INTERNAL);
        assert_null(key);
    }
}

static void test_der(void **state)
{
    CLEANUP(buf_done) struct buf der = BUF_INIT;
    CLEANUP(es256_free) EVP_PKEY *back = NULL;
    EVP_PKEY *none = NULL;
    uint8_t signature[ES256_SIGNATURE];
    (void)state;
    assert_int_equal(es256_to_der(NULL, ours, &der), E_OK);
    assert_int_equal(es256_from_der(NULL, buf_str(&der), &back), E_OK);
    assert_int_equal(es256_sign(NULL, back, STR("m"), signature), E_OK);
    assert_true(es256_verify(ours, STR("m"), signature));
    assert_int_equal(es256_from_der(NULL, str_head(buf_str(&der), der.n - 1), &none), E_INTERNAL);
    buf_putc(&der, 'x');
    assert_int_equal(es256_from_der(NULL, buf_str(&der), &none), E_INTERNAL);
    assert_null(none);
}

static void test_base64(void **state)
{
    static const struct {
        const char *text;
        bool standard, url;
        const char *value;
    } rows[] = {
        {"", true, true, ""},
        {"Zg==", true, false, "f"},
        {"Zg", false, true, "f"},
        {"Zg=", false, false, NULL},
        {"Zh==", false, false, NULL}, /* excess bits */
        {"Zm8=", true, false, "fo"},
        {"Zm9v", true, true, "foo"},
        {"Zm9vYg==", true, false, "foob"},
        {"Zm9=", false, false, NULL},
        {"Z", false, false, NULL},
        {"Z===", false, false, NULL},
        {"====", false, false, NULL},
        {"==", false, false, NULL},
        {"Zg==Zg==", false, false, NULL},
        {"Zm9v\n", false, false, NULL},
        {" Zm9v", false, false, NULL},
        {"+/+/", true, false, "\xfb\xff\xbf"},
        {"-_-_", false, true, "\xfb\xff\xbf"},
        {"Zm9\xc3", false, false, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t out[BASE64_ROOM(16)];
        size_t n = 99;
        struct str text = str_z(rows[i].text);
        assert_int_equal(base64_decode(text, out, &n), rows[i].standard);
        if (rows[i].standard)
            assert_true(str_eqz((struct str){(char *)out, n}, rows[i].value));
        n = 99;
        assert_int_equal(base64url_decode(text, out, &n), rows[i].url);
        if (rows[i].url)
            assert_true(str_eqz((struct str){(char *)out, n}, rows[i].value));
    }
}

static void test_cache(void **state)
{
    struct token_cache *cache = token_cache_new();
    uint8_t hash[SECRET_HASH] = {1, 2, 3};
    struct str kid, payload;
    (void)state;
    assert_false(token_cache_get(cache, arena, hash, &kid, &payload));
    token_cache_put(cache, hash, STR("k"), STR("{}"));
    assert_true(token_cache_get(cache, arena, hash, &kid, &payload));
    assert_true(str_eqz(kid, "k") && str_eqz(payload, "{}"));
    hash[SECRET_HASH - 1] = 1;
    assert_false(token_cache_get(cache, arena, hash, &kid, &payload));
    /* Ten of one set: the last ones are there, the first are not, and the bound holds. */
    for (uint8_t i = 1; i <= 10; i++) {
        hash[SECRET_HASH - 1] = i;
        token_cache_put(cache, hash, STR("k"), STR("{}"));
        token_cache_put(cache, hash, STR("k"), STR("{}"));
    }
    size_t there = 0;
    for (uint8_t i = 1; i <= 10; i++) {
        hash[SECRET_HASH - 1] = i;
        there += token_cache_get(cache, arena, hash, &kid, &payload);
    }
    assert_int_equal(there, 4);
    token_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_vector),   cmocka_unit_test(test_zero_signature),
        cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_tampered),
        cmocka_unit_test(test_around),       cmocka_unit_test(test_headers),
        cmocka_unit_test(test_unsigned),     cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_jwk_refusals), cmocka_unit_test(test_der),
        cmocka_unit_test(test_base64),       cmocka_unit_test(test_cache),
    };
    return cmocka_run_group_tests_name("jwt", tests, begin, end);
}
