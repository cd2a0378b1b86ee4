/*
 * migration_file.h - the numbered files of sql/: found, read, cut into statements. No database in here.
 */
#ifndef GANTRY_DB_MIGRATION_FILE_H
#define GANTRY_DB_MIGRATION_FILE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define MIGRATION_CHECKSUM 32 /* SHA-256 of the file */

struct migration {
    int version;            /* 1, 2, ... without gaps */
    struct str name;        /* "0001-foundation.sql" */
    uint8_t checksum[MIGRATION_CHECKSUM];
    struct str *statements; /* without comments before them and the ';' behind */
    size_t n_statements;
};

struct migrations {
    struct migration *v; /* v[i].version is i + 1 */
    size_t n;
};

/* Everything in dir that is named NNNN-words.sql, in the arena. E_CONFIG names the file and what is wrong with it. */
enum err migrations_load(struct fail *f, struct arena *a, const char *dir, struct migrations *ret) MUST_CHECK;

/*
 * Cuts SQL text at the semicolons that end statements: not those in quotes ('', "", ``) and comments (--, #, C's).
 * E_CONFIG when a quote or comment does not end. name is for the message.
 */
enum err sql_split(struct fail *f, struct arena *a, struct str name, struct str text, struct str **ret, size_t *ret_n)
    MUST_CHECK;

#endif
