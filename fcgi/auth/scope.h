/*
 * scope.h - the two languages of scopes: what a client asks the token service for
 * (distribution-spec's token flow, "scope"), and what an OAuth token was given (Quay's names).
 * Parsing only; what is granted is decided elsewhere.
 */
#ifndef GANTRY_AUTH_SCOPE_H
#define GANTRY_AUTH_SCOPE_H

#include "auth/caller.h"
#include "base/err.h"

struct scope {
    bool is_repository; /* false: a scope that is known and grants nothing (registry:catalog:*) */
    struct str repository; /* without the registry's own host, when that stood before it */
    unsigned actions;      /* ACTION_*; unknown ones are dropped */
};

/*
 * `repository:[host/]name:action[,action]*` (host: this registry's, SERVER_HOSTNAME) or
 * `registry:catalog:*`. Slices of the text. E_BAD_REQUEST. That the name is a good one is
 * repo_name_parse()'s to say.
 */
enum err scope_parse(struct fail *f, struct str text, struct str host,
                     struct scope *ret) MUST_CHECK;

/* "pull,push" as the bits; unknown words are no bits. */
unsigned scope_action(struct str word);

/* The SCOPE_* bits of "repo:read repo:write"; unknown names give none. A right includes the smaller
 * ones. */
unsigned oauth_scopes(struct str text);

#endif
