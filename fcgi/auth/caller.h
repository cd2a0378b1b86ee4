/*
 * caller.h - who is calling: the outcome of authentication, read by everything after it.
 *
 * Memory is the request's arena. A caller says who, never what they may do: that is access/.
 */
#ifndef GANTRY_AUTH_CALLER_H
#define GANTRY_AUTH_CALLER_H

#include "base/str.h"

enum caller_kind {
    CALLER_ANONYMOUS = 0,
    CALLER_USER,
    CALLER_ROBOT,
};

enum auth_via {
    VIA_NONE = 0,      /* no credentials were sent */
    VIA_PASSWORD,      /* Basic, a user's password */
    VIA_ROBOT_TOKEN,   /* Basic, ns+robot */
    VIA_APP_TOKEN,     /* Basic, $app */
    VIA_OAUTH_TOKEN,   /* Basic $oauthtoken, or Bearer under /api/ */
    VIA_REGISTRY_TOKEN,/* Bearer, our own JWT from /v2/auth */
};

/* Actions of a registry token's access entry. */
enum {
    ACTION_PULL = 1,
    ACTION_PUSH = 2,
    ACTION_ADMIN = 4, /* "*": all of them */
};

struct grant {
    struct str repository; /* as in the scope: "acme/web", "busybox" stays one-part */
    unsigned actions;
};

/* OAuth scopes (reference: Quay's names), capping the roles of the account. */
enum {
    SCOPE_REPO_READ = 1 << 0,
    SCOPE_REPO_WRITE = 1 << 1,
    SCOPE_REPO_ADMIN = 1 << 2,
    SCOPE_REPO_CREATE = 1 << 3,
    SCOPE_USER_READ = 1 << 4,
    SCOPE_USER_ADMIN = 1 << 5,
    SCOPE_ORG_ADMIN = 1 << 6,
    SCOPE_SUPER_USER = 1 << 7,
    SCOPE_ALL = (1 << 8) - 1, /* not capped */
};

struct caller {
    enum caller_kind kind;
    enum auth_via via;
    int64_t account_id;      /* 0 when anonymous */
    struct str name;         /* "" when anonymous */
    int64_t namespace_id;    /* a robot's owner, else 0 */
    bool superuser;          /* in SUPER_USERS and not in GLOBAL_READONLY_SUPER_USERS, not capped away */
    bool readonly_superuser;
    unsigned scopes;
    /* VIA_REGISTRY_TOKEN only: what the token grants; rights are these and nothing else */
    const struct grant *grants;
    size_t n_grants;
    bool expired;            /* the token ran out less than the grace time ago; only R_GRACE routes accept it */
    struct str token_uuid;   /* VIA_APP_TOKEN, VIA_OAUTH_TOKEN: for the audit log */
};

#endif
