/*
 * t-engine.c - statements, results and transactions against a real server (with statements of its own: own/db/).
 */
#include "base/cleanup.h"

#include "database.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DATABASE "gantry_test_engine"

static struct config_db config;

static struct db *fresh(void)
{
    config = database_new(DATABASE);
    admin_run("CREATE TABLE " DATABASE ".thing (id BIGINT NOT NULL AUTO_INCREMENT, "
              "name VARBINARY(255) NOT NULL, bytes LONGBLOB NULL, number BIGINT NULL, "
              "PRIMARY KEY (id), UNIQUE KEY thing_name (name)) ENGINE=InnoDB");
    admin_run("CREATE TABLE " DATABASE ".part (id BIGINT NOT NULL, thing_id BIGINT NOT NULL, "
              "PRIMARY KEY (id), FOREIGN KEY (thing_id) REFERENCES thing (id)) ENGINE=InnoDB");
    return db_new(&config);
}

static void put(struct db *db, int64_t id, const char *name)
{
    struct fail f = FAIL_INIT;
    assert_ok(db_exec(db, &f, STMT_PUT, DB_ARGS(arg_int(id), arg_str(str_z(name))), NULL, NULL),
              &f);
}

static int64_t count(struct db *db)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct fail f = FAIL_INIT;
    assert_ok(db_one(db, &f, STMT_COUNT_THINGS, DB_NO_ARGS, &rows), &f);
    return row_int(&rows, 0);
}

static int64_t number_of(struct db *db, int64_t id)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct fail f = FAIL_INIT;
    assert_ok(db_one(db, &f, STMT_GET, DB_ARGS(arg_int(id)), &rows), &f);
    return row_int(&rows, 3);
}

/* ---- values ---- */

static void test_values_come_back(void **state)
{
    static const char all[] = {'a', '\0', 'b', '\xff', '\'', '\\', '\n'};
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    uint64_t affected = 0;
    int64_t id = 0;
    (void)state;
    assert_ok(db_exec(db, &f, STMT_PUT_ALL,
                      DB_ARGS(arg_int(INT64_MAX), arg_str(STR("max")),
                              arg_bytes((struct str){all, sizeof(all)}), arg_int(INT64_MIN)),
                      &affected, NULL),
              &f);
    assert_int_equal(affected, 1);
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    assert_ok(db_one(db, &f, STMT_GET, DB_ARGS(arg_int(INT64_MAX)), &rows), &f);
    assert_true(row_int(&rows, 0) == INT64_MAX && row_int(&rows, 3) == INT64_MIN);
    assert_true(str_eqz(row_str(&rows, 1), "max"));
    assert_true(str_eq(row_str(&rows, 2), (struct str){all, sizeof(all)}));
    assert_false(rows_next(&rows));

    admin_run("DELETE FROM " DATABASE ".thing");
    admin_run("ALTER TABLE " DATABASE ".thing AUTO_INCREMENT = 41");
    assert_ok(db_exec(db, &f, STMT_ADD, DB_ARGS(arg_str(STR(""))), NULL, &id), &f);
    assert_int_equal(id, 41);
    assert_ok(db_one(db, &f, STMT_GET, DB_ARGS(arg_int(41)), &rows), &f);
    assert_true(row_is_null(&rows, 2) && row_is_null(&rows, 3) && !row_is_null(&rows, 1));
    assert_null(row_str(&rows, 2).p);
    assert_non_null(row_str(&rows, 1).p); /* empty is not NULL */
    assert_int_equal(row_str(&rows, 1).n, 0);
    assert_int_equal(row_int(&rows, 3), 0);
}

static void test_null_parameters(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    (void)state;
    for (int i = 1; i <= 4; i++) { /* types of parameters change between executions */
        char name[16];
        snprintf(name, sizeof(name), "n%d", i);
        struct db_arg bytes = i & 1 ? arg_null() : arg_bytes(STR("x"));
        struct db_arg number = i & 2 ? arg_null() : arg_int(7);
        assert_ok(db_exec(db, &f, STMT_PUT_ALL,
                          DB_ARGS(arg_int(i), arg_str(str_z(name)), bytes, number), NULL, NULL),
                  &f);
        CLEANUP(rows_done) struct rows rows = ROWS_INIT;
        assert_ok(db_one(db, &f, STMT_GET, DB_ARGS(arg_int(i)), &rows), &f);
        assert_int_equal(row_is_null(&rows, 2), (i & 1) != 0);
        assert_int_equal(row_is_null(&rows, 3), (i & 2) != 0);
    }
}

