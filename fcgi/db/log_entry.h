/*
 * log_entry.h - rows of the audit log. audit/ is the caller; what a row means is told there.
 */
#ifndef GANTRY_DB_LOG_ENTRY_H
#define GANTRY_DB_LOG_ENTRY_H

#include "db/db.h"

struct log_row {
    int64_t at_ms;
    int64_t kind;          /* enum log_kind */
    int64_t account_id;    /* 0: NULL, as the next two */
    int64_t performer_id;
    int64_t repository_id;
    struct str ip;         /* empty: NULL */
    struct str metadata;   /* JSON object */
};

/* One round trip for 64 rows, for 16, or for one. Within a transaction when they must stand or fall together. */
enum err log_entry_insert(struct db *db, struct fail *f, const struct log_row *rows, size_t n) MUST_CHECK;

/* Where the last partition made so far ends (exclusive, milliseconds), 0 when there is only p_rest. */
enum err log_entry_partitioned_until(struct db *db, struct fail *f, int64_t *ret_ms) MUST_CHECK;

#endif
