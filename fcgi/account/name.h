/*
 * name.h - what may be called what: users, organizations, robots, teams, and the few other texts
 * that people give.
 *
 * Each function says which rule is broken (E_BAD_REQUEST). Names are Quay's, so that they can be
 * part of a repository's name.
 */
#ifndef GANTRY_ACCOUNT_NAME_H
#define GANTRY_ACCOUNT_NAME_H

#include "base/err.h"
#include "base/str.h"

#define NAME_MAX_BYTES     255
#define PASSWORD_MIN_BYTES 8

/* what: "user name", "organization name", "team name", as the message shall say. */
enum err name_check(struct fail *f, const char *what, struct str name) MUST_CHECK;

/* The short part of a robot's name; together with "namespace+" it must fit too. */
enum err name_check_robot(struct fail *f, struct str namespace_name,
                          struct str shortname) MUST_CHECK;

/* One '@' with something on both sides, no blanks; p NULL (none) is fine. */
enum err name_check_email(struct fail *f, struct str email) MUST_CHECK;

/* At least 8 bytes, and a password at all (auth/password.h). */
enum err name_check_password(struct fail *f, struct str password) MUST_CHECK;

/* Titles and descriptions: UTF-8 of min to 255 bytes without control characters. */
enum err name_check_text(struct fail *f, const char *what, struct str text, size_t min) MUST_CHECK;

/* "ns+short" -> both parts; false when it is no robot's name. */
bool name_split_robot(struct str name, struct str *ret_namespace, struct str *ret_short);

#endif
