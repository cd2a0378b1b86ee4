/*
 * migrate.c - see migrate.h.
 *
 * Order of things: look without a lock (most starts find nothing to do); take the lease; look
 * again; run. Progress is written after each statement, so the one that was running when the
 * process died is run twice: that is why every statement of a migration must bear it: do nothing the second time, or say that the thing is there (or gone) already,
 * which counts as done for the one statement that was in hand when a run was killed. (ADD COLUMN IF NOT EXISTS is not common
 * SQL.) A statement that the server refused is noted as such, and gets no such leave.
 *
 * The heartbeat is a thread with a connection of its own, because a single ALTER TABLE may take
 * longer than the lease. When it finds the lease lost (this process was stopped for longer than
 * that), the run ends before its next statement.
 */
#include "db/migrate.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "db/internal.h"
#include "db/migration_file.h"
#include "db/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define LEASE_MS  15000
#define WAIT_MS   600000
#define POLL_MS   100
#define TOLD_MS   1000
#define ARENA_MAX ((size_t)32 << 20)
#define SQL_DIR   GANTRY_PKGDATADIR "/sql"
#define OWNER_MAX 128
#define NS_PER_MS 1000000

static const char *const own_tables[] = {
    "CREATE TABLE IF NOT EXISTS schema_lock ("
    "id TINYINT UNSIGNED NOT NULL, owner VARBINARY(128) NOT NULL, until_ms BIGINT NOT NULL, "
    "version BIGINT UNSIGNED NOT NULL, PRIMARY KEY (id)) "
    "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
    "INSERT IGNORE INTO schema_lock (id, owner, until_ms, version) VALUES (1, '', 0, 0)",
    "CREATE TABLE IF NOT EXISTS schema_migration ("
    "version INT UNSIGNED NOT NULL, name VARBINARY(255) NOT NULL, checksum VARBINARY(32) NOT NULL, "
    "statements_done INT UNSIGNED NOT NULL, failed TINYINT UNSIGNED NOT NULL DEFAULT 0, started_ms "
    "BIGINT NOT NULL, finished_ms BIGINT NULL, "
    "PRIMARY KEY (version)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
};

struct progress {
    size_t done;   /* statements run */
    bool begun;    /* a run has noted that it started */
    bool failed;   /* the statement after those done was refused */
    bool finished; /* all done */
};

struct run {
    const struct config_db *config;
    const struct migrate_options *o;
    struct db *db;
    struct arena *arena;
    struct migrations files;
    struct progress *progress; /* per file */
    int64_t lease_ms, lock_version;
    pthread_t heart;
    pthread_mutex_t heart_lock;
    pthread_cond_t heart_wake;
    bool heart_stop;
    atomic_bool lost;
};

static void tell(const struct run *r, enum migrate_event_kind kind, const struct migration *m,
                 size_t statement)
{
    struct migrate_event event = {.kind = kind,
                                  .version = m->version,
                                  .name = m->name,
                                  .statement = statement,
                                  .statements = m->n_statements};
    if (!r->o->notify)
        return;
    if (kind == MIGRATE_RUNNING || kind == MIGRATE_RAN)
        event.sql = m->statements[statement - 1];
    r->o->notify(r->o->ctx, &event);
}

/* ---- what the database says ---- */

static enum err compare(struct run *r, struct fail *f, const struct rows *row)
{
    int64_t version = row_int(row, 0);
    struct str name = row_str(row, 1), checksum = row_str(row, 2);
    bool finished = row_int(row, 4) != 0;
    if (version < 1 || (uint64_t)version > r->files.n)
        return fail(f, E_CONFIG,
                    "the database has migration %.*s, which this program does not know: it is "
                    "newer (the program goes up to %04zu). Install the Gantry that made it, or a "
                    "later one; a schema is never taken back",
                    STR_ARG(name), r->files.n);
    const struct migration *m = &r->files.v[version - 1];
    bool same = str_eq(checksum, (struct str){(const char *)m->checksum, MIGRATION_CHECKSUM});
    if (finished && !same)
        return fail(f, E_CONFIG,
                    "%.*s was changed after it had been applied to this database as %.*s. Restore "
                    "the file of the release; what should change belongs into a new migration",
                    STR_ARG(m->name), STR_ARG(name));
    /* an unfinished one whose file was mended since starts again from its first statement */
    if (same)
        r->progress[version - 1] =
            (struct progress){.done = finished ? m->n_statements : (size_t)row_int(row, 3),
                              .begun = true,
                              .failed = row_int(row, 5) != 0,
                              .finished = finished};
    return E_OK;
}

