/*
 * team.h - teams of an organization and who is in them. See user.h for transactions and errors.
 *
 * An organization never loses its last owner (a user in a team with role admin) through any of
 * these: E_CONFLICT.
 */
#ifndef GANTRY_ACCOUNT_TEAM_H
#define GANTRY_ACCOUNT_TEAM_H

#include "access/access.h"
#include "audit/record.h"
#include "db/team.h"

enum err team_find(struct worker *w, struct fail *f, const struct account *org, struct str name,
                   struct team *ret) MUST_CHECK;
enum err team_create(struct worker *w, struct fail *f, const struct actor *by,
                     const struct account *org, struct str name, enum team_role role,
                     struct str description) MUST_CHECK;
enum err team_delete(struct worker *w, struct fail *f, const struct actor *by,
                     const struct account *org, const struct team *team) MUST_CHECK;
enum err team_set_role(struct worker *w, struct fail *f, const struct actor *by,
                       const struct account *org, const struct team *team,
                       enum team_role role) MUST_CHECK;

/* A user, or a robot of the organization. To be in it already is fine. */
enum err team_add_member(struct worker *w, struct fail *f, const struct actor *by,
                         const struct account *org, const struct team *team,
                         const struct account *member) MUST_CHECK;
/* E_NOT_FOUND when it was not in the team. */
enum err team_drop_member(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *org, const struct team *team,
                          const struct account *member) MUST_CHECK;

#endif
