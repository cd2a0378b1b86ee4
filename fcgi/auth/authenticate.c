/*
 * authenticate.c - see authenticate.h. Only the choice of the way; what a way means stands in
 * credentials.c, keyring.c and claims.c.
 */
#include "auth/authenticate.h"

#include "auth/basic.h"
#include "auth/claims.h"
#include "auth/credentials.h"
#include "auth/keyring.h"
#include "base/cleanup.h"
#include "base/clock.h"

static enum err by_registry_token(struct worker *w, struct fail *f, struct str token,
                                  int64_t grace_s, struct caller *ret)
{
    struct str payload;
    enum err e = keyring_verify(w, f, token, &payload);
    if (e)
        return e;
    return claims_read(w->config, f, w->arena, payload, clock_s(), grace_s, ret);
}

enum err authenticate(struct worker *w, struct fail *f, const struct auth_input *in,
                      struct caller *ret)
{
    CLEANUP(authorization_done) struct authorization a = {.scheme = SCHEME_NONE};
    enum err e = authorization_parse(f, w->arena, in->authorization, &a);
    if (e)
        return e;
    struct credentials credentials = {
        .user = a.user,
        .password = a.scheme == SCHEME_BEARER ? a.token : a.password,
        .remote_addr = in->remote_addr,
        .user_agent = in->user_agent,
    };
    switch (a.scheme) {
    case SCHEME_NONE:
        *ret = (struct caller){.kind = CALLER_ANONYMOUS, .name = STR_INIT("")};
        return E_OK;
    case SCHEME_BEARER:
        if (in->api)
            return credentials_check_oauth(w, f, &credentials, ret);
        return by_registry_token(w, f, a.token, in->grace_s, ret);
    case SCHEME_BASIC:
        if (in->api)
            return fail(f, E_BAD_CREDENTIALS,
                        "Basic is not accepted here: send an OAuth token as Bearer");
        return credentials_check(w, f, &credentials, ret);
    }
    return fail_internal(f, E_INTERNAL, "an authorization scheme without a way");
}
