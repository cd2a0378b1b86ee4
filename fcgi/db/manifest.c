/*
 * manifest.c - see manifest.h. Columns stand in the order of statements/manifest.def.
 */
#include "db/manifest.h"

#include "base/cleanup.h"
#include "db/row.h"

static enum err no_memory(struct fail *f)
{
    return fail_internal(f, E_NO_MEMORY, "no memory for a row of manifest");
}

static enum err read_row(const struct rows *rows, struct fail *f, struct arena *a, bool by_tag,
                         struct manifest_row *ret)
{
    bool latched = false;
    struct manifest_row out = {
        .id = row_int(rows, 0),
        .digest = row_dup(rows, 1, a, &latched),
        .media_type = row_dup(rows, 2, a, &latched),
        .size = row_int(rows, 3),
        .expires_ms = by_tag ? row_int(rows, 4) : 0,
    };
    if (latched)
        return no_memory(f);
    *ret = out;
    return E_OK;
}

enum err manifest_row_by_digest(struct db *db, struct fail *f, struct arena *a,
                                int64_t repository_id, struct str digest, struct manifest_row *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_MANIFEST_BY_DIGEST,
                        DB_ARGS(arg_int(repository_id), arg_bytes(digest)), &rows);
    return e ? e : read_row(&rows, f, a, false, ret);
}

enum err manifest_row_by_tag(struct db *db, struct fail *f, struct arena *a, int64_t repository_id,
                             struct str tag, struct manifest_row *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e =
        db_one(db, f, STMT_MANIFEST_BY_TAG, DB_ARGS(arg_int(repository_id), arg_bytes(tag)), &rows);
    return e ? e : read_row(&rows, f, a, true, ret);
}

static enum err one_blob(struct db *db, struct fail *f, struct arena *a, enum stmt stmt, int64_t id,
                         struct str *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    bool latched = false;
    enum err e = db_one(db, f, stmt, DB_ARGS(arg_int(id)), &rows);
    if (e)
        return e;
    struct str out = row_dup(&rows, 0, a, &latched);
    if (latched)
        return no_memory(f);
    *ret = out;
    return E_OK;
}

enum err manifest_row_bytes(struct db *db, struct fail *f, struct arena *a, int64_t id,
                            struct str *ret)
{
    return one_blob(db, f, a, STMT_MANIFEST_BYTES, id, ret);
}

enum err manifest_row_lock(struct db *db, struct fail *f, int64_t repository_id, struct str digest,
                           int64_t *ret_id, bool *ret_deleted)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_MANIFEST_LOCK,
                        DB_ARGS(arg_int(repository_id), arg_bytes(digest)), &rows);
    if (e)
        return e;
    *ret_id = row_int(&rows, 0);
    *ret_deleted = !row_is_null(&rows, 1);
    return E_OK;
}

enum err manifest_row_insert(struct db *db, struct fail *f, const struct manifest_new *in,
                             int64_t now_ms, bool *ret_inserted)
{
    uint64_t affected = 0;
    enum err e = db_exec(
        db, f, STMT_MANIFEST_INSERT,
        DB_ARGS(arg_int(in->repository_id), arg_bytes(in->digest), arg_bytes(in->media_type),
                arg_bytes_or_null(in->artifact_type), arg_bytes_or_null(in->config_media_type),
                arg_bytes_or_null(in->subject_digest), arg_bytes_or_null(in->annotations),
                arg_int(in->layers_size), arg_int((int64_t)in->bytes.n), arg_bytes(in->bytes),
                arg_int(now_ms), arg_int(now_ms)),
        &affected, NULL);
    if (e)
        return e;
    *ret_inserted = affected == 1;
    return E_OK;
}

enum err manifest_row_pushed(struct db *db, struct fail *f, int64_t id, int64_t now_ms)
{
    return db_exec(db, f, STMT_MANIFEST_PUSHED, DB_ARGS(arg_int(now_ms), arg_int(id)), NULL, NULL);
}

enum err manifest_row_delete(struct db *db, struct fail *f, int64_t id, int64_t now_ms)
{
    return db_exec(db, f, STMT_MANIFEST_DELETE, DB_ARGS(arg_int(now_ms), arg_int(id)), NULL, NULL);
}

