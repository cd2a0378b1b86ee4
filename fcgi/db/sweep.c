/*
 * sweep.c - see sweep.h.
 */
#include "db/sweep.h"

#include "base/cleanup.h"
#include "db/row.h"

enum err sweep_idle_uploads(struct db *db, struct fail *f, struct arena *a, int64_t before_ms,
                            size_t limit, struct str **ret, size_t *ret_n)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    bool no_memory = false;
    size_t n = 0;
    enum err e = db_query(db, f, STMT_SWEEP_IDLE_UPLOADS,
                          DB_ARGS(arg_int(before_ms), arg_int((int64_t)limit)), &rows);
    if (e)
        return e;
    struct str *list = arena_array(a, rows_count(&rows) + 1, sizeof(*list));
    while (list && rows_next(&rows))
        list[n++] = row_dup(&rows, 0, a, &no_memory);
    if (!list || no_memory)
        return fail_internal(f, E_NO_MEMORY, "arena is full");
    *ret = list;
    *ret_n = n;
    return E_OK;
}

enum err sweep_upload_delete(struct db *db, struct fail *f, struct str uuid, int64_t before_ms,
                             bool *ret)
{
    uint64_t n;
    enum err e = db_exec(db, f, STMT_SWEEP_UPLOAD_DELETE,
                         DB_ARGS(arg_bytes(uuid), arg_int(before_ms)), &n, NULL);
    if (e)
        return e;
    *ret = n == 1;
    return E_OK;
}

enum err sweep_upload_exists(struct db *db, struct fail *f, struct str uuid, bool *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_SWEEP_UPLOAD_EXISTS, DB_ARGS(arg_bytes(uuid)), &rows);
    if (e && e != E_NO_ROW)
        return e;
    *ret = e == E_OK;
    return E_OK;
}

enum err sweep_app_tokens(struct db *db, struct fail *f, int64_t before_ms, size_t limit,
                          uint64_t *ret_removed)
{
    return db_exec(db, f, STMT_SWEEP_APP_TOKENS,
                   DB_ARGS(arg_int(before_ms), arg_int((int64_t)limit)), ret_removed, NULL);
}

enum err sweep_oauth_tokens(struct db *db, struct fail *f, int64_t before_ms, size_t limit,
                            uint64_t *ret_removed)
{
    return db_exec(db, f, STMT_SWEEP_OAUTH_TOKENS,
                   DB_ARGS(arg_int(before_ms), arg_int((int64_t)limit)), ret_removed, NULL);
}
