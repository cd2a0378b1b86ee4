/*
 * db.c - the connection to MariaDB: opened when first used, rebuilt when lost; transactions.
 *
 * The library's reconnect is never on: it would let the second half of a transaction run alone in
 * autocommit. A lost connection is closed and a new one opened by the next statement; what that
 * means for the work in hand is decided here (db_tx) and in statement.c.
 *
 * A connection that rested is looked at before it is used: the kernel knows whether the server has
 * hung up (poll, no round trip), and after a minute the server is asked. So a restarted server, a
 * KILL, or wait_timeout are noticed before a statement is sent into the void.
 *
 * A dead server is not hammered: after a refused attempt the next one waits 0.1 s, doubling to 1 s.
 * Until then every call answers E_DB_DOWN at once.
 */
#include "db/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define MS            1000000ull
#define LOOK_NS       (1000 * MS)  /* rested longer: has the server hung up? */
#define ASK_NS        (60000 * MS) /* rested longer: does it answer? */
#define CONNECT_S     3u
#define READ_S        30u
#define WRITE_S       30u
#define PATIENT_S     (48u * 3600u)
#define RETRY_MIN_MS  100u
#define RETRY_MAX_MS  1000u
#define RETRY_AFTER_S 2
#define TX_RUNS       5

/* mysqld_error.h of the server is not installed with the client library; these are the numbers of
 * the manual. */
enum {
    ER_CON_COUNT_ERROR = 1040,
    ER_WSREP_NOT_READY = 1047,
    ER_SERVER_SHUTDOWN = 1053,
    ER_DUP_ENTRY = 1062,
    ER_TOO_MANY_USER_CONNECTIONS = 1203,
    ER_LOCK_WAIT_TIMEOUT = 1205,
    ER_LOCK_DEADLOCK = 1213,
    ER_NO_REFERENCED_ROW = 1216,
    ER_ROW_IS_REFERENCED = 1217,
    ER_UNKNOWN_STMT_HANDLER = 1243,
    ER_OPTION_PREVENTS_STATEMENT = 1290,
    ER_QUERY_INTERRUPTED = 1317,
    ER_ROW_IS_REFERENCED_2 = 1451,
    ER_NO_REFERENCED_ROW_2 = 1452,
    ER_MAX_PREPARED_STMT_COUNT_REACHED = 1461,
    ER_DUP_ENTRY_WITH_KEY_NAME = 1586,
    ER_NEED_REPREPARE = 1615,
    ER_READ_ONLY_MODE = 1836,
    ER_CONNECTION_KILLED = 1927,
    ER_STATEMENT_TIMEOUT = 1969,
};

enum trouble trouble_of(unsigned code)
{
    switch (code) {
    case 0:
        return TROUBLE_NONE;
    case CR_SERVER_GONE_ERROR:
        return TROUBLE_UNSENT;
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case ER_CONNECTION_KILLED:
    case ER_SERVER_SHUTDOWN:
        return TROUBLE_LOST;
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
        return TROUBLE_RERUN;
    case ER_UNKNOWN_STMT_HANDLER:
    case ER_NEED_REPREPARE:
    case CR_STMT_CLOSED:
    case CR_NEW_STMT_METADATA:
        return TROUBLE_STALE;
    case ER_MAX_PREPARED_STMT_COUNT_REACHED:
        return TROUBLE_CROWDED;
    case ER_DUP_ENTRY:
    case ER_DUP_ENTRY_WITH_KEY_NAME:
        return TROUBLE_DUPLICATE;
    case ER_NO_REFERENCED_ROW:
    case ER_NO_REFERENCED_ROW_2:
    case ER_ROW_IS_REFERENCED:
    case ER_ROW_IS_REFERENCED_2:
        return TROUBLE_REFERENCE;
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_UNKNOWN_HOST:
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_WSREP_NOT_READY:
    case ER_OPTION_PREVENTS_STATEMENT:
    case ER_READ_ONLY_MODE:
        return TROUBLE_DOWN;
    case ER_QUERY_INTERRUPTED:
    case ER_STATEMENT_TIMEOUT:
        return TROUBLE_INTERRUPTED;
    default:
        return TROUBLE_BUG;
    }
}

static atomic_int connections;

int db_connections(void)
{
    return atomic_load_explicit(&connections, memory_order_relaxed);
}

void db_library_init(void)
{
    mysql_library_init(0, NULL, NULL);
}

void db_library_done(void)
{
    mysql_library_end();
}

struct db *db_new(const struct config_db *config)
{
    struct db *db = calloc(1, sizeof(*db));
    if (db)
        db->config = config;
    return db;
}

struct db *db_new_patient(const struct config_db *config)
{
    struct db *db = db_new(config);
    if (db)
        db->patient = true;
    return db;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    db_drop(db);
    free(db);
}

void db_freep(struct db **db)
{
    db_free(*db);
    *db = NULL;
}

