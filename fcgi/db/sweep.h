/*
 * sweep.h - rows that nobody needs any more, for the jobs that remove them: a bounded number a call, so that no call
 * holds locks for long.
 */
#ifndef GANTRY_DB_SWEEP_H
#define GANTRY_DB_SWEEP_H

#include "db/db.h"

/* Sessions last touched before before_ms, the longest idle first; uuids in the arena. */
enum err sweep_idle_uploads(struct db *db, struct fail *f, struct arena *a, int64_t before_ms, size_t limit,
                            struct str **ret, size_t *ret_n) MUST_CHECK;
/* False: it was touched meanwhile, or is gone. */
enum err sweep_upload_delete(struct db *db, struct fail *f, struct str uuid, int64_t before_ms, bool *ret) MUST_CHECK;
enum err sweep_upload_exists(struct db *db, struct fail *f, struct str uuid, bool *ret) MUST_CHECK;

/* Tokens that ran out before before_ms. */
enum err sweep_app_tokens(struct db *db, struct fail *f, int64_t before_ms, size_t limit, uint64_t *ret_removed) MUST_CHECK;
enum err sweep_oauth_tokens(struct db *db, struct fail *f, int64_t before_ms, size_t limit, uint64_t *ret_removed)
    MUST_CHECK;

#endif
