/*
 * account.c - see account.h. Columns stand in the order of ACCOUNT_COLUMNS in
 * statements/account.def.
 */
#include "db/account.h"

#include "base/cleanup.h"
#include "db/row.h"

static enum err read_row(const struct rows *rows, struct fail *f, struct arena *a,
                         struct account *ret)
{
    bool no_memory = false;
    struct account out = {
        .id = row_int(rows, 0),
        .uuid = row_dup(rows, 1, a, &no_memory),
        .kind = (enum account_kind)row_int(rows, 2),
        .name = row_dup(rows, 3, a, &no_memory),
        .email = row_dup(rows, 4, a, &no_memory),
        .password_hash = row_dup(rows, 5, a, &no_memory),
        .enabled = row_int(rows, 6) != 0,
        .verified = row_int(rows, 7) != 0,
        .namespace_id = row_int(rows, 8),
        .namespace_name = row_dup(rows, 9, a, &no_memory),
        .namespace_enabled = row_is_null(rows, 10) || row_int(rows, 10) != 0,
        .removed_tag_expiration_s = row_int(rows, 11),
        .invalid_login_attempts = row_int(rows, 12),
        .last_invalid_login_ms = row_int(rows, 13),
        .created_ms = row_int(rows, 14),
        .last_accessed_ms = row_int(rows, 15),
    };
    if (no_memory)
        return fail_internal(f, E_NO_MEMORY, "no memory for a row of account");
    *ret = out;
    return E_OK;
}

static enum err read_one(struct db *db, struct fail *f, struct arena *a, enum stmt stmt,
                         struct db_arg arg, struct account *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, stmt, &arg, 1, &rows);
    if (e)
        return e;
    return read_row(&rows, f, a, ret);
}

enum err account_by_id(struct db *db, struct fail *f, struct arena *a, int64_t id,
                       struct account *ret)
{
    return read_one(db, f, a, STMT_ACCOUNT_BY_ID, arg_int(id), ret);
}

enum err account_by_name(struct db *db, struct fail *f, struct arena *a, struct str name,
                         struct account *ret)
{
    return read_one(db, f, a, STMT_ACCOUNT_BY_NAME, arg_bytes(name), ret);
}

enum err account_by_uuid(struct db *db, struct fail *f, struct arena *a, struct str uuid,
                         struct account *ret)
{
    return read_one(db, f, a, STMT_ACCOUNT_BY_UUID, arg_bytes(uuid), ret);
}

enum err account_by_email(struct db *db, struct fail *f, struct arena *a, struct str email,
                          struct account *ret)
{
    return read_one(db, f, a, STMT_ACCOUNT_BY_EMAIL, arg_bytes(email), ret);
}

