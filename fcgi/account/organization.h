/*
 * organization.h - organizations: namespaces that belong to teams. See user.h for transactions and
 * errors.
 */
#ifndef GANTRY_ACCOUNT_ORGANIZATION_H
#define GANTRY_ACCOUNT_ORGANIZATION_H

#include "audit/record.h"
#include "base/worker.h"
#include "db/account.h"

#define OWNERS_TEAM "owners"

enum err org_find(struct worker *w, struct fail *f, struct str name,
                  struct account *ret) MUST_CHECK;

/* With the team "owners" (role admin) and the owner, a user, in it. email: p NULL for none. */
enum err org_create(struct worker *w, struct fail *f, const struct actor *by, struct str name,
                    struct str email, const struct account *owner) MUST_CHECK;

/* E_CONFLICT when it has repositories and with_repositories is not set. */
enum err org_delete(struct worker *w, struct fail *f, const struct actor *by,
                    const struct account *org, bool with_repositories) MUST_CHECK;

#endif
