/*
 * access.c - see access.h. Gathers the facts of a decision (at most one query beyond finding the
 * repository) and asks role.c what follows from them.
 *
 * Strangers must not learn what exists: a private repository, a missing one, a missing namespace
 * and a disabled one are refused in the same words, and only who has a right there hears the real
 * reason.
 */
#include "access/access.h"

#include "access/role.h"
#include "base/config.h"
#include "db/account.h"
#include "db/permission.h"

static struct role_facts facts_of_caller(const struct config *config, const struct caller *c)
{
    return (struct role_facts){
        .kind = c->kind,
        .via = c->via,
        .scopes = c->scopes,
        .superuser = c->superuser,
        .readonly_superuser = c->readonly_superuser,
        .anonymous_access = config->anonymous_access,
        .superusers_full_access = config->superusers_full_access,
    };
}

/* What the tables say; nothing about a caller whose rights do not come from them. */
static enum err add_rows(struct worker *w, struct fail *f, const struct caller *c,
                         int64_t repository_id, int64_t namespace_id, bool namespace_is_org,
                         struct role_facts *facts)
{
    struct permission_facts rows;
    enum err e;
    if (c->via == VIA_REGISTRY_TOKEN || c->kind == CALLER_ANONYMOUS || !c->account_id)
        return E_OK;
    facts->own_namespace = !namespace_is_org && namespace_id == c->account_id;
    if (facts->own_namespace)
        return E_OK; /* nothing can add to that */
    e = permission_facts(w->db, f, c->account_id, repository_id, namespace_id, &rows);
    if (e)
        return e;
    facts->direct = (enum repo_role)rows.direct;
    facts->team = (enum repo_role)rows.team;
    facts->org = (enum team_role)rows.org;
    return E_OK;
}

/* As if the namespace were enabled: the caller of this looks at that. */
static enum err role_of(struct worker *w, struct fail *f, const struct caller *c,
                        const struct repo *repo, enum repo_role *ret)
{
    struct role_facts facts = facts_of_caller(w->config, c);
    enum err e;
    facts.is_public = repo->is_public;
    facts.actions = grants_for(c->grants, c->n_grants, str_z(w->config->library_namespace),
                               repo->namespace_name, repo->name);
    e = add_rows(w, f, c, repo->id, repo->namespace_id, repo->namespace_is_org, &facts);
    if (e)
        return e;
    *ret = role_on_repository(&facts);
    return E_OK;
}

enum err access_repo_role(struct worker *w, struct fail *f, const struct caller *c,
                          const struct repo *repo, enum repo_role *ret)
{
    if (!repo->id || !repo->namespace_enabled) {
        *ret = ROLE_NONE;
        return E_OK;
    }
    return role_of(w, f, c, repo, ret);
}

enum err access_account_role(struct worker *w, struct fail *f, const struct caller *c,
                             const struct repo *repo, enum repo_role *ret)
{
    struct caller account = *c;
    enum repo_role granted = ROLE_NONE, own = ROLE_NONE;
    enum err e = access_repo_role(w, f, c, repo, &granted);
    if (e)
        return e;
    if (c->via == VIA_REGISTRY_TOKEN && c->kind != CALLER_ANONYMOUS) {
        account.via = VIA_PASSWORD;
        account.grants = NULL;
        account.n_grants = 0;
        e = access_repo_role(w, f, &account, repo, &own);
        if (e)
            return e;
    }
    *ret = own > granted ? own : granted;
    return E_OK;
}

/* namespace_id 0: it does not exist, and would have to be made by the push. */
static enum err may_create_in(struct worker *w, struct fail *f, const struct caller *c,
                              struct str namespace_name, int64_t namespace_id,
                              bool namespace_is_org, bool *ret)
{
    struct role_facts facts = facts_of_caller(w->config, c);
    enum err e;
    if (!namespace_id) {
        facts.own_namespace = true; /* it becomes the caller's organization; robots own nothing */
        *ret = w->config->create_namespace && namespace_valid(namespace_name) &&
               role_may_create(&facts);
        return E_OK;
    }
    e = add_rows(w, f, c, 0, namespace_id, namespace_is_org, &facts);
    if (e)
        return e;
    *ret = role_may_create(&facts);
    return E_OK;
}

enum err access_may_create(struct worker *w, struct fail *f, const struct caller *c,
                           struct str namespace_name, bool *ret)
{
    struct account ns;
    enum err e = account_by_name(w->db, f, w->arena, namespace_name, &ns);
    if (e == E_NO_ROW)
        return may_create_in(w, f, c, namespace_name, 0, false, ret);
    if (e)
        return e;
    if (ns.kind == ACCOUNT_ROBOT || !ns.enabled) {
        *ret = false;
        return E_OK;
    }
    return may_create_in(w, f, c, namespace_name, ns.id, ns.kind == ACCOUNT_ORGANIZATION, ret);
}

/* The one refusal for everything that the caller may not know about. */
static enum err refuse(struct fail *f, const struct caller *c, const struct repo_name *name,
                       enum repo_role wanted)
{
    const char *verb = wanted == ROLE_READ ? "read" : wanted == ROLE_WRITE ? "write to" : "manage";
    if (c->via == VIA_NONE)
        return fail(f, E_UNAUTHORIZED, "sign in to %s repository %.*s/%.*s", verb,
                    STR_ARG(name->namespace_name), STR_ARG(name->name));
    if (c->via == VIA_REGISTRY_TOKEN)
        return fail(f, E_TOKEN_SCOPE, "the token does not allow to %s repository %.*s/%.*s", verb,
                    STR_ARG(name->namespace_name), STR_ARG(name->name));
    return fail(f, E_DENIED,
                "you have no right to %s repository %.*s/%.*s, or it does not exist: ask an "
                "administrator of the namespace for a role",
                verb, STR_ARG(name->namespace_name), STR_ARG(name->name));
}

