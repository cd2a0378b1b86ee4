/*
 * role.c - see role.h. The rules are Quay's ("How rights are decided" in its model).
 */
#include "access/role.h"

static enum repo_role higher(enum repo_role a, enum repo_role b)
{
    return a > b ? a : b;
}

static enum repo_role lower(enum repo_role a, enum repo_role b)
{
    return a < b ? a : b;
}

enum repo_role role_of_scopes(unsigned scopes)
{
    if (scopes & SCOPE_REPO_ADMIN)
        return ROLE_ADMIN;
    if (scopes & SCOPE_REPO_WRITE)
        return ROLE_WRITE;
    if (scopes & SCOPE_REPO_READ)
        return ROLE_READ;
    return ROLE_NONE;
}

enum repo_role role_of_actions(unsigned actions)
{
    if (actions & ACTION_ADMIN)
        return ROLE_ADMIN;
    if (actions & ACTION_PUSH)
        return ROLE_WRITE;
    if (actions & ACTION_PULL)
        return ROLE_READ;
    return ROLE_NONE;
}

/* What the tables and the settings give to a signed-in account, before anything caps it. */
static enum repo_role held(const struct role_facts *facts)
{
    enum repo_role role = higher(facts->direct, facts->team);
    if (facts->org == TEAM_ADMIN)
        role = ROLE_ADMIN;
    /* a robot acts in its owner's namespace by grants alone */
    if (facts->kind == CALLER_USER && facts->own_namespace)
        role = ROLE_ADMIN;
    if (facts->kind == CALLER_USER && facts->superuser && facts->superusers_full_access)
        role = ROLE_ADMIN;
    return role;
}

enum repo_role role_on_repository(const struct role_facts *facts)
{
    enum repo_role role = ROLE_NONE;

    if (facts->via == VIA_REGISTRY_TOKEN) {
        role = role_of_actions(facts->actions);
    } else if (facts->kind != CALLER_ANONYMOUS) {
        role = held(facts);
        /* reads everything, writes nothing, not even what is its own: for auditors */
        if (facts->kind == CALLER_USER && facts->readonly_superuser)
            role = ROLE_READ;
        role = lower(role, role_of_scopes(facts->scopes));
        if (facts->is_public)
            role = higher(role, ROLE_READ);
    }
    if (facts->is_public && facts->anonymous_access)
        role = higher(role, ROLE_READ);
    return role;
}

bool role_may_create(const struct role_facts *facts)
{
    if (facts->kind == CALLER_ANONYMOUS || facts->via == VIA_REGISTRY_TOKEN)
        return false;
    if (facts->kind == CALLER_USER && facts->readonly_superuser)
        return false;
    if (!(facts->scopes & (SCOPE_REPO_CREATE | SCOPE_ORG_ADMIN)))
        return false;
    if (facts->org >= TEAM_CREATOR)
        return true;
    if (facts->kind != CALLER_USER)
        return false;
    return facts->own_namespace || (facts->superuser && facts->superusers_full_access);
}

static bool names(struct str grant, struct str library, struct str namespace_name, struct str name)
{
    struct str head, tail;
    if (!str_cut(grant, '/', &head, &tail))
        return str_eq(namespace_name, library) && str_eq(grant, name);
    return str_eq(head, namespace_name) && str_eq(tail, name);
}

unsigned grants_for(const struct grant *grants, size_t n, struct str library,
                    struct str namespace_name, struct str name)
{
    unsigned actions = 0;
    for (size_t i = 0; i < n; i++) {
        if (names(grants[i].repository, library, namespace_name, name))
            actions |= grants[i].actions;
    }
    return actions;
}

static const char *const repo_roles[] = {"none", "read", "write", "admin"};
static const char *const team_roles[] = {"none", "member", "creator", "admin"};

const char *repo_role_name(enum repo_role role)
{
    return repo_roles[role >= ROLE_NONE && role <= ROLE_ADMIN ? role : ROLE_NONE];
}

const char *team_role_name(enum team_role role)
{
    return team_roles[role >= TEAM_NONE && role <= TEAM_ADMIN ? role : TEAM_NONE];
}

bool repo_role_parse(struct str s, enum repo_role *ret)
{
    for (int i = ROLE_READ; i <= ROLE_ADMIN; i++) {
        if (str_eqz(s, repo_roles[i])) {
            *ret = (enum repo_role)i;
            return true;
        }
    }
    return false;
}

bool team_role_parse(struct str s, enum team_role *ret)
{
    for (int i = TEAM_MEMBER; i <= TEAM_ADMIN; i++) {
        if (str_eqz(s, team_roles[i])) {
            *ret = (enum team_role)i;
            return true;
        }
    }
    return false;
}
