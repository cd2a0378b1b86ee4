/*
 * t-jobs.c - leases, the schedule, what the jobs remove and make, and the audit log, on a migrated database.
 */
#include "audit/audit.h"
#include "auth/keyring.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/log_entry.h"
#include "db/partition.h"
#include "jobs/schedule.h"
#include "program/program.h"
#include "storage/store.h"

#include "database.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DATABASE "gantry_test_jobs"
#define DAY_MS   (INT64_C(86400) * 1000)

/* What a process of the fleet has. */
static struct bench {
    char path[64];
    struct config config;
    struct config_storage storage;
    struct store *store;
    struct keyring *keys;
    struct worker w;
} bench;

static int set_up(void **state)
{
    static char name[] = "default", driver[] = "LocalStorage", secret[] = "a secret of sixteen";
    struct fail f = FAIL_INIT;
    (void)state;
    bench = (struct bench){.path = "/tmp/t-jobs-XXXXXX"};
    assert_non_null(mkdtemp(bench.path));
    bench.storage = (struct config_storage){.name = name, .driver = driver, .path = bench.path};
    bench.config = (struct config){.storage = &bench.storage,
                                   .n_storage = 1,
                                   .database_secret_key = secret,
                                   .upload_expiration_s = 2 * 86400,
                                   .key_lifetime_min = 120,
                                   .db = database_migrated(DATABASE)};
    assert_ok(store_open(&bench.config, &f, &bench.store), &f);
    bench.keys = keyring_new();
    assert_ok(program_worker_init(&bench.w, &f, &bench.config, bench.store, bench.keys), &f);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    program_worker_done(&bench.w);
    keyring_free(bench.keys);
    store_close(bench.store);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", "--", bench.path, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
    return 0;
}

/* ---- leases ---- */

static struct lease find(struct db *db, const char *name)
{
    struct lease *list, found = {.version = -1};
    size_t n;
    struct fail f = FAIL_INIT;
    CLEANUP(arena_freep) struct arena *a = arena_new(1 << 16);
    assert_ok(lease_list(db, &f, a, &list, &n), &f);
    for (size_t i = 0; i < n; i++) {
        if (str_eqz(list[i].name, name)) {
            found = list[i];
            found.name = str_z(name);
        }
    }
    assert_true(found.version >= 0);
    return found;
}

static void test_lease_has_one_holder(void **state)
{
    struct db *db = bench.w.db;
    struct fail f = FAIL_INIT;
    bool mine = false, theirs = true;
    (void)state;
    assert_ok(lease_declare(db, &f, STR("x")), &f);
    assert_ok(lease_declare(db, &f, STR("x")), &f);
    struct lease a = find(db, "x"), b = a;
    assert_true(a.wait_ms <= 0);
    assert_ok(lease_take(db, &f, &a, STR("me"), 60000, &mine), &f);
    assert_ok(lease_take(db, &f, &b, STR("you"), 60000, &theirs), &f);
    assert_true(mine && !theirs);
    b = find(db, "x");
    assert_true(b.wait_ms > 50000);
    assert_ok(lease_renew(db, &f, &a, 120000, &mine), &f);
    assert_true(mine && find(db, "x").wait_ms > 110000);
    /* stolen: the next renewal says so, and giving back takes nothing from the thief */
    b = find(db, "x");
    assert_ok(lease_take(db, &f, &b, STR("you"), 60000, &theirs), &f);
    assert_true(theirs);
    assert_ok(lease_renew(db, &f, &a, 120000, &mine), &f);
    assert_false(mine);
    assert_ok(lease_release(db, &f, &a, 0, &mine), &f);
    assert_false(mine);
    assert_true(find(db, "x").wait_ms > 50000);
    assert_ok(lease_release(db, &f, &b, 30000, &theirs), &f);
    assert_true(theirs);
    struct lease c = find(db, "x");
    assert_true(c.wait_ms > 20000 && c.wait_ms <= 30000); /* due again then */
}

