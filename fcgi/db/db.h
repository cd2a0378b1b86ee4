/*
 * db.h - MariaDB, seen through named statements.
 *
 * A statement is a row of a statements/<entity>.def file; its accessor in db/<entity>.c is the only caller. No SQL text is made
 * at run time. One struct db belongs to one thread; it connects when first used, reconnects by itself (the
 * library's reconnect is never on) and prepares statements lazily, once per connection.
 *
 * Failures: E_NO_ROW (db_one without a row) and E_DUPLICATE (a UNIQUE key) are not recorded in f: what they mean is for
 * the caller to say. E_DB_DOWN (not reachable, or lost and not safe to rerun; with Retry-After), E_BUSY (locked by others
 * for too long), E_CONFLICT (a foreign key: the other row went, or came, meanwhile), E_INTERNAL (a statement the server
 * refuses: a bug). 1213, 1205 and a connection lost inside db_tx() rerun the whole transaction, so its function must have no
 * effects outside the database. Outside db_tx() a SELECT survives a lost connection; a change is E_DB_DOWN when it
 * may have been done.
 *
 * Isolation is READ COMMITTED. sql_mode is strict, time_zone is +00:00.
 */
#ifndef GANTRY_DB_DB_H
#define GANTRY_DB_DB_H

#include "base/arena.h"
#include "base/config.h"
#include "base/err.h"
#include "base/str.h"

struct db;

/* Once per process, before threads, and at the end of main (program_init(), program_done()). */
void db_library_init(void);
void db_library_done(void);

/*
 * Does not connect. NULL when out of memory. The config must outlive it. After fork() a child never touches its parent's,
 * not even to free it.
 */
struct db *db_new(const struct config_db *config);
void db_free(struct db *db);
void db_freep(struct db **db);

/* E_OK when the server answers now (connects if need be). */
enum err db_ping(struct db *db, struct fail *f) MUST_CHECK;

/* Connections open in this process, for metrics. */
int db_connections(void);

/* ---- statements ---- */

enum stmt {
#define STMT(name, params, results, sql) STMT_##name,
#include "db/statements.def"
#undef STMT
    STMT_COUNT
};

/* One parameter, by value; text and bytes are not copied and must live through the call. */
struct db_arg {
    char type; /* 'i' int64, 's' text, 'b' bytes, as in the row; 'n' is NULL and fits every type */
    int64_t i;
    struct str s;
};

static inline struct db_arg arg_int(int64_t v)
{
    return (struct db_arg){.type = 'i', .i = v};
}
static inline struct db_arg arg_str(struct str s)
{
    return (struct db_arg){.type = 's', .s = s};
}
static inline struct db_arg arg_bytes(struct str s)
{
    return (struct db_arg){.type = 'b', .s = s};
}
static inline struct db_arg arg_null(void)
{
    return (struct db_arg){.type = 'n'};
}
/* NULL when 0 (ids), NULL when the slice has no pointer. */
static inline struct db_arg arg_id(int64_t id)
{
    return id ? arg_int(id) : arg_null();
}
static inline struct db_arg arg_str_or_null(struct str s)
{
    return s.p ? arg_str(s) : arg_null();
}

#define DB_ARGS(...) \
    (const struct db_arg[]){__VA_ARGS__}, sizeof((const struct db_arg[]){__VA_ARGS__}) / sizeof(struct db_arg)
#define DB_NO_ARGS NULL, 0

/* INSERT, UPDATE, DELETE. ret_affected (rows matched AND changed) and ret_id (AUTO_INCREMENT) may be NULL. */
enum err db_exec(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args, size_t n_args,
                 uint64_t *ret_affected, int64_t *ret_id) MUST_CHECK;

/*
 * SELECT. The whole result is stored on the client before db_query returns, so other statements may run while it
 * is read. CLEANUP(rows_done) struct rows rows = ROWS_INIT;
 */
struct rows {
    struct db *db;
    void *impl;
};
#define ROWS_INIT {.db = NULL}

enum err db_query(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args, size_t n_args,
                  struct rows *ret) MUST_CHECK;
/* As db_query, positioned on the first row; E_NO_ROW (not recorded in f) when there is none. */
enum err db_one(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args, size_t n_args,
                struct rows *ret) MUST_CHECK;
bool rows_next(struct rows *rows);
size_t rows_count(const struct rows *rows);
/* Columns count from 0. NULL gives 0 or the empty slice (p NULL). Slices live until rows_done(). */
int64_t row_int(const struct rows *rows, unsigned column);
struct str row_str(const struct rows *rows, unsigned column);
bool row_is_null(const struct rows *rows, unsigned column);
void rows_done(struct rows *rows);

/* ---- transactions ---- */

typedef enum err (*db_tx_fn)(struct db *db, struct fail *f, void *ctx);

/*
 * Runs fn inside a transaction and commits; any error rolls back and is returned. Up to 5 runs on deadlock, lock wait
 * or a connection lost before COMMIT was sent (f is cleared between runs); a connection lost DURING COMMIT is
 * E_DB_DOWN, because the outcome is unknown. fn must pass errors up, but for E_NO_ROW and E_DUPLICATE, which leave the
 * transaction usable. START TRANSACTION is sent with the first statement, so a function that finds nothing to do costs
 * nothing. Called inside a transaction, fn joins it: its error then rolls back nothing by itself.
 */
enum err db_tx(struct db *db, struct fail *f, db_tx_fn fn, void *ctx) MUST_CHECK;

#endif
