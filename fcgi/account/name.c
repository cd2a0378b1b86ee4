/*
 * name.c - see name.h.
 */
#include "account/name.h"

#include "auth/password.h"
#include "registry/reference.h"

enum err name_check(struct fail *f, const char *what, struct str name)
{
    if (name.n < 2 || name.n > NAME_MAX_BYTES)
        return fail(f, E_BAD_REQUEST, "a %s has 2 to %d characters, this one has %zu", what,
                    NAME_MAX_BYTES, name.n);
    if (!namespace_valid(name))
        return fail(f, E_BAD_REQUEST,
                    "'%.*s' is no %s: lower-case letters and digits, with single '.', '_' or '-' "
                    "between them",
                    STR_ARG(name), what);
    return E_OK;
}

enum err name_check_robot(struct fail *f, struct str namespace_name, struct str shortname)
{
    enum err e;
    if (str_chr(shortname, '+') >= 0)
        return fail(f, E_BAD_REQUEST,
                    "give the robot's short name alone, without the namespace and '+'");
    e = name_check(f, "robot name", shortname);
    if (e)
        return e;
    if (namespace_name.n + 1 + shortname.n > NAME_MAX_BYTES)
        return fail(f, E_BAD_REQUEST, "the name %.*s+%.*s is longer than %d characters",
                    STR_ARG(namespace_name), STR_ARG(shortname), NAME_MAX_BYTES);
    return E_OK;
}

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    }
    return false;
}

enum err name_check_email(struct fail *f, struct str email)
{
    struct str user, host;
    if (!email.p)
        return E_OK;
    if (email.n > NAME_MAX_BYTES || !str_is_utf8(email) || has_control(email) ||
        str_chr(email, ' ') >= 0 || !str_cut(email, '@', &user, &host) || !user.n || !host.n ||
        str_chr(host, '@') >= 0)
        return fail(f, E_BAD_REQUEST, "this is no e-mail address: it needs the form name@host");
    return E_OK;
}

enum err name_check_password(struct fail *f, struct str password)
{
    if (password.n < PASSWORD_MIN_BYTES)
        return fail(f, E_BAD_REQUEST, "a password has at least %d bytes", PASSWORD_MIN_BYTES);
    if (password.n > PASSWORD_MAX)
        return fail(f, E_BAD_REQUEST, "a password has at most %d bytes", PASSWORD_MAX);
    if (!password_acceptable(password))
        return fail(f, E_BAD_REQUEST, "a password is UTF-8 text");
    return E_OK;
}

enum err name_check_text(struct fail *f, const char *what, struct str text, size_t min)
{
    if (text.n < min)
        return fail(f, E_BAD_REQUEST, "the %s is empty", what);
    if (text.n > NAME_MAX_BYTES)
        return fail(f, E_BAD_REQUEST, "the %s is longer than %d bytes", what, NAME_MAX_BYTES);
    if (!str_is_utf8(text) || has_control(text))
        return fail(f, E_BAD_REQUEST, "the %s is not plain UTF-8 text", what);
    return E_OK;
}

bool name_split_robot(struct str name, struct str *ret_namespace, struct str *ret_short)
{
    struct str ns, shortname;
    if (!str_cut(name, '+', &ns, &shortname) || !ns.n || !shortname.n)
        return false;
    *ret_namespace = ns;
    *ret_short = shortname;
    return true;
}
