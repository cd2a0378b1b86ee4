/*
 * es256.h - ECDSA on P-256 with SHA-256, in the forms JOSE wants (RFC 7518 section 3.4): signatures
 * are 64 raw bytes r || s, points are two coordinates of 32 bytes.
 *
 * A key is parsed once and then shared read-only between threads (an EVP_PKEY counts its
 * references).
 */
#ifndef GANTRY_AUTH_ES256_H
#define GANTRY_AUTH_ES256_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/evp.h>

#define ES256_COORDINATE 32
#define ES256_SIGNATURE  64

/* For CLEANUP. */
void es256_free(EVP_PKEY **key);

/* A fresh pair. */
enum err es256_generate(struct fail *f, EVP_PKEY **ret) MUST_CHECK;

/* The private key as DER (RFC 5915), appended; and back. */
enum err es256_to_der(struct fail *f, EVP_PKEY *key, struct buf *out) MUST_CHECK;
enum err es256_from_der(struct fail *f, struct str der, EVP_PKEY **ret) MUST_CHECK;

/* The public half as coordinates, and back; a point that is not on the curve is E_INTERNAL. */
enum err es256_point(struct fail *f, EVP_PKEY *key, uint8_t ret_x[static ES256_COORDINATE],
                     uint8_t ret_y[static ES256_COORDINATE]) MUST_CHECK;
enum err es256_from_point(struct fail *f, const uint8_t x[static ES256_COORDINATE],
                          const uint8_t y[static ES256_COORDINATE], EVP_PKEY **ret) MUST_CHECK;

enum err es256_sign(struct fail *f, EVP_PKEY *key, struct str message,
                    uint8_t ret[static ES256_SIGNATURE]) MUST_CHECK;
bool es256_verify(EVP_PKEY *key, struct str message,
                  const uint8_t signature[static ES256_SIGNATURE]);

#endif
