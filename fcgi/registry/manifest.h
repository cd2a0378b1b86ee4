/*
 * manifest.h - manifests in a repository: put, get, delete. No HTTP, and no rights: callers have asked access/.
 *
 * A put is one transaction: the row (or the one that is there), its references, the tags, the audit rows. A deletion by
 * digest takes the manifest and its tags out of view at once; the row stays for the history, and a push revives it.
 *
 * References. Blobs and manifests that are named must be in the repository, with the size that is named (but for foreign
 * layers and with FEATURE_SPARSE_INDEX); a missing subject is fine. A push renews the leases of the blobs it names inside
 * its transaction, so a collector that removes links by comparing leased_ms cannot take one from under it.
 */
#ifndef GANTRY_REGISTRY_MANIFEST_H
#define GANTRY_REGISTRY_MANIFEST_H

#include "base/worker.h"
#include "registry/content_log.h"
#include "registry/manifest_parse.h"

#define MANIFEST_TAGS_MAX 50 /* in one push by digest */

struct manifest_put {
    const struct visitor *by;
    const struct repo *repo;
    const struct reference *reference; /* a tag, or the digest that the bytes must have */
    const struct str *tags;            /* with a digest: tags to be pointed at it as well */
    size_t n_tags;
    struct str content_type, bytes;
};

struct manifest_stored {
    struct digest digest;
    struct manifest_facts facts;
};

/*
 * E_MANIFEST_INVALID, E_MANIFEST_TYPE, E_MANIFEST_TOO_LARGE, E_DIGEST_INVALID (other bytes than the digest says),
 * E_MANIFEST_BLOB_UNKNOWN (detail: the digest), E_TAG_INVALID, E_TOO_MANY_TAGS.
 */
enum err manifest_put(struct worker *w, struct fail *f, const struct manifest_put *in,
                      struct manifest_stored *ret) MUST_CHECK;

struct manifest {
    int64_t id;
    struct digest digest;
    struct str media_type; /* arena */
    int64_t size;
};

/* One indexed query. E_MANIFEST_UNKNOWN; by tag also E_TAG_EXPIRED. */
enum err manifest_find(struct worker *w, struct fail *f, const struct repo *repo,
                       const struct reference *reference, struct manifest *ret) MUST_CHECK;
/* The bytes (arena) of what manifest_find() found: from the process's cache, or one query more. */
enum err manifest_read(struct worker *w, struct fail *f, const struct manifest *m,
                       struct str *ret) MUST_CHECK;

/* By digest. E_MANIFEST_UNKNOWN. Audit row delete_tag for each tag, or one with the digest when it had none. */
enum err manifest_delete(struct worker *w, struct fail *f, const struct visitor *by,
                         const struct repo *repo, const struct digest *digest) MUST_CHECK;

#endif
