/*
 * referrers.h - who refers to a manifest (distribution-spec "Listing Referrers").
 *
 * Every manifest's subject is read when it is pushed, whether or not the referrers API is switched on, so what was pushed
 * by older clients is found as well. What they list under the fallback tag (`sha256-<hex>`) and what names no subject of its own
 * is merged in before the rest.
 */
#ifndef GANTRY_REGISTRY_REFERRERS_H
#define GANTRY_REGISTRY_REFERRERS_H

#include "base/buf.h"
#include "base/worker.h"
#include "registry/digest.h"
#include "registry/repository.h"

#define REFERRERS_PAGE_BYTES ((size_t)4 << 20)

struct referrers_query {
    const struct repo *repo; /* id 0: nobody refers */
    struct digest subject;
    struct str artifact_type; /* p NULL: all */
    int64_t after;            /* what the page before gave as next; 0: the first page */
    size_t limit;             /* entries, 0: as many as fit into REFERRERS_PAGE_BYTES */
};

/* Appends an image index. *ret_next: where the next page starts, 0: this was the last. */
enum err referrers_list(struct worker *w, struct fail *f, const struct referrers_query *q,
                        struct buf *out, int64_t *ret_next) MUST_CHECK;

/* "sha256-<64 hex>": algorithm cut to 32 characters, the rest to 64. */
#define FALLBACK_TAG_MAX 104
void referrers_fallback_tag(const struct digest *subject, char out[static FALLBACK_TAG_MAX]);
/* Whether a tag is of that form. */
bool referrers_is_fallback_tag(struct str tag);

#endif