static enum err look(struct run *r, struct fail *f)
{
    CLEANUP(rows_done) struct rows table = ROWS_INIT;
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(r->db, f, STMT_MIGRATION_TABLE, DB_NO_ARGS, &table);
    memset(r->progress, 0, r->files.n * sizeof(*r->progress));
    if (e || row_int(&table, 0) == 0)
        return e;
    e = db_query(r->db, f, STMT_MIGRATION_LIST, DB_NO_ARGS, &rows);
    while (e == E_OK && rows_next(&rows))
        e = compare(r, f, &rows);
    return e;
}

/* Index of the first file that is not complete; files.n when all are. */
static size_t first_pending(const struct run *r)
{
    size_t i = 0;
    while (i < r->files.n && r->progress[i].finished)
        i++;
    return i;
}

/* ---- the lease ---- */

static void sleep_ms(int64_t ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS};
    nanosleep(&t, NULL);
}

static void owner_text(char out[static OWNER_MAX])
{
    char host[65] = "";
    gethostname(host, sizeof(host) - 1);
    snprintf(out, OWNER_MAX, "%s pid %ld", host, (long)getpid());
}

/* One attempt. *ret_taken; else *ret_owner (arena) is who has it. */
static enum err try_lock(struct run *r, struct fail *f, bool *ret_taken, struct str *ret_owner)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    char owner[OWNER_MAX];
    uint64_t changed;
    enum err e = db_one(r->db, f, STMT_MIGRATION_LOCK_READ, DB_NO_ARGS, &rows);
    if (e)
        return e;
    *ret_taken = false;
    *ret_owner = arena_str(r->arena, row_str(&rows, 0));
    if (row_int(&rows, 1))
        return E_OK;
    owner_text(owner);
    int64_t version = row_int(&rows, 2);
    e = db_exec(r->db, f, STMT_MIGRATION_LOCK_TAKE,
                DB_ARGS(arg_str(str_z(owner)), arg_int(r->lease_ms), arg_int(version)), &changed,
                NULL);
    if (e)
        return e;
    *ret_taken = changed == 1;
    r->lock_version = version + 1;
    return E_OK;
}

static enum err lock(struct run *r, struct fail *f)
{
    int64_t wait_ms = r->o->wait_ms ? r->o->wait_ms : WAIT_MS;
    uint64_t start = clock_mono_ns();
    int64_t told = -TOLD_MS;
    for (;;) {
        bool taken;
        struct str owner;
        enum err e = try_lock(r, f, &taken, &owner);
        if (e || taken)
            return e;
        int64_t waited = (int64_t)((clock_mono_ns() - start) / NS_PER_MS);
        if (waited > wait_ms)
            return fail(f, E_BUSY,
                        "%.*s is migrating the database and has not finished in %lld s; wait for "
                        "it, or look what it waits for (SHOW PROCESSLIST)",
                        STR_ARG(owner), (long long)(wait_ms / 1000));
        if (waited - told >= TOLD_MS) {
            tell(r, MIGRATE_WAITING, &(struct migration){.name = owner}, 0);
            told = waited;
        }
        sleep_ms(POLL_MS);
    }
}

static void unlock(struct run *r)
{
    struct fail ignored = FAIL_INIT;
    /* a lease that could not be given back ends by itself */
    (void)!db_exec(r->db, &ignored, STMT_MIGRATION_LOCK_RELEASE, DB_ARGS(arg_int(r->lock_version)),
                   NULL, NULL);
}

/* ---- the heartbeat ---- */

/* False when asked to stop. */
static bool heart_sleep(struct run *r, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * NS_PER_MS;
    if (until.tv_nsec >= 1000 * NS_PER_MS) {
        until.tv_nsec -= 1000 * NS_PER_MS;
        until.tv_sec++;
    }
    pthread_mutex_lock(&r->heart_lock);
    while (!r->heart_stop && pthread_cond_timedwait(&r->heart_wake, &r->heart_lock, &until) == 0) {
    }
    bool stop = r->heart_stop;
    pthread_mutex_unlock(&r->heart_lock);
    return !stop;
}

