/*
 * basic.h - the Authorization header's two forms (RFC 9110 section 11.4, RFC 7617, RFC 6750), taken
 * apart. What they claim is not looked at here.
 */
#ifndef GANTRY_AUTH_BASIC_H
#define GANTRY_AUTH_BASIC_H

#include "base/arena.h"
#include "base/err.h"

enum auth_scheme {
    SCHEME_NONE = 0, /* the header is empty */
    SCHEME_BASIC,
    SCHEME_BEARER,
};

struct authorization {
    enum auth_scheme scheme;
    struct str user, password; /* SCHEME_BASIC: UTF-8, no NUL; arena */
    struct str token;          /* SCHEME_BEARER: a slice of the header */
    uint8_t *room;             /* what user and password point into */
    size_t room_n;
};

/* Overwrites user and password. For CLEANUP. */
void authorization_done(struct authorization *a);

/* The longest user name and password that are looked at. */
#define BASIC_USER_MAX     255
#define BASIC_PASSWORD_MAX 8192 /* some tokens are long */

/* Whether a user name and a password, however they came, are worth looking up. */
static inline bool credentials_plausible(struct str user, struct str password)
{
    return user.n <= BASIC_USER_MAX && password.n <= BASIC_PASSWORD_MAX && str_is_utf8(user) &&
           str_is_utf8(password);
}

/*
 * E_BAD_CREDENTIALS: another scheme, not strictly base64, no colon, not UTF-8, or too long;
 * E_TOKEN_INVALID: an empty bearer token. The user name ends at the first colon; the password may
 * hold more of them.
 */
enum err authorization_parse(struct fail *f, struct arena *a, struct str header,
                             struct authorization *ret) MUST_CHECK;

#endif