/* ---- the schedule ---- */

static bool never(void *ctx, int64_t ms)
{
    (void)ctx;
    (void)ms;
    return false;
}

static bool always(void *ctx, int64_t ms)
{
    (void)ctx;
    (void)ms;
    return true;
}

static void step(void)
{
    struct fail f = FAIL_INIT;
    int64_t wait_ms = 0;
    const struct schedule s = {.w = &bench.w, .wait = never, .owner = STR_INIT("test")};
    for (int i = 0; i < 10 && wait_ms == 0; i++)
        assert_ok(schedule_step(&s, &f, &wait_ms), &f);
    assert_true(wait_ms > 0 && wait_ms <= 30000);
}

static void make_due(const char *name)
{
    char sql[200];
    snprintf(sql, sizeof(sql), "UPDATE " DATABASE ".lease SET next_ms = 0 WHERE name = '%s'", name);
    admin_run(sql);
}

static void test_everything_runs_once(void **state)
{
    (void)state;
    step();
    assert_int_equal(admin_int("SELECT COUNT(*) FROM " DATABASE ".service_key"), 1);
    assert_int_equal(admin_int("SELECT COUNT(*) FROM information_schema.partitions WHERE "
                               "table_schema = '" DATABASE "' AND table_name = 'log_entry'"),
                     5);
    int64_t changes = admin_int("SELECT SUM(version) FROM " DATABASE ".lease");
    assert_int_equal(changes, 2 * admin_int("SELECT COUNT(*) FROM " DATABASE ".lease"));
    step(); /* nothing is due */
    assert_int_equal(admin_int("SELECT SUM(version) FROM " DATABASE ".lease"), changes);
    make_due("partition_log");
    step();
    assert_int_equal(admin_int("SELECT SUM(version) FROM " DATABASE ".lease"), changes + 2);
}

static void test_a_clock_put_back_stops_no_job(void **state)
{
    (void)state;
    step();
    int64_t changes = admin_int("SELECT SUM(version) FROM " DATABASE ".lease");
    admin_run("UPDATE " DATABASE
              ".lease SET next_ms = next_ms + 86400000000 WHERE name = 'rotate_keys'");
    admin_run("UPDATE " DATABASE
              ".lease SET until_ms = next_ms + 86400000000 WHERE name = 'expire_tokens'");
    step();
    assert_int_equal(admin_int("SELECT SUM(version) FROM " DATABASE ".lease"), changes + 4);
    step(); /* and is due again after its period */
    assert_int_equal(admin_int("SELECT SUM(version) FROM " DATABASE ".lease"), changes + 4);
}

static void test_stopping_runs_nothing(void **state)
{
    struct fail f = FAIL_INIT;
    int64_t wait_ms;
    const struct schedule s = {.w = &bench.w, .wait = always, .owner = STR_INIT("test")};
    (void)state;
    assert_ok(schedule_step(&s, &f, &wait_ms), &f);
    assert_int_equal(admin_int("SELECT COUNT(*) FROM " DATABASE ".lease"), 0);
}

static void *one_of_the_fleet(void *arg)
{
    struct worker w;
    struct fail f = FAIL_INIT;
    int64_t wait_ms = 0;
    enum err e = program_worker_init(&w, &f, &bench.config, bench.store, bench.keys);
    const struct schedule s = {.w = &w, .wait = never, .owner = STR_INIT("fleet")};
    for (int i = 0; i < 20 && e == E_OK && wait_ms == 0; i++)
        e = schedule_step(&s, &f, &wait_ms);
    *(enum err *)arg = e;
    program_worker_done(&w);
    return NULL;
}

