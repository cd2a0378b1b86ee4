/*
 * manifest.c - see manifest.h.
 *
 * Locks are taken in one order, so that pushes and deletions wait for each other instead of dead-locking: the manifest's
 * row, the links of its blobs by digest, its tags by name. What still collides is run again by db_tx().
 */
#include "registry/manifest.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "db/manifest.h"
#include "registry/manifest_cache.h"
#include "registry/tag.h"

#include <stdio.h>
#include <stdlib.h>

struct put {
    struct worker *w;
    const struct manifest_put *in;
    struct manifest_stored *stored;
    struct str *tags; /* sorted, each once */
    size_t n_tags;
    int64_t *blob_ids;       /* as facts.blobs; 0: not here, and need not be */
    int64_t *child_blob_ids; /* as facts.children: those that are blobs and no manifests */
    int64_t manifest_id;
    int64_t now_ms;
};

/* ---- references ---- */

static enum err missing(struct fail *f, const struct descriptor *d, const char *what)
{
    char text[DIGEST_TEXT_MAX], detail[DIGEST_TEXT_MAX + 16];
    digest_format(&d->digest, text);
    snprintf(detail, sizeof(detail), "{\"digest\":\"%s\"}", text);
    enum err e = fail(
        f, E_MANIFEST_BLOB_UNKNOWN,
        "the manifest names the %s %s, which is not in this repository; push it first", what, text);
    fail_detail(f, detail);
    return e;
}

static enum err size_check(struct fail *f, const struct descriptor *d, int64_t size)
{
    char text[DIGEST_TEXT_MAX];
    if (d->size == size)
        return E_OK;
    digest_format(&d->digest, text);
    return fail(f, E_MANIFEST_INVALID, "the manifest says that %s has %lld bytes, but it has %lld",
                text, (long long)d->size, (long long)size);
}

/* E_NO_ROW: the repository has no such blob. With `hold`, the link lives on and is held till the end of the push. */
static enum err blob_check(struct db *db, struct fail *f, const struct put *p,
                           const struct descriptor *d, bool hold, int64_t *ret_id)
{
    int64_t repository_id = p->in->repo->id, id, size;
    enum err e = manifest_blob_find(db, f, repository_id, digest_db(&d->digest), &id, &size);
    if (e)
        return e;
    e = size_check(f, d, size);
    if (e)
        return e;
    if (hold) {
        int64_t until = p->now_ms + p->w->config->push_temp_expiration_s * 1000;
        e = manifest_blob_renew(db, f, repository_id, id, until);
        if (e)
            return e;
    }
    *ret_id = id;
    return E_OK;
}

/* Entries of an index are manifests; what is none by its media type (layers of build caches) may be a blob. */
static enum err child_check(struct db *db, struct fail *f, const struct put *p,
                            const struct descriptor *d, bool hold, int64_t *ret_blob_id)
{
    struct manifest_row row;
    enum err e =
        manifest_row_by_digest(db, f, p->w->arena, p->in->repo->id, digest_db(&d->digest), &row);
    if (e == E_OK)
        return size_check(f, d, row.size);
    if (e == E_NO_ROW && !d->is_manifest)
        e = blob_check(db, f, p, d, hold, ret_blob_id);
    return e;
}

static enum err references_check(struct db *db, struct fail *f, struct put *p, bool hold)
{
    const struct manifest_facts *t = &p->stored->facts;
    bool sparse = p->w->config->sparse_index;

    for (size_t i = 0; i < t->n_blobs; i++) {
        p->blob_ids[i] = 0;
        enum err e = blob_check(db, f, p, &t->blobs[i], hold, &p->blob_ids[i]);
        if (e == E_NO_ROW && !sparse && !t->blobs[i].is_optional)
            return missing(f, &t->blobs[i], "blob");
        if (e && e != E_NO_ROW)
            return e;
    }
    for (size_t i = 0; i < t->n_children; i++) {
        p->child_blob_ids[i] = 0;
        enum err e = child_check(db, f, p, &t->children[i], hold, &p->child_blob_ids[i]);
        if (e == E_NO_ROW && !sparse)
            return missing(f, &t->children[i], t->children[i].is_manifest ? "manifest" : "content");
        if (e && e != E_NO_ROW)
            return e;
    }
    return E_OK;
}

static enum err references_link(struct db *db, struct fail *f, const struct put *p)
{
    const struct manifest_facts *t = &p->stored->facts;
    enum err e = E_OK;

    for (size_t i = 0; i < t->n_blobs && !e; i++) {
        if (p->blob_ids[i])
            e = manifest_blob_link(db, f, p->manifest_id, p->blob_ids[i]);
    }
    for (size_t i = 0; i < t->n_children && !e; i++) {
        e = manifest_child_link(db, f, p->manifest_id, digest_db(&t->children[i].digest),
                                p->in->repo->id);
        if (!e && p->child_blob_ids[i])
            e = manifest_blob_link(db, f, p->manifest_id, p->child_blob_ids[i]);
    }
    return e;
}

