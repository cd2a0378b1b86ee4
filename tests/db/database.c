/*
 * database.c - see database.h. Speaks to the server by itself: the engine is what is tested.
 */
#include "base/buf.h"

#include "database.h"

#include <stdio.h>
#include <stdlib.h>

const char *database_socket(void)
{
    const char *path = getenv("GANTRY_TEST_DB_SOCKET");
    if (!path)
        fail_msg("GANTRY_TEST_DB_SOCKET is not set: run this through tests/db/run-db");
    return path;
}

const char *database_sql_dir(void)
{
    const char *path = getenv("GANTRY_TEST_SQL");
    if (!path)
        fail_msg("GANTRY_TEST_SQL is not set: run this through tests/db/run-db");
    return path;
}

static MYSQL *admin(void)
{
    MYSQL *m = mysql_init(NULL);
    if (!m || !mysql_real_connect(m, "localhost", "root", "", NULL, 0, database_socket(), 0))
        fail_msg("cannot connect: %s", m ? mysql_error(m) : "no memory");
    return m;
}

static MYSQL_RES *admin_query(MYSQL *m, const char *sql)
{
    if (mysql_query(m, sql))
        fail_msg("%s: %s", sql, mysql_error(m));
    return mysql_store_result(m);
}

void admin_run(const char *sql)
{
    MYSQL *m = admin();
    mysql_free_result(admin_query(m, sql));
    mysql_close(m);
}

int64_t admin_int(const char *sql)
{
    MYSQL *m = admin();
    MYSQL_RES *result = admin_query(m, sql);
    MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
    int64_t n = row && row[0] ? strtoll(row[0], NULL, 10) : 0;
    mysql_free_result(result);
    mysql_close(m);
    return n;
}

char *admin_text(const char *sql)
{
    struct buf text = BUF_INIT;
    MYSQL *m = admin();
    MYSQL_RES *result = admin_query(m, sql);
    assert_non_null(result);
    unsigned columns = mysql_num_fields(result);
    for (MYSQL_ROW row; (row = mysql_fetch_row(result)) != NULL;) {
        const unsigned long *lengths = mysql_fetch_lengths(result);
        for (unsigned c = 0; c < columns; c++) {
            buf_put(&text, (struct str){row[c], row[c] ? lengths[c] : 0});
            buf_putc(&text, c + 1 < columns ? '|' : '\n');
        }
    }
    mysql_free_result(result);
    mysql_close(m);
    assert_int_equal(buf_err(&text), E_OK);
    return text.p ? text.p : calloc(1, 1);
}

struct config_db database_new(const char *name)
{
    static char socket[256], user[] = "root", names[8][64];
    static int used;
    char sql[160];
    char *kept = names[used++ % 8];
    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s", name);
    admin_run(sql);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    admin_run(sql);
    snprintf(socket, sizeof(socket), "%s", database_socket());
    snprintf(kept, sizeof(names[0]), "%s", name);
    return (struct config_db){.user = user, .name = kept, .unix_socket = socket};
}

void database_assert(enum err e, enum err expected, const struct fail *f, const char *file,
                     int line)
{
    if (e == expected)
        return;
    print_error("%s:%d: %s instead of %s: %s %s\n", file, line, err_info(e)->id,
                err_info(expected)->id, f ? f->message : "", f ? f->internal : "");
    _fail(file, line);
}
