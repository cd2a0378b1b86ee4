/*
 * upload.c - see upload.h.
 *
 * What a killed process leaves, and who mends it:
 *   bytes behind the count            the next append cuts them off
 *   a session at 0 with a file        the next append replaces it
 *   a file without a row              upload_sweep()
 *   a stored blob without a row       the next push of it finds the file there; so does this
 * session's next PUT a row whose bytes are gone        the session ends (E_UPLOAD_UNKNOWN) and the
 * client starts another
 */
#include "registry/upload.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/fault.h"
#include "db/blob.h"
#include "db/upload.h"
#include "registry/hash.h"
#include "storage/store.h"

#include <inttypes.h>

#define SWEEP_BATCH 100

enum err upload_range_parse(struct fail *f, struct str text, struct upload_range *ret)
{
    struct upload_range range = {.given = true};
    struct str first, last;
    if (text.n == 0) {
        *ret = (struct upload_range){.given = false};
        return E_OK;
    }
    if (!str_cut(text, '-', &first, &last) || !str_u64(first, &range.first) ||
        !str_u64(last, &range.last) || range.last < range.first || range.last > INT64_MAX - 1)
        return fail(f, E_UPLOAD_INVALID,
                    "Content-Range must be <first byte>-<last byte>, both inclusive, such as "
                    "0-1023, without a unit or a total");
    *ret = range;
    return E_OK;
}

static enum err out_of_order(struct fail *f, const struct upload *u)
{
    return fail(f, E_RANGE_INVALID,
                "the chunk does not continue the upload, which holds %" PRIu64
                " bytes: send the bytes from %" PRIu64 " on",
                u->byte_count, u->byte_count);
}

enum err upload_place(const struct worker *w, struct fail *f, const struct upload *u,
                      const struct upload_range *range, bool has_length, uint64_t length,
                      uint64_t *ret_offset)
{
    uint64_t offset = u->byte_count, max = (uint64_t)w->config->max_layer_size, total;
    if (range->given && range->first == 0 && range->last >= u->byte_count)
        offset = 0;
    else if (range->given && range->first != u->byte_count)
        return out_of_order(f, u);
    if (range->given && has_length && range->last - range->first + 1 != length)
        return fail(f, E_SIZE_INVALID,
                    "Content-Range says %" PRIu64 " bytes, the body has %" PRIu64,
                    range->last - range->first + 1, length);
    if (range->given)
        total = range->last + 1;
    else if (__builtin_add_overflow(offset, has_length ? length : 0, &total))
        total = UINT64_MAX;
    if (total > max)
        return fail(f, E_TOO_LARGE,
                    "the blob would be larger than %" PRIu64
                    " bytes, the most that this registry takes (MAXIMUM_LAYER_SIZE)",
                    max);
    *ret_offset = offset;
    return E_OK;
}

static enum err not_known(struct fail *f)
{
    return fail(f, E_UPLOAD_UNKNOWN,
                "the upload is not known in this repository, or was started by another account; it "
                "may have been finished, cancelled or have expired: start another one");
}

/* ---- the row ---- */

/* Fills what moves. A state that cannot be read is a bug or a broken row; it is never guessed. */
static enum err take_row(struct fail *f, struct upload *u, const struct upload_row *row)
{
    struct hash h;
    if (!hash_load(&h, row->hash_state) || h.count != row->byte_count ||
        (int)h.algorithm != row->algorithm)
        return fail_internal(f, E_INTERNAL, "the saved hash of upload %s cannot be read", u->uuid);
    u->id = row->id;
    u->algorithm = h.algorithm;
    u->byte_count = row->byte_count;
    u->hash_state = row->hash_state;
    return E_OK;
}

/* Under the lock: what is true now. */
static enum err refresh(struct worker *w, struct fail *f, struct upload *u)
{
    struct upload_row row;
    enum err e = upload_row_get(w->db, f, w->arena, u->id, &row);
    if (e == E_NO_ROW)
        return not_known(f);
    return e ? e : take_row(f, u, &row);
}

