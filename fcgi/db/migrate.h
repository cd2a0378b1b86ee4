/*
 * migrate.h - brings a database to the schema of this program.
 *
 * Migrations are the numbered files of a directory, applied in order, never backwards. What was done is noted in table
 * schema_migration after every single statement, and every statement can be run again: a run that was killed anywhere
 * is finished by the next one. One process of the fleet migrates at a time (a lease in table schema_lock, kept alive by a
 * heartbeat); the others wait, and then find nothing to do.
 *
 * Refused with E_CONFIG, before anything is changed: a database that is newer than the files, and a file that was
 * changed after it had been applied.
 */
#ifndef GANTRY_DB_MIGRATE_H
#define GANTRY_DB_MIGRATE_H

#include "base/config.h"
#include "base/err.h"
#include "base/str.h"

enum migrate_event_kind {
    MIGRATE_WAITING,  /* another process migrates; name is its owner text. Told once a second. */
    MIGRATE_PENDING,  /* dry run: this file would be run, from `statement` on */
    MIGRATE_FILE,     /* a file begins, or goes on from `statement` */
    MIGRATE_RUNNING,  /* a statement is about to run */
    MIGRATE_RAN,      /* it ran, and is not yet noted as done */
    MIGRATE_FILE_DONE,
};

struct migrate_event {
    enum migrate_event_kind kind;
    int version;
    struct str name;  /* of the file */
    size_t statement; /* counts from 1 */
    size_t statements;
    struct str sql;   /* MIGRATE_RUNNING, MIGRATE_RAN */
};

typedef void (*migrate_notify_fn)(void *ctx, const struct migrate_event *event);

struct migrate_options {
    const char *dir;          /* NULL: where `make install` put sql/ */
    migrate_notify_fn notify; /* may be NULL */
    void *ctx;
    bool dry_run;             /* changes nothing, tells MIGRATE_PENDING */
    int64_t lease_ms;         /* 0: 15 s; how long a killed run keeps the others out */
    int64_t wait_ms;          /* 0: 10 minutes; then E_BUSY */
};

enum err migrate_run(const struct config_db *config, struct fail *f, const struct migrate_options *options) MUST_CHECK;

struct migrate_status {
    int version; /* of the database: the last migration that is complete; 0: an empty database */
    int latest;  /* of the files */
    size_t done; /* statements of the one after `version` that were run, when it was interrupted */
};

/* Compares only; E_OK also when they differ. Refusals as in migrate_run(). */
enum err migrate_status(const struct config_db *config, struct fail *f, const char *dir, struct migrate_status *ret)
    MUST_CHECK;

#endif
