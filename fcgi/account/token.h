/*
 * token.h - what signs in instead of a password: app tokens ($app) and OAuth tokens ($oauthtoken,
 * and Bearer under /api/). Both belong to a user. See user.h for transactions and errors.
 *
 * A token is 60 letters and digits (310 random bits). App tokens are also kept sealed, because
 * Quay's API shows them again; an OAuth token is seen once.
 */
#ifndef GANTRY_ACCOUNT_TOKEN_H
#define GANTRY_ACCOUNT_TOKEN_H

#include "audit/record.h"
#include "base/worker.h"
#include "db/account.h"

#define TOKEN_CHARS           60
#define TOKEN_OAUTH_DEFAULT_S ((int64_t)10 * 365 * 86400) /* Quay's: ten years */

/* expires_ms 0: never. The token goes to ret_token with a NUL (cleanse it after use), its uuid to
 * ret_uuid. */
enum err token_create_app(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *user, struct str title, int64_t expires_ms,
                          char ret_uuid[static 37],
                          char ret_token[static TOKEN_CHARS + 1]) MUST_CHECK;

/* scope: Quay's names, one space between two. */
enum err token_create_oauth(struct worker *w, struct fail *f, const struct actor *by,
                            const struct account *user, struct str title, struct str scope,
                            int64_t expires_ms, char ret_uuid[static 37],
                            char ret_token[static TOKEN_CHARS + 1]) MUST_CHECK;

/* Of either kind; E_NOT_FOUND. */
enum err token_revoke(struct worker *w, struct fail *f, const struct actor *by,
                      struct str uuid) MUST_CHECK;

#endif
