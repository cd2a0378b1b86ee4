/*
 * robot.h - robots: accounts "namespace+short" with a token instead of a password. See user.h for
 * transactions and errors.
 *
 * A token is 64 letters and digits (330 random bits), kept hashed for signing in and sealed for
 * showing it again.
 */
#ifndef GANTRY_ACCOUNT_ROBOT_H
#define GANTRY_ACCOUNT_ROBOT_H

#include "audit/record.h"
#include "base/worker.h"
#include "db/account.h"

#define ROBOT_TOKEN_CHARS 64

/* A robot by its full name; E_NOT_FOUND. */
enum err robot_find(struct worker *w, struct fail *f, struct str name,
                    struct account *ret) MUST_CHECK;

/* The token goes to ret_token with a NUL (cleanse it after use). *ret: id and name are filled. */
enum err robot_create(struct worker *w, struct fail *f, const struct actor *by,
                      const struct account *ns, struct str shortname, struct str description,
                      struct account *ret, char ret_token[static ROBOT_TOKEN_CHARS + 1]) MUST_CHECK;

/* The old token stops working at once. */
enum err robot_regenerate(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *robot,
                          char ret_token[static ROBOT_TOKEN_CHARS + 1]) MUST_CHECK;

enum err robot_delete(struct worker *w, struct fail *f, const struct actor *by,
                      const struct account *robot) MUST_CHECK;

#endif