void db_drop(struct db *db)
{
    if (db->mysql) {
        mysql_close(
            db->mysql); /* first: then the handles below are ended without a word to the server */
        db->mysql = NULL;
        atomic_fetch_sub_explicit(&connections, 1, memory_order_relaxed);
    }
    statements_forget(db);
}

void db_answered(struct db *db)
{
    db->used_ns = clock_mono_ns();
}

enum err db_down(struct fail *f, const char *what, const char *why)
{
    if (f && !f->err)
        f->retry_after_s = RETRY_AFTER_S;
    return fail_internal(f, E_DB_DOWN, "%s: %s", what, why);
}

void db_pause(unsigned run)
{
    uint32_t us = 2000 + random_below(15000 * (run < 8 ? run : 8) + 1);
    struct timespec t = {.tv_nsec = (long)us * 1000};
    nanosleep(&t, NULL);
}

/* ---- connecting ---- */

/*
 * Strict SQL, UTC, READ COMMITTED, and no waiting for a lock longer than a client waits for its
 * answer. Each is sent by the library as soon as it is connected.
 */
static const char session[] =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', "
    "innodb_lock_wait_timeout = 10, lock_wait_timeout = 15";
static const char session_patient[] =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', "
    "innodb_lock_wait_timeout = 60, lock_wait_timeout = 60";
static const char isolation[] = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