/* The row moves from u's count to the hash's, and u with it. */
static enum err advance(struct worker *w, struct fail *f, struct upload *u, const struct hash *h)
{
    uint8_t state[HASH_STATE_MAX];
    size_t n = hash_save(h, state);
    struct str copy = arena_str(w->arena, (struct str){(const char *)state, n});
    if (!copy.p)
        return fail(f, E_NO_MEMORY, "out of memory while keeping an upload; try again");
    struct upload_row row = {.id = u->id, .byte_count = h->count, .hash_state = copy};
    enum err e = upload_row_advance(w->db, f, &row, u->byte_count, clock_ms());
    if (e == E_NO_ROW)
        return fail(f, E_UPLOAD_BUSY,
                    "another request has changed this upload; ask for its range and go on there");
    if (e)
        return e;
    u->byte_count = h->count;
    u->hash_state = copy;
    return E_OK;
}

/* The row promises bytes that the store does not have: nothing can be continued. */
static enum err lost(struct worker *w, struct fail *f, const struct upload *u)
{
    enum err e = upload_row_delete(w->db, f, u->id);
    if (!e)
        e = store_abort(w->store, f, str_z(u->uuid));
    if (e)
        return e;
    return fail(f, E_UPLOAD_UNKNOWN,
                "the bytes received so far are no longer there; start another upload");
}

/* ---- one request after the other ---- */

enum err upload_start(struct worker *w, struct fail *f, const struct caller *c,
                      const struct repo *repo, enum digest_algorithm algorithm, struct upload *ret)
{
    struct upload u = {.repository_id = repo->id, .algorithm = algorithm};
    uint8_t state[HASH_STATE_MAX];
    struct hash h;
    int64_t location_id = 0;

    random_uuid(u.uuid);
    hash_init(&h, algorithm);
    u.hash_state = arena_str(w->arena, (struct str){(const char *)state, hash_save(&h, state)});
    if (!u.hash_state.p)
        return fail(f, E_NO_MEMORY, "out of memory while starting an upload; try again");
    enum err e = location_row_id(w->db, f, store_location(w->store), &location_id);
    if (e)
        return e;
    struct upload_row row = {.algorithm = (int)algorithm, .hash_state = u.hash_state};
    e = upload_row_insert(w->db, f, str_z(u.uuid), repo->id, c->account_id, location_id, &row,
                          clock_ms(), &u.id);
    if (e)
        return e;
    *ret = u;
    return E_OK;
}

enum err upload_find(struct worker *w, struct fail *f, const struct caller *c,
                     const struct repo *repo, struct str uuid, struct upload *ret)
{
    struct upload u = {.repository_id = repo->id};
    struct upload_row row;
    if (uuid.n != UUID_TEXT - 1 || c->account_id == 0 || repo->id == 0)
        return not_known(f);
    memcpy(u.uuid, uuid.p, uuid.n);
    enum err e = upload_row_find(w->db, f, w->arena, uuid, repo->id, c->account_id, &row);
    if (e == E_NO_ROW)
        return not_known(f);
    if (!e)
        e = take_row(f, &u, &row);
    if (e)
        return e;
    *ret = u;
    return E_OK;
}

/* Locks, looks again, and says where the body goes and with which hash. At 0 the hash may be of any
 * algorithm. */
static enum err begin(struct worker *w, struct fail *f, struct upload *u,
                      const struct upload_range *range, struct str body_file,
                      enum digest_algorithm algorithm, int *ret_lock, uint64_t *ret_offset,
                      struct hash *ret_hash)
{
    CLEANUP(fd_close) int lock = -1;
    uint64_t length = 0;
    enum err e = store_lock(w->store, f, str_z(u->uuid), &lock);
    if (!e)
        e = refresh(w, f, u);
    if (!e)
        e = store_body_size(w->store, f, body_file, &length);
    if (!e)
        e = upload_place(w, f, u, range, true, length, ret_offset);
    if (e)
        return e;
    if (*ret_offset == 0 && u->byte_count > 0) {
        /* A restart. The row forgets before the file does: else a process killed in between would
         * leave a hash of bytes that are gone. */
        struct hash fresh;
        hash_init(&fresh, u->algorithm);
        e = advance(w, f, u, &fresh);
        if (e)
            return e;
        FAULT("restart-before-append");
    }
    if (u->byte_count == 0)
        hash_init(ret_hash, algorithm);
    else if (!hash_load(ret_hash, u->hash_state))
        return fail_internal(f, E_INTERNAL, "the saved hash of upload %s cannot be read", u->uuid);
    *ret_lock = TAKE_FD(lock);
    return E_OK;
}