static enum err read_list(struct db *db, struct fail *f, struct arena *a, enum stmt stmt,
                          int64_t first, struct str after, size_t limit, struct account_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct account_list out = {.n = 0};
    enum err e = db_query(
        db, f, stmt, DB_ARGS(arg_int(first), arg_after(after), arg_int((int64_t)limit)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    if (!out.v)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of accounts");
    while (rows_next(&rows)) {
        e = read_row(&rows, f, a, &out.v[out.n]);
        if (e)
            return e;
        out.n++;
    }
    *ret = out;
    return E_OK;
}

enum err account_list(struct db *db, struct fail *f, struct arena *a, enum account_kind kind,
                      struct str after, size_t limit, struct account_list *ret)
{
    return read_list(db, f, a, STMT_ACCOUNT_LIST, (int64_t)kind, after, limit, ret);
}

enum err account_robots(struct db *db, struct fail *f, struct arena *a, int64_t namespace_id,
                        struct str after, size_t limit, struct account_list *ret)
{
    return read_list(db, f, a, STMT_ACCOUNT_ROBOTS, namespace_id, after, limit, ret);
}

enum err account_insert(struct db *db, struct fail *f, const struct account *in, int64_t *ret_id)
{
    return db_exec(db, f, STMT_ACCOUNT_INSERT,
                   DB_ARGS(arg_bytes(in->uuid), arg_int((int64_t)in->kind), arg_bytes(in->name),
                           arg_bytes_or_null(in->email), arg_bytes_or_null(in->password_hash),
                           arg_int(in->verified), arg_id(in->namespace_id),
                           arg_int(in->removed_tag_expiration_s), arg_int(in->created_ms)),
                   NULL, ret_id);
}

static enum err lock(struct db *db, struct fail *f, enum stmt stmt, struct db_arg arg,
                     struct account_locked *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, stmt, &arg, 1, &rows);
    if (e)
        return e;
    *ret = (struct account_locked){
        .id = row_int(&rows, 0),
        .kind = (enum account_kind)row_int(&rows, 1),
        .enabled = row_int(&rows, 2) != 0,
    };
    return E_OK;
}

enum err account_lock(struct db *db, struct fail *f, int64_t id, struct account_locked *ret)
{
    return lock(db, f, STMT_ACCOUNT_LOCK, arg_int(id), ret);
}

enum err account_lock_name(struct db *db, struct fail *f, struct str name,
                           struct account_locked *ret)
{
    return lock(db, f, STMT_ACCOUNT_LOCK_NAME, arg_bytes(name), ret);
}

enum err account_set_password(struct db *db, struct fail *f, int64_t id, struct str hash)
{
    return db_exec(db, f, STMT_ACCOUNT_SET_PASSWORD, DB_ARGS(arg_bytes(hash), arg_int(id)), NULL,
                   NULL);
}

enum err account_set_enabled(struct db *db, struct fail *f, int64_t id, bool enabled)
{
    return db_exec(db, f, STMT_ACCOUNT_SET_ENABLED, DB_ARGS(arg_int(enabled), arg_int(id)), NULL,
                   NULL);
}

enum err account_login_failed(struct db *db, struct fail *f, int64_t id, int64_t now_ms,
                              int64_t forget_before_ms)
{
    return db_exec(db, f, STMT_ACCOUNT_LOGIN_FAILED,
                   DB_ARGS(arg_int(forget_before_ms), arg_int(now_ms), arg_int(id)), NULL, NULL);
}

enum err account_login_ok(struct db *db, struct fail *f, int64_t id)
{
    return db_exec(db, f, STMT_ACCOUNT_LOGIN_OK, DB_ARGS(arg_int(id)), NULL, NULL);
}

enum err account_touch(struct db *db, struct fail *f, int64_t id, int64_t now_ms, int64_t stale_ms)
{
    return db_exec(db, f, STMT_ACCOUNT_TOUCH,
                   DB_ARGS(arg_int(now_ms), arg_int(id), arg_int(stale_ms)), NULL, NULL);
}

enum err account_retire(struct db *db, struct fail *f, int64_t id)
{
    return db_exec(db, f, STMT_ACCOUNT_RETIRE, DB_ARGS(arg_int(id)), NULL, NULL);
}

enum err account_delete(struct db *db, struct fail *f, int64_t id)
{
    return db_exec(db, f, STMT_ACCOUNT_DELETE, DB_ARGS(arg_int(id)), NULL, NULL);
}

enum err account_delete_robots(struct db *db, struct fail *f, int64_t namespace_id)
{
    return db_exec(db, f, STMT_ACCOUNT_DELETE_ROBOTS, DB_ARGS(arg_int(namespace_id)), NULL, NULL);
}

enum err account_retired(struct db *db, struct fail *f, struct arena *a, size_t limit,
                         int64_t **ret_ids, size_t *ret_n)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    int64_t *ids;
    size_t n = 0;
    enum err e = db_query(db, f, STMT_ACCOUNT_RETIRED, DB_ARGS(arg_int((int64_t)limit)), &rows);
    if (e)
        return e;
    ids = arena_array(a, rows_count(&rows), sizeof(*ids));
    if (!ids)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of accounts");
    while (rows_next(&rows))
        ids[n++] = row_int(&rows, 0);
    *ret_ids = ids;
    *ret_n = n;
    return E_OK;
}
