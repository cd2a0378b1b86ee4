/*
 * t-lost.c - what happens when the connection or the server goes away at each point of a statement and of a transaction: a
 * proxy cuts exactly there. The rule behind all of it: what may have been done is never done again, what cannot have been
 * done is.
 */
#include "base/cleanup.h"

#include "database.h"
#include "proxy.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DATABASE "gantry_test_lost"

static struct proxy *proxy;
static struct config_db config;

static int set_up(void **state)
{
    (void)state;
    config = database_new(DATABASE);
    admin_run("CREATE TABLE " DATABASE ".thing (id BIGINT NOT NULL, name VARBINARY(255) NOT NULL, "
              "bytes LONGBLOB NULL, number BIGINT NULL, PRIMARY KEY (id)) ENGINE=InnoDB");
    proxy = proxy_start(database_socket());
    config.unix_socket = proxy_socket(proxy);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    proxy_stop(proxy);
    return 0;
}

static int64_t things(void)
{
    return admin_int("SELECT COUNT(*) FROM " DATABASE ".thing");
}

static enum err put(struct db *db, struct fail *f, int64_t id)
{
    return db_exec(db, f, STMT_PUT, DB_ARGS(arg_int(id), arg_str(STR("x"))), NULL, NULL);
}

static int64_t count(struct db *db)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct fail f = FAIL_INIT;
    assert_ok(db_one(db, &f, STMT_COUNT_THINGS, DB_NO_ARGS, &rows), &f);
    return row_int(&rows, 0);
}

/* A connection that has run everything once, so that what follows is executions only. */
static struct db *warm(void)
{
    struct db *db = db_new(&config);
    struct fail f = FAIL_INIT;
    assert_ok(put(db, &f, 1000), &f);
    assert_ok(db_exec(db, &f, STMT_REMOVE, DB_ARGS(arg_int(1000)), NULL, NULL), &f);
    assert_int_equal(count(db), 0);
    proxy_count_reset(proxy);
    return db;
}

/* ---- one statement ---- */

static void test_change_cut_after(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    (void)state;
    proxy_harm(proxy, HARM_CUT_AFTER, COM_EXECUTE, NULL, 1, 0);
    assert_err(put(db, &f, 1), E_DB_DOWN, &f); /* it may have been done */
    assert_int_equal(f.retry_after_s, 2);
    assert_true(proxy_harmed(proxy));
    assert_int_equal(things(), 1);
    assert_int_equal(count(db), 1); /* and the next call goes on */
}

static void test_change_cut_before(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    (void)state;
    proxy_harm(proxy, HARM_CUT_BEFORE, COM_EXECUTE, NULL, 1, 0);
    enum err e = put(db, &f, 1); /* it left this side: what became of it cannot be known here */
    assert_err(e, E_DB_DOWN, &f);
    assert_int_equal(things(), 0);
}

static void test_select_is_asked_again(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    (void)state;
    proxy_harm(proxy, HARM_CUT_AFTER, COM_EXECUTE, NULL, 1, 0);
    assert_int_equal(count(db), 0);
    assert_true(proxy_harmed(proxy));
    assert_int_equal(proxy_connections(proxy), 1);
}

static void test_prepare_is_tried_again(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    (void)state;
    proxy_harm(proxy, HARM_CUT_AFTER, COM_PREPARE, NULL, 1, 0);
    assert_ok(db_exec(db, &f, STMT_BUMP, DB_ARGS(arg_int(1)), NULL, NULL), &f);
    assert_true(proxy_harmed(proxy));
}

static void test_deadlock_of_one_statement(void **state)
{
    static const int codes[] = {1213, 1205};
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    (void)state;
    for (int i = 0; i < 2; i++) {
        proxy_harm(proxy, HARM_ERROR, COM_EXECUTE, NULL, 1, codes[i]);
        assert_ok(put(db, &f, i + 1), &f);
        assert_true(proxy_harmed(proxy));
    }
    assert_int_equal(things(), 2);
}

