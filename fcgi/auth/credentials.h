/*
 * credentials.h - a name and a secret: whose are they? For Basic, and for the token service's form.
 *
 * `$oauthtoken` (an OAuth token), `$app` (an app-specific token), `namespace+robot` (its token),
 * else a user and a password. Names are compared byte for byte.
 *
 * A wrong secret counts against the account and against the address (backoff.h). While a user's
 * account or the address has to wait, the right password is refused like a wrong one, or guessing
 * would go on at full speed. A right token is never refused for that: 256 random bits cannot be
 * guessed, and one machine with an old token must not lock out the others that share its robot or
 * its address.
 */
#ifndef GANTRY_AUTH_CREDENTIALS_H
#define GANTRY_AUTH_CREDENTIALS_H

#include "auth/caller.h"
#include "base/err.h"
#include "base/worker.h"

struct credentials {
    struct str user, password;
    struct str remote_addr, user_agent;
};

/* E_BAD_CREDENTIALS, E_TOO_MANY with retry_after_s, E_BUSY, E_DB_DOWN. */
enum err credentials_check(struct worker *w, struct fail *f, const struct credentials *in,
                           struct caller *ret) MUST_CHECK;

/* The OAuth token in in->password alone (a bearer token under /api/). */
enum err credentials_check_oauth(struct worker *w, struct fail *f, const struct credentials *in,
                                 struct caller *ret) MUST_CHECK;

#endif