static void set_options(const struct db *db, MYSQL *m)
{
    const struct config_db *c = db->config;
    const unsigned connect_s = CONNECT_S, off = 0;
    const unsigned read_s = db->patient ? PATIENT_S : READ_S;
    const unsigned write_s = WRITE_S;
    const my_bool on = 1;
    const unsigned tcp = MYSQL_PROTOCOL_TCP;

    mysql_options(m, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(m, MYSQL_OPT_READ_TIMEOUT, &read_s);
    mysql_options(m, MYSQL_OPT_WRITE_TIMEOUT, &write_s);
    mysql_options(m, MYSQL_OPT_LOCAL_INFILE, &off);
    mysql_options(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(m, MYSQL_INIT_COMMAND, db->patient ? session_patient : session);
    mysql_options(m, MYSQL_INIT_COMMAND, isolation);
    if (!c->unix_socket)
        mysql_options(m, MYSQL_OPT_PROTOCOL, &tcp); /* or "localhost" would mean a socket file */
    if (c->ssl_ca) {
        mysql_options(m, MYSQL_OPT_SSL_CA, c->ssl_ca);
        mysql_options(m, MYSQL_OPT_SSL_ENFORCE, &on);
        mysql_options(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
    }
}

static enum err refused(struct db *db, struct fail *f)
{
    uint64_t wait = RETRY_MIN_MS << (db->refusals < 4 ? db->refusals : 4);
    if (wait > RETRY_MAX_MS)
        wait = RETRY_MAX_MS;
    db->refusals++;
    db->retry_ns = clock_mono_ns() + wait * MS;
    return db_down(f, "cannot connect to the database", db->why);
}

static enum err open_connection(struct db *db, struct fail *f)
{
    const struct config_db *c = db->config;
    if (db->refusals && clock_mono_ns() < db->retry_ns)
        return db_down(f, "cannot connect to the database", db->why);
    MYSQL *m = mysql_init(NULL);
    if (!m)
        return fail_internal(f, E_NO_MEMORY, "mysql_init: out of memory");
    set_options(db, m);
    const char *host = c->unix_socket ? "localhost" : c->host;
    if (!mysql_real_connect(m, host, c->user, c->password, c->name, (unsigned)c->port,
                            c->unix_socket, 0)) {
        snprintf(db->why, sizeof(db->why), "%u %s", mysql_errno(m), mysql_error(m));
        mysql_close(m);
        return refused(db, f);
    }
    db->mysql = m;
    db->refusals = 0;
    atomic_fetch_add_explicit(&connections, 1, memory_order_relaxed);
    db_answered(db);
    return E_OK;
}

/* Between statements the server has nothing to say: what can be read is its farewell, or the end.
 */
static bool hung_up(const struct db *db)
{
    struct pollfd p = {.fd = (int)mysql_get_socket(db->mysql), .events = POLLIN};
    if (db->config->ssl_ca)
        return false; /* TLS may have its own records to deliver */
    return poll(&p, 1, 0) != 0;
}

/* Drops a connection that rested and does not live any more. */
static void look_after_rest(struct db *db)
{
    uint64_t rested = clock_mono_ns() - db->used_ns;
    if (rested < LOOK_NS)
        return;
    if (hung_up(db) || (rested >= ASK_NS && mysql_ping(db->mysql)))
        db_drop(db);
}

static enum err connected(struct db *db, struct fail *f)
{
    if (db->mysql)
        look_after_rest(db);
    return db->mysql ? E_OK : open_connection(db, f);
}

static enum err text_failed(struct db *db, struct fail *f, const char *what, unsigned *ret_code)
{
    unsigned code = mysql_errno(db->mysql);
    char why[256];
    snprintf(why, sizeof(why), "%u %s", code, mysql_error(db->mysql));
    *ret_code = code;
    switch (trouble_of(code)) {
    case TROUBLE_LOST:
    case TROUBLE_UNSENT:
        db_drop(db);
        return db_down(f, what, why);
    case TROUBLE_DOWN:
        return db_down(f, what, why);
    case TROUBLE_RERUN:
    case TROUBLE_INTERRUPTED:
        return fail_internal(f, E_BUSY, "%s: %s", what, why);
    default:
        return fail_internal(f, E_INTERNAL, "%s: %s", what, why);
    }
}

/* Sends text that returns no rows. ret_code: the error number, 0 for none. */
static enum err send_text(struct db *db, struct fail *f, const char *text, unsigned *ret_code)
{
    *ret_code = 0;
    if (mysql_real_query(db->mysql, text, strlen(text)))
        return text_failed(db, f, text, ret_code);
    db_answered(db);
    return E_OK;
}

enum err db_ready(struct db *db, struct fail *f)
{
    enum err e;
    if (db->tx == TX_BROKEN)
        return fail_internal(f, E_BUSY, "the transaction is being started again");
    if (db->tx == TX_STARTED)
        return E_OK;
    e = connected(db, f);
    if (e || db->tx == TX_NONE)
        return e;
    unsigned code;
    struct fail first = FAIL_INIT;
    e = send_text(db, &first, "START TRANSACTION", &code);
    if (e == E_DB_DOWN && !db->mysql) { /* lost: nothing of the transaction has run, so once more */
        e = connected(db, f);
        if (e == E_OK)
            e = send_text(db, f, "START TRANSACTION", &code);
    } else if (e && f && !f->err) {
        *f = first;
    }
    if (e == E_OK)
        db->tx = TX_STARTED;
    return e;
}

enum err db_ping(struct db *db, struct fail *f)
{
    enum err e;
    for (int tries = 0; tries < 2; tries++) {
        e = connected(db, f);
        if (e)
            return e;
        if (mysql_ping(db->mysql) == 0) {
            db_answered(db);
            return E_OK;
        }
        db_drop(db);
    }
    return db_down(f, "ping", "the connection was lost twice");
}

enum err db_run_text(struct db *db, struct fail *f, struct str sql, unsigned *ret_code)
{
    char what[96];
    unsigned code = 0;
    enum err e = connected(db, f);
    if (e)
        return e;
    snprintf(what, sizeof(what), "%.*s", STR_ARG(str_head(sql, sizeof(what) - 1)));
    bool failed = mysql_real_query(db->mysql, sql.p, sql.n);
    if (!failed) {
        MYSQL_RES *result = mysql_store_result(db->mysql);
        failed = !result && mysql_errno(db->mysql);
        mysql_free_result(result);
    }
    if (failed)
        e = text_failed(db, f, what, &code);
    else
        db_answered(db);
    if (ret_code)
        *ret_code = code;
    return e;
}

/* ---- transactions ---- */

/* Ends what was begun without keeping it. A connection that cannot say so is closed, which does the
 * same. */
static void roll_back(struct db *db)
{
    if (db->mysql && (db->tx == TX_STARTED || db->tx == TX_BROKEN) && mysql_rollback(db->mysql))
        db_drop(db);
    db->tx = TX_NONE;
}

/* E_OK: committed. *ret_rerun: certainly not committed, and worth another run. */
static enum err commit(struct db *db, struct fail *f, bool *ret_rerun)
{
    unsigned code;
    *ret_rerun = false;
    enum err e = send_text(db, f, "COMMIT", &code);
    if (e) {
        enum trouble trouble = trouble_of(code);
        *ret_rerun = trouble == TROUBLE_RERUN || trouble == TROUBLE_UNSENT;
        roll_back(db);
    }
    db->tx = TX_NONE;
    return e;
}

/* One run. *ret_rerun: nothing of it was kept, and another run may do better. */
static enum err run_once(struct db *db, struct fail *f, db_tx_fn fn, void *ctx, bool *ret_rerun)
{
    *ret_rerun = false;
    db->tx = TX_OPEN;
    enum err e = fn(db, f, ctx);
    if (db->tx == TX_BROKEN) {
        *ret_rerun = true;
        roll_back(db);
        return e ? e : fail_internal(f, E_BUSY, "the transaction was broken under its function");
    }
    if (e || db->tx == TX_OPEN) {
        roll_back(db);
        return e;
    }
    return commit(db, f, ret_rerun);
}

enum err db_tx(struct db *db, struct fail *f, db_tx_fn fn, void *ctx)
{
    if (db->tx != TX_NONE)
        return fn(db, f, ctx);
    for (unsigned runs = 1;; runs++) {
        bool rerun;
        enum err e = run_once(db, f, fn, ctx, &rerun);
        if (!rerun || runs == TX_RUNS)
            return e;
        if (f)
            fail_clear(f);
        db_pause(runs);
    }
}
