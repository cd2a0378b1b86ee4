/*
 * t-migrate.c - migrations from nothing, twice, killed at every point, two at once, and what is refused.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "db/migrate.h"
#include "db/migration_file.h"
#include "db/server.h"

#include "database.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATABASE "gantry_test_migrate"
#define OTHER    "gantry_test_migrate_whole"

/* ---- a directory of migrations of our own ---- */

static char dir[64];

static void put_file(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void remove_file(const char *name)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    unlink(path);
}

#define FIRST                                                                                      \
    "-- the first; it has a comment with a ' and a ;\n"                                            \
    "CREATE TABLE IF NOT EXISTS a (id INT NOT NULL, t VARCHAR(20), PRIMARY KEY (id)); -- "         \
    "what's;\n"                                                                                    \
    "INSERT IGNORE INTO a VALUES (1, 'x;y'), (2, 'it''s'); # end;\n"                               \
    "/* ; */ ;;\n"
#define SECOND "ALTER TABLE a ADD COLUMN IF NOT EXISTS more INT NULL;\nUPDATE a SET more = id"

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/t-migrate-XXXXXX");
    assert_non_null(mkdtemp(dir));
    put_file("0001-first.sql", FIRST);
    put_file("0002-second.sql", SECOND);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_file("0001-first.sql");
    remove_file("0002-second.sql");
    remove_file("0003-third.sql");
    remove_file("0004-fourth.sql");
    remove_file("third.sql");
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

struct seen {
    int files, statements, pending, waiting;
};

static void note(void *ctx, const struct migrate_event *event)
{
    struct seen *s = ctx;
    s->files += event->kind == MIGRATE_FILE;
    s->statements += event->kind == MIGRATE_RAN;
    s->pending += event->kind == MIGRATE_PENDING;
    s->waiting += event->kind == MIGRATE_WAITING;
}

static struct seen migrate(const struct config_db *config, bool dry)
{
    struct seen s = {0};
    struct fail f = FAIL_INIT;
    struct migrate_options o = {.dir = dir, .notify = note, .ctx = &s, .dry_run = dry};
    assert_ok(migrate_run(config, &f, &o), &f);
    return s;
}

static struct migrate_status status(const struct config_db *config)
{
    struct migrate_status s;
    struct fail f = FAIL_INIT;
    assert_ok(migrate_status(config, &f, dir, &s), &f);
    return s;
}

static void refused(const struct config_db *config, const char *why)
{
    struct fail f = FAIL_INIT;
    struct migrate_status s;
    struct migrate_options o = {.dir = dir};
    assert_err(migrate_run(config, &f, &o), E_CONFIG, &f);
    if (!strstr(f.message, why))
        fail_msg("\"%s\" does not say \"%s\"", f.message, why);
    fail_clear(&f);
    assert_err(migrate_status(config, &f, dir, &s), E_CONFIG, &f);
}

/* ---- plain ---- */

static void test_from_nothing_twice_and_on(void **state)
{
    struct config_db config = database_new(DATABASE);
    (void)state;
    struct migrate_status st = status(&config);
    assert_int_equal(st.version, 0);
    assert_int_equal(st.latest, 2);
    struct seen s = migrate(&config, true);
    assert_int_equal(s.pending, 2);
    assert_int_equal(s.statements, 0);
    assert_int_equal(admin_int("SELECT COUNT(*) FROM information_schema.tables "
                               "WHERE table_schema = '" DATABASE "'"),
                     0); /* dry is dry */
    s = migrate(&config, false);
    assert_int_equal(s.files, 2);
    assert_int_equal(s.statements, 4);
    assert_int_equal(status(&config).version, 2);
    s = migrate(&config, false);
    assert_int_equal(s.files + s.statements + s.pending, 0);
    char *rows = admin_text("SELECT id, t, more FROM " DATABASE ".a ORDER BY id");
    assert_string_equal(rows, "1|x;y|1\n2|it's|2\n");
    free(rows);
    put_file("0003-third.sql", "INSERT IGNORE INTO a VALUES (3, NULL, NULL)");
    assert_int_equal(status(&config).version, 2);
    s = migrate(&config, false);
    assert_int_equal(s.statements, 1);
    assert_int_equal(status(&config).version, 3);
    CLEANUP(db_freep) struct db *db = db_new(&config);
    int64_t version;
    assert_ok(server_schema_version(db, NULL, &version), NULL);
    assert_int_equal(version, 3);
}

