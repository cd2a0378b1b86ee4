/*
 * scope.c - see scope.h.
 */
#include "auth/scope.h"

unsigned scope_action(struct str word)
{
    if (str_eqz(word, "pull"))
        return ACTION_PULL;
    if (str_eqz(word, "push"))
        return ACTION_PUSH;
    return str_eqz(word, "*") ? ACTION_ADMIN : 0;
}

/*
 * Clients write the registry's host before the name when they took it from an image reference. By
 * Docker's rule the first part of a reference is a host when it has a dot or a colon or is
 * "localhost"; any other may be a namespace.
 */
static struct str without_host(struct str name, struct str host)
{
    bool is_host = str_chr(host, '.') >= 0 || str_chr(host, ':') >= 0 || str_eqz(host, "localhost");
    if (is_host && str_starts(name, host) && name.n > host.n + 1 && name.p[host.n] == '/')
        return str_from(name, host.n + 1);
    return name;
}

/* Lower-case letters, or the star: what an action can look like. */
static bool is_action(struct str word)
{
    if (str_eqz(word, "*"))
        return true;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < 'a' || word.p[i] > 'z')
            return false;
    }
    return word.n > 0;
}

/* Quay's characters of a name; its parts are looked at later. */
static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-' || c == '/';
        if (!ok)
            return false;
    }
    return name.n > 0;
}

enum err scope_parse(struct fail *f, struct str text, struct str host, struct scope *ret)
{
    struct scope out = {.is_repository = false};
    struct str type, rest, actions, action;
    if (str_eqz(text, "registry:catalog:*")) {
        *ret = out;
        return E_OK;
    }
    if (!str_cut(text, ':', &type, &rest) || !str_eqz(type, "repository") ||
        !str_rcut(rest, ':', &rest, &actions))
        return fail(f, E_BAD_REQUEST,
                    "the scope \"%.*s\" is not repository:<name>:<action>[,<action>]",
                    STR_ARG(str_head(text, 200)));
    out.is_repository = true;
    out.repository = without_host(rest, host);
    if (!is_name(out.repository))
        return fail(f, E_BAD_REQUEST, "the scope \"%.*s\" names no repository",
                    STR_ARG(str_head(text, 200)));
    for (bool more = true; more;) {
        more = str_cut(actions, ',', &action, &actions);
        if (!is_action(action))
            return fail(f, E_BAD_REQUEST,
                        "the scope \"%.*s\" asks for something that is no action; pull, push and * "
                        "are known",
                        STR_ARG(str_head(text, 200)));
        out.actions |= scope_action(action);
    }
    *ret = out;
    return E_OK;
}

unsigned oauth_scopes(struct str text)
{
    static const struct {
        const char *name;
        unsigned scopes;
    } known[] = {
        {"repo:read", SCOPE_REPO_READ},
        {"repo:write", SCOPE_REPO_WRITE | SCOPE_REPO_READ},
        {"repo:admin", SCOPE_REPO_ADMIN | SCOPE_REPO_WRITE | SCOPE_REPO_READ},
        {"repo:create", SCOPE_REPO_CREATE},
        {"user:read", SCOPE_USER_READ},
        {"user:admin", SCOPE_USER_ADMIN | SCOPE_USER_READ},
        {"org:admin", SCOPE_ORG_ADMIN},
        {"super:user", SCOPE_SUPER_USER},
    };
    unsigned scopes = 0;
    struct str word;
    while (text.n) {
        str_cut(text, ' ', &word, &text);
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            if (str_eqz(word, known[i].name))
                scopes |= known[i].scopes;
        }
    }
    return scopes;
}