static void test_large_values(void **state)
{
    static const size_t sizes[] = {0, 1, 255, 16384, 65536, 4u << 20, 12u << 20};
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    char *big = malloc(12u << 20);
    (void)state;
    assert_non_null(big);
    for (size_t i = 0; i < 12u << 20; i++)
        big[i] = (char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char name[24];
        CLEANUP(rows_done) struct rows rows = ROWS_INIT;
        struct str value = {big, sizes[i]};
        snprintf(name, sizeof(name), "size %zu", sizes[i]);
        assert_ok(db_exec(db, &f, STMT_PUT_ALL,
                          DB_ARGS(arg_int((int64_t)i + 1), arg_str(str_z(name)), arg_bytes(value),
                                  arg_int((int64_t)sizes[i])),
                          NULL, NULL),
                  &f);
        assert_ok(db_one(db, &f, STMT_GET, DB_ARGS(arg_int((int64_t)i + 1)), &rows), &f);
        assert_true(str_eq(row_str(&rows, 2), value));
        assert_true(str_eqz(row_str(&rows, 1), name));
        assert_int_equal(row_int(&rows, 3), sizes[i]);
    }
    free(big);
}

static void test_integers_at_the_edge(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct fail f = FAIL_INIT;
    (void)state;
    assert_ok(db_one(db, &f, STMT_MINIMUM, DB_NO_ARGS, &rows), &f);
    assert_true(row_int(&rows, 0) == INT64_MIN);
    assert_err(db_one(db, &f, STMT_UNSIGNED, DB_NO_ARGS, &rows), E_INTERNAL, &f);
    assert_non_null(strstr(f.internal, "64 bits"));
    assert_int_equal(count(db), 0); /* the connection is not left half read */
}

static void test_many_rows_and_a_statement_within_itself(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    CLEANUP(rows_done) struct rows outer = ROWS_INIT;
    struct fail f = FAIL_INIT;
    int64_t seen = 0;
    (void)state;
    admin_run("INSERT INTO " DATABASE ".thing (id, name) SELECT seq, CONCAT('row', seq) "
              "FROM " DATABASE ".seq_1_to_3000");
    assert_ok(db_query(db, &f, STMT_LIST, DB_NO_ARGS, &outer), &f);
    assert_int_equal(rows_count(&outer), 3000);
    while (rows_next(&outer)) {
        char name[24];
        snprintf(name, sizeof(name), "row%lld", (long long)++seen);
        assert_int_equal(row_int(&outer, 0), seen);
        assert_true(str_eqz(row_str(&outer, 1), name));
        if (seen % 1000 == 0) { /* the same statement, while its rows are being read */
            CLEANUP(rows_done) struct rows inner = ROWS_INIT;
            assert_ok(db_query(db, &f, STMT_LIST, DB_NO_ARGS, &inner), &f);
            assert_int_equal(rows_count(&inner), 3000);
        }
    }
    assert_int_equal(seen, 3000);
    assert_ok(db_query(db, &f, STMT_LIST, DB_NO_ARGS, &outer), &f); /* into the same rows again */
    assert_true(rows_next(&outer));
}

/* ---- failures ---- */

static void test_expected_failures(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct fail f = FAIL_INIT;
    (void)state;
    put(db, 1, "one");
    assert_err(db_exec(db, &f, STMT_PUT, DB_ARGS(arg_int(1), arg_str(STR("x"))), NULL, NULL),
               E_DUPLICATE, &f);
    assert_err(db_exec(db, &f, STMT_PUT, DB_ARGS(arg_int(2), arg_str(STR("one"))), NULL, NULL),
               E_DUPLICATE, &f);
    assert_err(db_one(db, &f, STMT_GET, DB_ARGS(arg_int(9)), &rows), E_NO_ROW, &f);
    assert_int_equal(f.err, E_OK); /* what they mean is the caller's to say */
    assert_err(db_exec(db, &f, STMT_PART, DB_ARGS(arg_int(1), arg_int(77)), NULL, NULL), E_CONFLICT,
               &f);
    fail_clear(&f);
    assert_ok(db_exec(db, &f, STMT_PART, DB_ARGS(arg_int(1), arg_int(1)), NULL, NULL), &f);
    assert_err(db_exec(db, &f, STMT_REMOVE, DB_ARGS(arg_int(1)), NULL, NULL), E_CONFLICT, &f);
}