static enum err append(struct worker *w, struct fail *f, const struct upload *u,
                       struct str body_file, uint64_t offset, struct hash *h, uint64_t *ret_added)
{
    struct store_sink sink = hash_sink(h);
    enum err e = store_append(w->store, f, str_z(u->uuid), offset, body_file, &sink, ret_added);
    return e == E_NO_ROW ? lost(w, f, u) : e;
}

enum err upload_append(struct worker *w, struct fail *f, struct upload *u,
                       const struct upload_range *range, struct str body_file, uint64_t *ret_added)
{
    CLEANUP(fd_close) int lock = -1;
    struct hash h;
    uint64_t offset = 0, added = 0;
    enum err e = begin(w, f, u, range, body_file, u->algorithm, &lock, &offset, &h);
    if (!e)
        e = append(w, f, u, body_file, offset, &h, &added);
    if (e)
        return e;
    FAULT("append-before-row");
    if (added) {
        e = advance(w, f, u, &h);
        if (e)
            return e;
    }
    if (ret_added)
        *ret_added = added;
    return E_OK;
}

/* ---- the end ---- */

/* Another digest than was promised: told with both, so that the client's log says which side is
 * wrong. */
static enum err mismatch(struct fail *f, const struct digest *want, const struct digest *got)
{
    char wanted[DIGEST_TEXT_MAX], computed[DIGEST_TEXT_MAX];
    digest_format(want, wanted);
    digest_format(got, computed);
    return fail(f, E_DIGEST_INVALID,
                "the content received has the digest %s and not %s; the upload was dropped, start "
                "another one",
                computed, wanted);
}

/* Ends a session that failed; `why` stays what is told, and what cannot be dropped now expires. */
static enum err drop(struct worker *w, const struct upload *u, enum err why)
{
    enum err e = upload_row_delete(w->db, NULL, u->id);
    if (!e)
        e = store_abort(w->store, NULL, str_z(u->uuid));
    (void)e;
    return why;
}

/* The digest over all bytes of the session in the algorithm of `want`. */
static enum err digest_all(struct worker *w, struct fail *f, const struct upload *u,
                           const struct hash *h, const struct digest *want, struct digest *ret)
{
    enum digest_algorithm algorithm = (enum digest_algorithm)want->raw[0];
    if (h->algorithm == algorithm) {
        hash_digest(h, ret);
        return E_OK;
    }
    struct hash other;
    hash_init(&other, algorithm);
    struct store_sink sink = hash_sink(&other);
    enum err e = store_reread(w->store, f, str_z(u->uuid), h->count, &sink);
    if (e)
        return e == E_NO_ROW ? lost(w, f, u) : e;
    hash_digest(&other, ret);
    return E_OK;
}

enum err upload_finish(struct worker *w, struct fail *f, struct upload *u,
                       const struct upload_range *range, struct str body_file,
                       const struct digest *want, struct blob *ret)
{
    CLEANUP(fd_close) int lock = -1;
    struct hash h;
    struct digest got;
    uint64_t offset = 0, added = 0;
    enum err e =
        begin(w, f, u, range, body_file, (enum digest_algorithm)want->raw[0], &lock, &offset, &h);
    if (!e && (body_file.n || offset == 0))
        e = append(w, f, u, body_file, offset, &h, &added);
    if (!e)
        e = digest_all(w, f, u, &h, want, &got);
    if (e)
        return e;
    if (!digest_eq(&got, want))
        return drop(w, u, mismatch(f, want, &got));
    e = store_commit(w->store, f, str_z(u->uuid), h.count, want);
    if (e)
        return e == E_NO_ROW ? lost(w, f, u) : e;
    return blob_register(w, f, u->repository_id, want, h.count, u->id, ret);
}

