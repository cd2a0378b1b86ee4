/*
 * hash.c - see hash.h.
 *
 * This file alone uses OpenSSL's low-level contexts: an EVP_MD_CTX cannot be saved, SHA256_CTX and
 * SHA512_CTX are plain structures (openssl/sha.h). They run the same assembly, SHA-NI included.
 * SHA512_CTX counts bits in two words, we count bytes in one: 2^61 bytes, the point where bits
 * would overflow, is far past MAXIMUM_LAYER_SIZE.
 */
#undef OPENSSL_NO_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#include "registry/hash.h"

#include <assert.h>
#include <openssl/sha.h>

#define VERSION 1
#define HEADER  10

static_assert(sizeof(SHA256_CTX) <= sizeof(((struct hash *)0)->context), "context is too small");
static_assert(sizeof(SHA512_CTX) <= sizeof(((struct hash *)0)->context), "context is too small");
static_assert(_Alignof(SHA512_CTX) <= 16, "context is not aligned");
static_assert(HEADER + 64 + SHA512_CBLOCK - 1 == HASH_STATE_MAX, "HASH_STATE_MAX is wrong");

static SHA256_CTX *sha256(struct hash *h)
{
    return (SHA256_CTX *)(void *)h->context;
}

static SHA512_CTX *sha512(struct hash *h)
{
    return (SHA512_CTX *)(void *)h->context;
}

static void put_be(uint8_t *at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)(v >> 8 * (n - 1 - i));
}

static uint64_t get_be(const uint8_t *at, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | at[i];
    return v;
}

void hash_init(struct hash *h, enum digest_algorithm algorithm)
{
    *h = (struct hash){.algorithm = algorithm};
    if (algorithm == DIGEST_SHA512) {
        SHA512_Init(sha512(h));
    } else {
        assert(algorithm == DIGEST_SHA256);
        SHA256_Init(sha256(h));
    }
}

void hash_update(struct hash *h, const void *p, size_t n)
{
    if (n == 0)
        return;
    if (h->algorithm == DIGEST_SHA512)
        SHA512_Update(sha512(h), p, n);
    else
        SHA256_Update(sha256(h), p, n);
    h->count += n;
}

void hash_digest(const struct hash *h, struct digest *ret)
{
    struct hash copy = *h;
    *ret = (struct digest){.n = 0};
    ret->raw[0] = (uint8_t)h->algorithm;
    if (h->algorithm == DIGEST_SHA512) {
        SHA512_Final(ret->raw + 1, sha512(&copy));
        ret->n = 1 + SHA512_DIGEST_LENGTH;
    } else {
        SHA256_Final(ret->raw + 1, sha256(&copy));
        ret->n = 1 + SHA256_DIGEST_LENGTH;
    }
}

size_t hash_save(const struct hash *h, uint8_t out[static HASH_STATE_MAX])
{
    struct hash copy = *h; /* the accessors above are for writable ones */
    uint8_t *at = out + HEADER;
    out[0] = VERSION;
    out[1] = (uint8_t)h->algorithm;
    put_be(out + 2, h->count, 8);
    if (h->algorithm == DIGEST_SHA512) {
        const SHA512_CTX *c = sha512(&copy);
        for (size_t i = 0; i < 8; i++, at += 8)
            put_be(at, c->h[i], 8);
        memcpy(at, c->u.p, c->num);
        at += c->num;
    } else {
        const SHA256_CTX *c = sha256(&copy);
        for (size_t i = 0; i < 8; i++, at += 4)
            put_be(at, c->h[i], 4);
        memcpy(at, c->data, c->num);
        at += c->num;
    }
    return (size_t)(at - out);
}

bool hash_load(struct hash *h, struct str state)
{
    const uint8_t *p = (const uint8_t *)state.p;
    struct hash loaded;

    if (state.n < HEADER || p[0] != VERSION || (p[1] != DIGEST_SHA256 && p[1] != DIGEST_SHA512))
        return false;
    bool wide = p[1] == DIGEST_SHA512;
    size_t word = wide ? 8 : 4;
    uint64_t count = get_be(p + 2, 8);
    size_t pending = (size_t)(count % (wide ? SHA512_CBLOCK : SHA256_CBLOCK));
    if (count >> 61 || state.n != HEADER + 8 * word + pending)
        return false;

    hash_init(&loaded, (enum digest_algorithm)p[1]);
    loaded.count = count;
    p += HEADER;
    if (wide) {
        SHA512_CTX *c = sha512(&loaded);
        for (size_t i = 0; i < 8; i++, p += word)
            c->h[i] = get_be(p, word);
        c->Nl = count << 3;
        c->num = (unsigned)pending;
        memcpy(c->u.p, p, pending);
    } else {
        SHA256_CTX *c = sha256(&loaded);
        for (size_t i = 0; i < 8; i++, p += word)
            c->h[i] = (SHA_LONG)get_be(p, word);
        c->Nl = (SHA_LONG)(count << 3);
        c->Nh = (SHA_LONG)(count >> 29);
        c->num = (unsigned)pending;
        memcpy(c->data, p, pending);
    }
    *h = loaded;
    return true;
}

static void sink_update(void *ctx, const void *p, size_t n)
{
    hash_update(ctx, p, n);
}

struct store_sink hash_sink(struct hash *h)
{
    return (struct store_sink){.update = sink_update, .ctx = h};
}