static void test_our_own_mistakes(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct fail f = FAIL_INIT;
    (void)state;
    assert_err(db_query(db, &f, STMT_BROKEN, DB_NO_ARGS, &rows), E_INTERNAL, &f);
    assert_non_null(strstr(f.internal, "BROKEN"));
    assert_non_null(strstr(f.internal, "no_such_column"));
    assert_string_equal(f.message, ""); /* nothing of it for the client */
    assert_err(db_query(db, NULL, STMT_MISCOUNTED, DB_ARGS(arg_int(1), arg_int(1)), &rows),
               E_INTERNAL, NULL);
    assert_err(db_query(db, NULL, STMT_GET, DB_NO_ARGS, &rows), E_INTERNAL, NULL);
    assert_err(db_query(db, NULL, STMT_GET, DB_ARGS(arg_str(STR("1"))), &rows), E_INTERNAL, NULL);
    assert_err(db_exec(db, NULL, STMT_COUNT_THINGS, DB_NO_ARGS, NULL, NULL), E_INTERNAL, NULL);
    assert_err(db_query(db, NULL, STMT_REMOVE, DB_ARGS(arg_int(1)), &rows), E_INTERNAL, NULL);
    /* strict mode: nothing is cut */
    char name[300];
    memset(name, 'n', sizeof(name));
    assert_err(db_exec(db, NULL, STMT_PUT,
                       DB_ARGS(arg_int(1), arg_str((struct str){name, sizeof(name)})), NULL, NULL),
               E_INTERNAL, NULL);
    assert_int_equal(count(db), 0);
}

static void test_nobody_there(void **state)
{
    struct config_db none = {.user = (char[]){"root"},
                             .name = (char[]){DATABASE},
                             .unix_socket = (char[]){"/nonexistent/mariadb.sock"}};
    CLEANUP(db_freep) struct db *db = db_new(&none);
    struct fail f = FAIL_INIT;
    (void)state;
    int before = db_connections();
    assert_err(db_ping(db, &f), E_DB_DOWN, &f);
    assert_int_equal(f.retry_after_s, 2);
    assert_non_null(strstr(f.internal, "2002"));
    fail_clear(&f);
    assert_err(db_exec(db, &f, STMT_REMOVE, DB_ARGS(arg_int(1)), NULL, NULL), E_DB_DOWN, &f);
    assert_int_equal(f.retry_after_s, 2);
    assert_int_equal(db_connections(), before);
}

/* ---- the session and the cache ---- */

static void test_session(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct fail f = FAIL_INIT;
    (void)state;
    int before = db_connections();
    assert_ok(db_one(db, &f, STMT_SESSION, DB_NO_ARGS, &rows), &f);
    assert_int_equal(db_connections(), before + 1);
    assert_true(str_starts(row_str(&rows, 0), STR("STRICT_ALL_TABLES")));
    assert_true(str_eqz(row_str(&rows, 1), "+00:00"));
    assert_true(str_eqz(row_str(&rows, 2), "READ-COMMITTED"));
    assert_ok(db_one(db, &f, STMT_CHARSET, DB_NO_ARGS, &rows), &f);
    assert_true(str_eqz(row_str(&rows, 0), "utf8mb4") && str_eqz(row_str(&rows, 1), "utf8mb4"));
}

static int64_t prepared_at_server(void)
{
    char *line = admin_text("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
    const char *bar = strchr(line, '|');
    assert_non_null(bar);
    int64_t n = strtoll(bar + 1, NULL, 10);
    free(line);
    return n;
}

/* The server ends what earlier connections left a moment after they are closed. */
static void none_prepared(void)
{
    const struct timespec t = {.tv_nsec = 10000000};
    for (int i = 0; i < 1000 && prepared_at_server() > 0; i++)
        nanosleep(&t, NULL);
    assert_int_equal(prepared_at_server(), 0);
}

static void run_many(struct db *db)
{
    for (int i = STMT_MANY_10; i <= STMT_MANY_149; i++) {
        CLEANUP(rows_done) struct rows rows = ROWS_INIT;
        struct fail f = FAIL_INIT;
        assert_ok(db_one(db, &f, (enum stmt)i, DB_NO_ARGS, &rows), &f);
        assert_int_equal(row_int(&rows, 0), i - STMT_MANY_10 + 10);
    }
}

static void test_cache_is_bounded(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    (void)state;
    none_prepared();
    run_many(db);
    assert_int_equal(prepared_at_server(), PREPARED_MAX);
    run_many(db);
    assert_int_equal(prepared_at_server(), PREPARED_MAX);
}

static void test_crowded_server(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    (void)state;
    none_prepared();
    admin_run("SET GLOBAL max_prepared_stmt_count = 7");
    run_many(db);
    assert_true(prepared_at_server() <= 7);
    admin_run("SET GLOBAL max_prepared_stmt_count = 0");
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, &f, STMT_MANY_10, DB_NO_ARGS, &rows);
    admin_run("SET GLOBAL max_prepared_stmt_count = 16382");
    assert_err(e, E_DB_DOWN, &f);
    run_many(db);
}

