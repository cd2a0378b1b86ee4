/*
 * jwt.h - compact JWS with ES256 (RFC 7515, 7518) and its keys as JWK (RFC 7517, 7638). No
 * database, no clock: what the payload says is claims.h's, which key is meant is keyring.h's.
 *
 * The algorithm is the key's, never the header's choice: the header must say ES256, name a kid, and
 * ask for nothing that has to be understood (crit).
 */
#ifndef GANTRY_AUTH_JWT_H
#define GANTRY_AUTH_JWT_H

#include "auth/es256.h"
#include "base/arena.h"

#define JWT_MAX 16384 /* bytes of a token */
#define KID_MAX 64

/* A token taken apart; the signature is not yet looked at. kid and payload are in the arena. */
struct jwt {
    struct str signing_input; /* header.payload as sent */
    struct str kid;
    struct str payload; /* JSON, decoded */
    uint8_t signature[ES256_SIGNATURE];
};

/* E_TOKEN_INVALID with what is wrong. */
enum err jwt_parse(struct fail *f, struct arena *a, struct str token, struct jwt *ret) MUST_CHECK;

/* E_TOKEN_INVALID when the key did not sign it. */
enum err jwt_verify(struct fail *f, const struct jwt *jwt, EVP_PKEY *key) MUST_CHECK;

/* Appends header.payload.signature. */
enum err jwt_sign(struct fail *f, EVP_PKEY *key, struct str kid, struct str payload,
                  struct buf *out) MUST_CHECK;

/* The key's thumbprint (RFC 7638), which is the kid of our own keys; NUL-terminated. */
enum err jwk_thumbprint(struct fail *f, EVP_PKEY *key, char ret[static KID_MAX + 1]) MUST_CHECK;

/* Appends the public half as a JWK. */
enum err jwk_write(struct fail *f, EVP_PKEY *key, struct str kid, struct buf *out) MUST_CHECK;

/* Reads a public JWK of ours. */
enum err jwk_read(struct fail *f, struct str json, EVP_PKEY **ret) MUST_CHECK;

#endif
