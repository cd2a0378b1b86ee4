/*
 * blob.c - see blob.h.
 */
#include "db/blob.h"

#include "base/cleanup.h"
#include "db/row.h"

enum err blob_row_find_in(struct db *db, struct fail *f, struct str location, struct str digest,
                          int64_t repository_id, struct blob_row *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e =
        db_one(db, f, STMT_BLOB_FIND_IN,
               DB_ARGS(arg_bytes(location), arg_bytes(digest), arg_int(repository_id)), &rows);
    if (e)
        return e;
    *ret = (struct blob_row){.id = row_int(&rows, 0), .size = (uint64_t)row_int(&rows, 1)};
    return E_OK;
}

enum err blob_row_lock(struct db *db, struct fail *f, struct str digest, int64_t *ret_id)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_BLOB_LOCK, DB_ARGS(arg_bytes(digest)), &rows);
    if (e)
        return e;
    *ret_id = row_int(&rows, 0);
    return E_OK;
}

enum err blob_row_insert(struct db *db, struct fail *f, struct str digest, uint64_t size,
                         int64_t now_ms, int64_t *ret_id)
{
    return db_exec(db, f, STMT_BLOB_INSERT,
                   DB_ARGS(arg_bytes(digest), arg_int((int64_t)size), arg_int(now_ms)), NULL,
                   ret_id);
}

enum err blob_row_place(struct db *db, struct fail *f, int64_t blob_id, int64_t location_id)
{
    return db_exec(db, f, STMT_BLOB_PLACE, DB_ARGS(arg_int(blob_id), arg_int(location_id)), NULL,
                   NULL);
}

enum err blob_row_link(struct db *db, struct fail *f, int64_t repository_id, int64_t blob_id,
                       int64_t leased_ms)
{
    return db_exec(
        db, f, STMT_BLOB_LINK,
        DB_ARGS(arg_int(repository_id), arg_int(blob_id), arg_int(leased_ms), arg_int(leased_ms)),
        NULL, NULL);
}

enum err blob_row_unlink(struct db *db, struct fail *f, struct str digest, int64_t repository_id)
{
    uint64_t affected = 0;
    enum err e = db_exec(db, f, STMT_BLOB_UNLINK,
                         DB_ARGS(arg_bytes(digest), arg_int(repository_id)), &affected, NULL);
    if (e)
        return e;
    return affected ? E_OK : E_NO_ROW;
}

enum err blob_row_holders(struct db *db, struct fail *f, struct arena *a, struct str digest,
                          int64_t wanted_repository, int64_t wanted_namespace, size_t limit,
                          struct blob_holder_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct blob_holder_list list = {.n = 0};
    bool no_memory = false;
    enum err e = db_query(db, f, STMT_BLOB_HOLDERS,
                          DB_ARGS(arg_bytes(digest), arg_int(wanted_repository),
                                  arg_int(wanted_namespace), arg_int((int64_t)limit)),
                          &rows);
    if (e)
        return e;
    list.v = arena_array(a, rows_count(&rows), sizeof(*list.v));
    if (!list.v)
        return fail(f, E_NO_MEMORY, "out of memory while looking for a blob; try again");
    while (rows_next(&rows)) {
        list.v[list.n++] = (struct blob_holder){
            .repository_id = row_int(&rows, 0),
            .namespace_id = row_int(&rows, 1),
            .namespace_name = row_dup(&rows, 2, a, &no_memory),
            .name = row_dup(&rows, 3, a, &no_memory),
            .is_public = row_int(&rows, 4) != 0,
            .namespace_enabled = row_int(&rows, 5) != 0,
            .namespace_is_org = row_int(&rows, 6) == 2,
            .state = (int)row_int(&rows, 7),
        };
    }
    if (no_memory)
        return fail(f, E_NO_MEMORY, "out of memory while looking for a blob; try again");
    *ret = list;
    return E_OK;
}

static enum err location_find(struct db *db, struct fail *f, struct str name, int64_t *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_LOCATION_FIND, DB_ARGS(arg_bytes(name)), &rows);
    if (e)
        return e;
    *ret = row_int(&rows, 0);
    return E_OK;
}

enum err location_row_id(struct db *db, struct fail *f, struct str name, int64_t *ret)
{
    enum err e = location_find(db, f, name, ret);
    if (e != E_NO_ROW)
        return e;
    e = db_exec(db, f, STMT_LOCATION_INSERT, DB_ARGS(arg_bytes(name)), NULL, ret);
    if (e != E_DUPLICATE)
        return e;
    return location_find(db, f, name, ret);
}