enum err upload_whole(struct worker *w, struct fail *f, const struct repo *repo,
                      struct str body_file, const struct digest *want, struct blob *ret)
{
    struct upload none = {.repository_id = repo->id};
    const struct upload_range no_range = {.given = false};
    struct hash h;
    struct digest got;
    uint64_t length = 0, offset, added;

    enum err e = store_body_size(w->store, f, body_file, &length);
    if (!e)
        e = upload_place(w, f, &none, &no_range, true, length, &offset);
    if (e)
        return e;
    random_uuid(none.uuid);
    hash_init(&h, (enum digest_algorithm)want->raw[0]);
    struct store_sink sink = hash_sink(&h);
    e = store_append(w->store, f, str_z(none.uuid), 0, body_file, &sink, &added);
    if (!e) {
        hash_digest(&h, &got);
        e = digest_eq(&got, want) ? store_commit(w->store, f, str_z(none.uuid), added, want)
                                  : mismatch(f, want, &got);
    }
    if (e) {
        /* Nobody else knows the name: what stays behind is swept. */
        enum err ignored = store_abort(w->store, NULL, str_z(none.uuid));
        (void)ignored;
        return e == E_NO_ROW ? fail_internal(f, E_STORAGE, "a body vanished while it was stored")
                             : e;
    }
    return blob_register(w, f, repo->id, want, added, 0, ret);
}

enum err upload_cancel(struct worker *w, struct fail *f, const struct upload *u)
{
    CLEANUP(fd_close) int lock = -1;
    enum err e = store_lock(w->store, f, str_z(u->uuid), &lock);
    if (!e)
        e = upload_row_delete(w->db, f, u->id);
    if (!e)
        e = store_abort(w->store, f, str_z(u->uuid));
    return e;
}

/* ---- the sweep ---- */

struct sweep {
    struct worker *w;
    bool (*go_on)(void *ctx);
    void *ctx;
    int64_t before_ms;
    uint64_t sessions;
};

static bool goes_on(const struct sweep *s)
{
    return !s->go_on || s->go_on(s->ctx);
}

static enum err expire(struct sweep *s, struct fail *f)
{
    struct worker *w = s->w;
    struct upload_expired_list list;
    do {
        enum err e = upload_row_expired(w->db, f, w->arena, s->before_ms, SWEEP_BATCH, &list);
        for (size_t i = 0; !e && i < list.n; i++) {
            bool gone = false;
            if (!goes_on(s))
                return E_OK;
            e = upload_row_expire(w->db, f, list.v[i].id, s->before_ms, &gone);
            if (!e && gone) {
                e = store_abort(w->store, f, list.v[i].uuid);
                s->sessions++;
            }
        }
        if (e)
            return e;
    } while (list.n == SWEEP_BATCH);
    return E_OK;
}

/* When the database does not answer, or the sweep is to stop, everything is kept. */
static bool has_row(void *ctx, struct str uuid)
{
    const struct sweep *s = ctx;
    bool exists = true;
    return !goes_on(s) || upload_row_exists(s->w->db, NULL, uuid, &exists) != E_OK || exists;
}

enum err upload_sweep(struct worker *w, struct fail *f, bool (*go_on)(void *ctx), void *ctx,
                      uint64_t *ret_removed)
{
    struct sweep s = {.w = w,
                      .go_on = go_on,
                      .ctx = ctx,
                      .before_ms = clock_ms() - w->config->upload_expiration_s * 1000};
    uint64_t files = 0;
    enum err e = expire(&s, f);
    if (!e && goes_on(&s))
        e = store_sweep(w->store, f, s.before_ms, has_row, &s, &files);
    *ret_removed = s.sessions + files;
    return e;
}
