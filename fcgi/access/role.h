/*
 * role.h - from facts to a role: the pure part of access/, without a database and without a clock.
 *
 * access.c gathers the facts; what follows from them is decided here and only here, so that a table
 * of cases can test it. Everything not granted is denied: the zero value of every fact grants
 * nothing.
 */
#ifndef GANTRY_ACCESS_ROLE_H
#define GANTRY_ACCESS_ROLE_H

#include "access/access.h"

struct role_facts {
    enum caller_kind kind;
    enum auth_via via;
    unsigned scopes; /* SCOPE_ALL when not capped */
    bool superuser, readonly_superuser;
    unsigned actions; /* of the registry token's grants for this repository */

    /* settings */
    bool anonymous_access;       /* FEATURE_ANONYMOUS_ACCESS */
    bool superusers_full_access; /* FEATURE_SUPERUSERS_FULL_ACCESS */

    /* the tables */
    enum repo_role direct, team; /* grants on the repository: to the account, to its best team */
    enum team_role org;          /* the best team role in the namespace */
    bool own_namespace;          /* the user's own, never an organization */
    bool is_public;
};

enum repo_role role_on_repository(const struct role_facts *facts);

/*
 * Whether repositories may be created in the (existing, enabled) namespace. Not for registry
 * tokens: what those may create stands in their grants.
 */
bool role_may_create(const struct role_facts *facts);

/* The highest role that OAuth scopes leave. */
enum repo_role role_of_scopes(unsigned scopes);

/* pull -> READ, push -> WRITE, * -> ADMIN */
enum repo_role role_of_actions(unsigned actions);

/*
 * Actions granted for a repository, all entries together. A grant names it in full ("acme/web"); a
 * one-part name means the library namespace.
 */
unsigned grants_for(const struct grant *grants, size_t n, struct str library,
                    struct str namespace_name, struct str name);

/* "read", "write", "admin"; "member", "creator", "admin"; "none". */
const char *repo_role_name(enum repo_role role);
const char *team_role_name(enum team_role role);
/* False when it is no role's name. */
bool repo_role_parse(struct str s, enum repo_role *ret);
bool team_role_parse(struct str s, enum team_role *ret);

#endif
