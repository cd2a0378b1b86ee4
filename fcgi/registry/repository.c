/*
 * repository.c - see repository.h.
 *
 * A creation is one transaction that holds the namespace's row: two creations in a namespace, or a
 * creation and the namespace's end, come one after the other, so that no repository is born under a
 * name that is just going away.
 */
#include "registry/repository.h"

#include "access/access.h"
#include "account/organization.h"
#include "audit/record.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"
#include "db/account.h"
#include "db/permission.h"
#include "db/repository.h"

enum err repo_find(struct worker *w, struct fail *f, const struct repo_name *name, struct repo *ret)
{
    struct repository_found found;
    enum err e = repository_find(w->db, f, name->namespace_name, name->name, &found);
    if (e)
        return e;
    struct repo out = {
        .id = found.id,
        .namespace_id = found.namespace_id,
        .namespace_name = arena_str(w->arena, name->namespace_name),
        .name = arena_str(w->arena, name->name),
        .is_public = found.is_public,
        .namespace_enabled = found.namespace_enabled,
        .namespace_is_org = found.namespace_is_org,
        .state = (enum repo_state)found.state,
    };
    if (!out.namespace_name.p || !out.name.p)
        return fail_internal(f, E_NO_MEMORY, "no memory for the names of a repository");
    *ret = out;
    return E_OK;
}

/* ---- creation ---- */

struct creation {
    struct worker *w;
    const struct caller *creator;
    struct actor by;
    const struct repo_name *name;
    bool is_public;
    struct repo out;
};

/* The namespace's row, locked; made for the creator when settings allow that. */
static enum err find_namespace(struct db *db, struct fail *f, struct creation *c,
                               struct account_locked *ret)
{
    struct str name = c->name->namespace_name;
    struct account owner;
    enum err e = account_lock_name(db, f, name, ret);
    if (e != E_NO_ROW)
        return e;
    if (!c->w->config->create_namespace || c->creator->kind != CALLER_USER)
        return fail(f, E_NAME_UNKNOWN,
                    "the namespace %.*s does not exist: create the user or the organization first",
                    STR_ARG(name));
    e = account_by_id(db, f, c->w->arena, c->creator->account_id, &owner);
    if (e)
        return e == E_NO_ROW ? fail(f, E_DENIED, "your account does not exist any more") : e;
    e = org_create(c->w, f, &c->by, name, STR_NONE, &owner);
    if (e)
        return e;
    return account_lock_name(db, f, name, ret);
}

/*
 * The organization's default permissions: a rule made for this creator beats one made for anybody,
 * per delegate; the creator, who is admin, is passed over.
 */
static enum err apply_prototypes(struct db *db, struct fail *f, const struct creation *c,
                                 int64_t repository_id, int64_t organization_id)
{
    struct prototype_matches rules;
    enum err e =
        prototype_matching(db, f, c->w->arena, organization_id, c->creator->account_id, &rules);
    if (e)
        return e;
    for (size_t i = 0; i < rules.n; i++) {
        const struct prototype_match *r = &rules.v[i];
        bool seen = r->account_id && r->account_id == c->creator->account_id;
        for (size_t k = 0; k < i && !seen; k++)
            seen = rules.v[k].account_id == r->account_id && rules.v[k].team_id == r->team_id;
        if (seen)
            continue;
        e = r->team_id ? permission_set_team(db, f, repository_id, r->team_id, r->role)
                       : permission_set_account(db, f, repository_id, r->account_id, r->role);
        if (e)
            return e;
    }
    return E_OK;
}

static enum err create_tx(struct db *db, struct fail *f, void *ctx)
{
    struct creation *c = ctx;
    int64_t creator_id = c->creator->account_id;
    struct account_locked ns;
    struct account creator;
    int64_t id = 0;
    enum err e = find_namespace(db, f, c, &ns);
    if (e)
        return e;
    if (ns.kind == ACCOUNT_ROBOT)
        return fail(f, E_NAME_INVALID,
                    "%.*s is a robot: only users and organizations hold "
                    "repositories",
                    STR_ARG(c->name->namespace_name));
    if (!ns.enabled)
        return fail(f, E_NAMESPACE_DISABLED, "the namespace %.*s is disabled",
                    STR_ARG(c->name->namespace_name));
    e = repository_insert(db, f, ns.id, c->name->name, c->is_public, clock_ms(), &id);
    if (e)
        return e;
    if (creator_id) {
        /* a token outlives its account by up to its lifetime */
        e = account_by_id(db, f, c->w->arena, creator_id, &creator);
        if (e == E_NO_ROW || (e == E_OK && !creator.enabled))
            return fail(f, E_DENIED, "your account is disabled or does not exist any more");
        if (e)
            return e;
        e = permission_set_account(db, f, id, creator_id, ROLE_ADMIN);
        if (e)
            return e;
    }
    if (ns.kind == ACCOUNT_ORGANIZATION) {
        e = apply_prototypes(db, f, c, id, ns.id);
        if (e)
            return e;
    }
    c->out = (struct repo){
        .id = id,
        .namespace_id = ns.id,
        .namespace_name = arena_str(c->w->arena, c->name->namespace_name),
        .name = arena_str(c->w->arena, c->name->name),
        .is_public = c->is_public,
        .namespace_enabled = true,
        .namespace_is_org = ns.kind == ACCOUNT_ORGANIZATION,
        .state = REPO_NORMAL,
    };
    if (!c->out.namespace_name.p || !c->out.name.p)
        return fail_internal(f, E_NO_MEMORY, "no memory for the names of a repository");
    return record_write(
        db, f, &c->by, LOG_KIND_create_repo, ns.id, id,
        RECORD_FIELDS({"repo", c->name->name}, {"namespace", c->name->namespace_name}));
}

