/*
 * internal.h - what the files of the database engine (db.c, statement.c, rows.c, migrate.c,
 * partition.c) share and nobody else includes, but for the test that prepares every statement. This
 * is the header that brings in mysql.h.
 *
 *   db.c         the connection: open, lose, open again; transactions; which failure is which error
 *   statement.c  the table of statements, their cache on a connection, one execution
 *   rows.c       a result, copied whole off the connection
 */
#ifndef GANTRY_DB_INTERNAL_H
#define GANTRY_DB_INTERNAL_H

#include "db/db.h"

#include <errmsg.h>
#include <mysql.h>
#include <stdio.h>

/* A row of statements.def. */
struct stmt_row {
    const char *name;
    const char *params;
    const char *results;
    const char *sql;
};

const struct stmt_row *stmt_row(enum stmt stmt);

/* A statement prepared on this connection, with its bindings. */
struct prepared {
    MYSQL_STMT *handle;
    uint64_t used; /* tick of the last use, for the eviction of the least recently used */
    MYSQL_BIND *params, *results;
    unsigned long *lengths; /* of parameters, then of results */
    my_bool *nulls, *errors;
    int64_t *ints;
};

/* Prepared statements kept on one connection. The server's bound is for all of them:
 * max_prepared_stmt_count, 16382. */
#define PREPARED_MAX 128

enum tx {
    TX_NONE, /* every statement is a transaction of its own */
    TX_OPEN, /* inside db_tx(), but nothing was sent yet: START TRANSACTION goes out with the first
                statement */
    TX_STARTED,
    TX_BROKEN, /* deadlock, lock wait or a lost connection: nothing more runs until db_tx() starts
                  again */
};

struct db {
    const struct config_db *config;
    MYSQL *mysql;      /* NULL: not connected */
    bool patient;      /* of migrations: no bound on how long a statement runs */
    uint64_t used_ns;  /* when the server last answered */
    uint64_t retry_ns; /* no attempt to connect before this */
    unsigned refusals; /* attempts in a row that failed */
    char why[256];     /* why the last one failed */
    enum tx tx;
    uint64_t tick;
    size_t n_prepared;
    struct prepared *prepared[STMT_COUNT + 1];
};

/* How one step at the server ended. */
struct outcome {
    unsigned code;  /* 0, or the server's or library's error number */
    bool executing; /* the statement itself was sent; false: only its preparation */
    char text[384];
};

/* What an error number means for who comes next. */
enum trouble {
    TROUBLE_NONE,
    TROUBLE_LOST,      /* the connection is gone, whether the statement ran is unknown */
    TROUBLE_UNSENT,    /* the connection was gone before the statement left */
    TROUBLE_RERUN,     /* deadlock, lock wait: the transaction can be run again */
    TROUBLE_STALE,     /* the prepared handle is not valid any more; nothing ran */
    TROUBLE_CROWDED,   /* the server holds too many prepared statements */
    TROUBLE_DUPLICATE, /* a UNIQUE key */
    TROUBLE_REFERENCE, /* a foreign key: the other row went or came meanwhile */
    TROUBLE_DOWN,      /* the server is there and cannot serve now */
    TROUBLE_INTERRUPTED,
    TROUBLE_BUG,
};

enum trouble trouble_of(unsigned code);

/* ---- db.c ---- */

/* As db_new(), for migrations: statements may run for hours. */
struct db *db_new_patient(const struct config_db *config);

/* A living connection, with START TRANSACTION sent when inside an unstarted transaction. */
enum err db_ready(struct db *db, struct fail *f) MUST_CHECK;

/* Closes the connection and forgets what was prepared on it. */
void db_drop(struct db *db);

/* Notes that the server answered. */
void db_answered(struct db *db);

/* Records E_DB_DOWN with its Retry-After. */
enum err db_down(struct fail *f, const char *what, const char *why);

/* Sleeps a random time, longer with each run, so that two that met do not meet again. */
void db_pause(unsigned run);

/*
 * Runs SQL text that is no row of statements.def: the statements of a migration file, and DDL whose
 * variable parts are numbers. Results are dropped. Never inside db_tx(). Nothing is rerun: after a
 * lost connection the caller must look what was done. ret_code (may be NULL) gets the server's error number, 0 when there is none.
 */
enum err db_run_text(struct db *db, struct fail *f, struct str sql, unsigned *ret_code) MUST_CHECK;

/* ---- statement.c ---- */

/* Ends the handles of a connection that was closed, or (evict) is still open. */
void statements_forget(struct db *db);

/* ---- rows.c ---- */

struct result;

/* Copies what an executed statement returned; the handle is free for its next execution afterwards.
 */
enum err result_read(struct prepared *p, const struct stmt_row *row, struct result **ret,
                     struct outcome *out);
void result_free(struct result *r);

#endif
