/*
 * claims.h - what a registry token says (Quay's claims; RFC 7519), as JSON. No keys, no clock, no
 * database.
 *
 * iss, aud, sub, iat, nbf, exp, access = [{type, name, actions}], and context = {version: 2,
 * entity_kind, entity_reference, kind, user, ...} as Quay writes it. context.gantry carries the
 * account's ids, so that a request with a token asks no database who is calling.
 */
#ifndef GANTRY_AUTH_CLAIMS_H
#define GANTRY_AUTH_CLAIMS_H

#include "auth/caller.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"

/* Difference of clocks that is borne with. */
#define CLAIMS_LEEWAY_S          30

#define CLAIMS_SUBJECT_ANONYMOUS "(anonymous)"

/* Appends the claims for the caller and its grants, issued at now_s for token_lifetime_s seconds.
 */
enum err claims_write(const struct config *config, const struct caller *c, struct str audience,
                      int64_t now_s, struct buf *out) MUST_CHECK;

/*
 * The caller behind claims whose signature was verified. E_TOKEN_EXPIRED (unless less than grace_s
 * ago: then ret->expired), E_TOKEN_INVALID: another issuer or audience, from the future, living too
 * long, or not of our making.
 */
enum err claims_read(const struct config *config, struct fail *f, struct arena *a,
                     struct str payload, int64_t now_s, int64_t grace_s,
                     struct caller *ret) MUST_CHECK;

#endif
