/*
 * upload.h - rows of uploads in progress: one accessor a statement. What they mean is
 * registry/upload.c's.
 */
#ifndef GANTRY_DB_UPLOAD_H
#define GANTRY_DB_UPLOAD_H

#include "base/arena.h"
#include "db/db.h"

struct upload_row {
    int64_t id;
    int algorithm; /* enum digest_algorithm */
    uint64_t byte_count;
    struct str hash_state; /* arena */
};

/* In what is new, id and byte_count are not looked at. */
enum err upload_row_insert(struct db *db, struct fail *f, struct str uuid, int64_t repository_id,
                           int64_t account_id, int64_t location_id, const struct upload_row *in,
                           int64_t now_ms, int64_t *ret_id) MUST_CHECK;
/* E_NO_ROW as well when the session is another repository's or account's. */
enum err upload_row_find(struct db *db, struct fail *f, struct arena *a, struct str uuid,
                         int64_t repository_id, int64_t account_id,
                         struct upload_row *ret) MUST_CHECK;
/* The row as it is now; E_NO_ROW. */
enum err upload_row_get(struct db *db, struct fail *f, struct arena *a, int64_t id,
                        struct upload_row *ret) MUST_CHECK;
/* From the old count to in's; E_NO_ROW when the count is another by now. The two counts must
 * differ. */
enum err upload_row_advance(struct db *db, struct fail *f, const struct upload_row *in,
                            uint64_t old_count, int64_t now_ms) MUST_CHECK;
/* No row is no error. */
enum err upload_row_delete(struct db *db, struct fail *f, int64_t id) MUST_CHECK;
enum err upload_row_exists(struct db *db, struct fail *f, struct str uuid, bool *ret) MUST_CHECK;

struct upload_expired {
    int64_t id;
    struct str uuid;
};

struct upload_expired_list {
    struct upload_expired *v;
    size_t n;
};

/* Those last touched before before_ms, the oldest first. */
enum err upload_row_expired(struct db *db, struct fail *f, struct arena *a, int64_t before_ms,
                            size_t limit, struct upload_expired_list *ret) MUST_CHECK;
/* *ret: it was there, and still untouched. */
enum err upload_row_expire(struct db *db, struct fail *f, int64_t id, int64_t before_ms,
                           bool *ret) MUST_CHECK;

#endif
