/*
 * team.c - see team.h.
 *
 * The rule of the last owner is tested after the change, with the organization's row locked: two
 * people who drop each other come one after the other, and the second is told.
 */
#include "account/team.h"

#include "access/role.h"
#include "account/name.h"

struct change {
    struct worker *w;
    const struct actor *by;
    const struct account *org;
    const struct team *team;
    const struct account *member;
    struct str name, description;
    enum team_role role;
};

enum err team_find(struct worker *w, struct fail *f, const struct account *org, struct str name,
                   struct team *ret)
{
    enum err e = team_by_name(w->db, f, w->arena, org->id, name, ret);
    return e == E_NO_ROW ? fail(f, E_NOT_FOUND, "organization %.*s has no team %.*s",
                                STR_ARG(org->name), STR_ARG(name))
                         : e;
}

static enum err lock_org(struct db *db, struct fail *f, const struct change *c)
{
    struct account_locked locked;
    enum err e = account_lock(db, f, c->org->id, &locked);
    return e == E_NO_ROW ? fail(f, E_NOT_FOUND, "organization %.*s does not exist any more",
                                STR_ARG(c->org->name))
                         : e;
}

static enum err keep_owner(struct db *db, struct fail *f, const struct change *c)
{
    bool has_owner = false;
    enum err e = team_has_owner(db, f, c->org->id, &has_owner);
    if (e)
        return e;
    if (!has_owner)
        return fail(f, E_CONFLICT,
                    "organization %.*s would be left without an owner: first put another user "
                    "into a team with role admin",
                    STR_ARG(c->org->name));
    return E_OK;
}

static enum err create_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = lock_org(db, f, c);
    if (!e)
        e = team_insert(db, f, c->org->id, c->name, (int)c->role, c->description, NULL);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_org_create_team, c->org->id, 0,
                        RECORD_FIELDS({"team", c->name}, {"role", str_z(team_role_name(c->role))}));
}

enum err team_create(struct worker *w, struct fail *f, const struct actor *by,
                     const struct account *org, struct str name, enum team_role role,
                     struct str description)
{
    struct change c = {
        .w = w, .by = by, .org = org, .name = name, .role = role, .description = description};
    enum err e = name_check(f, "team name", name);
    if (!e)
        e = name_check_text(f, "description", description, 0);
    if (e)
        return e;
    e = db_tx(w->db, f, create_tx, &c);
    if (e != E_DUPLICATE)
        return e;
    if (f)
        fail_clear(f);
    return fail(f, E_CONFLICT, "organization %.*s has a team %.*s already", STR_ARG(org->name),
                STR_ARG(name));
}

static enum err delete_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = lock_org(db, f, c);
    if (!e)
        e = team_remove(db, f, c->team->id);
    if (!e && c->team->role == TEAM_ADMIN)
        e = keep_owner(db, f, c);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_org_delete_team, c->org->id, 0,
                        RECORD_FIELDS({"team", c->team->name}));
}

enum err team_delete(struct worker *w, struct fail *f, const struct actor *by,
                     const struct account *org, const struct team *team)
{
    struct change c = {.w = w, .by = by, .org = org, .team = team};
    return db_tx(w->db, f, delete_tx, &c);
}

static enum err role_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = lock_org(db, f, c);
    if (!e)
        e = team_update_role(db, f, c->team->id, (int)c->role);
    if (!e && c->role != TEAM_ADMIN && c->team->role == TEAM_ADMIN)
        e = keep_owner(db, f, c);
    if (e)
        return e;
    return record_write(
        db, f, c->by, LOG_KIND_org_set_team_role, c->org->id, 0,
        RECORD_FIELDS({"team", c->team->name}, {"role", str_z(team_role_name(c->role))}));
}

enum err team_set_role(struct worker *w, struct fail *f, const struct actor *by,
                       const struct account *org, const struct team *team, enum team_role role)
{
    struct change c = {.w = w, .by = by, .org = org, .team = team, .role = role};
    if (team->role == (int)role)
        return E_OK;
    return db_tx(w->db, f, role_tx, &c);
}

static enum err add_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = team_member_insert(db, f, c->team->id, c->member->id);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_org_add_team_member, c->org->id, 0,
                        RECORD_FIELDS({"member", c->member->name}, {"team", c->team->name}));
}

enum err team_add_member(struct worker *w, struct fail *f, const struct actor *by,
                         const struct account *org, const struct team *team,
                         const struct account *member)
{
    struct change c = {.w = w, .by = by, .org = org, .team = team, .member = member};
    enum err e;
    if (member->kind == ACCOUNT_ORGANIZATION)
        return fail(f, E_BAD_REQUEST, "%.*s is an organization: members are users and robots",
                    STR_ARG(member->name));
    if (member->kind == ACCOUNT_ROBOT && member->namespace_id != org->id)
        return fail(f, E_BAD_REQUEST,
                    "robot %.*s is not %.*s's: a team takes its own organization's robots only",
                    STR_ARG(member->name), STR_ARG(org->name));
    e = db_tx(w->db, f, add_tx, &c);
    if (e != E_DUPLICATE)
        return e;
    if (f)
        fail_clear(f); /* it is there: that was asked for */
    return E_OK;
}

static enum err drop_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = lock_org(db, f, c);
    if (e)
        return e;
    e = team_member_remove(db, f, c->team->id, c->member->id);
    if (e == E_NO_ROW)
        return fail(f, E_NOT_FOUND, "%.*s is not in team %.*s", STR_ARG(c->member->name),
                    STR_ARG(c->team->name));
    if (!e && c->team->role == TEAM_ADMIN && c->member->kind == ACCOUNT_USER)
        e = keep_owner(db, f, c);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_org_remove_team_member, c->org->id, 0,
                        RECORD_FIELDS({"member", c->member->name}, {"team", c->team->name}));
}

enum err team_drop_member(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *org, const struct team *team,
                          const struct account *member)
{
    struct change c = {.w = w, .by = by, .org = org, .team = team, .member = member};
    return db_tx(w->db, f, drop_tx, &c);
}
