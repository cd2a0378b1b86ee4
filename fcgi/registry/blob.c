/*
 * blob.c - see blob.h.
 */
#include "registry/blob.h"

#include "access/access.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/fault.h"
#include "db/blob.h"
#include "db/upload.h"
#include "storage/store.h"

/* Repositories asked for an anonymous mount; each costs a question about rights. */
#define HOLDERS_MAX 32

static enum err unknown(struct fail *f, const struct digest *d)
{
    char text[DIGEST_TEXT_MAX];
    digest_format(d, text);
    return fail(f, E_BLOB_UNKNOWN, "the blob %s is not known in this repository", text);
}

/* E_NO_ROW, not recorded, when there is no link or no sound file. */
static enum err find(struct worker *w, struct fail *f, int64_t repository_id,
                     const struct digest *d, struct blob *ret, bool *ret_damaged)
{
    struct blob_row row;
    uint64_t size = 0;
    *ret_damaged = false;
    enum err e =
        blob_row_find_in(w->db, f, store_location(w->store), digest_db(d), repository_id, &row);
    if (e)
        return e;
    e = store_stat(w->store, f, d, &size);
    if (e && e != E_NO_ROW)
        return e;
    if (e || size != row.size) {
        *ret_damaged = true;
        return E_NO_ROW;
    }
    *ret = (struct blob){.id = row.id, .digest = *d, .size = row.size};
    return E_OK;
}

enum err blob_find(struct worker *w, struct fail *f, int64_t repository_id, const struct digest *d,
                   struct blob *ret)
{
    bool damaged;
    enum err e = find(w, f, repository_id, d, ret, &damaged);
    if (e != E_NO_ROW)
        return e;
    if (damaged) {
        char text[DIGEST_TEXT_MAX];
        digest_format(d, text);
        return fail_internal(
            f, E_BLOB_UNKNOWN,
            "the file of blob %s is missing or has another size than its row says; "
            "a push of the blob mends it",
            text);
    }
    return unknown(f, d);
}

struct registration {
    struct worker *w;
    int64_t repository_id, upload_id;
    const struct digest *digest;
    uint64_t size;
    int64_t now_ms, leased_ms;
    int64_t blob_id;
};

/* The blob's row, locked until the end of the transaction: the existing one, or ours. */
static enum err row_of(struct db *db, struct fail *f, struct registration *r)
{
    struct str digest = digest_db(r->digest);
    enum err e = blob_row_lock(db, f, digest, &r->blob_id);
    if (e != E_NO_ROW)
        return e;
    e = blob_row_insert(db, f, digest, r->size, r->now_ms, &r->blob_id);
    if (e != E_DUPLICATE)
        return e;
    e = blob_row_lock(db, f, digest, &r->blob_id); /* somebody pushed the same blob: as good */
    if (e == E_NO_ROW)
        return fail_internal(f, E_BUSY, "a blob's row vanished while it was being linked");
    return e;
}

static enum err registration_run(struct db *db, struct fail *f, void *ctx)
{
    struct registration *r = ctx;
    int64_t location_id = 0;
    enum err e = row_of(db, f, r);
    if (!e)
        e = location_row_id(db, f, store_location(r->w->store), &location_id);
    if (!e)
        e = blob_row_place(db, f, r->blob_id, location_id);
    if (!e)
        e = blob_row_link(db, f, r->repository_id, r->blob_id, r->leased_ms);
    if (!e && r->upload_id)
        e = upload_row_delete(db, f, r->upload_id);
    return e;
}

enum err blob_register(struct worker *w, struct fail *f, int64_t repository_id,
                       const struct digest *d, uint64_t size, int64_t upload_id, struct blob *ret)
{
    int64_t now = clock_ms();
    struct registration r = {.w = w,
                             .repository_id = repository_id,
                             .upload_id = upload_id,
                             .digest = d,
                             .size = size,
                             .now_ms = now,
                             .leased_ms = now + w->config->push_temp_expiration_s * 1000};
    FAULT("register-before-transaction");
    enum err e = db_tx(w->db, f, registration_run, &r);
    if (e)
        return e;
    FAULT("register-before-answer");
    *ret = (struct blob){.id = r.blob_id, .digest = *d, .size = size};
    return E_OK;
}

