/*
 * token.c - see token.h. Columns stand in the order of the *_COLUMNS in statements/token.def.
 */
#include "db/token.h"

#include "base/cleanup.h"
#include "db/row.h"

static enum err no_memory_for(struct fail *f, const char *what)
{
    return fail_internal(f, E_NO_MEMORY, "no memory for %s", what);
}

/* UPDATE and DELETE of one row: E_NO_ROW when there was none. */
static enum err one_row(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args,
                        size_t n_args)
{
    uint64_t affected = 0;
    enum err e = db_exec(db, f, stmt, args, n_args, &affected, NULL);
    if (e)
        return e;
    return affected ? E_OK : E_NO_ROW;
}

/* ---- robots ---- */

enum err robot_token_insert(struct db *db, struct fail *f, const struct robot_token *in)
{
    return db_exec(db, f, STMT_ROBOT_TOKEN_INSERT,
                   DB_ARGS(arg_int(in->account_id), arg_bytes(in->hash), arg_bytes(in->sealed),
                           arg_str(in->description), arg_int(in->created_ms)),
                   NULL, NULL);
}

enum err robot_token_update(struct db *db, struct fail *f, const struct robot_token *in)
{
    return one_row(db, f, STMT_ROBOT_TOKEN_UPDATE,
                   DB_ARGS(arg_bytes(in->hash), arg_bytes(in->sealed), arg_int(in->created_ms),
                           arg_int(in->account_id)));
}

enum err robot_token_get(struct db *db, struct fail *f, struct arena *a, int64_t account_id,
                         struct robot_token *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    bool no_memory = false;
    enum err e = db_one(db, f, STMT_ROBOT_TOKEN_GET, DB_ARGS(arg_int(account_id)), &rows);
    if (e)
        return e;
    struct robot_token out = {
        .account_id = account_id,
        .hash = row_dup(&rows, 0, a, &no_memory),
        .sealed = row_dup(&rows, 1, a, &no_memory),
        .description = row_dup(&rows, 2, a, &no_memory),
        .created_ms = row_int(&rows, 3),
    };
    if (no_memory)
        return no_memory_for(f, "a row of robot_token");
    *ret = out;
    return E_OK;
}

/* ---- app tokens ---- */

static enum err read_app_token(const struct rows *rows, struct fail *f, struct arena *a,
                               struct app_token *ret)
{
    bool no_memory = false;
    struct app_token out = {
        .id = row_int(rows, 0),
        .uuid = row_dup(rows, 1, a, &no_memory),
        .account_id = row_int(rows, 2),
        .title = row_dup(rows, 3, a, &no_memory),
        .sealed = row_dup(rows, 4, a, &no_memory),
        .created_ms = row_int(rows, 5),
        .expires_ms = row_int(rows, 6),
        .last_accessed_ms = row_int(rows, 7),
    };
    if (no_memory)
        return no_memory_for(f, "a row of app_token");
    *ret = out;
    return E_OK;
}

enum err app_token_insert(struct db *db, struct fail *f, const struct app_token *in)
{
    return db_exec(db, f, STMT_APP_TOKEN_INSERT,
                   DB_ARGS(arg_bytes(in->uuid), arg_int(in->account_id), arg_str(in->title),
                           arg_bytes(in->hash), arg_bytes(in->sealed), arg_int(in->created_ms),
                           arg_id(in->expires_ms)),
                   NULL, NULL);
}

enum err app_token_by_hash(struct db *db, struct fail *f, struct arena *a, struct str hash,
                           struct app_token *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_APP_TOKEN_BY_HASH, DB_ARGS(arg_bytes(hash)), &rows);
    if (e)
        return e;
    return read_app_token(&rows, f, a, ret);
}

enum err app_token_by_uuid(struct db *db, struct fail *f, struct arena *a, struct str uuid,
                           int64_t account_id, struct app_token *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e =
        db_one(db, f, STMT_APP_TOKEN_BY_UUID, DB_ARGS(arg_bytes(uuid), arg_int(account_id)), &rows);
    if (e)
        return e;
    return read_app_token(&rows, f, a, ret);
}

