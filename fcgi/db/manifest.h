/*
 * manifest.h - rows of manifests: one accessor a statement. What they mean together is registry/manifest.c's.
 *
 * A row with deleted_ms is not found by the reading accessors; manifest_row_lock() finds it, to revive it.
 */
#ifndef GANTRY_DB_MANIFEST_H
#define GANTRY_DB_MANIFEST_H

#include "base/arena.h"
#include "db/db.h"

struct manifest_row {
    int64_t id;
    struct str digest; /* the database's form */
    struct str media_type;
    int64_t size;
    int64_t expires_ms; /* by tag only: of the tag, 0: never */
};

/* E_NO_ROW. Slices are the arena's. */
enum err manifest_row_by_digest(struct db *db, struct fail *f, struct arena *a,
                                int64_t repository_id, struct str digest,
                                struct manifest_row *ret) MUST_CHECK;
/* By a tag's living row; one that has expired comes back too, with its time. */
enum err manifest_row_by_tag(struct db *db, struct fail *f, struct arena *a, int64_t repository_id,
                             struct str tag, struct manifest_row *ret) MUST_CHECK;
enum err manifest_row_bytes(struct db *db, struct fail *f, struct arena *a, int64_t id,
                            struct str *ret) MUST_CHECK;

/* Locks the row to the end of the transaction, deleted or not. E_NO_ROW. */
enum err manifest_row_lock(struct db *db, struct fail *f, int64_t repository_id, struct str digest,
                           int64_t *ret_id, bool *ret_deleted) MUST_CHECK;

struct manifest_new {
    int64_t repository_id;
    struct str digest, media_type;
    struct str artifact_type, config_media_type, subject_digest, annotations; /* p NULL: none */
    int64_t layers_size;
    struct str bytes;
};
/* *ret_inserted false: the row was made by somebody else meanwhile, and is locked now. */
enum err manifest_row_insert(struct db *db, struct fail *f, const struct manifest_new *in,
                             int64_t now_ms, bool *ret_inserted) MUST_CHECK;
/* Pushed again: into view if it was deleted. */
enum err manifest_row_pushed(struct db *db, struct fail *f, int64_t id, int64_t now_ms) MUST_CHECK;
enum err manifest_row_delete(struct db *db, struct fail *f, int64_t id, int64_t now_ms) MUST_CHECK;

/* ---- references ---- */

/* The blob behind the repository's own link. E_NO_ROW. */
enum err manifest_blob_find(struct db *db, struct fail *f, int64_t repository_id, struct str digest,
                            int64_t *ret_id, int64_t *ret_size) MUST_CHECK;
/*
 * Holds the link to the end of the transaction and lets it live until until_ms at least, always changing leased_ms: a
 * collector removes a link only by comparing leased_ms with what it has read. E_NO_ROW when the link has just gone.
 */
enum err manifest_blob_renew(struct db *db, struct fail *f, int64_t repository_id, int64_t blob_id,
                             int64_t until_ms) MUST_CHECK;
/* Both: no error when it is there. */
enum err manifest_blob_link(struct db *db, struct fail *f, int64_t manifest_id,
                            int64_t blob_id) MUST_CHECK;
enum err manifest_child_link(struct db *db, struct fail *f, int64_t manifest_id,
                             struct str child_digest, int64_t repository_id) MUST_CHECK;

/* ---- referrers ---- */

struct referrer_row {
    int64_t id;
    struct str digest, media_type;
    int64_t size;
    struct str artifact_type; /* p NULL: none */
    struct str annotations;   /* p NULL: none, or has_more */
    bool has_more;            /* too long for a list: ask manifest_row_annotations() */
};
struct referrer_rows {
    struct referrer_row *v;
    size_t n;
};
/* artifact_type p NULL: all. In the order of ids, those after after_id. */
enum err manifest_row_referrers(struct db *db, struct fail *f, struct arena *a,
                                int64_t repository_id, struct str subject_digest,
                                struct str artifact_type, int64_t after_id, size_t limit,
                                struct referrer_rows *ret) MUST_CHECK;
enum err manifest_row_annotations(struct db *db, struct fail *f, struct arena *a, int64_t id,
                                  struct str *ret) MUST_CHECK;
/* Size and subject (p NULL: none) of a manifest in view. E_NO_ROW. */
enum err manifest_row_subject(struct db *db, struct fail *f, struct arena *a, int64_t repository_id,
                              struct str digest, int64_t *ret_size,
                              struct str *ret_subject) MUST_CHECK;

#endif
