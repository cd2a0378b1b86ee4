/*
 * token_cache.h - tokens whose signature was found right, so that the next request with one costs a
 * hash and not a verification. Bounded, shared by the threads of a process; the least recently used
 * of a small set goes first.
 *
 * What is remembered is the payload and the kid under the token's SHA-256, never the token. A hit
 * says that the signature was right under that kid; whether the key still lives and the claims
 * still hold is the caller's to ask.
 */
#ifndef GANTRY_AUTH_TOKEN_CACHE_H
#define GANTRY_AUTH_TOKEN_CACHE_H

#include "auth/jwt.h"
#include "auth/secret.h"

struct token_cache;

struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *c);

/* Copies into the arena. False when it is not there (or memory is short). */
bool token_cache_get(struct token_cache *c, struct arena *a, const uint8_t hash[static SECRET_HASH],
                     struct str *ret_kid, struct str *ret_payload);
/* Long payloads are not kept. */
void token_cache_put(struct token_cache *c, const uint8_t hash[static SECRET_HASH], struct str kid,
                     struct str payload);

#endif
