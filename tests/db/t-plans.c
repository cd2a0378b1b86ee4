/*
 * t-plans.c - no statement reads more rows than it needs: on tables with some thousand rows, EXPLAIN of every SELECT,
 * UPDATE and DELETE names an index for each table it touches. The few that may walk a table are listed with their reason.
 */
#include "base/buf.h"

#include "database.h"

#include <stdio.h>
#include <stdlib.h>

#define DATABASE "gantry_test_plans"

/* May read whole tables. */
static const struct {
    enum stmt stmt;
    const char *why;
} allowed[] = {
    {STMT_LEASE_LIST, "a handful of rows, all of them wanted"},
    {STMT_MIGRATION_LIST, "a handful of rows, all of them wanted"},
    {STMT_MIGRATION_VERSION, "a handful of rows"},
    {STMT_SERVICE_KEY_LIST, "a handful of rows, nearly all of them wanted"},
    {STMT_SERVICE_KEY_DELETE_EXPIRED, "a handful of rows"},
    {STMT_APP_TOKEN_DELETE_EXPIRED, "once a day, by the worker"},
    {STMT_OAUTH_TOKEN_DELETE_EXPIRED, "once a day, by the worker"},
    {STMT_ACCOUNT_RETIRED, "once an hour, by the worker"},
    /* sorted by two tables' names, which no index can be; 0.2 s a page on a hundred thousand repositories */
    {STMT_REPOSITORY_LIST_ALL, "the operator's list of everything"},
    {STMT_REPOSITORY_LIST_READABLE, "the catalog"},
};

/* Namespace n of 200 has ten repositories, each of those ten manifests and tags with a history, and so on. */
static const char *const seeds[] = {
    "INSERT INTO account (id, uuid, kind, name, email, namespace_id, created_ms) SELECT seq, "
    "CONCAT('u', seq), IF(seq <= 1000, 1, 2), CONCAT('n', LPAD(seq, 6, '0')), CONCAT('e', seq), "
    "NULL, 0 FROM seq_1_to_2000",
    "INSERT INTO account (id, uuid, kind, name, namespace_id, created_ms) SELECT seq, "
    "CONCAT('u', seq), 3, CONCAT('n', LPAD(seq % 1000 + 1, 6, '0'), '+r', seq), seq % 1000 + 1, 0 "
    "FROM seq_2001_to_4000",
    "INSERT INTO robot_token SELECT id, CONCAT('h', id), 'x', '', 0 FROM account WHERE kind = 3",
    "INSERT INTO app_token (uuid, account_id, title, token_hash, token_enc, created_ms, "
    "expires_ms) "
    "SELECT CONCAT('t', seq), seq % 1000 + 1, '', CONCAT('h', seq), '', 0, seq FROM seq_1_to_2000",
    "INSERT INTO oauth_token (uuid, account_id, scope, token_hash, created_ms, expires_ms) "
    "SELECT CONCAT('t', seq), seq % 1000 + 1, '', CONCAT('h', seq), 0, seq FROM seq_1_to_2000",
    "INSERT INTO team (id, organization_id, name, role, description) SELECT seq, "
    "1001 + seq % 1000, CONCAT('t', seq), seq % 3 + 1, '' FROM seq_1_to_3000",
    "INSERT INTO team_member SELECT a.seq, (a.seq * 7 + b.seq * 131) % 1000 + 1 FROM seq_1_to_3000 "
    "a JOIN seq_1_to_5 b",
    "INSERT INTO repository (id, namespace_id, name, is_public, description, created_ms) SELECT "
    "seq, seq % 200 + 1001, CONCAT('r', LPAD(seq, 6, '0')), seq % 10 = 0, '', 0 FROM seq_1_to_2000",
    "INSERT INTO repository_permission (repository_id, account_id, role) SELECT a.seq, "
    "(a.seq + b.seq * 37) % 1000 + 1, 2 FROM seq_1_to_2000 a JOIN seq_1_to_3 b",
    "INSERT INTO repository_permission (repository_id, team_id, role) SELECT a.seq, "
    "(a.seq + b.seq * 37) % 3000 + 1, 2 FROM seq_1_to_2000 a JOIN seq_1_to_3 b",
    "INSERT INTO permission_prototype (uuid, organization_id, activating_account_id, "
    "delegate_account_id, role) SELECT CONCAT('p', seq), 1001 + seq % 1000, "
    "IF(seq % 2, NULL, seq % 1000 + 1), seq % 1000 + 1, 1 FROM seq_1_to_2000",
    "INSERT INTO storage_location (id, name) VALUES (1, 'default'), (2, 'other')",
    "INSERT INTO blob_content (id, digest, size, created_ms) SELECT seq, CONCAT('d', seq), 1, 0 "
    "FROM seq_1_to_5000",
    "INSERT INTO blob_placement SELECT seq, 1 FROM seq_1_to_5000",
    "INSERT INTO repository_blob SELECT a.seq % 2000 + 1, (a.seq + b.seq * 997) % 5000 + 1, a.seq "
    "FROM seq_1_to_5000 a JOIN seq_1_to_2 b",
    "INSERT INTO upload (uuid, repository_id, account_id, location_id, algorithm, hash_state, "
    "created_ms, updated_ms) SELECT CONCAT('u', seq), seq % 2000 + 1, seq % 1000 + 1, 1, 1, '', "
    "seq, seq FROM seq_1_to_3000",
    "INSERT INTO manifest (id, repository_id, digest, media_type, subject_digest, size, bytes, "
    "created_ms, "
    "pushed_ms) SELECT seq, seq % 2000 + 1, CONCAT('m', seq), 'x', IF(seq % 5, NULL, "
    "CONCAT('s', seq % 50)), 1, 'x', 0, 0 FROM seq_1_to_6000",
    "INSERT INTO manifest_blob SELECT a.seq, (a.seq + b.seq * 997) % 5000 + 1 FROM seq_1_to_6000 a "
    "JOIN seq_1_to_3 b",
    "INSERT INTO manifest_child SELECT seq, CONCAT('m', seq + 1), seq % 2000 + 1 FROM "
    "seq_1_to_3000",
    "INSERT INTO tag (repository_id, name, manifest_id, is_current, start_ms, end_ms, expires_ms) "
    "SELECT a.seq % 2000 + 1, CONCAT('v', a.seq DIV 2000), a.seq, IF(b.seq = 1, 1, NULL), "
    "b.seq, IF(b.seq = 1, NULL, b.seq), IF(a.seq % 7, NULL, a.seq) FROM seq_1_to_6000 a "
    "JOIN seq_1_to_3 b",
    "INSERT INTO service_key SELECT CONCAT('k', seq), '', '', seq, seq, seq FROM seq_1_to_3",
    "INSERT INTO lease (name, owner, until_ms) SELECT CONCAT('l', seq), '', 0 FROM seq_1_to_5",
    "INSERT INTO log_entry (at_ms, kind, account_id, performer_id, repository_id, metadata) SELECT "
    "seq, 97, seq % 1000 + 1, seq % 100 + 1, seq % 2000 + 1, '{}' FROM seq_1_to_20000",
};

