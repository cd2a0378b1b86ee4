/*
 * grant.h - who has which role on a repository, and what new repositories of an organization give
 * by default. See user.h for transactions and errors.
 */
#ifndef GANTRY_ACCOUNT_GRANT_H
#define GANTRY_ACCOUNT_GRANT_H

#include "access/access.h"
#include "audit/record.h"
#include "db/permission.h"
#include "db/team.h"

/* Exactly one of the two. */
struct grantee {
    const struct account *account; /* a user or a robot */
    const struct team *team;       /* of the repository's organization */
};

/* Gives the role, in place of the one held so far. */
enum err grant_set(struct worker *w, struct fail *f, const struct actor *by,
                   const struct repo *repo, struct grantee who, enum repo_role role) MUST_CHECK;
/* E_NOT_FOUND when there was no grant. */
enum err grant_revoke(struct worker *w, struct fail *f, const struct actor *by,
                      const struct repo *repo, struct grantee who) MUST_CHECK;

/* A default permission. activating NULL: whoever creates the repository. The uuid goes to ret_uuid.
 */
enum err default_create(struct worker *w, struct fail *f, const struct actor *by,
                        const struct account *org, const struct account *activating,
                        struct grantee delegate, enum repo_role role,
                        char ret_uuid[static 37]) MUST_CHECK;
enum err default_set_role(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *org, struct str uuid,
                          enum repo_role role) MUST_CHECK;
enum err default_delete(struct worker *w, struct fail *f, const struct actor *by,
                        const struct account *org, struct str uuid) MUST_CHECK;

#endif
