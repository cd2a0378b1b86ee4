/*
 * access.h - what may they do: roles, scopes and permissions (reference: Quay's model, "How rights
 * are decided").
 *
 * The gate asks access_check() once per request; handlers never test permissions. The token service
 * and the mount of blobs ask access_repo_role(). Everything not granted is denied.
 */
#ifndef GANTRY_ACCESS_ACCESS_H
#define GANTRY_ACCESS_ACCESS_H

#include "auth/caller.h"
#include "base/err.h"
#include "base/worker.h"
#include "registry/reference.h"
#include "registry/repository.h"

enum perm {
#define PERM(name, who) PERM_##name,
#include "access/perms.def"
#undef PERM
    PERM_COUNT
};

enum repo_role {
    ROLE_NONE = 0,
    ROLE_READ = 1,
    ROLE_WRITE = 2,
    ROLE_ADMIN = 3,
};

enum team_role {
    TEAM_NONE = 0,
    TEAM_MEMBER = 1,
    TEAM_CREATOR = 2,
    TEAM_ADMIN = 3,
};

/*
 * The role that the caller holds on an existing repository, by the database (direct grants, teams,
 * own namespace, superusers, public) capped by OAuth scopes; for VIA_REGISTRY_TOKEN by the token's
 * grants alone (pull -> READ, push -> WRITE, * -> ADMIN), public repositories being readable with
 * FEATURE_ANONYMOUS_ACCESS whatever the token says.
 */
enum err access_repo_role(struct worker *w, struct fail *f, const struct caller *c,
                          const struct repo *repo, enum repo_role *ret) MUST_CHECK;

/*
 * As access_repo_role(), but a registry token counts with what its account may do as well (capped by the scopes of the
 * OAuth token that it was made from), because its grants cannot name what no scope was asked for: the source of a mount
 * without `from`, which the client does not know. On purpose: clients mint registry tokens for themselves with whatever
 * scope they like, so their grants are no limit that an owner has set; OAuth scopes are, and they hold here.
 */
enum err access_account_role(struct worker *w, struct fail *f, const struct caller *c, const struct repo *repo,
                             enum repo_role *ret) MUST_CHECK;

/* Whether the caller may create repositories in the namespace (which may not exist:
 * CREATE_NAMESPACE_ON_PUSH). */
enum err access_may_create(struct worker *w, struct fail *f, const struct caller *c,
                           struct str namespace_name, bool *ret) MUST_CHECK;

/*
 * The decision for a route. name: of {repo}, NULL when the route has none. *repo: filled with the
 * row when it exists.
 *
 * Read: on a repository that does not exist, E_OK with repo->id = 0 is given only to callers who
 * could create it, or whose registry token grants pull on it, which the token service does for the
 * same callers (the handler then answers 404 or an empty list); all others get the same refusal as
 * for a private one. Write: a missing repository is created when `create` is set and the caller
 * may (a registry token: when it grants push; the token service has asked access_may_create() when
 * it was issued). Repository states other than normal, DISABLE_PUSHES and REGISTRY_STATE refuse
 * writes: E_READ_ONLY.
 *
 * Refusals: E_UNAUTHORIZED (no credentials), E_TOKEN_SCOPE (a registry token that does not grant
 * it), E_DENIED (signed in another way), E_NAMESPACE_DISABLED, E_READ_ONLY.
 */
enum err access_check(struct worker *w, struct fail *f, const struct caller *c, enum perm perm,
                      const struct repo_name *name, bool create, struct str remote_addr,
                      struct repo *ret_repo) MUST_CHECK;

#endif