enum err manifest_blob_find(struct db *db, struct fail *f, int64_t repository_id, struct str digest,
                            int64_t *ret_id, int64_t *ret_size)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_MANIFEST_BLOB_FIND,
                        DB_ARGS(arg_int(repository_id), arg_bytes(digest)), &rows);
    if (e)
        return e;
    *ret_id = row_int(&rows, 0);
    *ret_size = row_int(&rows, 1);
    return E_OK;
}

enum err manifest_blob_renew(struct db *db, struct fail *f, int64_t repository_id, int64_t blob_id,
                             int64_t until_ms)
{
    uint64_t affected = 0;
    enum err e = db_exec(db, f, STMT_MANIFEST_BLOB_RENEW,
                         DB_ARGS(arg_int(until_ms), arg_int(repository_id), arg_int(blob_id)),
                         &affected, NULL);
    return e ? e : affected ? E_OK : E_NO_ROW;
}

enum err manifest_blob_link(struct db *db, struct fail *f, int64_t manifest_id, int64_t blob_id)
{
    return db_exec(db, f, STMT_MANIFEST_BLOB_LINK, DB_ARGS(arg_int(manifest_id), arg_int(blob_id)),
                   NULL, NULL);
}

enum err manifest_child_link(struct db *db, struct fail *f, int64_t manifest_id,
                             struct str child_digest, int64_t repository_id)
{
    return db_exec(db, f, STMT_MANIFEST_CHILD_LINK,
                   DB_ARGS(arg_int(manifest_id), arg_bytes(child_digest), arg_int(repository_id)),
                   NULL, NULL);
}

static enum err read_referrer(const struct rows *rows, struct fail *f, struct arena *a,
                              struct referrer_row *ret)
{
    bool latched = false;
    *ret = (struct referrer_row){
        .id = row_int(rows, 0),
        .digest = row_dup(rows, 1, a, &latched),
        .media_type = row_dup(rows, 2, a, &latched),
        .size = row_int(rows, 3),
        .artifact_type = row_dup(rows, 4, a, &latched),
        .annotations = row_dup(rows, 5, a, &latched),
        .has_more = row_int(rows, 6) != 0,
    };
    return latched ? no_memory(f) : E_OK;
}

enum err manifest_row_referrers(struct db *db, struct fail *f, struct arena *a,
                                int64_t repository_id, struct str subject_digest,
                                struct str artifact_type, int64_t after_id, size_t limit,
                                struct referrer_rows *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct referrer_rows out = {.n = 0};
    enum err e =
        artifact_type.p
            ? db_query(db, f, STMT_MANIFEST_REFERRERS_TYPE,
                       DB_ARGS(arg_int(repository_id), arg_bytes(subject_digest), arg_int(after_id),
                               arg_bytes(artifact_type), arg_int((int64_t)limit)),
                       &rows)
            : db_query(db, f, STMT_MANIFEST_REFERRERS,
                       DB_ARGS(arg_int(repository_id), arg_bytes(subject_digest), arg_int(after_id),
                               arg_int((int64_t)limit)),
                       &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    if (!out.v)
        return no_memory(f);
    while (rows_next(&rows)) {
        e = read_referrer(&rows, f, a, &out.v[out.n]);
        if (e)
            return e;
        out.n++;
    }
    *ret = out;
    return E_OK;
}

enum err manifest_row_annotations(struct db *db, struct fail *f, struct arena *a, int64_t id,
                                  struct str *ret)
{
    return one_blob(db, f, a, STMT_MANIFEST_ANNOTATIONS, id, ret);
}

enum err manifest_row_subject(struct db *db, struct fail *f, struct arena *a, int64_t repository_id,
                              struct str digest, int64_t *ret_size, struct str *ret_subject)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    bool latched = false;
    enum err e = db_one(db, f, STMT_MANIFEST_SUBJECT,
                        DB_ARGS(arg_int(repository_id), arg_bytes(digest)), &rows);
    if (e)
        return e;
    struct str subject = row_dup(&rows, 1, a, &latched);
    if (latched)
        return no_memory(f);
    *ret_size = row_int(&rows, 0);
    *ret_subject = subject;
    return E_OK;
}
