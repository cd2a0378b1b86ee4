/*
 * log_entry.c - see log_entry.h.
 */
#include "db/log_entry.h"

#include "base/cleanup.h"

#define COLUMNS  7
#define ROWS_MAX 64
#define IP_MAX   45

static void put_row(struct db_arg *to, const struct log_row *row)
{
    to[0] = arg_int(row->at_ms);
    to[1] = arg_int(row->kind);
    to[2] = arg_id(row->account_id);
    to[3] = arg_id(row->performer_id);
    to[4] = arg_id(row->repository_id);
    to[5] = row->ip.n ? arg_str(str_head(row->ip, IP_MAX)) : arg_null();
    to[6] = arg_bytes(row->metadata);
}

enum err log_entry_insert(struct db *db, struct fail *f, const struct log_row *rows, size_t n)
{
    static const struct {
        size_t rows;
        enum stmt stmt;
    } sizes[] = {
        {ROWS_MAX, STMT_LOG_ENTRY_INSERT_64},
        {16, STMT_LOG_ENTRY_INSERT_16},
        {1, STMT_LOG_ENTRY_INSERT},
    };
    struct db_arg args[ROWS_MAX * COLUMNS];
    size_t size = 0;
    while (n) {
        while (sizes[size].rows > n)
            size++;
        size_t take = sizes[size].rows;
        for (size_t i = 0; i < take; i++)
            put_row(args + i * COLUMNS, &rows[i]);
        enum err e = db_exec(db, f, sizes[size].stmt, args, take * COLUMNS, NULL, NULL);
        if (e)
            return e;
        rows += take;
        n -= take;
    }
    return E_OK;
}

enum err log_entry_partitioned_until(struct db *db, struct fail *f, int64_t *ret_ms)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_LOG_ENTRY_PARTITIONS, DB_NO_ARGS, &rows);
    if (e)
        return e;
    *ret_ms = row_int(&rows, 0);
    return E_OK;
}
