/*
 * organization.c - see organization.h.
 */
#include "account/organization.h"

#include "access/access.h"
#include "account/name.h"
#include "account/namespace.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"
#include "db/team.h"

enum err org_find(struct worker *w, struct fail *f, struct str name, struct account *ret)
{
    struct account found;
    enum err e = account_by_name(w->db, f, w->arena, name, &found);
    if (e == E_NO_ROW)
        return fail(f, E_NOT_FOUND, "there is no organization %.*s", STR_ARG(name));
    if (e)
        return e;
    if (found.kind != ACCOUNT_ORGANIZATION)
        return fail(f, E_NOT_FOUND, "%.*s is a %s, not an organization", STR_ARG(name),
                    found.kind == ACCOUNT_ROBOT ? "robot" : "user");
    *ret = found;
    return E_OK;
}

struct change {
    struct worker *w;
    const struct actor *by;
    const struct account *org; /* to be ended */
    struct account row;        /* to be made */
    const struct account *owner;
    bool with_repositories;
};

static enum err create_tx(struct db *db, struct fail *f, void *ctx)
{
    struct change *c = ctx;
    struct account other;
    int64_t team_id = 0;
    enum err e = account_by_name(db, f, c->w->arena, c->row.name, &other);
    if (e == E_OK)
        return fail(f, E_CONFLICT, "the name %.*s is taken by %s", STR_ARG(c->row.name),
                    other.kind == ACCOUNT_ORGANIZATION ? "an organization" : "a user");
    if (e != E_NO_ROW)
        return e;
    e = account_insert(db, f, &c->row, &c->row.id);
    if (!e)
        e = team_insert(db, f, c->row.id, STR(OWNERS_TEAM), TEAM_ADMIN, STR_NONE, &team_id);
    if (!e)
        e = team_member_insert(db, f, team_id, c->owner->id);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_org_create, c->row.id, 0,
                        RECORD_FIELDS({"namespace", c->row.name}, {"email", c->row.email},
                                      {"owner", c->owner->name}));
}

enum err org_create(struct worker *w, struct fail *f, const struct actor *by, struct str name,
                    struct str email, const struct account *owner)
{
    char uuid[UUID_TEXT];
    enum err e = name_check(f, "organization name", name);
    if (!e)
        e = name_check_email(f, email);
    if (e)
        return e;
    if (owner->kind != ACCOUNT_USER)
        return fail(f, E_BAD_REQUEST, "%.*s cannot own an organization: owners are users",
                    STR_ARG(owner->name));
    random_uuid(uuid);
    struct change c = {
        .w = w,
        .by = by,
        .row =
            {
                .uuid = str_z(uuid),
                .kind = ACCOUNT_ORGANIZATION,
                .name = name,
                .email = email,
                .verified = true,
                .removed_tag_expiration_s = w->config->default_tag_expiration_s,
                .created_ms = clock_ms(),
            },
        .owner = owner,
    };
    e = db_tx(w->db, f, create_tx, &c);
    return e == E_DUPLICATE ? namespace_taken(f, name) : e;
}

static enum err delete_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = namespace_end(db, f, c->org, c->with_repositories);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_org_delete, c->org->id, 0,
                        RECORD_FIELDS({"namespace", c->org->name}));
}

enum err org_delete(struct worker *w, struct fail *f, const struct actor *by,
                    const struct account *org, bool with_repositories)
{
    struct change c = {.w = w, .by = by, .org = org, .with_repositories = with_repositories};
    return db_tx(w->db, f, delete_tx, &c);
}
