/*
 * lease.c - see lease.h.
 */
#include "db/lease.h"

#include "base/cleanup.h"
#include "db/row.h"

enum err lease_declare(struct db *db, struct fail *f, struct str name)
{
    return db_exec(db, f, STMT_LEASE_DECLARE, DB_ARGS(arg_str(name)), NULL, NULL);
}

enum err lease_list(struct db *db, struct fail *f, struct arena *a, struct lease **ret,
                    size_t *ret_n)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    bool no_memory = false;
    size_t n = 0;
    enum err e = db_query(db, f, STMT_LEASE_LIST, DB_NO_ARGS, &rows);
    if (e)
        return e;
    struct lease *list = arena_array(a, rows_count(&rows) + 1, sizeof(*list));
    while (list && rows_next(&rows)) {
        list[n].name = row_dup(&rows, 0, a, &no_memory);
        list[n].wait_ms = row_int(&rows, 1);
        list[n].version = row_int(&rows, 2);
        n++;
    }
    if (!list || no_memory)
        return fail_internal(f, E_NO_MEMORY, "arena is full");
    *ret = list;
    *ret_n = n;
    return E_OK;
}

/* One compare-and-swap; the version is the next one when it succeeded. */
static enum err swap(struct db *db, struct fail *f, struct lease *l, enum stmt stmt,
                     const struct db_arg *args, size_t n, bool *ret)
{
    uint64_t changed;
    enum err e = db_exec(db, f, stmt, args, n, &changed, NULL);
    if (e)
        return e;
    *ret = changed == 1;
    if (*ret)
        l->version++;
    return E_OK;
}

enum err lease_take(struct db *db, struct fail *f, struct lease *l, struct str owner,
                    int64_t for_ms, bool *ret)
{
    return swap(db, f, l, STMT_LEASE_TAKE,
                DB_ARGS(arg_str(owner), arg_int(for_ms), arg_str(l->name), arg_int(l->version)),
                ret);
}

enum err lease_renew(struct db *db, struct fail *f, struct lease *l, int64_t for_ms, bool *ret)
{
    return swap(db, f, l, STMT_LEASE_RENEW,
                DB_ARGS(arg_int(for_ms), arg_str(l->name), arg_int(l->version)), ret);
}

enum err lease_release(struct db *db, struct fail *f, struct lease *l, int64_t again_ms, bool *ret)
{
    return swap(db, f, l, STMT_LEASE_RELEASE,
                DB_ARGS(arg_int(again_ms), arg_str(l->name), arg_int(l->version)), ret);
}
