/*
 * repository.c - see repository.h.
 */
#include "db/repository.h"

#include "base/cleanup.h"
#include "db/row.h"

enum err repository_find(struct db *db, struct fail *f, struct str namespace_name, struct str name,
                         struct repository_found *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_REPOSITORY_FIND,
                        DB_ARGS(arg_bytes(name), arg_bytes(namespace_name)), &rows);
    if (e == E_NO_ROW) {
        *ret = (struct repository_found){.id = 0};
        return E_OK;
    }
    if (e)
        return e;
    *ret = (struct repository_found){
        .namespace_id = row_int(&rows, 0),
        .namespace_is_org = row_int(&rows, 1) == 2,
        .namespace_enabled = row_int(&rows, 2) != 0,
        .id = row_int(&rows, 3),
        .is_public = row_int(&rows, 4) != 0,
        .state = (int)row_int(&rows, 5),
    };
    return E_OK;
}

enum err repository_insert(struct db *db, struct fail *f, int64_t namespace_id, struct str name,
                           bool is_public, int64_t now_ms, int64_t *ret_id)
{
    return db_exec(
        db, f, STMT_REPOSITORY_INSERT,
        DB_ARGS(arg_int(namespace_id), arg_bytes(name), arg_int(is_public), arg_int(now_ms)), NULL,
        ret_id);
}

static enum err exec_one(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args,
                         size_t n)
{
    uint64_t affected = 0;
    enum err e = db_exec(db, f, stmt, args, n, &affected, NULL);
    if (e)
        return e;
    return affected ? E_OK : E_NO_ROW;
}

enum err repository_set_public(struct db *db, struct fail *f, int64_t id, bool is_public)
{
    return exec_one(db, f, STMT_REPOSITORY_SET_PUBLIC, DB_ARGS(arg_int(is_public), arg_int(id)));
}

enum err repository_mark(struct db *db, struct fail *f, int64_t id, struct str new_name)
{
    return exec_one(db, f, STMT_REPOSITORY_MARK, DB_ARGS(arg_bytes(new_name), arg_int(id)));
}

enum err repository_count(struct db *db, struct fail *f, int64_t namespace_id, int64_t *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e =
        db_one(db, f, STMT_REPOSITORY_NAMESPACE_COUNT, DB_ARGS(arg_int(namespace_id)), &rows);
    if (e)
        return e;
    *ret = row_int(&rows, 0);
    return E_OK;
}

enum err repository_any(struct db *db, struct fail *f, int64_t namespace_id, bool *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e =
        db_one(db, f, STMT_REPOSITORY_NAMESPACE_ANY, DB_ARGS(arg_int(namespace_id)), &rows);
    if (e && e != E_NO_ROW)
        return e;
    *ret = e == E_OK;
    return E_OK;
}

enum err repository_mark_all(struct db *db, struct fail *f, int64_t namespace_id)
{
    return db_exec(db, f, STMT_REPOSITORY_MARK_ALL, DB_ARGS(arg_int(namespace_id)), NULL, NULL);
}

static enum err read_items(struct db *db, struct fail *f, struct arena *a, enum stmt stmt,
                           const struct db_arg *args, size_t n, struct repository_items *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct repository_items out = {.n = 0};
    bool no_memory = false;
    enum err e = db_query(db, f, stmt, args, n, &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    no_memory = !out.v;
    while (!no_memory && rows_next(&rows))
        out.v[out.n++] = (struct repository_item){
            .id = row_int(&rows, 0),
            .namespace_name = row_dup(&rows, 1, a, &no_memory),
            .name = row_dup(&rows, 2, a, &no_memory),
            .is_public = row_int(&rows, 3) != 0,
            .state = (int)row_int(&rows, 4),
            .created_ms = row_int(&rows, 5),
        };
    if (no_memory)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of repositories");
    *ret = out;
    return E_OK;
}

enum err repository_list_all(struct db *db, struct fail *f, struct arena *a,
                             struct str after_namespace, struct str after_name, size_t limit,
                             struct repository_items *ret)
{
    return read_items(db, f, a, STMT_REPOSITORY_LIST_ALL,
                      DB_ARGS(arg_after(after_namespace), arg_after(after_namespace),
                              arg_after(after_name), arg_int((int64_t)limit)),
                      ret);
}

enum err repository_list_namespace(struct db *db, struct fail *f, struct arena *a,
                                   int64_t namespace_id, struct str after_name, size_t limit,
                                   struct repository_items *ret)
{
    return read_items(
        db, f, a, STMT_REPOSITORY_LIST_NAMESPACE,
        DB_ARGS(arg_int(namespace_id), arg_after(after_name), arg_int((int64_t)limit)), ret);
}

enum err repository_list_readable(struct db *db, struct fail *f, struct arena *a,
                                  int64_t account_id, bool with_public, bool everything,
                                  struct str after_namespace, struct str after_name, size_t limit,
                                  struct repository_items *ret)
{
    return read_items(db, f, a, STMT_REPOSITORY_LIST_READABLE,
                      DB_ARGS(arg_after(after_namespace), arg_after(after_namespace),
                              arg_after(after_name), arg_int(everything), arg_int(with_public),
                              arg_int(account_id), arg_int(account_id), arg_int(account_id),
                              arg_int(account_id), arg_int((int64_t)limit)),
                      ret);
}
