/*
 * upload.h - blobs on their way in: sessions of one or many requests, on any process of any host.
 *
 * The row of a session holds how many bytes there are and the hash over just these. Bytes are made
 * durable first, then count and hash move in one UPDATE guarded by the old count; so the row never
 * promises what is not on disk, and what lies behind the count is cut off by the next request. One
 * request at a time writes (store_lock()).
 *
 * A session belongs to its repository and to the account that started it; for everybody else it
 * does not exist.
 */
#ifndef GANTRY_REGISTRY_UPLOAD_H
#define GANTRY_REGISTRY_UPLOAD_H

#include "base/random.h"
#include "registry/blob.h"

struct upload {
    int64_t id;
    char uuid[UUID_TEXT];
    int64_t repository_id;
    enum digest_algorithm algorithm;
    uint64_t byte_count;
    struct str hash_state; /* arena */
};

/* Content-Range of a chunk: "<first>-<last>", inclusive, no unit and no total (distribution-spec,
 * "Pushing a blob in chunks"). Without one, a body goes behind what is there. */
struct upload_range {
    bool given;
    uint64_t first, last;
};

/* Empty text: not given. E_UPLOAD_INVALID when malformed. */
enum err upload_range_parse(struct fail *f, struct str text, struct upload_range *ret) MUST_CHECK;

/*
 * Where a body of `length` bytes goes: *ret_offset is u's count, or 0 for a restart, which is a
 * chunk from 0 that reaches further than what is there (a shorter one, or the same once more, is
 * out of order). E_RANGE_INVALID; E_SIZE_INVALID when length and range disagree; E_TOO_LARGE past
 * MAXIMUM_LAYER_SIZE. Without has_length only the place is judged.
 */
enum err upload_place(const struct worker *w, struct fail *f, const struct upload *u,
                      const struct upload_range *range, bool has_length, uint64_t length,
                      uint64_t *ret_offset) MUST_CHECK;

enum err upload_start(struct worker *w, struct fail *f, const struct caller *c,
                      const struct repo *repo, enum digest_algorithm algorithm,
                      struct upload *ret) MUST_CHECK;

/* E_UPLOAD_UNKNOWN: no such session, or not this caller's. */
enum err upload_find(struct worker *w, struct fail *f, const struct caller *c,
                     const struct repo *repo, struct str uuid, struct upload *ret) MUST_CHECK;

/* body_file: nginx's, or empty. *u is brought up to date, also on E_RANGE_INVALID; *ret_added may
 * be NULL. */
enum err upload_append(struct worker *w, struct fail *f, struct upload *u,
                       const struct upload_range *range, struct str body_file,
                       uint64_t *ret_added) MUST_CHECK;

/*
 * Takes the last chunk, if any, compares the digest and makes the blob the repository's. With
 * another digest than promised the session is dropped: E_DIGEST_INVALID. The digest's algorithm
 * need not be the session's; then the bytes are read once more. *u as in upload_append().
 */
enum err upload_finish(struct worker *w, struct fail *f, struct upload *u,
                       const struct upload_range *range, struct str body_file,
                       const struct digest *want, struct blob *ret) MUST_CHECK;

/* The whole blob in one request, without a session. */
enum err upload_whole(struct worker *w, struct fail *f, const struct repo *repo,
                      struct str body_file, const struct digest *want, struct blob *ret) MUST_CHECK;

enum err upload_cancel(struct worker *w, struct fail *f, const struct upload *u) MUST_CHECK;

/*
 * For the worker: ends sessions untouched for GANTRY_UPLOAD_EXPIRATION, then removes files of that
 * age that belong to no session. Small steps; may be stopped anywhere, and asks go_on(ctx) before
 * each step whether it should (NULL: always). *ret_removed: sessions and files.
 */
enum err upload_sweep(struct worker *w, struct fail *f, bool (*go_on)(void *ctx), void *ctx,
                      uint64_t *ret_removed) MUST_CHECK;

#endif