static void test_a_fleet_does_each_once(void **state)
{
    pthread_t threads[5];
    enum err results[5];
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, one_of_the_fleet, &results[i]), 0);
    for (int i = 0; i < 5; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(results[i], E_OK);
    }
    assert_int_equal(admin_int("SELECT COUNT(*) FROM " DATABASE ".service_key"), 1);
    assert_int_equal(admin_int("SELECT SUM(version) FROM " DATABASE ".lease"),
                     2 * admin_int("SELECT COUNT(*) FROM " DATABASE ".lease"));
}

static void test_a_failed_job_comes_again_soon(void **state)
{
    (void)state;
    step();
    admin_run("ALTER TABLE " DATABASE ".app_token RENAME TO " DATABASE ".elsewhere");
    make_due("expire_tokens");
    log_set_level(LOG_ERROR + 1); /* the failure is meant */
    step();
    log_set_level(LOG_ERROR);
    int64_t wait_ms = find(bench.w.db, "expire_tokens").wait_ms;
    assert_true(wait_ms > 0 && wait_ms <= 60000);
    admin_run("ALTER TABLE " DATABASE ".elsewhere RENAME TO " DATABASE ".app_token");
}

/* ---- what is removed ---- */

#define IDLE  "01234567-89ab-4cde-8f01-23456789abcd"
#define FRESH "11234567-89ab-4cde-8f01-23456789abcd"