static void test_altered_table(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    (void)state;
    put(db, 1, "one");
    for (int i = 0; i < 3; i++) {
        CLEANUP(rows_done) struct rows rows = ROWS_INIT;
        assert_ok(db_one(db, &f, STMT_GET, DB_ARGS(arg_int(1)), &rows), &f);
        assert_true(str_eqz(row_str(&rows, 1), "one"));
        admin_run(i ? "ALTER TABLE " DATABASE ".thing MODIFY number INT NULL"
                    : "ALTER TABLE " DATABASE ".thing ADD COLUMN more INT NULL FIRST");
    }
}

static void test_killed_while_idle(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    (void)state;
    for (int i = 1; i <= 5; i++) {
        CLEANUP(rows_done) struct rows rows = ROWS_INIT;
        char kill[64];
        struct fail f = FAIL_INIT;
        assert_ok(db_one(db, &f, STMT_CONNECTION, DB_NO_ARGS, &rows), &f);
        snprintf(kill, sizeof(kill), "KILL CONNECTION %lld", (long long)row_int(&rows, 0));
        admin_run(kill);
        put(db, i, (const char[]){(char)('a' + i), '\0'}); /* a change, and it runs once */
        assert_int_equal(count(db), i);
    }
}

/* ---- transactions ---- */

struct steps {
    int runs;
    enum err end;
};

static enum err two_inserts(struct db *db, struct fail *f, void *ctx)
{
    struct steps *s = ctx;
    s->runs++;
    enum err e = db_exec(db, f, STMT_PUT, DB_ARGS(arg_int(1), arg_str(STR("a"))), NULL, NULL);
    if (e)
        return e;
    e = db_exec(db, f, STMT_PUT, DB_ARGS(arg_int(2), arg_str(STR("b"))), NULL, NULL);
    return e ? e : s->end;
}

static void test_commit_and_rollback(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    struct steps s = {.end = E_CONFLICT};
    (void)state;
    assert_err(db_tx(db, &f, two_inserts, &s), E_CONFLICT, &f);
    assert_int_equal(count(db), 0);
    s.end = E_OK;
    assert_ok(db_tx(db, &f, two_inserts, &s), &f);
    assert_int_equal(s.runs, 2);
    assert_int_equal(admin_int("SELECT COUNT(*) FROM " DATABASE ".thing"), 2);
}

static enum err insert_or_find(struct db *db, struct fail *f, void *ctx)
{
    (void)ctx;
    enum err e = db_exec(db, f, STMT_PUT, DB_ARGS(arg_int(5), arg_str(STR("x"))), NULL, NULL);
    if (e != E_DUPLICATE)
        return e;
    return db_exec(db, f, STMT_BUMP, DB_ARGS(arg_int(5)), NULL, NULL);
}

static void test_duplicate_leaves_the_transaction_usable(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    (void)state;
    assert_ok(db_tx(db, &f, insert_or_find, NULL), &f);
    assert_ok(db_tx(db, &f, insert_or_find, NULL), &f);
    assert_int_equal(number_of(db, 5), 1);
}

static enum err outer(struct db *db, struct fail *f, void *ctx)
{
    enum err e = db_tx(db, f, two_inserts, ctx);
    if (e)
        return e;
    assert_int_equal(admin_int("SELECT COUNT(*) FROM " DATABASE ".thing"), 0);
    return db_exec(db, f, STMT_PUT, DB_ARGS(arg_int(3), arg_str(STR("c"))), NULL, NULL);
}

static void test_nested_joins(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    struct steps s = {.end = E_OK};
    (void)state;
    assert_ok(db_tx(db, &f, outer, &s), &f);
    assert_int_equal(admin_int("SELECT COUNT(*) FROM " DATABASE ".thing"), 3);
}

static enum err nothing(struct db *db, struct fail *f, void *ctx)
{
    (void)db;
    (void)f;
    ++*(int *)ctx;
    return E_OK;
}

static void test_empty_transaction_needs_no_server(void **state)
{
    struct config_db none = {.unix_socket = (char[]){"/nonexistent/mariadb.sock"}};
    CLEANUP(db_freep) struct db *db = db_new(&none);
    int runs = 0;
    (void)state;
    assert_ok(db_tx(db, NULL, nothing, &runs), NULL);
    assert_int_equal(runs, 1);
}

