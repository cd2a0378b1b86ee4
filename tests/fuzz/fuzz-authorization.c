/*
 * fuzz-authorization.c - the Authorization header and the scopes of the token service: what is accepted is text within
 * its bounds, and what is refused says so in words that do not repeat the secret.
 */
#include "auth/basic.h"
#include "auth/scope.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_header(struct arena *arena, struct str text)
{
    struct fail f = FAIL_INIT;
    struct authorization a = {.scheme = SCHEME_NONE};
    enum err e = authorization_parse(&f, arena, text, &a);
    if (e && ((e != E_BAD_CREDENTIALS && e != E_TOKEN_INVALID && e != E_NO_MEMORY) || f.err != e))
        abort();
    if (!e && a.scheme == SCHEME_BASIC &&
        (!credentials_plausible(a.user, a.password) || str_chr(a.user, ':') >= 0))
        abort();
    if (!e && a.scheme == SCHEME_BEARER && a.token.n == 0)
        abort();
    authorization_done(&a);
}

static void try_scope(struct str text)
{
    struct fail f = FAIL_INIT;
    struct scope scope;
    enum err e = scope_parse(&f, text, STR("localhost:8443"), &scope);
    if (e && (e != E_BAD_REQUEST || !f.message[0]))
        abort();
    if (!e && scope.is_repository &&
        (scope.repository.n == 0 || str_chr(scope.repository, ':') >= 0))
        abort();
    if (oauth_scopes(text) & ~(unsigned)SCOPE_ALL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena *arena = arena_new((size_t)1 << 20);
    if (!arena)
        abort();
    try_header(arena, text);
    try_scope(text);
    arena_free(arena);
    return 0;
}
