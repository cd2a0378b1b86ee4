/*
 * keyring.h - the ES256 keys that sign and verify registry tokens (RFC 7515, 7517, 7518), shared by the threads of
 * a process.
 *
 * Keys live in table service_key, the private half encrypted with DATABASE_SECRET_KEY. A process loads them when first
 * needed, again every minute, and at once (at most every 5 s) when a token names an unknown kid. Readers take an
 * immutable set by reference count; nobody waits for a reload. The worker program makes the next key before the current
 * one retires, and removes expired ones (keyring_rotate()).
 */
#ifndef GANTRY_AUTH_KEYRING_H
#define GANTRY_AUTH_KEYRING_H

#include "base/buf.h"
#include "base/worker.h"

struct keyring *keyring_new(const struct config *config);
void keyring_free(struct keyring *k);
void keyring_freep(struct keyring **k);

/* Appends `header.payload.signature` for a JSON payload. */
enum err keyring_sign(struct worker *w, struct fail *f, struct str payload, struct buf *out) MUST_CHECK;

/*
 * Checks the signature of a compact JWS; the algorithm is the key's, the header must agree. *ret_payload is the decoded
 * JSON (arena). E_TOKEN_INVALID. Verified tokens are cached by their SHA-256 until they expire.
 */
enum err keyring_verify(struct worker *w, struct fail *f, struct str token, struct str *ret_payload) MUST_CHECK;

/* JWK Set (RFC 7517 section 5) of all living keys, or of one; E_NOT_FOUND. */
enum err keyring_jwks(struct worker *w, struct fail *f, struct buf *out) MUST_CHECK;
enum err keyring_jwk(struct worker *w, struct fail *f, struct str kid, struct buf *out) MUST_CHECK;

/* Makes a key when none signs for another quarter of its lifetime, drops expired ones. Any process, any time. */
enum err keyring_rotate(struct worker *w, struct fail *f) MUST_CHECK;

#endif
