/*
 * service_key.c - see service_key.h.
 */
#include "db/service_key.h"

#include "base/cleanup.h"
#include "db/row.h"

enum err service_key_list(struct db *db, struct fail *f, struct arena *a, int64_t now_ms,
                          struct service_key_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct service_key_list out = {.n = 0};
    bool no_memory = false;
    enum err e = db_query(db, f, STMT_SERVICE_KEY_LIST, DB_ARGS(arg_int(now_ms)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    no_memory = !out.v;
    while (!no_memory && rows_next(&rows)) {
        out.v[out.n++] = (struct service_key){
            .kid = row_dup(&rows, 0, a, &no_memory),
            .public_jwk = row_dup(&rows, 1, a, &no_memory),
            .private_sealed = row_dup(&rows, 2, a, &no_memory),
            .created_ms = row_int(&rows, 3),
            .retires_ms = row_int(&rows, 4),
            .expires_ms = row_int(&rows, 5),
        };
    }
    if (no_memory)
        return fail_internal(f, E_NO_MEMORY, "no memory for the list of service keys");
    *ret = out;
    return E_OK;
}

enum err service_key_insert(struct db *db, struct fail *f, const struct service_key *in)
{
    return db_exec(db, f, STMT_SERVICE_KEY_INSERT,
                   DB_ARGS(arg_bytes(in->kid), arg_bytes(in->public_jwk),
                           arg_bytes(in->private_sealed), arg_int(in->created_ms),
                           arg_int(in->retires_ms), arg_int(in->expires_ms)),
                   NULL, NULL);
}

enum err service_key_delete_expired(struct db *db, struct fail *f, int64_t now_ms)
{
    return db_exec(db, f, STMT_SERVICE_KEY_DELETE_EXPIRED, DB_ARGS(arg_int(now_ms)), NULL, NULL);
}