/* ---- put ---- */

static enum err row_insert(struct db *db, struct fail *f, const struct put *p, bool *ret_inserted)
{
    const struct manifest_facts *t = &p->stored->facts;
    struct manifest_new row = {
        .repository_id = p->in->repo->id,
        .digest = digest_db(&p->stored->digest),
        .media_type = t->media_type,
        .artifact_type = t->artifact_type,
        .config_media_type = t->config_media_type,
        .subject_digest = t->has_subject ? digest_db(&t->subject) : STR_NONE,
        .annotations = t->annotations,
        .layers_size = t->layers_size,
        .bytes = p->in->bytes,
    };
    return manifest_row_insert(db, f, &row, p->now_ms, ret_inserted);
}

/* The manifest's row, locked and in view, with its references. */
static enum err row_ensure(struct db *db, struct fail *f, struct put *p)
{
    struct str digest = digest_db(&p->stored->digest);
    bool deleted = false, inserted = false;
    enum err e = manifest_row_lock(db, f, p->in->repo->id, digest, &p->manifest_id, &deleted);
    if (e && e != E_NO_ROW)
        return e;
    bool missing_row = e == E_NO_ROW;
    bool fresh = missing_row || deleted;
    e = references_check(db, f, p, fresh);
    if (e)
        return e;
    if (missing_row) {
        e = row_insert(db, f, p, &inserted);
        if (e)
            return e;
        e = manifest_row_lock(db, f, p->in->repo->id, digest, &p->manifest_id, &deleted);
        if (e)
            return e == E_NO_ROW
                       ? fail_internal(f, E_INTERNAL, "a manifest's row went while it was held")
                       : e;
    }
    if (!inserted) {
        e = manifest_row_pushed(db, f, p->manifest_id, p->now_ms);
        if (e)
            return e;
    }
    return fresh ? references_link(db, f, p) : E_OK;
}

