/*
 * basic.c - see basic.h.
 */
#include "auth/basic.h"

#include "auth/base64.h"

#include <openssl/crypto.h>

void authorization_done(struct authorization *a)
{
    if (a->room)
        OPENSSL_cleanse(a->room, a->room_n);
    *a = (struct authorization){.scheme = SCHEME_NONE};
}

static enum err bad(struct fail *f, const char *why)
{
    return fail(f, E_BAD_CREDENTIALS, "the Authorization header is not usable: %s", why);
}

static enum err parse_basic(struct fail *f, struct arena *a, struct str text,
                            struct authorization *ret)
{
    struct str pair, user, password;
    size_t n = 0;
    if (text.n > (BASIC_USER_MAX + BASIC_PASSWORD_MAX) / 3 * 4 + 8)
        return bad(f, "the credentials are too long");
    uint8_t *out = arena_alloc(a, BASE64_ROOM(text.n));
    if (!out)
        return fail_internal(f, E_NO_MEMORY, "no memory for credentials");
    if (text.n == 0 || !base64_decode(text, out, &n))
        return bad(f, "the credentials are not base64");
    pair = (struct str){(const char *)out, n};
    if (!str_cut(pair, ':', &user, &password))
        return bad(f, "the credentials have no colon between user and password");
    if (!credentials_plausible(user, password))
        return bad(f, "the credentials are too long or not UTF-8");
    ret->scheme = SCHEME_BASIC;
    ret->user = user;
    ret->password = password;
    ret->room = out;
    ret->room_n = n;
    return E_OK;
}

enum err authorization_parse(struct fail *f, struct arena *a, struct str header,
                             struct authorization *ret)
{
    struct authorization out = {.scheme = SCHEME_NONE};
    struct str scheme, rest;
    enum err e = E_OK;
    header = str_trim(header);
    if (header.n) {
        str_cut(header, ' ', &scheme, &rest);
        rest = str_trim(rest);
        if (str_ieq(scheme, STR("basic"))) {
            e = parse_basic(f, a, rest, &out);
        } else if (str_ieq(scheme, STR("bearer"))) {
            if (rest.n == 0)
                return fail(f, E_TOKEN_INVALID, "the bearer token is empty");
            out.scheme = SCHEME_BEARER;
            out.token = rest;
        } else {
            return bad(f, "only Basic and Bearer are known here");
        }
    }
    if (!e)
        *ret = out;
    return e;
}
