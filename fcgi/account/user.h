/*
 * user.h - users: make, change, end. No HTTP and no rights: callers have asked access/.
 *
 * Every function is one transaction that holds its audit row. E_BAD_REQUEST (a name or a password
 * breaks a rule), E_CONFLICT (taken, or a rule of the whole stands against it), E_NOT_FOUND.
 */
#ifndef GANTRY_ACCOUNT_USER_H
#define GANTRY_ACCOUNT_USER_H

#include "audit/record.h"
#include "base/worker.h"
#include "db/account.h"

/* A user by name; E_NOT_FOUND, also when the name is an organization's or a robot's (and the text
 * says so). */
enum err user_find(struct worker *w, struct fail *f, struct str name,
                   struct account *ret) MUST_CHECK;

/* email: p NULL for none. */
enum err user_create(struct worker *w, struct fail *f, const struct actor *by, struct str name,
                     struct str email, struct str password, struct account *ret) MUST_CHECK;

/* Ends the back-off too. */
enum err user_set_password(struct worker *w, struct fail *f, const struct actor *by,
                           const struct account *user, struct str password) MUST_CHECK;

/* A disabled user cannot sign in, nor can its robots; its namespace is closed. */
enum err user_set_enabled(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *user, bool enabled) MUST_CHECK;

/*
 * Gone at once, with its robots, tokens and rights. E_CONFLICT while it is the last owner of an
 * organization, or (unless with_repositories) while its namespace has repositories.
 */
enum err user_delete(struct worker *w, struct fail *f, const struct actor *by,
                     const struct account *user, bool with_repositories) MUST_CHECK;

#endif
