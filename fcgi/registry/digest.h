/*
 * digest.h - content digests: `sha256:<64 hex>` and `sha512:<128 hex>` (image-spec, "Digests").
 *
 * In the database a digest is one algorithm byte and the raw bytes; struct digest is just that.
 */
#ifndef GANTRY_REGISTRY_DIGEST_H
#define GANTRY_REGISTRY_DIGEST_H

#include "base/err.h"
#include "base/str.h"

enum digest_algorithm {
    DIGEST_NONE = 0,
    DIGEST_SHA256 = 1,
    DIGEST_SHA512 = 2,
};

#define DIGEST_RAW_MAX 65  /* algorithm byte + 64 */
#define DIGEST_TEXT_MAX 136 /* "sha512:" + 128 + NUL */

struct digest {
    uint8_t raw[DIGEST_RAW_MAX]; /* raw[0] is the algorithm */
    uint8_t n;                   /* bytes used in raw: 33 or 65 */
};

/* E_DIGEST_INVALID: bad syntax, upper case, wrong length or an algorithm that is not supported. */
enum err digest_parse(struct fail *f, struct str text, struct digest *ret) MUST_CHECK;
void digest_format(const struct digest *d, char out[static DIGEST_TEXT_MAX]);
enum err digest_algorithm_parse(struct fail *f, struct str name, enum digest_algorithm *ret) MUST_CHECK;

/* From and to the database's form. False when the bytes are not a digest. */
bool digest_from_db(struct str raw, struct digest *ret);
static inline struct str digest_db(const struct digest *d)
{
    return (struct str){(const char *)d->raw, d->n};
}
static inline bool digest_eq(const struct digest *a, const struct digest *b)
{
    return a->n == b->n && memcmp(a->raw, b->raw, a->n) == 0;
}

/* Digest of bytes in memory. E_INTERNAL only when OpenSSL fails. */
enum err digest_of(struct fail *f, enum digest_algorithm algorithm, struct str bytes, struct digest *ret) MUST_CHECK;

#endif
