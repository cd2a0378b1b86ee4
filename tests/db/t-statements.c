/*
 * t-statements.c - every row of statements.def against the schema that the migrations make: it prepares, and its
 * signature says what the server says about parameters and columns.
 *
 * 'i' is a whole number of the server (of any width, signed or not, or a sum, which is a decimal without places), 's' and 'b'
 * are its texts and bytes. A parameter has no type before it is bound, so of those only the number is known.
 */
#include "database.h"

#include <stdio.h>
#include <stdlib.h>

#define DATABASE "gantry_test_statements"

static bool is_whole(const MYSQL_FIELD *field)
{
    switch (field->type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
        return true;
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
        return field->decimals == 0;
    default:
        return false;
    }
}

static bool is_text(const MYSQL_FIELD *field)
{
    switch (field->type) {
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
        return true;
    default:
        return false;
    }
}

static int wrong_letters(const struct stmt_row *row, const char *letters, const char *allowed)
{
    if (strspn(letters, allowed) == strlen(letters))
        return 0;
    print_error("%s: \"%s\" has other letters than \"%s\"\n", row->name, letters, allowed);
    return 1;
}

static int wrong_columns(const struct stmt_row *row, MYSQL_STMT *stmt)
{
    unsigned n = mysql_stmt_field_count(stmt);
    int wrong = 0;
    if (n != strlen(row->results)) {
        print_error("%s: %u columns, \"%s\" in the row\n", row->name, n, row->results);
        return 1;
    }
    MYSQL_RES *meta = mysql_stmt_result_metadata(stmt);
    for (unsigned c = 0; c < n; c++) {
        const MYSQL_FIELD *field = mysql_fetch_field_direct(meta, c);
        if (row->results[c] == 'i' ? is_whole(field) : is_text(field))
            continue;
        print_error("%s: column %u (%s) has the server's type %d, '%c' in the row\n", row->name, c,
                    field->name, (int)field->type, row->results[c]);
        wrong++;
    }
    mysql_free_result(meta);
    return wrong;
}

static int wrong_statement(MYSQL *m, const struct stmt_row *row)
{
    int wrong = wrong_letters(row, row->params, "isb") + wrong_letters(row, row->results, "isb");
    MYSQL_STMT *stmt = mysql_stmt_init(m);
    assert_non_null(stmt);
    if (mysql_stmt_prepare(stmt, row->sql, strlen(row->sql))) {
        print_error("%s: %s\n", row->name, mysql_stmt_error(stmt));
        wrong++;
    } else {
        if (mysql_stmt_param_count(stmt) != strlen(row->params)) {
            print_error("%s: %lu parameters, \"%s\" in the row\n", row->name,
                        mysql_stmt_param_count(stmt), row->params);
            wrong++;
        }
        wrong += wrong_columns(row, stmt);
    }
    mysql_stmt_close(stmt);
    return wrong;
}

static void test_every_statement(void **state)
{
    struct config_db config = database_migrated(DATABASE);
    MYSQL *m = mysql_init(NULL);
    int wrong = 0;
    (void)state;
    assert_non_null(
        mysql_real_connect(m, "localhost", config.user, "", config.name, 0, config.unix_socket, 0));
    assert_int_equal(mysql_query(m, "SET SESSION sql_mode = 'STRICT_ALL_TABLES,"
                                    "NO_ENGINE_SUBSTITUTION'"),
                     0);
    for (int i = 0; i < STMT_COUNT; i++)
        wrong += wrong_statement(m, stmt_row((enum stmt)i));
    mysql_close(m);
    assert_int_equal(wrong, 0);
    assert_true(STMT_COUNT > 100);
}

/* Rules of the schema that statements rely on (sql/0001-foundation.sql, at its head). */
static void test_schema_rules(void **state)
{
    (void)state;
    (void)database_migrated(DATABASE);
    char *without =
        admin_text("SELECT t.table_name FROM information_schema.tables t LEFT JOIN "
                   "information_schema.table_constraints c ON c.table_schema = t.table_schema AND "
                   "c.table_name = t.table_name AND c.constraint_type = 'PRIMARY KEY' "
                   "WHERE t.table_schema = '" DATABASE "' AND c.constraint_name IS NULL");
    assert_string_equal(without, "");
    free(without);
    char *other = admin_text("SELECT table_name, engine, table_collation FROM "
                             "information_schema.tables WHERE table_schema = '" DATABASE "' AND "
                             "(engine <> 'InnoDB' OR table_collation <> 'utf8mb4_bin')");
    assert_string_equal(other, "");
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_statement),
        cmocka_unit_test(test_schema_rules),
    };
    db_library_init();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    db_library_done();
    return failed;
}
