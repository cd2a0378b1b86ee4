/*
 * tag.c - see tag.h. Columns stand in the order of statements/tag.def.
 */
#include "db/tag.h"

#include "base/cleanup.h"
#include "db/row.h"

static enum err no_memory(struct fail *f)
{
    return fail_internal(f, E_NO_MEMORY, "no memory for rows of tag");
}

enum err tag_row_lock(struct db *db, struct fail *f, int64_t repository_id, struct str name,
                      struct tag_row *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e =
        db_one(db, f, STMT_TAG_LOCK, DB_ARGS(arg_int(repository_id), arg_bytes(name)), &rows);
    if (e)
        return e;
    *ret = (struct tag_row){
        .id = row_int(&rows, 0),
        .manifest_id = row_int(&rows, 1),
        .start_ms = row_int(&rows, 2),
        .expires_ms = row_int(&rows, 3),
    };
    return E_OK;
}

enum err tag_row_insert(struct db *db, struct fail *f, int64_t repository_id, struct str name,
                        int64_t manifest_id, int64_t start_ms, bool *ret_inserted)
{
    uint64_t affected = 0;
    enum err e = db_exec(
        db, f, STMT_TAG_INSERT,
        DB_ARGS(arg_int(repository_id), arg_bytes(name), arg_int(manifest_id), arg_int(start_ms)),
        &affected, NULL);
    if (e)
        return e;
    *ret_inserted = affected == 1;
    return E_OK;
}

enum err tag_row_close(struct db *db, struct fail *f, int64_t id, int64_t end_ms)
{
    return db_exec(db, f, STMT_TAG_CLOSE, DB_ARGS(arg_int(end_ms), arg_int(id)), NULL, NULL);
}

enum err tag_row_of_manifest(struct db *db, struct fail *f, struct arena *a, int64_t manifest_id,
                             struct tag_rows *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct tag_rows out = {.n = 0};
    bool latched = false;
    enum err e = db_query(db, f, STMT_TAG_OF_MANIFEST, DB_ARGS(arg_int(manifest_id)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    if (!out.v)
        return no_memory(f);
    while (rows_next(&rows)) {
        out.v[out.n++] = (struct tag_row){
            .id = row_int(&rows, 0),
            .name = row_dup(&rows, 1, a, &latched),
            .manifest_id = manifest_id,
            .start_ms = row_int(&rows, 2),
            .expires_ms = row_int(&rows, 3),
        };
    }
    if (latched)
        return no_memory(f);
    *ret = out;
    return E_OK;
}

enum err tag_row_names(struct db *db, struct fail *f, struct arena *a, int64_t repository_id,
                       struct str after, int64_t now_ms, size_t limit, struct tag_names *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct tag_names out = {.n = 0};
    bool latched = false;
    enum err e = db_query(
        db, f, STMT_TAG_LIST,
        DB_ARGS(arg_int(repository_id), arg_after(after), arg_int(now_ms), arg_int((int64_t)limit)),
        &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    if (!out.v)
        return no_memory(f);
    while (rows_next(&rows))
        out.v[out.n++] = row_dup(&rows, 0, a, &latched);
    if (latched)
        return no_memory(f);
    *ret = out;
    return E_OK;
}

enum err tag_row_latest(struct db *db, struct fail *f, int64_t repository_id, struct str name,
                        int64_t *ret_end_ms, int64_t *ret_expires_ms)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e =
        db_one(db, f, STMT_TAG_LATEST, DB_ARGS(arg_int(repository_id), arg_bytes(name)), &rows);
    if (e)
        return e;
    *ret_end_ms = row_int(&rows, 0);
    *ret_expires_ms = row_int(&rows, 1);
    return E_OK;
}