static void test_handle_forgotten_by_the_server(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    (void)state;
    proxy_harm(proxy, HARM_ERROR, COM_EXECUTE, NULL, 1, 1243);
    assert_ok(put(db, &f, 1), &f);
    assert_int_equal(things(), 1);
}

static void test_other_errors(void **state)
{
    static const struct {
        int code;
        enum err e;
    } cases[] = {{1040, E_DB_DOWN},  {1203, E_DB_DOWN},  {1290, E_DB_DOWN},   {1317, E_BUSY},
                 {1064, E_INTERNAL}, {1142, E_INTERNAL}, {1062, E_DUPLICATE}, {1452, E_CONFLICT}};
    CLEANUP(db_freep) struct db *db = warm();
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fail f = FAIL_INIT;
        proxy_harm(proxy, HARM_ERROR, COM_EXECUTE, NULL, 1, cases[i].code);
        assert_err(put(db, &f, 1), cases[i].e, &f);
    }
    assert_int_equal(things(), 0);
}

/* ---- transactions ---- */

static enum err three(struct db *db, struct fail *f, void *ctx)
{
    ++*(int *)ctx;
    for (int id = 1; id <= 3; id++) {
        enum err e = put(db, f, id);
        if (e)
            return e;
    }
    return E_OK;
}

/* Wherever in the transaction the connection goes, before its COMMIT: it runs again, and is applied once. */
static void test_transaction_cut_anywhere(void **state)
{
    static const enum harm harms[] = {HARM_CUT_BEFORE, HARM_CUT_AFTER};
    (void)state;
    for (int h = 0; h < 2; h++) {
        for (int nth = 0; nth <= 3; nth++) {
            CLEANUP(db_freep) struct db *db = warm();
            struct fail f = FAIL_INIT;
            int runs = 0;
            if (nth)
                proxy_harm(proxy, harms[h], COM_EXECUTE, NULL, nth, 0);
            else
                proxy_harm(proxy, harms[h], COM_TEXT, "START TRANSACTION", 1, 0);
            assert_ok(db_tx(db, &f, three, &runs), &f);
            assert_int_equal(f.err, E_OK);
            assert_true(proxy_harmed(proxy));
            assert_int_equal(runs, nth ? 2 : 1);
            assert_int_equal(things(), 3);
            admin_run("DELETE FROM " DATABASE ".thing");
        }
    }
}

static void test_transaction_rerun_on_errors(void **state)
{
    static const int codes[] = {1213, 1205};
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (int nth = 1; nth <= 3; nth++) {
            CLEANUP(db_freep) struct db *db = warm();
            struct fail f = FAIL_INIT;
            int runs = 0;
            proxy_harm(proxy, HARM_ERROR, COM_EXECUTE, NULL, nth, codes[i]);
            assert_ok(db_tx(db, &f, three, &runs), &f);
            assert_int_equal(runs, 2);
            assert_int_equal(things(), 3);
            admin_run("DELETE FROM " DATABASE ".thing");
        }
    }
}

static void test_commit_cut(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    int runs = 0;
    (void)state;
    proxy_harm(proxy, HARM_CUT_BEFORE, COM_TEXT, "COMMIT", 1, 0);
    assert_err(db_tx(db, &f, three, &runs), E_DB_DOWN, &f);
    assert_int_equal(runs, 1);
    assert_int_equal(things(), 0);
    proxy_harm(proxy, HARM_CUT_AFTER, COM_TEXT, "COMMIT", 1, 0);
    fail_clear(&f);
    assert_err(db_tx(db, &f, three, &runs), E_DB_DOWN, &f);
    assert_int_equal(f.retry_after_s, 2);
    assert_int_equal(runs, 2); /* not a third time: it was done */
    assert_int_equal(things(), 3);
}

static void test_commit_refused(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    int runs = 0;
    (void)state;
    /* as certification of a cluster does; the server here still holds the transaction open */
    proxy_harm(proxy, HARM_ERROR, COM_TEXT, "COMMIT", 1, 1213);
    assert_ok(db_tx(db, &f, three, &runs), &f);
    assert_int_equal(runs, 2);
    assert_int_equal(things(), 3);
}

