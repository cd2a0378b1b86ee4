/*
 * tag.h - rows of tags: one accessor a statement. A row is a piece of a tag's history; what moves are made of is
 * registry/tag.c's.
 */
#ifndef GANTRY_DB_TAG_H
#define GANTRY_DB_TAG_H

#include "base/arena.h"
#include "db/db.h"

struct tag_row {
    int64_t id;
    struct str name; /* tag_row_of_manifest() only */
    int64_t manifest_id;
    int64_t start_ms;
    int64_t expires_ms; /* 0: never */
};
struct tag_rows {
    struct tag_row *v;
    size_t n;
};
struct tag_names {
    struct str *v;
    size_t n;
};

/* The living row, locked to the end of the transaction; expired ones too. E_NO_ROW. */
enum err tag_row_lock(struct db *db, struct fail *f, int64_t repository_id, struct str name,
                      struct tag_row *ret) MUST_CHECK;
/* *ret_inserted false: there is a living row, made by somebody else meanwhile, and locked now. */
enum err tag_row_insert(struct db *db, struct fail *f, int64_t repository_id, struct str name,
                        int64_t manifest_id, int64_t start_ms, bool *ret_inserted) MUST_CHECK;
enum err tag_row_close(struct db *db, struct fail *f, int64_t id, int64_t end_ms) MUST_CHECK;
/* All living rows on a manifest, locked, by name. */
enum err tag_row_of_manifest(struct db *db, struct fail *f, struct arena *a, int64_t manifest_id,
                             struct tag_rows *ret) MUST_CHECK;

/* Names of living tags after the given one ("" for the first), in byte order. */
enum err tag_row_names(struct db *db, struct fail *f, struct arena *a, int64_t repository_id,
                       struct str after, int64_t now_ms, size_t limit,
                       struct tag_names *ret) MUST_CHECK;
/* When the latest row of the name ended and was to expire; 0: not. E_NO_ROW: there was never such a tag. */
enum err tag_row_latest(struct db *db, struct fail *f, int64_t repository_id, struct str name,
                        int64_t *ret_end_ms, int64_t *ret_expires_ms) MUST_CHECK;

#endif
