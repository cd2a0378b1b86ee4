/*
 * user.c - see user.h. Hashing a password takes long on purpose, so it is done before the
 * transaction begins.
 */
#include "account/user.h"

#include "account/name.h"
#include "account/namespace.h"
#include "auth/password.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"
#include "db/team.h"

#include <openssl/crypto.h>

enum err user_find(struct worker *w, struct fail *f, struct str name, struct account *ret)
{
    struct account found;
    enum err e = account_by_name(w->db, f, w->arena, name, &found);
    if (e == E_NO_ROW)
        return fail(f, E_NOT_FOUND, "there is no user %.*s", STR_ARG(name));
    if (e)
        return e;
    if (found.kind != ACCOUNT_USER)
        return fail(f, E_NOT_FOUND, "%.*s is %s, not a user", STR_ARG(name),
                    found.kind == ACCOUNT_ROBOT ? "a robot" : "an organization");
    *ret = found;
    return E_OK;
}

struct change {
    struct worker *w;
    const struct actor *by;
    const struct account *user;
    struct account row; /* to be made */
    struct str hash;
    bool flag;
};

static enum err create_tx(struct db *db, struct fail *f, void *ctx)
{
    struct change *c = ctx;
    struct account other;
    enum err e = account_by_name(db, f, c->w->arena, c->row.name, &other);
    if (e == E_OK)
        return fail(f, E_CONFLICT, "the name %.*s is taken by %s", STR_ARG(c->row.name),
                    other.kind == ACCOUNT_ORGANIZATION ? "an organization" : "a user");
    if (e != E_NO_ROW)
        return e;
    if (c->row.email.p) {
        e = account_by_email(db, f, c->w->arena, c->row.email, &other);
        if (e == E_OK)
            return fail(f, E_CONFLICT, "the e-mail address %.*s is taken by another account",
                        STR_ARG(c->row.email));
        if (e != E_NO_ROW)
            return e;
    }
    e = account_insert(db, f, &c->row, &c->row.id);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_user_create, c->row.id, 0,
                        RECORD_FIELDS({"username", c->row.name}, {"email", c->row.email}));
}

enum err user_create(struct worker *w, struct fail *f, const struct actor *by, struct str name,
                     struct str email, struct str password, struct account *ret)
{
    char hash[PASSWORD_HASH_MAX], uuid[UUID_TEXT];
    enum err e = name_check(f, "user name", name);
    if (!e)
        e = name_check_email(f, email);
    if (!e)
        e = name_check_password(f, password);
    if (!e)
        e = password_hash(f, password, hash);
    if (e)
        return e;
    random_uuid(uuid);
    struct change c = {
        .w = w,
        .by = by,
        .row =
            {
                .uuid = arena_str(w->arena, str_z(uuid)),
                .kind = ACCOUNT_USER,
                .name = arena_str(w->arena, name),
                .email = email.p ? arena_str(w->arena, email) : STR_NONE,
                .password_hash = arena_str(w->arena, str_z(hash)),
                .enabled = true,
                .verified = true,
                .namespace_enabled = true,
                .removed_tag_expiration_s = w->config->default_tag_expiration_s,
                .created_ms = clock_ms(),
            },
    };
    OPENSSL_cleanse(hash, sizeof(hash));
    if (!c.row.uuid.p || !c.row.name.p || !c.row.password_hash.p || (email.p && !c.row.email.p))
        return fail_internal(f, E_NO_MEMORY, "no memory for a new user");
    e = db_tx(w->db, f, create_tx, &c);
    if (e == E_DUPLICATE)
        return namespace_taken(f, name);
    if (e)
        return e;
    *ret = c.row;
    return E_OK;
}

static enum err password_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = account_set_password(db, f, c->user->id, c->hash);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_user_change_password, c->user->id, 0,
                        RECORD_FIELDS({"username", c->user->name}));
}

enum err user_set_password(struct worker *w, struct fail *f, const struct actor *by,
                           const struct account *user, struct str password)
{
    char hash[PASSWORD_HASH_MAX];
    enum err e = name_check_password(f, password);
    if (!e)
        e = password_hash(f, password, hash);
    if (e)
        return e;
    struct change c = {.w = w, .by = by, .user = user, .hash = str_z(hash)};
    e = db_tx(w->db, f, password_tx, &c);
    OPENSSL_cleanse(hash, sizeof(hash));
    return e;
}

static enum err enabled_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = account_set_enabled(db, f, c->user->id, c->flag);
    if (e)
        return e;
    return record_write(db, f, c->by, c->flag ? LOG_KIND_user_enable : LOG_KIND_user_disable,
                        c->user->id, 0, RECORD_FIELDS({"username", c->user->name}));
}

enum err user_set_enabled(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *user, bool enabled)
{
    struct change c = {.w = w, .by = by, .user = user, .flag = enabled};
    if (user->enabled == enabled)
        return E_OK;
    return db_tx(w->db, f, enabled_tx, &c);
}

static enum err delete_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    struct account_list owned;
    enum err e = team_owned_by(db, f, c->w->arena, c->user->id, &owned);
    if (e)
        return e;
    /* the organizations first and in the order of ids, so that two of us cannot wait for each other
     */
    for (size_t i = 0; i < owned.n; i++) {
        struct account_locked locked;
        e = account_lock(db, f, owned.v[i].id, &locked);
        if (e && e != E_NO_ROW)
            return e;
    }
    e = team_member_remove_all(db, f, c->user->id);
    if (e)
        return e;
    for (size_t i = 0; i < owned.n; i++) {
        bool has_owner = false;
        e = team_has_owner(db, f, owned.v[i].id, &has_owner);
        if (e)
            return e;
        if (!has_owner)
            return fail(f, E_CONFLICT,
                        "%.*s is the last owner of organization %.*s: give it another owner, or "
                        "delete it first",
                        STR_ARG(c->user->name), STR_ARG(owned.v[i].name));
    }
    e = namespace_end(db, f, c->user, c->flag);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_user_delete, c->user->id, 0,
                        RECORD_FIELDS({"username", c->user->name}));
}

enum err user_delete(struct worker *w, struct fail *f, const struct actor *by,
                     const struct account *user, bool with_repositories)
{
    struct change c = {.w = w, .by = by, .user = user, .flag = with_repositories};
    return db_tx(w->db, f, delete_tx, &c);
}