static void *heart_main(void *arg)
{
    struct run *r = arg;
    CLEANUP(db_freep) struct db *db = db_new(r->config);
    uint64_t kept_ns = clock_mono_ns();
    while (db && heart_sleep(r, r->lease_ms / 3)) {
        struct fail ignored = FAIL_INIT;
        uint64_t changed = 0, now = clock_mono_ns();
        enum err e =
            db_exec(db, &ignored, STMT_MIGRATION_LOCK_RENEW,
                    DB_ARGS(arg_int(r->lease_ms), arg_int(r->lock_version)), &changed, NULL);
        if (e == E_OK && changed == 1)
            kept_ns = now;
        else if (e == E_OK || (int64_t)((now - kept_ns) / NS_PER_MS) > r->lease_ms)
            atomic_store(&r->lost, true);
    }
    return NULL;
}

static enum err heart_start(struct run *r, struct fail *f)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->heart_lock, NULL);
    pthread_cond_init(&r->heart_wake, &attr);
    pthread_condattr_destroy(&attr);
    int code = pthread_create(&r->heart, NULL, heart_main, r);
    if (code)
        return fail(f, E_SYSTEM, "cannot start a thread: %s", strerror(code));
    return E_OK;
}

static void heart_end(struct run *r)
{
    pthread_mutex_lock(&r->heart_lock);
    r->heart_stop = true;
    pthread_cond_signal(&r->heart_wake);
    pthread_mutex_unlock(&r->heart_lock);
    pthread_join(r->heart, NULL);
}

/* ---- running ---- */

/* What a statement says that has been run before. */
static bool is_done_already(unsigned code)
{
    switch (code) {
    case 1050: /* the table exists */
    case 1060: /* the column exists */
    case 1061: /* the key exists */
    case 1091: /* the column or key to be dropped is gone */
    case 1051: /* the table to be dropped is gone */
    case 1826: /* the foreign key exists */
        return true;
    default:
        return false;
    }
}

static enum err set_failed(struct run *r, struct fail *f, const struct migration *m, bool failed)
{
    return db_exec(r->db, f, STMT_MIGRATION_FAILED, DB_ARGS(arg_int(failed), arg_int(m->version)),
                   NULL, NULL);
}

/* Whether the server has looked at the statement and said no; otherwise it may have run. */
static bool is_refused(unsigned code)
{
    enum trouble t = trouble_of(code);
    return code && !(code >= CR_MIN_ERROR && code <= CR_MAX_ERROR) && t != TROUBLE_LOST &&
           t != TROUBLE_INTERRUPTED;
}

/* again: a killed run may have run it already. */
static enum err run_text(struct run *r, struct fail *f, const struct migration *m, size_t i,
                         bool again)
{
    struct fail why = FAIL_INIT, ignored = FAIL_INIT;
    unsigned code = 0;
    enum err e = db_run_text(r->db, &why, m->statements[i], &code);
    if (e == E_OK || (again && is_done_already(code)))
        return E_OK;
    if (!again &&
        is_refused(code)) /* when this cannot be noted, the next run is lenient: no harm */
        (void)!set_failed(r, &ignored, m, true);
    return fail(f, e,
                "%.*s, statement %zu of %zu: %s. What came before it is kept; mend the cause and "
                "run the migration again",
                STR_ARG(m->name), i + 1, m->n_statements,
                why.internal[0] ? why.internal : fail_text(&why));
}

static enum err run_statement(struct run *r, struct fail *f, const struct migration *m, size_t i,
                              bool again)
{
    if (atomic_load(&r->lost))
        return fail(f, E_BUSY,
                    "another process took the migration over, because this one was stopped for "
                    "longer than its lease; it goes on there");
    tell(r, MIGRATE_RUNNING, m, i + 1);
    enum err e = run_text(r, f, m, i, again);
    if (e)
        return e;
    tell(r, MIGRATE_RAN, m, i + 1);
    return db_exec(r->db, f, STMT_MIGRATION_PROGRESS,
                   DB_ARGS(arg_int((int64_t)i + 1), arg_int(m->version)), NULL, NULL);
}

