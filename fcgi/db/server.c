/*
 * server.c - see server.h.
 */
#include "db/server.h"

#include "base/cleanup.h"

static enum err ask_int(struct db *db, struct fail *f, enum stmt stmt, int64_t *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, stmt, DB_NO_ARGS, &rows);
    if (e)
        return e;
    *ret = row_int(&rows, 0);
    return E_OK;
}

static enum err ask_str(struct db *db, struct fail *f, enum stmt stmt, struct arena *a,
                        struct str *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, stmt, DB_NO_ARGS, &rows);
    if (e)
        return e;
    struct str copy = arena_str(a, row_str(&rows, 0));
    if (!copy.p)
        return fail_internal(f, E_NO_MEMORY, "arena is full");
    *ret = copy;
    return E_OK;
}

enum err server_version(struct db *db, struct fail *f, struct arena *a, struct str *ret)
{
    return ask_str(db, f, STMT_SERVER_VERSION, a, ret);
}

enum err server_max_connections(struct db *db, struct fail *f, int64_t *ret)
{
    return ask_int(db, f, STMT_SERVER_MAX_CONNECTIONS, ret);
}

enum err server_threads_connected(struct db *db, struct fail *f, int64_t *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    uint64_t n;
    enum err e = db_one(db, f, STMT_SERVER_THREADS_CONNECTED, DB_NO_ARGS, &rows);
    if (e)
        return e;
    if (!str_u64(row_str(&rows, 1), &n) || n > INT32_MAX)
        return fail_internal(f, E_INTERNAL, "Threads_connected is not a number");
    *ret = (int64_t)n;
    return E_OK;
}

enum err server_max_allowed_packet(struct db *db, struct fail *f, int64_t *ret)
{
    return ask_int(db, f, STMT_SERVER_MAX_ALLOWED_PACKET, ret);
}

enum err server_read_only(struct db *db, struct fail *f, bool *ret)
{
    int64_t value;
    enum err e = ask_int(db, f, STMT_SERVER_READ_ONLY, &value);
    if (e)
        return e;
    *ret = value != 0;
    return E_OK;
}

enum err server_sql_mode(struct db *db, struct fail *f, struct arena *a, struct str *ret)
{
    return ask_str(db, f, STMT_SERVER_SQL_MODE, a, ret);
}

enum err server_clock_ms(struct db *db, struct fail *f, int64_t *ret)
{
    return ask_int(db, f, STMT_SERVER_CLOCK_MS, ret);
}

enum err server_schema_version(struct db *db, struct fail *f, int64_t *ret)
{
    int64_t tables;
    enum err e = ask_int(db, f, STMT_MIGRATION_TABLE, &tables);
    if (e)
        return e;
    if (tables)
        return ask_int(db, f, STMT_MIGRATION_VERSION, ret);
    *ret = 0;
    return E_OK;
}
