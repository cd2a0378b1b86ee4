/*
 * tag.h - tags: names that point at manifests, and the history of that.
 *
 * A move or a deletion closes the living row and (a move) opens another; rows are never changed otherwise, so that the
 * history can be shown and gone back to. The functions with a db run inside a transaction of the caller's.
 */
#ifndef GANTRY_REGISTRY_TAG_H
#define GANTRY_REGISTRY_TAG_H

#include "base/worker.h"
#include "db/tag.h"
#include "registry/content_log.h"

/* Points the tag at the manifest. No new row when it does so already. */
enum err tag_point(struct db *db, struct fail *f, int64_t repository_id, struct str name,
                   int64_t manifest_id, int64_t now_ms) MUST_CHECK;
/* Closes a living row that was read under lock: at its expiry if that has passed, else now. */
enum err tag_close(struct db *db, struct fail *f, const struct tag_row *row,
                   int64_t now_ms) MUST_CHECK;

/* Ends the tag and nothing else; audit row delete_tag. E_TAG_EXPIRED or E_MANIFEST_UNKNOWN when there is no living one. */
enum err tag_delete(struct worker *w, struct fail *f, const struct visitor *by,
                    const struct repo *repo, struct str name) MUST_CHECK;

/* Says why a tag does not answer: E_TAG_EXPIRED when it ran out, else E_MANIFEST_UNKNOWN. */
enum err tag_missing(struct db *db, struct fail *f, const struct repo *repo,
                     struct str name) MUST_CHECK;

/* Living tags after the given one in byte order, at most limit; *ret_more: there are others behind them. */
enum err tag_list(struct worker *w, struct fail *f, const struct repo *repo, struct str after,
                  size_t limit, struct tag_names *ret, bool *ret_more) MUST_CHECK;

#endif