static enum err put_one(struct db *db, struct fail *f, void *ctx)
{
    ++*(int *)ctx;
    proxy_harm(proxy, HARM_ERROR, COM_EXECUTE, NULL, 1, 1213);
    return put(db, f, 1);
}

static void test_endless_deadlock_ends(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    int runs = 0;
    (void)state;
    assert_err(db_tx(db, &f, put_one, &runs), E_BUSY, &f);
    assert_int_equal(runs, 5);
    assert_true(f.retry_after_s > 0);
    proxy_harm(proxy, HARM_NONE, 0, NULL, 0, 0);
    assert_ok(put(db, &f, 1), &f);
    assert_int_equal(things(), 1);
}

/* ---- a server that is away ---- */

static void test_away_and_back(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    struct fail f = FAIL_INIT;
    int runs = 0;
    bool back = false;
    (void)state;
    proxy_refuse(proxy, true);
    proxy_harm(proxy, HARM_CUT_BEFORE, COM_EXECUTE, NULL, 1, 0);
    assert_err(db_tx(db, &f, three, &runs), E_DB_DOWN, &f);
    assert_int_equal(f.retry_after_s, 2);
    int before = proxy_connections(proxy);
    for (int i = 0; i < 1000; i++) { /* answered at once, without hammering at the door */
        fail_clear(&f);
        assert_err(put(db, &f, 1), E_DB_DOWN, &f);
        assert_int_equal(f.retry_after_s, 2);
    }
    assert_true(proxy_connections(proxy) - before <= 3);
    proxy_refuse(proxy, false);
    for (int i = 0; i < 1000 && !back; i++) {
        const struct timespec t = {.tv_nsec = 10000000};
        nanosleep(&t, NULL);
        back = db_ping(db, &f) == E_OK;
    }
    assert_true(back);
    fail_clear(&f);
    assert_ok(db_tx(db, &f, three, &runs), &f);
    assert_int_equal(things(), 3);
}

/* ---- what things cost, in round trips ---- */

static enum err one(struct db *db, struct fail *f, void *ctx)
{
    return put(db, f, *(int *)ctx);
}

static enum err look_only(struct db *db, struct fail *f, void *ctx)
{
    (void)db;
    (void)ctx;
    (void)f;
    return E_DENIED;
}

static void test_round_trips(void **state)
{
    CLEANUP(db_freep) struct db *db = warm();
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct fail f = FAIL_INIT;
    int id = 1;
    (void)state;
    assert_ok(put(db, &f, 100), &f);
    assert_int_equal(proxy_commands(proxy), 1);
    proxy_count_reset(proxy);
    assert_int_equal(count(db), 1);
    assert_int_equal(proxy_commands(proxy), 1);
    proxy_count_reset(proxy);
    assert_ok(db_query(db, &f, STMT_LIST, DB_NO_ARGS, &rows),
              &f); /* the first time it is prepared */
    assert_int_equal(proxy_commands(proxy), 2);
    proxy_count_reset(proxy);
    assert_ok(db_tx(db, &f, one, &id), &f);
    assert_int_equal(proxy_commands(proxy), 3);
    proxy_count_reset(proxy);
    assert_err(db_tx(db, &f, look_only, NULL), E_DENIED, &f);
    assert_int_equal(proxy_commands(proxy), 0);
    assert_int_equal(proxy_connections(proxy), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_change_cut_after),
        TEST(test_change_cut_before),
        TEST(test_select_is_asked_again),
        TEST(test_prepare_is_tried_again),
        TEST(test_deadlock_of_one_statement),
        TEST(test_handle_forgotten_by_the_server),
        TEST(test_other_errors),
        TEST(test_transaction_cut_anywhere),
        TEST(test_transaction_rerun_on_errors),
        TEST(test_commit_cut),
        TEST(test_commit_refused),
        TEST(test_endless_deadlock_ends),
        TEST(test_away_and_back),
        TEST(test_round_trips),
    };
    signal(SIGPIPE, SIG_IGN);
    db_library_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    db_library_done();
    return failed;
}