enum err app_token_list(struct db *db, struct fail *f, struct arena *a, int64_t account_id,
                        int64_t after, size_t limit, struct app_token_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct app_token_list out = {.n = 0};
    enum err e =
        db_query(db, f, STMT_APP_TOKEN_LIST,
                 DB_ARGS(arg_int(account_id), arg_int(after), arg_int((int64_t)limit)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    if (!out.v)
        return no_memory_for(f, "a list of app tokens");
    while (rows_next(&rows)) {
        e = read_app_token(&rows, f, a, &out.v[out.n]);
        if (e)
            return e;
        out.n++;
    }
    *ret = out;
    return E_OK;
}

enum err app_token_touch(struct db *db, struct fail *f, int64_t id, int64_t now_ms,
                         int64_t stale_ms)
{
    return db_exec(db, f, STMT_APP_TOKEN_TOUCH,
                   DB_ARGS(arg_int(now_ms), arg_int(id), arg_int(stale_ms)), NULL, NULL);
}

enum err app_token_delete(struct db *db, struct fail *f, struct str uuid, int64_t account_id)
{
    return one_row(db, f, STMT_APP_TOKEN_DELETE, DB_ARGS(arg_bytes(uuid), arg_int(account_id)));
}

/* ---- OAuth tokens ---- */

static enum err read_oauth_token(const struct rows *rows, struct fail *f, struct arena *a,
                                 struct oauth_token *ret)
{
    bool no_memory = false;
    struct oauth_token out = {
        .id = row_int(rows, 0),
        .uuid = row_dup(rows, 1, a, &no_memory),
        .account_id = row_int(rows, 2),
        .display_name = row_dup(rows, 3, a, &no_memory),
        .scope = row_dup(rows, 4, a, &no_memory),
        .created_ms = row_int(rows, 5),
        .expires_ms = row_int(rows, 6),
        .last_accessed_ms = row_int(rows, 7),
    };
    if (no_memory)
        return no_memory_for(f, "a row of oauth_token");
    *ret = out;
    return E_OK;
}

enum err oauth_token_insert(struct db *db, struct fail *f, const struct oauth_token *in)
{
    return db_exec(db, f, STMT_OAUTH_TOKEN_INSERT,
                   DB_ARGS(arg_bytes(in->uuid), arg_int(in->account_id), arg_str(in->display_name),
                           arg_bytes(in->scope), arg_bytes(in->hash), arg_int(in->created_ms),
                           arg_int(in->expires_ms)),
                   NULL, NULL);
}

enum err oauth_token_by_hash(struct db *db, struct fail *f, struct arena *a, struct str hash,
                             struct oauth_token *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_OAUTH_TOKEN_BY_HASH, DB_ARGS(arg_bytes(hash)), &rows);
    if (e)
        return e;
    return read_oauth_token(&rows, f, a, ret);
}

enum err oauth_token_list(struct db *db, struct fail *f, struct arena *a, int64_t account_id,
                          int64_t after, size_t limit, struct oauth_token_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct oauth_token_list out = {.n = 0};
    enum err e =
        db_query(db, f, STMT_OAUTH_TOKEN_LIST,
                 DB_ARGS(arg_int(account_id), arg_int(after), arg_int((int64_t)limit)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    if (!out.v)
        return no_memory_for(f, "a list of OAuth tokens");
    while (rows_next(&rows)) {
        e = read_oauth_token(&rows, f, a, &out.v[out.n]);
        if (e)
            return e;
        out.n++;
    }
    *ret = out;
    return E_OK;
}

enum err oauth_token_touch(struct db *db, struct fail *f, int64_t id, int64_t now_ms,
                           int64_t stale_ms)
{
    return db_exec(db, f, STMT_OAUTH_TOKEN_TOUCH,
                   DB_ARGS(arg_int(now_ms), arg_int(id), arg_int(stale_ms)), NULL, NULL);
}

enum err oauth_token_delete(struct db *db, struct fail *f, struct str uuid, int64_t account_id)
{
    return one_row(db, f, STMT_OAUTH_TOKEN_DELETE, DB_ARGS(arg_bytes(uuid), arg_int(account_id)));
}

/* ---- either ---- */

enum err token_owner(struct db *db, struct fail *f, struct str uuid, struct token_owner *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_TOKEN_OWNER, DB_ARGS(arg_bytes(uuid), arg_bytes(uuid)), &rows);
    if (e)
        return e;
    *ret = (struct token_owner){.account_id = row_int(&rows, 0), .is_oauth = row_int(&rows, 1)};
    return E_OK;
}

/* ---- expired ---- */

enum err app_token_delete_expired(struct db *db, struct fail *f, int64_t before_ms, size_t limit,
                                  uint64_t *ret_removed)
{
    return db_exec(db, f, STMT_APP_TOKEN_DELETE_EXPIRED,
                   DB_ARGS(arg_int(before_ms), arg_int((int64_t)limit)), ret_removed, NULL);
}

enum err oauth_token_delete_expired(struct db *db, struct fail *f, int64_t before_ms, size_t limit,
                                    uint64_t *ret_removed)
{
    return db_exec(db, f, STMT_OAUTH_TOKEN_DELETE_EXPIRED,
                   DB_ARGS(arg_int(before_ms), arg_int((int64_t)limit)), ret_removed, NULL);
}
