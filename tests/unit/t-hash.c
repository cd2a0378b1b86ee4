/*
 * t-hash.c - a hash that is saved and loaded at any point goes on as if nothing had happened:
 * checked against EVP.
 */
#include "registry/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum digest_algorithm both[] = {DIGEST_SHA256, DIGEST_SHA512};

static struct str sample(void)
{
    static uint8_t bytes[5000];
    uint32_t x = 12345;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(x >> 24);
    }
    return (struct str){(const char *)bytes, sizeof(bytes)};
}

static void expect(const struct hash *h, struct str bytes)
{
    struct digest got, want;
    struct fail f = FAIL_INIT;
    hash_digest(h, &got);
    assert_int_equal(digest_of(&f, h->algorithm, bytes, &want), E_OK);
    assert_true(digest_eq(&got, &want));
    assert_int_equal(h->count, bytes.n);
}

static void save_and_load(struct hash *h)
{
    uint8_t state[HASH_STATE_MAX], again[HASH_STATE_MAX];
    size_t n = hash_save(h, state);
    assert_true(n <= HASH_STATE_MAX);
    memset(h, 0xa5, sizeof(*h));
    assert_true(hash_load(h, (struct str){(const char *)state, n}));
    assert_int_equal(hash_save(h, again), n);
    assert_memory_equal(state, again, n);
}

/* Every split of two parts around the block sizes, and the digest in between. */
static void test_every_split(void **state)
{
    struct str all = str_head(sample(), 600);
    (void)state;
    for (size_t a = 0; a < 2; a++) {
        for (size_t at = 0; at <= all.n; at++) {
            struct hash h;
            hash_init(&h, both[a]);
            hash_update(&h, all.p, at);
            expect(&h, str_head(all, at));
            save_and_load(&h);
            expect(&h, str_head(all, at));
            hash_update(&h, all.p + at, all.n - at);
            expect(&h, all);
        }
    }
}

/* Many parts of uneven size, saved between all of them. */
static void test_many_parts(void **state)
{
    struct str all = sample();
    (void)state;
    for (size_t a = 0; a < 2; a++) {
        for (size_t step = 1; step < 400; step += 13) {
            struct hash h;
            hash_init(&h, both[a]);
            for (size_t at = 0; at < all.n; at += step) {
                size_t n = all.n - at < step ? all.n - at : step;
                save_and_load(&h);
                hash_update(&h, all.p + at, n);
            }
            expect(&h, all);
        }
    }
}

/* More than 2^32 bits: the count of a SHA256_CTX spans two words. */
static void test_large_count(void **state)
{
    size_t size = (size_t)1 << 26;
    char *block = calloc(1, size);
    (void)state;
    assert_non_null(block);
    for (size_t a = 0; a < 2; a++) {
        struct hash straight, saved;
        struct digest x, y;
        hash_init(&straight, both[a]);
        hash_init(&saved, both[a]);
        for (int i = 0; i < 9; i++) {
            hash_update(&straight, block, size - 1);
            hash_update(&saved, block, size - 1);
            save_and_load(&saved);
        }
        assert_true(saved.count * 8 > UINT32_MAX);
        hash_digest(&straight, &x);
        hash_digest(&saved, &y);
        assert_true(digest_eq(&x, &y));
    }
    free(block);
}

/* The form is a promise to sessions that began under an older release. */
static void test_stable_form(void **state)
{
    static const char want[] = "0101"
                               "0000000000000003"
                               "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"
                               "616263";
    struct hash h;
    uint8_t bytes[HASH_STATE_MAX];
    char hex[2 * HASH_STATE_MAX + 1];
    (void)state;
    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, "abc", 3);
    hex_encode(bytes, hash_save(&h, bytes), hex);
    assert_string_equal(hex, want);

    assert_true(str_unhex(str_z(want), bytes, (sizeof(want) - 1) / 2));
    assert_true(hash_load(&h, (struct str){(char *)bytes, (sizeof(want) - 1) / 2}));
    expect(&h, STR("abc"));
}

static void test_refused(void **state)
{
    uint8_t bytes[HASH_STATE_MAX + 1] = {0};
    struct hash h, before;
    (void)state;
    hash_init(&h, DIGEST_SHA256);
    hash_update(&h, "abc", 3);
    before = h;
    size_t n = hash_save(&h, bytes);
    for (size_t i = 0; i <= sizeof(bytes); i++) {
        if (i != n)
            assert_false(hash_load(&h, (struct str){(char *)bytes, i}));
    }
    assert_false(hash_load(&h, STR_NONE));
    bytes[0] = 2; /* a version from the future */
    assert_false(hash_load(&h, (struct str){(char *)bytes, n}));
    bytes[0] = 1;
    bytes[1] = DIGEST_SHA512;
    assert_false(hash_load(&h, (struct str){(char *)bytes, n}));
    bytes[1] = 3;
    assert_false(hash_load(&h, (struct str){(char *)bytes, n}));
    bytes[1] = DIGEST_SHA256;
    bytes[2] = 0xff; /* a count that no upload reaches */
    assert_false(hash_load(&h, (struct str){(char *)bytes, n}));
    assert_memory_equal(&h, &before, sizeof(h));
}

static void test_sink(void **state)
{
    struct hash h;
    (void)state;
    hash_init(&h, DIGEST_SHA512);
    struct store_sink sink = hash_sink(&h);
    sink.update(sink.ctx, "a", 1);
    sink.update(sink.ctx, "", 0);
    sink.update(sink.ctx, "bc", 2);
    expect(&h, STR("abc"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split), cmocka_unit_test(test_many_parts),
        cmocka_unit_test(test_large_count), cmocka_unit_test(test_stable_form),
        cmocka_unit_test(test_refused),     cmocka_unit_test(test_sink),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