static MYSQL *connection(void)
{
    struct config_db config = database_migrated(DATABASE);
    MYSQL *m = mysql_init(NULL);
    assert_non_null(m);
    assert_non_null(
        mysql_real_connect(m, "localhost", config.user, "", config.name, 0, config.unix_socket, 0));
    return m;
}

static void run(MYSQL *m, const char *sql)
{
    if (mysql_query(m, sql))
        fail_msg("%s: %s", sql, mysql_error(m));
    mysql_free_result(mysql_store_result(m));
}

static bool is_explained(const struct stmt_row *row)
{
    struct str sql = str_z(row->sql);
    return (str_starts(sql, STR("SELECT")) || str_starts(sql, STR("UPDATE")) ||
            str_starts(sql, STR("DELETE"))) &&
           strstr(sql.p, " FROM information_schema.") == NULL;
}

static const char *value_of(const char *sql, const char *at, char type)
{
    if (at - sql >= 6 && memcmp(at - 6, "LIMIT ", 6) == 0)
        return "100";
    return type == 'i' ? "1234" : "'n000100'";
}

/* The statement with its parameters written out: numbers in the middle of the seeds, texts that come before most. */
static void with_values(struct buf *out, const struct stmt_row *row)
{
    const char *type = row->params;
    buf_putz(out, "EXPLAIN ");
    for (const char *p = row->sql; *p; p++) {
        if (*p != '?')
            buf_putc(out, *p);
        else
            buf_putz(out, value_of(row->sql, p, *type++));
    }
    assert_int_equal(buf_err(out), E_OK);
}

/* Columns of EXPLAIN: id, select_type, table, type, possible_keys, key, key_len, ref, rows, Extra. */
static int whole_tables(MYSQL *m, const struct stmt_row *row)
{
    struct buf sql = BUF_INIT;
    int found = 0;
    with_values(&sql, row);
    if (mysql_query(m, sql.p))
        fail_msg("%s: %s", sql.p, mysql_error(m));
    MYSQL_RES *plan = mysql_store_result(m);
    for (MYSQL_ROW r; (r = mysql_fetch_row(plan)) != NULL;) {
        bool walks = r[3] && (strcmp(r[3], "ALL") == 0 || strcmp(r[3], "index") == 0);
        if (!walks || !r[2] || r[2][0] == '<') /* <derived2>: a subquery's own rows */
            continue;
        print_message("# %s: %s of table %s, about %s rows, key %s (%s)\n", row->name, r[3], r[2],
                      r[8] ? r[8] : "?", r[5] ? r[5] : "none", r[9] ? r[9] : "");
        found++;
    }
    mysql_free_result(plan);
    buf_done(&sql);
    return found;
}

static bool is_allowed(int stmt)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if ((int)allowed[i].stmt == stmt)
            return true;
    }
    return false;
}

static void test_plans(void **state)
{
    MYSQL *m = connection();
    int wrong = 0, seen = 0;
    (void)state;
    run(m, "SET SESSION foreign_key_checks = 1");
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
        run(m, seeds[i]);
    run(m, "ANALYZE TABLE account, robot_token, app_token, oauth_token, team, team_member, "
           "repository, "
           "repository_permission, permission_prototype, blob_content, blob_placement, "
           "repository_blob, upload, manifest, manifest_blob, manifest_child, tag, log_entry");
    for (int i = 0; i < STMT_COUNT; i++) {
        if (!is_explained(stmt_row((enum stmt)i)))
            continue;
        seen++;
        if (!is_allowed(i))
            wrong += whole_tables(m, stmt_row((enum stmt)i));
    }
    mysql_close(m);
    assert_true(seen > 50);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plans)};
    db_library_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    db_library_done();
    return failed;
}