static void session_path(const char *uuid, char out[static PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/uploads/%s", bench.path, uuid);
}

static void put_session(const char *uuid, int64_t updated_ms)
{
    char path[PATH_MAX], sql[512];
    session_path(uuid, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    snprintf(sql, sizeof(sql),
             "INSERT INTO " DATABASE ".upload (uuid, repository_id, location_id, algorithm, "
             "hash_state, created_ms, updated_ms) VALUES ('%s', 1, 1, 1, '', 0, %lld)",
             uuid, (long long)updated_ms);
    admin_run(sql);
}

static bool session_exists(const char *uuid)
{
    char path[PATH_MAX];
    session_path(uuid, path);
    return access(path, F_OK) == 0;
}

static void test_idle_uploads_go(void **state)
{
    (void)state;
    admin_run("INSERT INTO " DATABASE ".account (id, uuid, kind, name, created_ms) "
              "VALUES (1, 'u', 1, 'acme', 0)");
    admin_run("INSERT INTO " DATABASE
              ".repository (id, namespace_id, name, description, created_ms) "
              "VALUES (1, 1, 'r', '', 0)");
    admin_run("INSERT INTO " DATABASE ".storage_location (id, name) VALUES (1, 'default') "
              "ON DUPLICATE KEY UPDATE name = 'default'");
    put_session(IDLE, clock_ms() - 2 * DAY_MS - 60000);
    put_session(FRESH, clock_ms() - 2 * DAY_MS + 600000);
    for (int i = 0; i < 250; i++) {
        char uuid[37];
        snprintf(uuid, sizeof(uuid), "21234567-89ab-4cde-8f01-%012d", i);
        put_session(uuid, 1);
    }
    step();
    assert_false(session_exists(IDLE));
    assert_true(session_exists(FRESH));
    char *left = admin_text("SELECT uuid FROM " DATABASE ".upload");
    assert_string_equal(left, FRESH "\n");
    free(left);
}

static void test_expired_tokens_go(void **state)
{
    char sql[600];
    int64_t now = clock_ms();
    (void)state;
    admin_run("INSERT INTO " DATABASE ".account (id, uuid, kind, name, created_ms) "
              "VALUES (1, 'u', 1, 'acme', 0)");
    snprintf(sql, sizeof(sql),
             "INSERT INTO " DATABASE ".app_token (uuid, account_id, title, token_hash, token_enc, "
             "created_ms, expires_ms) SELECT CONCAT('t', seq), 1, '', CONCAT('h', seq), '', 0, "
             "CASE WHEN seq = 1 THEN NULL WHEN seq = 2 THEN %lld ELSE %lld END FROM " DATABASE
             ".seq_1_to_1200",
             (long long)(now - DAY_MS / 2), (long long)(now - DAY_MS - 60000));
    admin_run(sql);
    snprintf(
        sql, sizeof(sql),
        "INSERT INTO " DATABASE ".oauth_token (uuid, account_id, scope, token_hash, "
        "created_ms, expires_ms) VALUES ('a', 1, '', 'a', 0, %lld), ('b', 1, '', 'b', 0, %lld)",
        (long long)(now - 2 * DAY_MS), (long long)now);
    admin_run(sql);
    step();
    char *left = admin_text("SELECT uuid FROM " DATABASE ".app_token ORDER BY id");
    assert_string_equal(left, "t1\nt2\n");
    free(left);
    left = admin_text("SELECT uuid FROM " DATABASE ".oauth_token ORDER BY id");
    assert_string_equal(left, "b\n");
    free(left);
}

/* ---- the audit log ---- */

#define LOG_ROWS "SELECT COUNT(*) FROM " DATABASE ".log_entry"

static char *partitions(void)
{
    return admin_text("SELECT partition_name, partition_description FROM "
                      "information_schema.partitions WHERE table_schema = '" DATABASE "' AND "
                      "table_name = 'log_entry' ORDER BY partition_ordinal_position");
}

static void test_partitions(void **state)
{
    const int64_t november = INT64_C(1795461514545), january = INT64_C(1800000000000);
    struct fail f = FAIL_INIT;
    struct db *db = bench.w.db;
    int made = 0;
    (void)state;
    struct log_row rows[] = {{.at_ms = 5, .kind = 1, .metadata = STR("{}")},
                             {.at_ms = november, .kind = 1, .metadata = STR("{}")},
                             {.at_ms = january, .kind = 1, .metadata = STR("{}")}};
    assert_ok(log_entry_insert(db, &f, rows, 3), &f);
    assert_ok(partition_ahead(db, &f, november, 2, &made), &f);
    assert_int_equal(made, 3);
    char *text = partitions();
    assert_string_equal(text, "p202611|1796083200000\np202612|1798761600000\n"
                              "p202701|1801440000000\np_rest|MAXVALUE\n");
    free(text);
    assert_int_equal(admin_int(LOG_ROWS), 3);
    assert_int_equal(admin_int(LOG_ROWS " PARTITION (p202611)"), 2);
    assert_int_equal(admin_int(LOG_ROWS " PARTITION (p202701)"), 1);
    assert_ok(partition_ahead(db, &f, november, 2, &made), &f);
    assert_int_equal(made, 0);
    assert_ok(partition_ahead(db, &f, january, 1, &made), &f); /* two months later */
    assert_int_equal(made, 1);
    assert_ok(log_entry_insert(db, &f, rows, 3), &f);
    assert_int_equal(admin_int(LOG_ROWS " PARTITION (p_rest)"), 0);
}

static struct audit_entry pull(int64_t n, struct str metadata)
{
    return (struct audit_entry){.kind = LOG_KIND_pull_repo,
                                .account_id = 1,
                                .repository_id = n,
                                .ip = STR("2001:db8::1"),
                                .metadata = metadata};
}

static void test_audit_write(void **state)
{
    struct fail f = FAIL_INIT;
    struct audit_entry e = pull(7, STR("{\"tag\":\"v1\"}"));
    struct audit_entry bare = {.kind = LOG_KIND_create_repo};
    (void)state;
    assert_ok(audit_write(bench.w.db, &f, &e), &f);
    assert_ok(audit_write(bench.w.db, &f, &bare), &f);
    char *text = admin_text("SELECT kind, account_id, performer_id, repository_id, ip, metadata, "
                            "at_ms > 1700000000000 FROM " DATABASE ".log_entry ORDER BY id");
    assert_string_equal(text, "97|1||7|2001:db8::1|{\"tag\":\"v1\"}|1\n93|||||{}|1\n");
    free(text);
    assert_string_equal(log_kind_name(LOG_KIND_pull_repo), "pull_repo");
    assert_string_equal(log_kind_name(LOG_KIND_NONE), "");
    assert_string_equal(log_kind_name((enum log_kind)4711), "");
}

static void later(int n, int64_t first)
{
    for (int i = 0; i < n; i++) {
        char metadata[32];
        snprintf(metadata, sizeof(metadata), "{\"n\":%d}", i);
        struct audit_entry e = pull(first + i, str_z(metadata));
        audit_later(&e);
        memset(metadata, 'x', sizeof(metadata)); /* the queue has its own copy */
    }
}

static void test_audit_later(void **state)
{
    struct fail f = FAIL_INIT;
    (void)state;
    later(1234, 1);
    assert_int_equal(admin_int(LOG_ROWS), 0);
    assert_ok(audit_flush(&bench.w, &f), &f);
    assert_int_equal(admin_int(LOG_ROWS), 1234);
    assert_int_equal(
        admin_int(LOG_ROWS " WHERE CONCAT('{\"n\":', repository_id - 1, '}') = metadata"), 1234);
    assert_ok(audit_flush(&bench.w, &f), &f);
    assert_int_equal(admin_int(LOG_ROWS), 1234);
}

static void test_audit_survives_an_outage(void **state)
{
    struct config_db none = {.unix_socket = (char[]){"/nonexistent/mariadb.sock"}};
    CLEANUP(db_freep) struct db *away = db_new(&none);
    struct worker down = {.db = away};
    struct fail f = FAIL_INIT;
    uint64_t dropped = audit_dropped();
    (void)state;
    later(100, 1);
    assert_err(audit_flush(&down, &f), E_DB_DOWN, &f);
    later(10000, 101); /* the oldest hundred have no room any more */
    assert_int_equal(audit_dropped() - dropped, 100);
    fail_clear(&f);
    assert_err(audit_flush(&down, &f), E_DB_DOWN, &f);
    fail_clear(&f);
    assert_ok(audit_flush(&bench.w, &f), &f);
    assert_int_equal(admin_int(LOG_ROWS), 10000);
    assert_int_equal(admin_int("SELECT MIN(repository_id) FROM " DATABASE ".log_entry"), 101);
    /* in the order in which they came */
    assert_int_equal(admin_int(LOG_ROWS " a JOIN " DATABASE ".log_entry b ON b.id = a.id + 1 "
                                        "WHERE b.repository_id <= a.repository_id"),
                     0);
}

static void test_audit_drops_only_what_is_refused(void **state)
{
    struct audit_entry bad = pull(601, STR("{}"));
    uint64_t dropped = audit_dropped();
    struct fail f = FAIL_INIT;
    (void)state;
    bad.kind = (enum log_kind)70000; /* more than the column holds */
    later(600, 1);
    audit_later(&bad);
    later(600, 602);
    assert_err(audit_flush(&bench.w, &f), E_INTERNAL, &f);
    fail_clear(&f);
    assert_int_equal(admin_int(LOG_ROWS), 1200);
    assert_int_equal(audit_dropped() - dropped, 1);
    assert_int_equal(admin_int(LOG_ROWS " WHERE repository_id = 601"), 0);
    assert_ok(audit_flush(&bench.w, &f), &f);
    assert_int_equal(admin_int(LOG_ROWS), 1200);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_lease_has_one_holder),
        TEST(test_everything_runs_once),
        TEST(test_a_clock_put_back_stops_no_job),
        TEST(test_stopping_runs_nothing),
        TEST(test_a_fleet_does_each_once),
        TEST(test_a_failed_job_comes_again_soon),
        TEST(test_idle_uploads_go),
        TEST(test_expired_tokens_go),
        TEST(test_partitions),
        TEST(test_audit_write),
        TEST(test_audit_later),
        TEST(test_audit_survives_an_outage),
        TEST(test_audit_drops_only_what_is_refused),
    };
    log_set_level(LOG_ERROR);
    program_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    program_done();
    return failed;
}
