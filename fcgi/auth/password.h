/*
 * password.h - passwords: yescrypt for new ones, bcrypt accepted for imported ones (crypt(5)).
 *
 * A verification takes tens of milliseconds of CPU and megabytes of memory on purpose, and registry
 * clients send a password with every token request. So: at most as many at once per process as
 * there are cores, the others wait for a bounded time and are then told E_BUSY; whoever is not
 * trusted waits only while few others do, so that a flood of wrong passwords does not hold every
 * thread of the process; and a password found right is remembered for 60 s, by a hash keyed with randomness of this process. The stored
 * hash is part of what is remembered, so a changed password is forgotten at once.
 */
#ifndef GANTRY_AUTH_PASSWORD_H
#define GANTRY_AUTH_PASSWORD_H

#include "base/err.h"
#include "base/str.h"

#include <limits.h>

#define PASSWORD_HASH_MAX 256
#define PASSWORD_MAX      511 /* bytes; longer ones are refused, never cut */

/* Whether it can be a password at all: 1 to PASSWORD_MAX bytes of UTF-8 without NUL. What policy
 * asks is the callers'. */
bool password_acceptable(struct str password);

/* A yescrypt hash with fresh salt, NUL-terminated. E_BAD_REQUEST when not acceptable. */
enum err password_hash(struct fail *f, struct str password,
                       char ret[static PASSWORD_HASH_MAX]) MUST_CHECK;

#define PASSWORD_ANY_CROWD INT_MAX

/*
 * *ret: whether the password is the one behind the stored hash. stored.n = 0 (unknown user, no
 * password) costs as much as a wrong password and is never right. crowd: how many threads may be at
 * it or wait for it, this one included; E_TOO_MANY when there are more. E_BUSY.
 */
enum err password_verify(struct fail *f, struct str stored, struct str password, int crowd,
                         bool *ret) MUST_CHECK;

#endif
