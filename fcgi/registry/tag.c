/*
 * tag.c - see tag.h.
 *
 * The living row is the lock: whoever moves or ends a tag holds it. A tag that does not live yet is decided by the
 * UNIQUE key: the second of two pushes to a new tag finds the first one's row and moves the tag on, so that both
 * succeed and the last one wins.
 */
#include "registry/tag.h"

#include "base/clock.h"

#define POINT_TRIES 8

static bool expired(const struct tag_row *row, int64_t now_ms)
{
    return row->expires_ms && row->expires_ms <= now_ms;
}

enum err tag_close(struct db *db, struct fail *f, const struct tag_row *row, int64_t now_ms)
{
    int64_t end = expired(row, now_ms) ? row->expires_ms : now_ms;
    /* clocks of several hosts differ a little: a row never ends before it began */
    if (end < row->start_ms)
        end = row->start_ms;
    return tag_row_close(db, f, row->id, end);
}

enum err tag_point(struct db *db, struct fail *f, int64_t repository_id, struct str name,
                   int64_t manifest_id, int64_t now_ms)
{
    for (int i = 0; i < POINT_TRIES; i++) {
        struct tag_row row = {.start_ms = now_ms};
        bool inserted;
        enum err e = tag_row_lock(db, f, repository_id, name, &row);
        if (e == E_OK && row.manifest_id == manifest_id && !expired(&row, now_ms))
            return E_OK;
        if (e == E_OK)
            e = tag_close(db, f, &row, now_ms);
        else if (e == E_NO_ROW)
            e = E_OK;
        if (e)
            return e;
        e = tag_row_insert(db, f, repository_id, name, manifest_id,
                           now_ms > row.start_ms ? now_ms : row.start_ms, &inserted);
        if (e || inserted)
            return e;
    }
    return fail(f, E_BUSY, "the tag \"%.*s\" is being moved by many pushes at once; try again",
                STR_ARG(name));
}

/* A tag that was deleted is unknown, as clients expect; one that ran out says so. */
enum err tag_missing(struct db *db, struct fail *f, const struct repo *repo, struct str name)
{
    int64_t end_ms = 0, expires_ms = 0;
    enum err e = tag_row_latest(db, f, repo->id, name, &end_ms, &expires_ms);
    if (e && e != E_NO_ROW)
        return e;
    if (expires_ms && expires_ms <= clock_ms() && (!end_ms || end_ms >= expires_ms))
        return fail(f, E_TAG_EXPIRED,
                    "the tag \"%.*s\" has expired; its history may still hold what it named",
                    STR_ARG(name));
    return fail(f, E_MANIFEST_UNKNOWN, "there is no tag \"%.*s\" in %.*s/%.*s", STR_ARG(name),
                STR_ARG(repo->namespace_name), STR_ARG(repo->name));
}

struct deletion {
    const struct visitor *by;
    const struct repo *repo;
    struct str name;
};

static enum err delete_tx(struct db *db, struct fail *f, void *ctx)
{
    struct deletion *d = ctx;
    int64_t now_ms = clock_ms();
    struct tag_row row;
    enum err e = tag_row_lock(db, f, d->repo->id, d->name, &row);
    if (e == E_NO_ROW || (e == E_OK && expired(&row, now_ms)))
        return tag_missing(db, f, d->repo, d->name);
    if (e)
        return e;
    e = tag_close(db, f, &row, now_ms);
    if (e)
        return e;
    return content_log_write(db, f, d->by, LOG_KIND_delete_tag,
                             &(struct content){.repo = d->repo, .tag = d->name});
}

enum err tag_delete(struct worker *w, struct fail *f, const struct visitor *by,
                    const struct repo *repo, struct str name)
{
    struct deletion d = {.by = by, .repo = repo, .name = name};
    return db_tx(w->db, f, delete_tx, &d);
}

enum err tag_list(struct worker *w, struct fail *f, const struct repo *repo, struct str after,
                  size_t limit, struct tag_names *ret, bool *ret_more)
{
    struct tag_names names;
    enum err e = tag_row_names(w->db, f, w->arena, repo->id, after, clock_ms(), limit + 1, &names);
    if (e)
        return e;
    *ret_more = names.n > limit;
    names.n = *ret_more ? limit : names.n;
    *ret = names;
    return E_OK;
}