/* ---- mounting ---- */

/* Whether the caller may read the repository and it has the blob, bytes included. */
static enum err can_give(struct worker *w, struct fail *f, const struct caller *c,
                         const struct repo *from, const struct digest *d, struct blob *ret,
                         bool *ret_can)
{
    enum repo_role role = ROLE_NONE;
    bool damaged;
    *ret_can = false;
    if (from->id == 0 || !from->namespace_enabled)
        return E_OK;
    enum err e = access_account_role(w, f, c, from, &role);
    if (e || role < ROLE_READ)
        return e;
    e = find(w, f, from->id, d, ret, &damaged);
    if (e == E_NO_ROW)
        return E_OK;
    *ret_can = e == E_OK;
    return e;
}

static enum err named_can_give(struct worker *w, struct fail *f, const struct caller *c,
                               struct str from, const struct digest *d, struct blob *ret,
                               bool *ret_can)
{
    struct repo_name name;
    struct repo repo;
    *ret_can = false;
    if (repo_name_parse(NULL, from, str_z(w->config->library_namespace), w->config->extended_names,
                        &name))
        return E_OK; /* no such name, no such repository */
    enum err e = repo_find(w, f, &name, &repo);
    return e ? e : can_give(w, f, c, &repo, d, ret, ret_can);
}

/* What a token grants is tried first: a blob that is everywhere may not name those repositories
 * among its holders. */
static enum err anybody_can_give(struct worker *w, struct fail *f, const struct caller *c,
                                 const struct repo *to, const struct digest *d, struct blob *ret,
                                 bool *ret_can)
{
    struct blob_holder_list holders;
    enum err e;
    *ret_can = false;
    for (size_t i = 0; i < c->n_grants && i < HOLDERS_MAX; i++) {
        e = named_can_give(w, f, c, c->grants[i].repository, d, ret, ret_can);
        if (e || *ret_can)
            return e;
    }
    e = blob_row_holders(w->db, f, w->arena, digest_db(d), to->id, to->namespace_id, HOLDERS_MAX,
                         &holders);
    if (e)
        return e;
    for (size_t i = 0; i < holders.n; i++) {
        const struct blob_holder *h = &holders.v[i];
        struct repo from = {.id = h->repository_id,
                            .namespace_id = h->namespace_id,
                            .namespace_name = h->namespace_name,
                            .name = h->name,
                            .is_public = h->is_public,
                            .namespace_enabled = h->namespace_enabled,
                            .namespace_is_org = h->namespace_is_org,
                            .state = (enum repo_state)h->state};
        e = can_give(w, f, c, &from, d, ret, ret_can);
        if (e || *ret_can)
            return e;
    }
    return E_OK;
}

enum err blob_mount(struct worker *w, struct fail *f, const struct caller *c,
                    const struct repo *repo, const struct digest *d, struct str from,
                    struct blob *ret, bool *ret_mounted)
{
    struct blob found;
    bool can = false;
    *ret_mounted = false;
    enum err e = from.p ? named_can_give(w, f, c, from, d, &found, &can)
                        : anybody_can_give(w, f, c, repo, d, &found, &can);
    if (e || !can)
        return e;
    e = blob_register(w, f, repo->id, d, found.size, 0, ret);
    *ret_mounted = e == E_OK;
    return e;
}

enum err blob_delete(struct worker *w, struct fail *f, int64_t repository_id,
                     const struct digest *d)
{
    enum err e = blob_row_unlink(w->db, f, digest_db(d), repository_id);
    return e == E_NO_ROW ? unknown(f, d) : e;
}