static enum err put_tx(struct db *db, struct fail *f, void *ctx)
{
    struct put *p = ctx;
    const struct manifest_put *in = p->in;
    p->now_ms = clock_ms();
    enum err e = row_ensure(db, f, p);
    if (e)
        return e;
    for (size_t i = 0; i < p->n_tags; i++) {
        e = tag_point(db, f, in->repo->id, p->tags[i], p->manifest_id, p->now_ms);
        if (e)
            return e;
        e = content_log_write(db, f, in->by, LOG_KIND_push_repo,
                              &(struct content){.repo = in->repo, .tag = p->tags[i]});
        if (e)
            return e;
    }
    if (p->n_tags)
        return E_OK;
    return content_log_write(db, f, in->by, LOG_KIND_push_repo,
                             &(struct content){.repo = in->repo, .digest = &p->stored->digest});
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum err tags_prepare(struct fail *f, struct put *p)
{
    const struct manifest_put *in = p->in;
    size_t n = in->reference->is_digest ? in->n_tags : 1;

    if (n > MANIFEST_TAGS_MAX)
        return fail(f, E_TOO_MANY_TAGS, "%zu tags in one request; at most %d are accepted", n,
                    MANIFEST_TAGS_MAX);
    p->tags = arena_array(p->w->arena, n, sizeof(*p->tags));
    if (!p->tags)
        return fail_internal(f, E_NO_MEMORY, "no memory for tags");
    if (!in->reference->is_digest) {
        p->tags[p->n_tags++] = in->reference->tag;
        return E_OK;
    }
    for (size_t i = 0; i < n; i++) {
        struct reference r;
        enum err e = str_chr(in->tags[i], ':') >= 0
                         ? fail(f, E_TAG_INVALID, "a tag to be set must not contain ':'")
                         : reference_parse(f, in->tags[i], &r);
        if (e)
            return e;
        p->tags[i] = r.tag;
    }
    qsort(p->tags, n, sizeof(*p->tags), by_name);
    for (size_t i = 0; i < n; i++) {
        if (p->n_tags == 0 || !str_eq(p->tags[i], p->tags[p->n_tags - 1]))
            p->tags[p->n_tags++] = p->tags[i];
    }
    return E_OK;
}

static enum err digest_check(struct fail *f, const struct manifest_put *in, struct digest *ret)
{
    const struct reference *r = in->reference;
    enum digest_algorithm algorithm =
        r->is_digest ? (enum digest_algorithm)r->digest.raw[0] : DIGEST_SHA256;
    char text[DIGEST_TEXT_MAX];
    enum err e = digest_of(f, algorithm, in->bytes, ret);
    if (e)
        return e;
    if (!r->is_digest || digest_eq(ret, &r->digest))
        return E_OK;
    digest_format(ret, text);
    return fail(f, E_DIGEST_INVALID,
                "the manifest's bytes have the digest %s, not the one in the address", text);
}

enum err manifest_put(struct worker *w, struct fail *f, const struct manifest_put *in,
                      struct manifest_stored *ret)
{
    struct manifest_stored stored;
    struct put p = {.w = w, .in = in, .stored = &stored};
    enum err e = digest_check(f, in, &stored.digest);
    if (e)
        return e;
    e = manifest_parse(w->arena, f, in->content_type, in->bytes,
                       (size_t)w->config->max_manifest_size, &stored.facts);
    if (e)
        return e;
    e = tags_prepare(f, &p);
    if (e)
        return e;
    p.blob_ids = arena_array(w->arena, stored.facts.n_blobs, sizeof(*p.blob_ids));
    p.child_blob_ids = arena_array(w->arena, stored.facts.n_children, sizeof(*p.child_blob_ids));
    if (!p.blob_ids || !p.child_blob_ids)
        return fail_internal(f, E_NO_MEMORY, "no memory for the references of a manifest");
    e = db_tx(w->db, f, put_tx, &p);
    if (e)
        return e;
    metrics_add(METRIC_PUSHES, 1);
    *ret = stored;
    return E_OK;
}

/* ---- get ---- */

static enum err unknown(struct fail *f, const struct repo *repo, const struct digest *digest)
{
    char text[DIGEST_TEXT_MAX];
    digest_format(digest, text);
    return fail(f, E_MANIFEST_UNKNOWN, "there is no manifest %s in %.*s/%.*s", text,
                STR_ARG(repo->namespace_name), STR_ARG(repo->name));
}

enum err manifest_find(struct worker *w, struct fail *f, const struct repo *repo,
                       const struct reference *reference, struct manifest *ret)
{
    struct manifest_row row;
    enum err e;

    if (reference->is_digest)
        e = manifest_row_by_digest(w->db, f, w->arena, repo->id, digest_db(&reference->digest),
                                   &row);
    else
        e = manifest_row_by_tag(w->db, f, w->arena, repo->id, reference->tag, &row);
    bool expired = e == E_OK && row.expires_ms && row.expires_ms <= clock_ms();
    if (e == E_NO_ROW && reference->is_digest)
        return unknown(f, repo, &reference->digest);
    if (e == E_NO_ROW || expired)
        return tag_missing(w->db, f, repo, reference->tag);
    if (e)
        return e;
    struct manifest m = {.id = row.id, .media_type = row.media_type, .size = row.size};
    if (!digest_from_db(row.digest, &m.digest))
        return fail_internal(f, E_INTERNAL, "manifest %lld has a digest that is none",
                             (long long)row.id);
    *ret = m;
    return E_OK;
}

enum err manifest_read(struct worker *w, struct fail *f, const struct manifest *m, struct str *ret)
{
    if (manifest_cache_get(w->arena, &m->digest, ret))
        return E_OK;
    enum err e = manifest_row_bytes(w->db, f, w->arena, m->id, ret);
    if (e == E_NO_ROW)
        return fail(f, E_MANIFEST_UNKNOWN, "the manifest was removed just now");
    if (e)
        return e;
    manifest_cache_put(&m->digest, *ret);
    return E_OK;
}

/* ---- delete ---- */

struct deletion {
    struct worker *w;
    const struct visitor *by;
    const struct repo *repo;
    const struct digest *digest;
};

static enum err delete_tx(struct db *db, struct fail *f, void *ctx)
{
    struct deletion *d = ctx;
    int64_t id, now_ms = clock_ms();
    struct tag_rows tags;
    bool deleted;
    enum err e = manifest_row_lock(db, f, d->repo->id, digest_db(d->digest), &id, &deleted);
    if (e == E_NO_ROW || (e == E_OK && deleted))
        return unknown(f, d->repo, d->digest);
    if (e)
        return e;
    e = manifest_row_delete(db, f, id, now_ms);
    if (e)
        return e;
    e = tag_row_of_manifest(db, f, d->w->arena, id, &tags);
    if (e)
        return e;
    for (size_t i = 0; i < tags.n; i++) {
        e = tag_close(db, f, &tags.v[i], now_ms);
        if (e)
            return e;
        e = content_log_write(
            db, f, d->by, LOG_KIND_delete_tag,
            &(struct content){.repo = d->repo, .tag = tags.v[i].name, .digest = d->digest});
        if (e)
            return e;
    }
    if (tags.n)
        return E_OK;
    return content_log_write(db, f, d->by, LOG_KIND_delete_tag,
                             &(struct content){.repo = d->repo, .digest = d->digest});
}

enum err manifest_delete(struct worker *w, struct fail *f, const struct visitor *by,
                         const struct repo *repo, const struct digest *digest)
{
    struct deletion d = {.w = w, .by = by, .repo = repo, .digest = digest};
    return db_tx(w->db, f, delete_tx, &d);
}