struct crossing {
    struct db *db;
    int64_t first, second;
    pthread_barrier_t *both; /* met once, when each holds its first row */
    atomic_int *runs;
    bool met;
    enum err e;
};

static enum err bump_two(struct db *db, struct fail *f, void *ctx)
{
    struct crossing *c = ctx;
    atomic_fetch_add(c->runs, 1);
    enum err e = db_exec(db, f, STMT_BUMP, DB_ARGS(arg_int(c->first)), NULL, NULL);
    if (!c->met) {
        c->met = true;
        pthread_barrier_wait(c->both);
    }
    if (e)
        return e;
    return db_exec(db, f, STMT_BUMP, DB_ARGS(arg_int(c->second)), NULL, NULL);
}

static void *cross(void *arg)
{
    struct crossing *c = arg;
    struct fail f = FAIL_INIT;
    c->e = db_tx(c->db, &f, bump_two, c);
    return NULL;
}

static void test_deadlock_is_rerun(void **state)
{
    CLEANUP(db_freep) struct db *one = fresh();
    CLEANUP(db_freep) struct db *two = db_new(&config);
    pthread_barrier_t both;
    pthread_t thread;
    atomic_int runs = 0;
    (void)state;
    put(one, 1, "a");
    put(one, 2, "b");
    pthread_barrier_init(&both, NULL, 2);
    struct crossing a = {.db = one, .first = 1, .second = 2, .both = &both, .runs = &runs};
    struct crossing b = {.db = two, .first = 2, .second = 1, .both = &both, .runs = &runs};
    assert_int_equal(pthread_create(&thread, NULL, cross, &b), 0);
    cross(&a);
    pthread_join(thread, NULL);
    assert_int_equal(a.e, E_OK);
    assert_int_equal(b.e, E_OK);
    assert_true(atomic_load(&runs) >= 3);
    assert_int_equal(number_of(one, 1), 2);
    assert_int_equal(number_of(one, 2), 2);
    pthread_barrier_destroy(&both);
}

/* A function that forgets to pass an error up must not get half of its work committed. */
static enum err swallow(struct db *db, struct fail *f, void *ctx)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct steps *s = ctx;
    char kill[64];
    s->runs++;
    enum err e = db_exec(db, f, STMT_PUT, DB_ARGS(arg_int(s->runs), arg_str(STR("a"))), NULL, NULL);
    if (e || s->runs > 1)
        return e;
    e = db_one(db, f, STMT_CONNECTION, DB_NO_ARGS, &rows);
    assert_ok(e, f);
    snprintf(kill, sizeof(kill), "KILL CONNECTION %lld", (long long)row_int(&rows, 0));
    admin_run(kill);
    e = db_exec(db, f, STMT_PUT, DB_ARGS(arg_int(50), arg_str(STR("lost"))), NULL, NULL);
    assert_int_not_equal(e, E_OK);
    e = db_exec(db, f, STMT_PUT, DB_ARGS(arg_int(51), arg_str(STR("alone"))), NULL, NULL);
    assert_int_not_equal(e, E_OK); /* not in autocommit on a new connection */
    return E_OK;
}

static void test_killed_inside_a_transaction(void **state)
{
    CLEANUP(db_freep) struct db *db = fresh();
    struct fail f = FAIL_INIT;
    struct steps s = {.runs = 0};
    (void)state;
    assert_ok(db_tx(db, &f, swallow, &s), &f);
    assert_int_equal(f.err, E_OK);
    assert_int_equal(s.runs, 2);
    char *left = admin_text("SELECT id, name FROM " DATABASE ".thing ORDER BY id");
    assert_string_equal(left, "2|a\n");
    free(left);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_come_back),
        cmocka_unit_test(test_null_parameters),
        cmocka_unit_test(test_large_values),
        cmocka_unit_test(test_integers_at_the_edge),
        cmocka_unit_test(test_many_rows_and_a_statement_within_itself),
        cmocka_unit_test(test_expected_failures),
        cmocka_unit_test(test_our_own_mistakes),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_cache_is_bounded),
        cmocka_unit_test(test_crowded_server),
        cmocka_unit_test(test_altered_table),
        cmocka_unit_test(test_killed_while_idle),
        cmocka_unit_test(test_commit_and_rollback),
        cmocka_unit_test(test_duplicate_leaves_the_transaction_usable),
        cmocka_unit_test(test_nested_joins),
        cmocka_unit_test(test_empty_transaction_needs_no_server),
        cmocka_unit_test(test_deadlock_is_rerun),
        cmocka_unit_test(test_killed_inside_a_transaction),
    };
    db_library_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    db_library_done();
    return failed;
}