/* Notes that the file is being run. *ret_again: its first statement may have run before. */
static enum err begin_file(struct run *r, struct fail *f, const struct migration *m,
                           bool *ret_again)
{
    struct str checksum = {(const char *)m->checksum, MIGRATION_CHECKSUM};
    bool begun = r->progress[m->version - 1].begun, failed = r->progress[m->version - 1].failed;
    *ret_again = begun && !failed;
    if (!begun)
        return db_exec(r->db, f, STMT_MIGRATION_BEGIN,
                       DB_ARGS(arg_int(m->version), arg_str(m->name), arg_bytes(checksum)), NULL,
                       NULL);
    return failed ? set_failed(r, f, m, false) : E_OK;
}

static enum err run_file(struct run *r, struct fail *f, const struct migration *m)
{
    size_t done = r->progress[m->version - 1].done;
    bool again;
    enum err e = begin_file(r, f, m, &again);
    if (e)
        return e;
    tell(r, MIGRATE_FILE, m, done + 1);
    for (size_t i = done; i < m->n_statements; i++) {
        e = run_statement(r, f, m, i, again && i == done);
        if (e)
            return e;
    }
    e = db_exec(r->db, f, STMT_MIGRATION_FINISH, DB_ARGS(arg_int(m->version)), NULL, NULL);
    if (e == E_OK)
        tell(r, MIGRATE_FILE_DONE, m, m->n_statements);
    return e;
}

/* With the lease: what has to be run may have changed while we waited for it. */
static enum err run_pending(struct run *r, struct fail *f)
{
    enum err e = look(r, f);
    for (size_t i = first_pending(r); e == E_OK && i < r->files.n; i++)
        e = run_file(r, f, &r->files.v[i]);
    return e;
}

static enum err make_own_tables(struct run *r, struct fail *f)
{
    for (size_t i = 0; i < sizeof(own_tables) / sizeof(own_tables[0]); i++) {
        struct fail why = FAIL_INIT;
        enum err e = db_run_text(r->db, &why, str_z(own_tables[i]), NULL);
        if (e)
            return fail(f, e, "cannot prepare the database for migrations: %s",
                        why.internal[0] ? why.internal : fail_text(&why));
    }
    return E_OK;
}

static enum err run_under_lease(struct run *r, struct fail *f)
{
    enum err e = make_own_tables(r, f);
    if (e == E_OK)
        e = lock(r, f);
    if (e)
        return e;
    e = heart_start(r, f);
    if (e == E_OK) {
        e = run_pending(r, f);
        heart_end(r);
    }
    unlock(r);
    return e;
}

static void list_pending(const struct run *r)
{
    for (size_t i = first_pending(r); i < r->files.n; i++)
        tell(r, MIGRATE_PENDING, &r->files.v[i], r->progress[i].done + 1);
}

/* Reads the files and compares. The caller ends r->db and r->arena. */
static enum err open_run(struct run *r, struct fail *f)
{
    r->db = db_new_patient(r->config);
    r->arena = arena_new(ARENA_MAX);
    if (!r->db || !r->arena)
        return fail_internal(f, E_NO_MEMORY, "out of memory");
    r->lease_ms = r->o->lease_ms ? r->o->lease_ms : LEASE_MS;
    enum err e = migrations_load(f, r->arena, r->o->dir ? r->o->dir : SQL_DIR, &r->files);
    if (e)
        return e;
    r->progress = arena_array(r->arena, r->files.n, sizeof(*r->progress));
    if (!r->progress)
        return fail_internal(f, E_NO_MEMORY, "out of memory");
    return look(r, f);
}

static void close_run(struct run *r)
{
    db_freep(&r->db);
    arena_freep(&r->arena);
}

enum err migrate_run(const struct config_db *config, struct fail *f,
                     const struct migrate_options *options)
{
    CLEANUP(close_run) struct run r = {.config = config, .o = options};
    enum err e = open_run(&r, f);
    if (e || first_pending(&r) == r.files.n)
        return e;
    if (options->dry_run) {
        list_pending(&r);
        return E_OK;
    }
    return run_under_lease(&r, f);
}

enum err migrate_status(const struct config_db *config, struct fail *f, const char *dir,
                        struct migrate_status *ret)
{
    const struct migrate_options options = {.dir = dir, .dry_run = true};
    CLEANUP(close_run) struct run r = {.config = config, .o = &options};
    enum err e = open_run(&r, f);
    if (e)
        return e;
    size_t i = first_pending(&r);
    *ret = (struct migrate_status){.version = (int)i,
                                   .latest = (int)r.files.n,
                                   .done = i < r.files.n ? r.progress[i].done : 0};
    return E_OK;
}
