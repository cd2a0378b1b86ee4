/*
 * blob.h - blobs as repositories see them. No HTTP.
 *
 * A blob is stored once for all; a repository may read it only through its own link row. A link
 * made by a push or a mount lives without a manifest until PUSH_TEMP_TAG_EXPIRATION_SEC have
 * passed. The row of a blob says that its bytes are durable; the file is looked at all the same
 * before anybody hears "exists", so that a lost file is mended by the next push instead of being
 * skipped for ever.
 */
#ifndef GANTRY_REGISTRY_BLOB_H
#define GANTRY_REGISTRY_BLOB_H

#include "auth/caller.h"
#include "base/err.h"
#include "base/worker.h"
#include "registry/digest.h"
#include "registry/repository.h"

struct blob {
    int64_t id;
    struct digest digest;
    uint64_t size;
};

/* E_BLOB_UNKNOWN: no link from this repository, or the bytes are gone. One query and one stat(2).
 */
enum err blob_find(struct worker *w, struct fail *f, int64_t repository_id, const struct digest *d,
                   struct blob *ret) MUST_CHECK;

/*
 * After store_commit(): the blob's row, its place, the repository's link and the end of the upload
 * (its row's id, or 0) in one transaction. Two at once both succeed.
 */
enum err blob_register(struct worker *w, struct fail *f, int64_t repository_id,
                       const struct digest *d, uint64_t size, int64_t upload_id,
                       struct blob *ret) MUST_CHECK;

/*
 * Links a blob of another repository that the caller may read: of `from` (a full name), or, when
 * from.p is NULL, of any. *ret_mounted is false when there is none (why is nobody's business): the
 * caller then uploads it.
 */
enum err blob_mount(struct worker *w, struct fail *f, const struct caller *c,
                    const struct repo *repo, const struct digest *d, struct str from,
                    struct blob *ret, bool *ret_mounted) MUST_CHECK;

/* Ends the repository's link; manifests that name the blob stay. E_BLOB_UNKNOWN. */
enum err blob_delete(struct worker *w, struct fail *f, int64_t repository_id,
                     const struct digest *d) MUST_CHECK;

#endif
