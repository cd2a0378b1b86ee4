/*
 * robot.c - see robot.h.
 */
#include "account/robot.h"

#include "account/name.h"
#include "auth/secret.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"
#include "db/token.h"

#include <stdio.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

struct change {
    struct worker *w;
    const struct actor *by;
    const struct account *ns;
    const struct account *robot;
    struct account row; /* to be made */
    struct str shortname, description, token;
};

enum err robot_find(struct worker *w, struct fail *f, struct str name, struct account *ret)
{
    struct account found;
    enum err e = account_by_name(w->db, f, w->arena, name, &found);
    if (e == E_NO_ROW || (e == E_OK && found.kind != ACCOUNT_ROBOT))
        return fail(f, E_NOT_FOUND, "there is no robot %.*s", STR_ARG(name));
    if (e)
        return e;
    *ret = found;
    return E_OK;
}

/* update: the robot has a token, which this one replaces. */
static enum err store_token(struct db *db, struct fail *f, const struct change *c,
                            int64_t account_id, bool update)
{
    CLEANUP(secret_done) struct buf sealed = BUF_INIT;
    uint8_t hash[SECRET_HASH];
    char purpose[64];
    enum err e;
    snprintf(purpose, sizeof(purpose), PURPOSE_ROBOT_TOKEN, (long long)account_id);
    e = secret_hash(f, c->token, hash);
    if (!e)
        e = secret_encrypt(c->w->config, f, str_z(purpose), c->token, &sealed);
    if (e)
        return e;
    struct robot_token row = {
        .account_id = account_id,
        .hash = {(const char *)hash, sizeof(hash)},
        .sealed = buf_str(&sealed),
        .description = c->description.p ? c->description : STR(""),
        .created_ms = clock_ms(),
    };
    return update ? robot_token_update(db, f, &row) : robot_token_insert(db, f, &row);
}

static enum err create_tx(struct db *db, struct fail *f, void *ctx)
{
    struct change *c = ctx;
    enum err e = account_insert(db, f, &c->row, &c->row.id);
    if (!e)
        e = store_token(db, f, c, c->row.id, false);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_create_robot, c->ns->id, 0,
                        RECORD_FIELDS({"robot", c->shortname}, {"description", c->description}));
}

enum err robot_create(struct worker *w, struct fail *f, const struct actor *by,
                      const struct account *ns, struct str shortname, struct str description,
                      struct account *ret, char ret_token[static ROBOT_TOKEN_CHARS + 1])
{
    char uuid[UUID_TEXT];
    char *name;
    enum err e = name_check_robot(f, ns->name, shortname);
    if (!e)
        e = name_check_text(f, "description", description, 0);
    if (e)
        return e;
    if (ns->kind == ACCOUNT_ROBOT)
        return fail(f, E_BAD_REQUEST, "%.*s is a robot itself", STR_ARG(ns->name));
    name = arena_printf(w->arena, "%.*s+%.*s", STR_ARG(ns->name), STR_ARG(shortname));
    if (!name)
        return fail_internal(f, E_NO_MEMORY, "no memory for a robot's name");
    random_uuid(uuid);
    random_text(alphabet, ROBOT_TOKEN_CHARS, ret_token);
    struct change c = {
        .w = w,
        .by = by,
        .ns = ns,
        .row =
            {
                .uuid = str_z(uuid),
                .kind = ACCOUNT_ROBOT,
                .name = str_z(name),
                .enabled = true,
                .verified = true,
                .namespace_id = ns->id,
                .namespace_name = ns->name,
                .namespace_enabled = ns->enabled,
                .removed_tag_expiration_s = w->config->default_tag_expiration_s,
                .created_ms = clock_ms(),
            },
        .shortname = shortname,
        .description = description,
        .token = {ret_token, ROBOT_TOKEN_CHARS},
    };
    e = db_tx(w->db, f, create_tx, &c);
    if (e == E_DUPLICATE) {
        if (f)
            fail_clear(f);
        return fail(f, E_CONFLICT, "the robot %s exists already: regenerate its token instead",
                    name);
    }
    if (e)
        return e;
    c.row.uuid = STR_NONE; /* of this frame */
    *ret = c.row;
    return E_OK;
}

static enum err regenerate_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = store_token(db, f, c, c->robot->id, true);
    if (e == E_NO_ROW)
        return fail(f, E_NOT_FOUND, "the robot %.*s does not exist any more",
                    STR_ARG(c->robot->name));
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_regenerate_robot_token, c->robot->namespace_id, 0,
                        RECORD_FIELDS({"robot", c->shortname}));
}

enum err robot_regenerate(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *robot, char ret_token[static ROBOT_TOKEN_CHARS + 1])
{
    struct change c = {.w = w, .by = by, .robot = robot, .shortname = robot->name};
    struct str ns;
    name_split_robot(robot->name, &ns, &c.shortname);
    random_text(alphabet, ROBOT_TOKEN_CHARS, ret_token);
    c.token = (struct str){ret_token, ROBOT_TOKEN_CHARS};
    return db_tx(w->db, f, regenerate_tx, &c);
}

static enum err delete_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = account_delete(db, f, c->robot->id);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_delete_robot, c->robot->namespace_id, 0,
                        RECORD_FIELDS({"robot", c->shortname}));
}

enum err robot_delete(struct worker *w, struct fail *f, const struct actor *by,
                      const struct account *robot)
{
    struct change c = {.w = w, .by = by, .robot = robot, .shortname = robot->name};
    struct str ns;
    name_split_robot(robot->name, &ns, &c.shortname);
    return db_tx(w->db, f, delete_tx, &c);
}
