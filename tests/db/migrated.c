/*
 * migrated.c - a database with our schema. Apart from database.c, because programs with statements of their own must not
 * be linked with code that uses the real ones.
 */
#include "db/migrate.h"

#include "database.h"

struct config_db database_migrated(const char *name)
{
    struct config_db config = database_new(name);
    struct migrate_options options = {.dir = database_sql_dir()};
    struct fail f = FAIL_INIT;
    assert_ok(migrate_run(&config, &f, &options), &f);
    return config;
}
