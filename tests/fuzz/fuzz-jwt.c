/*
 * fuzz-jwt.c - bearer tokens and their claims as strangers send them: what is taken apart can be put together to the same
 * bytes, nothing verifies that the key did not sign, and claims that are taken are within their bounds.
 */
#include "auth/claims.h"
#include "auth/jwt.h"
#include "base/cleanup.h"

#include <stdlib.h>

#define NOW INT64_C(1700000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config config = {
    .token_issuer = (char[]){"quay"},
    .server_hostname = (char[]){"localhost:8443"},
    .token_lifetime_s = 3600,
};

static void try_claims(struct arena *arena, struct str payload)
{
    struct fail f = FAIL_INIT;
    struct caller c;
    enum err e = claims_read(&config, &f, arena, payload, NOW, 60, &c);
    if (e) {
        if ((e != E_TOKEN_INVALID && e != E_TOKEN_EXPIRED && e != E_NO_MEMORY) || f.err != e)
            abort();
        return;
    }
    if (c.via != VIA_REGISTRY_TOKEN || c.superuser ||
        (c.kind == CALLER_ANONYMOUS) != (c.account_id == 0))
        abort();
    for (size_t i = 0; i < c.n_grants; i++) {
        if (c.grants[i].repository.n == 0 ||
            c.grants[i].actions & ~(unsigned)(ACTION_PULL | ACTION_PUSH | ACTION_ADMIN))
            abort();
    }
}

static void try_token(struct arena *arena, EVP_PKEY *key, struct str token)
{
    struct fail f = FAIL_INIT;
    struct jwt jwt;
    CLEANUP(buf_done) struct buf again = BUF_INIT;
    enum err e = jwt_parse(&f, arena, token, &jwt);
    if (e) {
        if ((e != E_TOKEN_INVALID && e != E_NO_MEMORY) || f.err != e)
            abort();
        return;
    }
    buf_put(&again, jwt.signing_input);
    buf_putc(&again, '.');
    buf_base64url(&again, jwt.signature, sizeof(jwt.signature));
    if (!str_eq(buf_str(&again), token) || jwt.kid.n == 0 || jwt.kid.n > KID_MAX)
        abort();
    if (jwt_verify(&f, &jwt, key) == E_OK)
        abort();
    try_claims(arena, jwt.payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static EVP_PKEY *key; /* one for the whole run */
    struct str text = {(const char *)data, size};
    struct arena *arena = arena_new((size_t)1 << 20);
    if (!arena || (!key && es256_generate(NULL, &key)))
        abort();
    try_token(arena, key, text);
    try_claims(arena, text);
    arena_free(arena);
    return 0;
}
