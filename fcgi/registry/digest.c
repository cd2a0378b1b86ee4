/*
 * digest.c - see digest.h. The text form is strict: lower case, exact length, a known algorithm;
 * anything else could give one blob two names.
 */
#include "registry/digest.h"

#include <openssl/evp.h>
#include <pthread.h>

struct algorithm {
    struct str name;
    uint8_t n; /* raw bytes */
};

static const struct algorithm algorithms[] = {
    [DIGEST_NONE] = {{"", 0}, 0},
    [DIGEST_SHA256] = {STR_INIT("sha256"), 32},
    [DIGEST_SHA512] = {STR_INIT("sha512"), 64},
};
#define ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

static size_t algorithm_find(struct str name)
{
    for (size_t i = DIGEST_SHA256; i < ALGORITHMS; i++) {
        if (str_eq(name, algorithms[i].name))
            return i;
    }
    return DIGEST_NONE;
}

/* Text of strangers for a message: what is not printable ASCII becomes '?', what is long is cut. */
static void printable(struct str s, char *out, size_t size)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] > ' ' && s.p[i] < 0x7f ? s.p[i] : '?';
    out[n] = '\0';
}

enum err digest_algorithm_parse(struct fail *f, struct str name, enum digest_algorithm *ret)
{
    size_t i = algorithm_find(name);
    if (i == DIGEST_NONE) {
        char shown[33];
        printable(name, shown, sizeof(shown));
        return fail(f, E_DIGEST_INVALID,
                    "the digest algorithm \"%s\" is not supported; use sha256 or sha512", shown);
    }
    *ret = (enum digest_algorithm)i;
    return E_OK;
}

enum err digest_parse(struct fail *f, struct str text, struct digest *ret)
{
    struct str name, hex;
    enum digest_algorithm algorithm;
    struct digest d = {.n = 0};
    char shown[81];

    printable(text, shown, sizeof(shown));
    if (!str_cut(text, ':', &name, &hex))
        return fail(f, E_DIGEST_INVALID,
                    "\"%s\" is not a digest; it must look like sha256:<64 hexadecimal digits>",
                    shown);
    enum err e = digest_algorithm_parse(f, name, &algorithm);
    if (e)
        return e;
    size_t n = algorithms[algorithm].n;
    if (hex.n != 2 * n)
        return fail(f, E_DIGEST_INVALID,
                    "the digest \"%s\" has %zu characters after the colon; %s needs %zu", shown,
                    hex.n, algorithms[algorithm].name.p, 2 * n);
    if (!str_unhex(hex, d.raw + 1, n))
        return fail(f, E_DIGEST_INVALID,
                    "the digest \"%s\" must be written in lower-case hexadecimal digits", shown);
    d.raw[0] = (uint8_t)algorithm;
    d.n = (uint8_t)(n + 1);
    *ret = d;
    return E_OK;
}

void digest_format(const struct digest *d, char out[static DIGEST_TEXT_MAX])
{
    const struct algorithm *a = &algorithms[d->raw[0]];
    memcpy(out, a->name.p, a->name.n);
    out[a->name.n] = ':';
    hex_encode(d->raw + 1, a->n, out + a->name.n + 1);
}

bool digest_from_db(struct str raw, struct digest *ret)
{
    if (raw.n < 1 || raw.n > DIGEST_RAW_MAX)
        return false;
    uint8_t algorithm = (uint8_t)raw.p[0];
    if (algorithm < DIGEST_SHA256 || algorithm >= ALGORITHMS ||
        raw.n != (size_t)algorithms[algorithm].n + 1)
        return false;
    *ret = (struct digest){.n = (uint8_t)raw.n};
    memcpy(ret->raw, raw.p, raw.n);
    return true;
}

/* Fetched once: an implicit fetch per digest costs half the throughput of small ones (PITFALLS 6).
 */
static EVP_MD *mds[ALGORITHMS];
static pthread_once_t mds_once = PTHREAD_ONCE_INIT;

static void mds_fetch(void)
{
    mds[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    mds[DIGEST_SHA512] = EVP_MD_fetch(NULL, "SHA512", NULL);
}

enum err digest_of(struct fail *f, enum digest_algorithm algorithm, struct str bytes,
                   struct digest *ret)
{
    struct digest d = {.n = (uint8_t)(algorithms[algorithm].n + 1)};
    d.raw[0] = (uint8_t)algorithm;
    pthread_once(&mds_once, mds_fetch);
    if (!mds[algorithm] ||
        EVP_Digest(bytes.n ? bytes.p : "", bytes.n, d.raw + 1, NULL, mds[algorithm], NULL) != 1)
        return fail_internal(f, E_INTERNAL, "OpenSSL cannot compute %s",
                             algorithms[algorithm].name.p);
    *ret = d;
    return E_OK;
}
