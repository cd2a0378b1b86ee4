/*
 * grant.c - see grant.h.
 */
#include "account/grant.h"

#include "access/role.h"
#include "base/random.h"

struct change {
    const struct actor *by;
    const struct repo *repo;
    const struct account *org;
    const struct account *activating;
    struct grantee who;
    enum repo_role role;
    struct str uuid;
};

static enum err check_grantee(struct fail *f, struct grantee who, int64_t namespace_id,
                              struct str namespace_name)
{
    if (who.team && who.team->organization_id != namespace_id)
        return fail(f, E_BAD_REQUEST, "team %.*s is not a team of %.*s", STR_ARG(who.team->name),
                    STR_ARG(namespace_name));
    if (who.account && who.account->kind == ACCOUNT_ORGANIZATION)
        return fail(f, E_BAD_REQUEST,
                    "%.*s is an organization: roles go to users, robots and teams",
                    STR_ARG(who.account->name));
    return E_OK;
}

static enum err set_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = c->who.team
                     ? permission_set_team(db, f, c->repo->id, c->who.team->id, (int)c->role)
                     : permission_set_account(db, f, c->repo->id, c->who.account->id, (int)c->role);
    if (e)
        return e;
    return record_write(
        db, f, c->by, LOG_KIND_change_repo_permission, c->repo->namespace_id, c->repo->id,
        RECORD_FIELDS({"username", c->who.team ? STR_NONE : c->who.account->name},
                      {"team", c->who.team ? c->who.team->name : STR_NONE}, {"repo", c->repo->name},
                      {"namespace", c->repo->namespace_name},
                      {"role", str_z(repo_role_name(c->role))}));
}

enum err grant_set(struct worker *w, struct fail *f, const struct actor *by,
                   const struct repo *repo, struct grantee who, enum repo_role role)
{
    struct change c = {.by = by, .repo = repo, .who = who, .role = role};
    enum err e = check_grantee(f, who, repo->namespace_id, repo->namespace_name);
    return e ? e : db_tx(w->db, f, set_tx, &c);
}

static enum err revoke_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = c->who.team ? permission_remove_team(db, f, c->repo->id, c->who.team->id)
                             : permission_remove_account(db, f, c->repo->id, c->who.account->id);
    if (e == E_NO_ROW)
        return fail(f, E_NOT_FOUND, "%.*s has no role of its own on %.*s/%.*s",
                    STR_ARG(c->who.team ? c->who.team->name : c->who.account->name),
                    STR_ARG(c->repo->namespace_name), STR_ARG(c->repo->name));
    if (e)
        return e;
    return record_write(
        db, f, c->by, LOG_KIND_delete_repo_permission, c->repo->namespace_id, c->repo->id,
        RECORD_FIELDS({"username", c->who.team ? STR_NONE : c->who.account->name},
                      {"team", c->who.team ? c->who.team->name : STR_NONE}, {"repo", c->repo->name},
                      {"namespace", c->repo->namespace_name}));
}

enum err grant_revoke(struct worker *w, struct fail *f, const struct actor *by,
                      const struct repo *repo, struct grantee who)
{
    struct change c = {.by = by, .repo = repo, .who = who};
    return db_tx(w->db, f, revoke_tx, &c);
}

/* ---- default permissions ---- */

static enum err default_create_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = prototype_insert(db, f, c->uuid, c->org->id, c->activating ? c->activating->id : 0,
                                  c->who.account ? c->who.account->id : 0,
                                  c->who.team ? c->who.team->id : 0, (int)c->role);
    if (e)
        return e;
    return record_write(
        db, f, c->by, LOG_KIND_create_prototype_permission, c->org->id, 0,
        RECORD_FIELDS({"prototype_id", c->uuid}, {"role", str_z(repo_role_name(c->role))},
                      {"activating_username", c->activating ? c->activating->name : STR_NONE},
                      {"delegate_user", c->who.account ? c->who.account->name : STR_NONE},
                      {"delegate_team", c->who.team ? c->who.team->name : STR_NONE}));
}

enum err default_create(struct worker *w, struct fail *f, const struct actor *by,
                        const struct account *org, const struct account *activating,
                        struct grantee delegate, enum repo_role role,
                        char ret_uuid[static UUID_TEXT])
{
    enum err e = check_grantee(f, delegate, org->id, org->name);
    if (e)
        return e;
    if (org->kind != ACCOUNT_ORGANIZATION)
        return fail(f, E_BAD_REQUEST,
                    "%.*s is no organization: default permissions are for organizations",
                    STR_ARG(org->name));
    random_uuid(ret_uuid);
    struct change c = {.by = by,
                       .org = org,
                       .activating = activating,
                       .who = delegate,
                       .role = role,
                       .uuid = str_z(ret_uuid)};
    return db_tx(w->db, f, default_create_tx, &c);
}

static enum err no_default(struct fail *f, const struct change *c)
{
    return fail(f, E_NOT_FOUND, "organization %.*s has no default permission %.*s",
                STR_ARG(c->org->name), STR_ARG(c->uuid));
}

static enum err default_role_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = prototype_update_role(db, f, c->org->id, c->uuid, (int)c->role);
    if (e)
        return e == E_NO_ROW ? no_default(f, c) : e;
    return record_write(
        db, f, c->by, LOG_KIND_modify_prototype_permission, c->org->id, 0,
        RECORD_FIELDS({"prototype_id", c->uuid}, {"role", str_z(repo_role_name(c->role))}));
}

enum err default_set_role(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *org, struct str uuid, enum repo_role role)
{
    struct change c = {.by = by, .org = org, .uuid = uuid, .role = role};
    return db_tx(w->db, f, default_role_tx, &c);
}

static enum err default_delete_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = prototype_remove(db, f, c->org->id, c->uuid);
    if (e)
        return e == E_NO_ROW ? no_default(f, c) : e;
    return record_write(db, f, c->by, LOG_KIND_delete_prototype_permission, c->org->id, 0,
                        RECORD_FIELDS({"prototype_id", c->uuid}));
}

enum err default_delete(struct worker *w, struct fail *f, const struct actor *by,
                        const struct account *org, struct str uuid)
{
    struct change c = {.by = by, .org = org, .uuid = uuid};
    return db_tx(w->db, f, default_delete_tx, &c);
}