static void test_version_of_an_empty_database(void **state)
{
    struct config_db config = database_new(DATABASE);
    CLEANUP(db_freep) struct db *db = db_new(&config);
    int64_t version = 9;
    (void)state;
    assert_ok(server_schema_version(db, NULL, &version), NULL);
    assert_int_equal(version, 0);
}

static void test_refusals(void **state)
{
    struct config_db config = database_new(DATABASE);
    (void)state;
    migrate(&config, false);
    put_file("0001-first.sql", FIRST "-- a word more\n");
    refused(&config, "was changed after");
    put_file("0001-first.sql", FIRST);
    remove_file("0002-second.sql");
    refused(&config, "newer");
    put_file("0002-second.sql", SECOND);
    put_file("0004-fourth.sql", "SELECT 1");
    refused(&config, "without gaps");
    remove_file("0004-fourth.sql");
    put_file("third.sql", "SELECT 1");
    refused(&config, "named like");
    remove_file("third.sql");
    put_file("0003-third.sql", "SELECT 'never ends");
    refused(&config, "does not end");
    remove_file("0003-third.sql");
    assert_int_equal(status(&config).version, 2);
}

static void test_a_statement_that_fails(void **state)
{
    struct config_db config = database_new(DATABASE);
    struct fail f = FAIL_INIT;
    struct migrate_options o = {.dir = dir};
    (void)state;
    put_file("0003-third.sql", "INSERT IGNORE INTO a VALUES (7, NULL, NULL); INSERT INTO nowhere "
                               "VALUES (1); INSERT IGNORE INTO a VALUES (8, NULL, NULL)");
    assert_err(migrate_run(&config, &f, &o), E_INTERNAL, &f);
    assert_non_null(strstr(f.message, "0003-third.sql, statement 2 of 3"));
    assert_non_null(strstr(f.message, "nowhere"));
    struct migrate_status st = status(&config);
    assert_int_equal(st.version, 2);
    assert_int_equal(st.done, 1);
    /* the mended file may be another one: it begins again */
    put_file("0003-third.sql", "INSERT IGNORE INTO a VALUES (7, NULL, NULL); INSERT IGNORE INTO a "
                               "VALUES (8, NULL, NULL)");
    assert_int_equal(status(&config).done, 0);
    assert_int_equal(migrate(&config, false).statements, 2);
    assert_int_equal(admin_int("SELECT COUNT(*) FROM " DATABASE ".a"), 4);
}

/* ---- killed ---- */

struct bomb {
    enum migrate_event_kind kind;
    int version;
    size_t statement;
};

static void explode(void *ctx, const struct migrate_event *event)
{
    const struct bomb *b = ctx;
    if (event->kind == b->kind && event->version == b->version && event->statement == b->statement)
        raise(SIGKILL);
}

