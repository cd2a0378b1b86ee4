/*
 * secret.h - secrets at rest: sealed when they must be shown again, hashed when they need only be
 * compared.
 *
 * Sealed is AES-256-GCM under a key derived (HKDF-SHA-256) from DATABASE_SECRET_KEY. The purpose
 * names the place the bytes belong to ("robot_token:17") and is authenticated, so that a sealed
 * value copied into another row does not open there. Layout, raw bytes: version 1, nonce 12,
 * ciphertext, tag 16: SECRET_OVERHEAD more than the text.
 *
 * Hashed is plain SHA-256: our tokens are 256 random bits, so there is nothing to guess and no need
 * for a slow hash. Passwords are another matter: password.h.
 */
#ifndef GANTRY_AUTH_SECRET_H
#define GANTRY_AUTH_SECRET_H

#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"

#define SECRET_OVERHEAD 29
#define SECRET_HASH     32

/* Appends the sealed bytes. */
enum err secret_encrypt(const struct config *config, struct fail *f, struct str purpose,
                        struct str plain, struct buf *out) MUST_CHECK;

/*
 * Appends the opened bytes (cleanse them after use: secret_done). E_INTERNAL when they were sealed
 * under another DATABASE_SECRET_KEY or purpose, or were altered.
 */
enum err secret_decrypt(const struct config *config, struct fail *f, struct str purpose,
                        struct str sealed, struct buf *out) MUST_CHECK;

/* SHA-256 of a token, as the *_token tables keep it. E_NO_MEMORY. */
enum err secret_hash(struct fail *f, struct str secret, uint8_t ret[static SECRET_HASH]) MUST_CHECK;

/* Overwrites the content, then buf_done(). For CLEANUP. */
void secret_done(struct buf *b);

#endif
