/*
 * upload.c - see upload.h.
 */
#include "db/upload.h"

#include "base/cleanup.h"
#include "db/row.h"

static enum err no_memory_left(struct fail *f)
{
    return fail(f, E_NO_MEMORY, "out of memory while reading an upload; try again");
}

enum err upload_row_insert(struct db *db, struct fail *f, struct str uuid, int64_t repository_id,
                           int64_t account_id, int64_t location_id, const struct upload_row *in,
                           int64_t now_ms, int64_t *ret_id)
{
    return db_exec(db, f, STMT_UPLOAD_INSERT,
                   DB_ARGS(arg_str(uuid), arg_int(repository_id), arg_id(account_id),
                           arg_int(location_id), arg_int(in->algorithm), arg_bytes(in->hash_state),
                           arg_int(now_ms), arg_int(now_ms)),
                   NULL, ret_id);
}

enum err upload_row_find(struct db *db, struct fail *f, struct arena *a, struct str uuid,
                         int64_t repository_id, int64_t account_id, struct upload_row *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    bool no_memory = false;
    enum err e =
        db_one(db, f, STMT_UPLOAD_FIND,
               DB_ARGS(arg_bytes(uuid), arg_int(repository_id), arg_int(account_id)), &rows);
    if (e)
        return e;
    struct upload_row row = {.id = row_int(&rows, 0),
                             .algorithm = (int)row_int(&rows, 1),
                             .byte_count = (uint64_t)row_int(&rows, 2),
                             .hash_state = row_dup(&rows, 3, a, &no_memory)};
    if (no_memory)
        return no_memory_left(f);
    *ret = row;
    return E_OK;
}

enum err upload_row_get(struct db *db, struct fail *f, struct arena *a, int64_t id,
                        struct upload_row *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    bool no_memory = false;
    enum err e = db_one(db, f, STMT_UPLOAD_GET, DB_ARGS(arg_int(id)), &rows);
    if (e)
        return e;
    struct upload_row row = {.id = id,
                             .algorithm = (int)row_int(&rows, 0),
                             .byte_count = (uint64_t)row_int(&rows, 1),
                             .hash_state = row_dup(&rows, 2, a, &no_memory)};
    if (no_memory)
        return no_memory_left(f);
    *ret = row;
    return E_OK;
}

enum err upload_row_advance(struct db *db, struct fail *f, const struct upload_row *in,
                            uint64_t old_count, int64_t now_ms)
{
    uint64_t affected = 0;
    enum err e = db_exec(db, f, STMT_UPLOAD_ADVANCE,
                         DB_ARGS(arg_int((int64_t)in->byte_count), arg_bytes(in->hash_state),
                                 arg_int(now_ms), arg_int(in->id), arg_int((int64_t)old_count)),
                         &affected, NULL);
    if (e)
        return e;
    return affected ? E_OK : E_NO_ROW;
}

enum err upload_row_delete(struct db *db, struct fail *f, int64_t id)
{
    return db_exec(db, f, STMT_UPLOAD_DELETE, DB_ARGS(arg_int(id)), NULL, NULL);
}

enum err upload_row_exists(struct db *db, struct fail *f, struct str uuid, bool *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_UPLOAD_EXISTS, DB_ARGS(arg_bytes(uuid)), &rows);
    if (e && e != E_NO_ROW)
        return e;
    *ret = e == E_OK;
    return E_OK;
}

enum err upload_row_expired(struct db *db, struct fail *f, struct arena *a, int64_t before_ms,
                            size_t limit, struct upload_expired_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct upload_expired_list list = {.n = 0};
    bool no_memory = false;
    enum err e = db_query(db, f, STMT_UPLOAD_EXPIRED,
                          DB_ARGS(arg_int(before_ms), arg_int((int64_t)limit)), &rows);
    if (e)
        return e;
    list.v = arena_array(a, rows_count(&rows), sizeof(*list.v));
    if (!list.v)
        return no_memory_left(f);
    while (rows_next(&rows)) {
        list.v[list.n++] = (struct upload_expired){.id = row_int(&rows, 0),
                                                   .uuid = row_dup(&rows, 1, a, &no_memory)};
    }
    if (no_memory)
        return no_memory_left(f);
    *ret = list;
    return E_OK;
}

enum err upload_row_expire(struct db *db, struct fail *f, int64_t id, int64_t before_ms, bool *ret)
{
    uint64_t affected = 0;
    enum err e = db_exec(db, f, STMT_UPLOAD_EXPIRE, DB_ARGS(arg_int(id), arg_int(before_ms)),
                         &affected, NULL);
    if (e)
        return e;
    *ret = affected != 0;
    return E_OK;
}
