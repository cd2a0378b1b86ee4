/*
 * blob.h - rows of blobs, of the places where they lie and of the repositories that have them: one
 * accessor a statement. Digests are in the database's form (digest_db()). The rules are
 * registry/blob.c's.
 */
#ifndef GANTRY_DB_BLOB_H
#define GANTRY_DB_BLOB_H

#include "base/arena.h"
#include "db/db.h"

struct blob_row {
    int64_t id;
    uint64_t size;
};

/* The blob, when the repository has a link to it and it lies at the location; E_NO_ROW. */
enum err blob_row_find_in(struct db *db, struct fail *f, struct str location, struct str digest,
                          int64_t repository_id, struct blob_row *ret) MUST_CHECK;

/* Inside a transaction: the row stays until its end. E_NO_ROW. */
enum err blob_row_lock(struct db *db, struct fail *f, struct str digest,
                       int64_t *ret_id) MUST_CHECK;
/* E_DUPLICATE when somebody was faster (not recorded in f). */
enum err blob_row_insert(struct db *db, struct fail *f, struct str digest, uint64_t size,
                         int64_t now_ms, int64_t *ret_id) MUST_CHECK;
enum err blob_row_place(struct db *db, struct fail *f, int64_t blob_id,
                        int64_t location_id) MUST_CHECK;
/* An existing link keeps the later lease. */
enum err blob_row_link(struct db *db, struct fail *f, int64_t repository_id, int64_t blob_id,
                       int64_t leased_ms) MUST_CHECK;
/* E_NO_ROW when there was no link. */
enum err blob_row_unlink(struct db *db, struct fail *f, struct str digest,
                         int64_t repository_id) MUST_CHECK;

/* A repository that has a blob. */
struct blob_holder {
    int64_t repository_id, namespace_id;
    struct str namespace_name, name;
    bool is_public, namespace_enabled, namespace_is_org;
    int state;
};

struct blob_holder_list {
    struct blob_holder *v;
    size_t n;
};

/* At most limit, the wanted repository first, then its namespace, then public ones. */
enum err blob_row_holders(struct db *db, struct fail *f, struct arena *a, struct str digest,
                          int64_t wanted_repository, int64_t wanted_namespace, size_t limit,
                          struct blob_holder_list *ret) MUST_CHECK;

/* The id of a storage location; the row is made when it is missing. */
enum err location_row_id(struct db *db, struct fail *f, struct str name, int64_t *ret) MUST_CHECK;

#endif
