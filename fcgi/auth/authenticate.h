/*
 * authenticate.h - from an Authorization header to a struct caller.
 *
 * One provider so far (AUTHENTICATION_TYPE Database). Order: no header -> anonymous; Bearer -> our registry token
 * (under /api/ an OAuth token); Basic -> $oauthtoken, $app, ns+robot, else a user's password (credentials.h). Failed
 * Basic logins back off per account (database) and per address (Redis, else per process) with E_TOO_MANY and
 * fail->retry_after_s (backoff.h), and are written to the audit log (login_log.h). Comparing secrets takes constant
 * time; unknown users cost as much as known ones. A registry token is believed until it runs out (claims.h): it asks no
 * database.
 */
#ifndef GANTRY_AUTH_AUTHENTICATE_H
#define GANTRY_AUTH_AUTHENTICATE_H

#include "auth/caller.h"
#include "base/err.h"
#include "base/worker.h"

struct auth_input {
    struct str authorization; /* the header's value; n = 0: none was sent */
    struct str remote_addr;
    struct str user_agent;
    bool api;                 /* Bearer means an OAuth token, Basic is not accepted */
    int64_t grace_s;          /* accept a registry token that expired up to this long ago (caller->expired);
                                 at most KEYRING_GRACE_S */
};

/*
 * E_BAD_CREDENTIALS, E_TOKEN_INVALID, E_TOKEN_EXPIRED, E_TOO_MANY, E_BUSY, E_DB_DOWN. Without credentials: E_OK and anonymous
 * (whether that is enough is for access/ to say).
 */
enum err authenticate(struct worker *w, struct fail *f, const struct auth_input *in,
                      struct caller *ret) MUST_CHECK;

#endif
