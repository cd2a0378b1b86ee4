/*
 * database.h - a fresh database for a test, on the server that tests/db/run-db started: its socket is in the environment
 * (GANTRY_TEST_DB_SOCKET), the migrations' directory too (GANTRY_TEST_SQL).
 */
#ifndef GANTRY_TESTS_DATABASE_H
#define GANTRY_TESTS_DATABASE_H

#include "db/internal.h" /* before cmocka.h, which makes fail() a macro */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Drops the database of this name if there is one and makes it anew, empty; how to connect to it. */
struct config_db database_new(const char *name);
/* The same with every migration applied. */
struct config_db database_migrated(const char *name);

const char *database_socket(void);
const char *database_sql_dir(void);

/* SQL as the superuser, in no database; fails the test when it fails. */
void admin_run(const char *sql);
/* The first column of the first row; 0 when NULL or no row. */
int64_t admin_int(const char *sql);
/* All rows, columns by '|', lines by '\n'; to be freed. */
char *admin_text(const char *sql);

/* Fails with what f says unless e is E_OK. */
#define assert_ok(e, f) database_assert((e), E_OK, (f), __FILE__, __LINE__)
#define assert_err(e, expected, f) database_assert((e), (expected), (f), __FILE__, __LINE__)
void database_assert(enum err e, enum err expected, const struct fail *f, const char *file, int line);

#endif