enum err repo_create(struct worker *w, struct fail *f, const struct caller *creator,
                     struct str remote_addr, const struct repo_name *name, bool is_public,
                     struct repo *ret)
{
    struct creation c = {
        .w = w,
        .creator = creator,
        .by = actor_of(creator, remote_addr),
        .name = name,
        .is_public = is_public,
    };
    enum err e = db_tx(w->db, f, create_tx, &c);
    if (e == E_DUPLICATE) {
        if (f)
            fail_clear(f);
        return fail(f, E_DUPLICATE, "the repository %.*s/%.*s exists already",
                    STR_ARG(name->namespace_name), STR_ARG(name->name));
    }
    if (e)
        return e;
    *ret = c.out;
    return E_OK;
}

enum err repo_find_or_create(struct worker *w, struct fail *f, const struct caller *creator,
                             struct str remote_addr, const struct repo_name *name, struct repo *ret)
{
    enum err e;
    /* Losing a race (for the repository, or for a namespace made on push) means: it is there now.
     * Twice is enough for both; a third time somebody deletes as fast as we create. */
    for (int attempt = 0; attempt < 3; attempt++) {
        e = repo_find(w, f, name, ret);
        if (e || ret->id)
            return e;
        e = repo_create(w, f, creator, remote_addr, name, !w->config->create_private, ret);
        if (e != E_DUPLICATE && e != E_CONFLICT)
            return e;
        if (f)
            fail_clear(f);
    }
    return fail(f, E_CONFLICT, "the repository %.*s/%.*s is being created and deleted by others",
                STR_ARG(name->namespace_name), STR_ARG(name->name));
}

/* ---- changes ---- */

struct change {
    struct actor by;
    const struct repo *repo;
    bool is_public;
};

static enum err gone(struct fail *f, const struct repo *repo)
{
    return fail(f, E_NAME_UNKNOWN, "the repository %.*s/%.*s does not exist any more",
                STR_ARG(repo->namespace_name), STR_ARG(repo->name));
}

static enum err set_public_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    struct repository_found now;
    enum err e = repository_set_public(db, f, c->repo->id, c->is_public);
    if (e == E_NO_ROW) {
        e = repository_find(db, f, c->repo->namespace_name, c->repo->name, &now);
        if (e)
            return e;
        return now.id == c->repo->id ? E_OK : gone(f, c->repo);
    }
    if (e)
        return e;
    return record_write(
        db, f, &c->by, LOG_KIND_change_repo_visibility, c->repo->namespace_id, c->repo->id,
        RECORD_FIELDS({"repo", c->repo->name}, {"namespace", c->repo->namespace_name},
                      {"visibility", c->is_public ? STR("public") : STR("private")}));
}

enum err repo_set_public(struct worker *w, struct fail *f, const struct caller *by,
                         struct str remote_addr, const struct repo *repo, bool is_public)
{
    struct change c = {.by = actor_of(by, remote_addr), .repo = repo, .is_public = is_public};
    return db_tx(w->db, f, set_public_tx, &c);
}

static enum err delete_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    char uuid[UUID_TEXT];
    enum err e;
    random_uuid(uuid);
    e = repository_mark(db, f, c->repo->id, str_z(uuid));
    if (e)
        return e == E_NO_ROW ? gone(f, c->repo) : e;
    return record_write(
        db, f, &c->by, LOG_KIND_delete_repo, c->repo->namespace_id, c->repo->id,
        RECORD_FIELDS({"repo", c->repo->name}, {"namespace", c->repo->namespace_name}));
}

enum err repo_delete(struct worker *w, struct fail *f, const struct caller *by,
                     struct str remote_addr, const struct repo *repo)
{
    struct change c = {.by = actor_of(by, remote_addr), .repo = repo};
    return db_tx(w->db, f, delete_tx, &c);
}
