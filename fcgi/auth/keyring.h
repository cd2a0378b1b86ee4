/*
 * keyring.h - the ES256 keys that sign and verify registry tokens (RFC 7515, 7517, 7518), shared by the threads of
 * a process.
 *
 * Keys live in table service_key, the private half sealed with DATABASE_SECRET_KEY (auth/secret.h). A key signs for
 * INSTANCE_SERVICE_KEY_EXPIRATION minutes and verifies until the last token it signed is beyond any grace. The oldest
 * key that still signs is the one used, so that a new one, made ahead by the worker program (keyring_rotate()), is known
 * everywhere before its first token. A process without any signing key makes one itself.
 *
 * A process loads the keys when first needed, again every minute, and at once when a token names an unknown kid (a few
 * times in a row, then every 5 s, so that made-up kids cost nothing). Readers take an immutable set by reference count;
 * nobody waits for a reload but who needs a key that is not there yet. A database that is down does not stop what the
 * loaded keys can verify.
 */
#ifndef GANTRY_AUTH_KEYRING_H
#define GANTRY_AUTH_KEYRING_H

#include "base/buf.h"
#include "base/worker.h"

/* The longest auth_input.grace_s: so long past its end a token's signature can still be checked. */
#define KEYRING_GRACE_S INT64_C(86400)

/* Touches no database. NULL when out of memory. */
struct keyring *keyring_new(void);
void keyring_free(struct keyring *k);
void keyring_freep(struct keyring **k);

/* Appends `header.payload.signature` for a JSON payload. */
enum err keyring_sign(struct worker *w, struct fail *f, struct str payload, struct buf *out) MUST_CHECK;

/*
 * Checks the signature of a compact JWS; the algorithm is the key's, the header must agree. *ret_payload is the decoded
 * JSON (arena). E_TOKEN_INVALID, E_DB_DOWN. Verified tokens are remembered by their SHA-256 as long as their key is
 * known; whether a token has expired is said by its claims (claims.h) and asked each time.
 */
enum err keyring_verify(struct worker *w, struct fail *f, struct str token, struct str *ret_payload) MUST_CHECK;

/* JWK Set (RFC 7517 section 5) of all living keys, or of one; E_NOT_FOUND. */
enum err keyring_jwks(struct worker *w, struct fail *f, struct buf *out) MUST_CHECK;
enum err keyring_jwk(struct worker *w, struct fail *f, struct str kid, struct buf *out) MUST_CHECK;

/* Makes a key when none signs for another quarter of its lifetime, drops expired ones. Any process, any time. */
enum err keyring_rotate(struct worker *w, struct fail *f) MUST_CHECK;

#endif
