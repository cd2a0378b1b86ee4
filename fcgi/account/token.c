/*
 * token.c - see token.h.
 */
#include "account/token.h"

#include "account/name.h"
#include "auth/scope.h"
#include "auth/secret.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"
#include "db/token.h"

#include <stdio.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

struct change {
    const struct actor *by;
    const struct account *user;
    struct app_token app;
    struct oauth_token oauth;
    struct str uuid;
};

static enum err check(struct fail *f, const struct account *user, struct str title,
                      int64_t expires_ms)
{
    if (user->kind != ACCOUNT_USER)
        return fail(f, E_BAD_REQUEST, "%.*s is not a user: only users have such tokens",
                    STR_ARG(user->name));
    if (expires_ms && expires_ms <= clock_ms())
        return fail(f, E_BAD_REQUEST, "the token would have expired already");
    return name_check_text(f, "title", title, 1);
}

static enum err check_scope(struct fail *f, struct str scope)
{
    struct str rest = scope, word;
    if (scope.n > NAME_MAX_BYTES)
        return fail(f, E_BAD_REQUEST, "the scopes are longer than %d bytes", NAME_MAX_BYTES);
    if (!oauth_scopes(scope))
        return fail(f, E_BAD_REQUEST,
                    "a token needs at least one scope, \"repo:read\" for example");
    while (rest.n) {
        str_cut(rest, ' ', &word, &rest);
        if (!oauth_scopes(word))
            return fail(f, E_BAD_REQUEST,
                        "'%.*s' is no scope: there are repo:read, repo:write, repo:admin, "
                        "repo:create, user:read, user:admin, org:admin and super:user, with one "
                        "space between two",
                        STR_ARG(word));
    }
    return E_OK;
}

static enum err app_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = app_token_insert(db, f, &c->app);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_create_app_specific_token, c->user->id, 0,
                        RECORD_FIELDS({"app_specific_token_title", c->app.title},
                                      {"app_specific_token", c->app.uuid}));
}

enum err token_create_app(struct worker *w, struct fail *f, const struct actor *by,
                          const struct account *user, struct str title, int64_t expires_ms,
                          char ret_uuid[static UUID_TEXT], char ret_token[static TOKEN_CHARS + 1])
{
    CLEANUP(secret_done) struct buf sealed = BUF_INIT;
    uint8_t hash[SECRET_HASH];
    char purpose[64];
    enum err e = check(f, user, title, expires_ms);
    if (e)
        return e;
    random_uuid(ret_uuid);
    random_text(alphabet, TOKEN_CHARS, ret_token);
    snprintf(purpose, sizeof(purpose), PURPOSE_APP_TOKEN, UUID_TEXT - 1, ret_uuid);
    e = secret_hash(f, str_z(ret_token), hash);
    if (!e)
        e = secret_encrypt(w->config, f, str_z(purpose), str_z(ret_token), &sealed);
    if (e)
        return e;
    struct change c = {
        .by = by,
        .user = user,
        .app =
            {
                .uuid = str_z(ret_uuid),
                .account_id = user->id,
                .title = title,
                .hash = {(const char *)hash, sizeof(hash)},
                .sealed = buf_str(&sealed),
                .created_ms = clock_ms(),
                .expires_ms = expires_ms,
            },
    };
    return db_tx(w->db, f, app_tx, &c);
}

static enum err oauth_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    enum err e = oauth_token_insert(db, f, &c->oauth);
    if (e)
        return e;
    return record_write(db, f, c->by, LOG_KIND_create_oauth_api_token, c->user->id, 0,
                        RECORD_FIELDS({"oauth_token_uuid", c->oauth.uuid},
                                      {"display_name", c->oauth.display_name},
                                      {"scope", c->oauth.scope}));
}

enum err token_create_oauth(struct worker *w, struct fail *f, const struct actor *by,
                            const struct account *user, struct str title, struct str scope,
                            int64_t expires_ms, char ret_uuid[static UUID_TEXT],
                            char ret_token[static TOKEN_CHARS + 1])
{
    uint8_t hash[SECRET_HASH];
    enum err e = check(f, user, title.n ? title : STR("token"), expires_ms);
    if (!e)
        e = check_scope(f, scope);
    if (e)
        return e;
    random_uuid(ret_uuid);
    random_text(alphabet, TOKEN_CHARS, ret_token);
    e = secret_hash(f, str_z(ret_token), hash);
    if (e)
        return e;
    struct change c = {
        .by = by,
        .user = user,
        .oauth =
            {
                .uuid = str_z(ret_uuid),
                .account_id = user->id,
                .display_name = title.n ? title : STR(""),
                .scope = scope,
                .hash = {(const char *)hash, sizeof(hash)},
                .created_ms = clock_ms(),
                .expires_ms = expires_ms ? expires_ms : clock_ms() + 1000 * TOKEN_OAUTH_DEFAULT_S,
            },
    };
    return db_tx(w->db, f, oauth_tx, &c);
}

static enum err revoke_tx(struct db *db, struct fail *f, void *ctx)
{
    const struct change *c = ctx;
    struct token_owner owner;
    enum err e = token_owner(db, f, c->uuid, &owner);
    if (!e)
        e = owner.is_oauth ? oauth_token_delete(db, f, c->uuid, owner.account_id)
                           : app_token_delete(db, f, c->uuid, owner.account_id);
    if (e == E_NO_ROW)
        return fail(f, E_NOT_FOUND, "there is no token %.*s", STR_ARG(c->uuid));
    if (e)
        return e;
    return record_write(
        db, f, c->by,
        owner.is_oauth ? LOG_KIND_revoke_oauth_api_token : LOG_KIND_revoke_app_specific_token,
        owner.account_id, 0,
        RECORD_FIELDS({owner.is_oauth ? "oauth_token_uuid" : "app_specific_token", c->uuid}));
}

enum err token_revoke(struct worker *w, struct fail *f, const struct actor *by, struct str uuid)
{
    struct change c = {.by = by, .uuid = uuid};
    return db_tx(w->db, f, revoke_tx, &c);
}