/* In a process of its own, which dies there. */
static void migrate_and_die(const struct config_db *config, const char *from, struct bomb bomb)
{
    int how;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct fail f = FAIL_INIT;
        struct migrate_options o = {.dir = from, .notify = explode, .ctx = &bomb, .lease_ms = 100};
        _exit(migrate_run(config, &f, &o) == E_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    if (!WIFSIGNALED(how) || WTERMSIG(how) != SIGKILL)
        fail_msg("version %d, statement %zu: the bomb did not go off (%x)", bomb.version,
                 bomb.statement, (unsigned)how);
}

static char *describe(const char *database)
{
    struct buf sql = BUF_INIT;
    buf_printf(
        &sql,
        "SELECT table_name, column_name, column_type, is_nullable, column_default, extra FROM "
        "information_schema.columns WHERE table_schema = '%s' UNION ALL SELECT table_name, "
        "index_name, column_name, seq_in_index, non_unique, '' FROM "
        "information_schema.statistics WHERE table_schema = '%s' UNION ALL SELECT "
        "table_name, constraint_name, delete_rule, referenced_table_name, '', '' FROM "
        "information_schema.referential_constraints WHERE constraint_schema = '%s' "
        "ORDER BY 1, 2, 3, 4, 5, 6",
        database, database, database);
    assert_int_equal(buf_err(&sql), E_OK);
    char *text = admin_text(sql.p);
    buf_done(&sql);
    return text;
}

/* Before and after each statement of the real migrations; the next process goes on where the last was killed. */
static void test_killed_at_every_statement(void **state)
{
    static const enum migrate_event_kind kinds[] = {MIGRATE_RUNNING, MIGRATE_RAN};
    struct config_db config = database_new(DATABASE);
    struct migrations files;
    struct fail f = FAIL_INIT;
    CLEANUP(arena_freep) struct arena *a = arena_new(32u << 20);
    (void)state;
    assert_ok(migrations_load(&f, a, database_sql_dir(), &files), &f);
    for (size_t v = 0; v < files.n; v++) {
        for (size_t i = 1; i <= files.v[v].n_statements; i++) {
            for (int k = 0; k < 2; k++)
                migrate_and_die(&config, database_sql_dir(),
                                (struct bomb){kinds[k], files.v[v].version, i});
        }
        migrate_and_die(
            &config, database_sql_dir(),
            (struct bomb){MIGRATE_FILE_DONE, files.v[v].version, files.v[v].n_statements});
    }
    struct migrate_options o = {.dir = database_sql_dir()};
    struct migrate_status st;
    assert_ok(migrate_run(&config, &f, &o), &f);
    assert_ok(migrate_status(&config, &f, o.dir, &st), &f);
    assert_int_equal(st.version, files.n);
    (void)database_migrated(OTHER);
    char *killed = describe(DATABASE), *whole = describe(OTHER);
    assert_string_equal(killed, whole);
    free(killed);
    free(whole);
}

/* Statements that do not bear a second run say so, and that is enough; but only of the one that was in hand. */
static void test_killed_with_plain_statements(void **state)
{
    static const char third[] =
        "CREATE TABLE b (id INT NOT NULL, PRIMARY KEY (id)) ENGINE=InnoDB;"
        "ALTER TABLE b ADD COLUMN c INT NULL; ALTER TABLE b ADD KEY k (c); ALTER TABLE b DROP KEY "
        "k;"
        "ALTER TABLE b DROP COLUMN c; DROP TABLE b; CREATE TABLE b2 (id INT NOT NULL PRIMARY KEY)";
    struct config_db config = database_new(DATABASE);
    (void)state;
    migrate(&config, false);
    put_file("0003-third.sql", third);
    for (size_t i = 1; i <= 7; i++)
        migrate_and_die(&config, dir, (struct bomb){MIGRATE_RAN, 3, i});
    assert_int_equal(migrate(&config, false).statements, 1);
    assert_int_equal(status(&config).version, 3);
    put_file("0004-fourth.sql", "CREATE TABLE b2 (id INT NOT NULL PRIMARY KEY)");
    struct fail f = FAIL_INIT;
    struct migrate_options o = {.dir = dir};
    for (int i = 0; i < 3; i++) { /* refused, and not taken for done by the next run either */
        fail_clear(&f);
        assert_err(migrate_run(&config, &f, &o), E_INTERNAL, &f);
    }
    admin_run("DROP TABLE " DATABASE ".b2");
    migrate_and_die(&config, dir, (struct bomb){MIGRATE_RAN, 4, 1});
    assert_int_equal(migrate(&config, false).statements, 1);
    assert_int_equal(status(&config).version, 4);
}

/* ---- several at once ---- */

struct racer {
    const struct config_db *config;
    pthread_t thread;
    struct seen seen;
    enum err e;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct fail f = FAIL_INIT;
    struct migrate_options o = {.dir = dir, .notify = note, .ctx = &r->seen};
    r->e = migrate_run(r->config, &f, &o);
    return NULL;
}

static void test_many_at_once(void **state)
{
    struct config_db config = database_new(DATABASE);
    struct racer racers[6];
    int statements = 0;
    (void)state;
    for (int i = 0; i < 6; i++) {
        racers[i] = (struct racer){.config = &config};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(racers[i].thread, NULL);
        assert_int_equal(racers[i].e, E_OK);
        statements += racers[i].seen.statements;
    }
    assert_int_equal(statements, 4); /* each ran once, in one of them */
}

static void test_someone_else_holds_it(void **state)
{
    struct config_db config = database_new(DATABASE);
    struct seen s = {0};
    struct fail f = FAIL_INIT;
    struct migrate_options o = {.dir = dir, .notify = note, .ctx = &s, .wait_ms = 1};
    (void)state;
    migrate(&config, false);
    put_file("0003-third.sql", "SELECT 1");
    admin_run("UPDATE " DATABASE
              ".schema_lock SET owner = 'elsewhere pid 9', version = version + 1, "
              "until_ms = UNIX_TIMESTAMP(NOW(3)) * 1000 + 3600000");
    assert_err(migrate_run(&config, &f, &o), E_BUSY, &f);
    assert_non_null(strstr(f.message, "elsewhere pid 9"));
    assert_true(s.waiting >= 1);
    assert_int_equal(s.statements, 0);
}

struct thief {
    int runs;
};

/* While the second statement runs, somebody takes the lease: the third must not run here. */
static void steal(void *ctx, const struct migrate_event *event)
{
    struct thief *t = ctx;
    t->runs += event->kind == MIGRATE_RAN;
    if (event->kind != MIGRATE_RUNNING || event->statement != 2)
        return;
    admin_run("UPDATE " DATABASE ".schema_lock SET owner = 'thief', version = version + 1, "
              "until_ms = UNIX_TIMESTAMP(NOW(3)) * 1000 + 3600000");
}

static void test_lost_lease_stops_the_run(void **state)
{
    struct config_db config = database_new(DATABASE);
    struct thief t = {0};
    struct fail f = FAIL_INIT;
    struct migrate_options o = {.dir = dir, .notify = steal, .ctx = &t, .lease_ms = 150};
    (void)state;
    put_file("0001-first.sql", "SELECT 1; SELECT SLEEP(1); SELECT 3");
    assert_err(migrate_run(&config, &f, &o), E_BUSY, &f);
    assert_int_equal(t.runs, 2);
}

/* ---- cutting text ---- */

static void test_cutting(void **state)
{
    static const struct {
        const char *text;
        const char *pieces[4];
    } cases[] = {
        {"", {NULL}},
        {" ; ;\n-- nothing\n#nothing\n/* nothing */;", {NULL}},
        {"A", {"A"}},
        {"A;B;", {"A", "B"}},
        {"A -- ;\n ; B # ;\n", {"A", "B"}},
        {"A /* ; */ B;C", {"A /* ; */ B", "C"}},
        {"A ';' \"a;\\\"b\" `x;y`; C", {"A ';' \"a;\\\"b\" `x;y`", "C"}},
        {"A 'it''s;' ; C", {"A 'it''s;'", "C"}},
        {"A 5--3;B", {"A 5--3", "B"}},
        {"-- A's\nB", {"B"}},
        {"A '\\';' ;B", {"A '\\';'", "B"}},
    };
    static const char *const endless[] = {"A 'b", "A \"", "A `", "/* A", "A /* b *", "A '\\'"};
    CLEANUP(arena_freep) struct arena *a = arena_new(1 << 20);
    struct str *list;
    size_t n;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fail f = FAIL_INIT;
        assert_ok(sql_split(&f, a, STR("t"), str_z(cases[i].text), &list, &n), &f);
        size_t want = 0;
        while (want < 4 && cases[i].pieces[want])
            want++;
        assert_int_equal(n, want);
        for (size_t k = 0; k < n; k++) {
            if (!str_eqz(list[k], cases[i].pieces[k]))
                fail_msg("case %zu: \"%.*s\"", i, STR_ARG(list[k]));
        }
    }
    for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
        struct fail f = FAIL_INIT;
        assert_err(sql_split(&f, a, STR("t"), str_z(endless[i]), &list, &n), E_CONFIG, &f);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_from_nothing_twice_and_on),
        TEST(test_version_of_an_empty_database),
        TEST(test_refusals),
        TEST(test_a_statement_that_fails),
        TEST(test_killed_at_every_statement),
        TEST(test_killed_with_plain_statements),
        TEST(test_many_at_once),
        TEST(test_someone_else_holds_it),
        TEST(test_lost_lease_stops_the_run),
        cmocka_unit_test(test_cutting),
    };
    db_library_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    db_library_done();
    return failed;
}