static enum err check_writable(struct worker *w, struct fail *f, const struct repo *repo)
{
    if (str_eqz(STR("readonly"), w->config->registry_state))
        return fail(f, E_READ_ONLY, "the registry is read-only at the moment (REGISTRY_STATE)");
    if (w->config->disable_pushes)
        return fail(f, E_READ_ONLY, "pushes are disabled at the moment (DISABLE_PUSHES)");
    if (repo->id && repo->state != REPO_NORMAL)
        return fail(f, E_READ_ONLY, "repository %.*s/%.*s is %s", STR_ARG(repo->namespace_name),
                    STR_ARG(repo->name),
                    repo->state == REPO_MIRROR
                        ? "a mirror: only mirroring writes to it"
                        : "read-only: an administrator can change its state");
    return E_OK;
}

static enum err check_namespace(struct fail *f, const struct repo *repo)
{
    if (repo->namespace_id && !repo->namespace_enabled)
        return fail(f, E_NAMESPACE_DISABLED, "the namespace %.*s is disabled",
                    STR_ARG(repo->namespace_name));
    return E_OK;
}

static enum err check_missing(struct worker *w, struct fail *f, const struct caller *c,
                              enum repo_role wanted, const struct repo_name *name, bool create,
                              struct str remote_addr, struct repo *repo)
{
    bool may = false;
    enum err e;
    if (c->via == VIA_REGISTRY_TOKEN) {
        unsigned actions = grants_for(c->grants, c->n_grants, str_z(w->config->library_namespace),
                                      name->namespace_name, name->name);
        /* on a repository that is not there, the token service grants even pull only to who may create it */
        may = role_of_actions(actions) >= wanted;
    } else {
        e = may_create_in(w, f, c, name->namespace_name, repo->namespace_id, repo->namespace_is_org,
                          &may);
        if (e)
            return e;
    }
    if (!may)
        return refuse(f, c, name, wanted);
    e = check_namespace(f, repo);
    if (e || wanted == ROLE_READ)
        return e;
    if (!create)
        return fail(f, E_NAME_UNKNOWN, "repository %.*s/%.*s does not exist",
                    STR_ARG(name->namespace_name), STR_ARG(name->name));
    e = check_writable(w, f, repo);
    if (e)
        return e;
    return repo_find_or_create(w, f, c, remote_addr, name, repo);
}

static enum err check_repository(struct worker *w, struct fail *f, const struct caller *c,
                                 enum repo_role wanted, const struct repo_name *name, bool create,
                                 struct str remote_addr, struct repo *repo)
{
    enum repo_role role = ROLE_NONE;
    enum err e = repo_find(w, f, name, repo);
    if (e)
        return e;
    if (!repo->id)
        return check_missing(w, f, c, wanted, name, create, remote_addr, repo);
    e = role_of(w, f, c, repo, &role);
    if (e)
        return e;
    if (role < wanted)
        return refuse(f, c, name, wanted);
    e = check_namespace(f, repo);
    if (e || wanted != ROLE_WRITE)
        return e; /* an administrator can still manage what is read-only */
    return check_writable(w, f, repo);
}

enum err access_check(struct worker *w, struct fail *f, const struct caller *c, enum perm perm,
                      const struct repo_name *name, bool create, struct str remote_addr,
                      struct repo *ret_repo)
{
    static const enum repo_role roles[PERM_COUNT] = {
        [PERM_REPO_READ] = ROLE_READ,
        [PERM_REPO_WRITE] = ROLE_WRITE,
        [PERM_REPO_ADMIN] = ROLE_ADMIN,
    };
    struct repo repo = {.id = 0};
    enum err e;

    switch (perm) {
    case PERM_ANYONE:
        break;
    case PERM_V2:
        if (c->via == VIA_NONE)
            return fail(f, E_UNAUTHORIZED, "sign in: this needs credentials or a token");
        break;
    case PERM_CATALOG:
        if (c->kind != CALLER_ANONYMOUS || w->config->public_catalog)
            break;
        return fail(f, c->via == VIA_NONE ? E_UNAUTHORIZED : E_TOKEN_SCOPE,
                    "sign in to list repositories");
    case PERM_REPO_READ:
    case PERM_REPO_WRITE:
    case PERM_REPO_ADMIN:
        if (!name)
            return fail_internal(f, E_INTERNAL,
                                 "a route without {repo} asks for a repository role");
        e = check_repository(w, f, c, roles[perm], name, create && perm == PERM_REPO_WRITE,
                             remote_addr, &repo);
        if (e)
            return e;
        break;
    case PERM_OPERATOR:
        if (!cidrs_has(&w->config->metrics_allow, remote_addr))
            return fail(f, E_DENIED, "your address is not in GANTRY_METRICS_ALLOW");
        break;
    case PERM_DENY:
    case PERM_COUNT:
    default:
        return fail(f, E_DENIED, "this address is closed to everybody");
    }
    if (ret_repo)
        *ret_repo = repo;
    return E_OK;
}
