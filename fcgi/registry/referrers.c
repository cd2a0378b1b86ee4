/*
 * referrers.c - see referrers.h.
 *
 * A page is made of batches of rows in the order of their ids, so that a page costs what it shows and new referrers come
 * last. A page ends before it would pass its size, but never without a row: that could not go on.
 */
#include "registry/referrers.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "db/manifest.h"
#include "registry/manifest.h"

#include <stdio.h>

#define BATCH         200u
#define FALLBACK_HEX  64
#define FALLBACK_NAME 32

void referrers_fallback_tag(const struct digest *subject, char out[static FALLBACK_TAG_MAX])
{
    char text[DIGEST_TEXT_MAX];
    struct str name, hex;
    digest_format(subject, text);
    str_cut(str_z(text), ':', &name, &hex);
    name = str_head(name, FALLBACK_NAME);
    hex = str_head(hex, FALLBACK_HEX);
    snprintf(out, FALLBACK_TAG_MAX, "%.*s-%.*s", STR_ARG(name), STR_ARG(hex));
}

bool referrers_is_fallback_tag(struct str tag)
{
    struct str name, hex;
    uint8_t raw[FALLBACK_HEX / 2];
    enum digest_algorithm algorithm;
    return str_cut(tag, '-', &name, &hex) && hex.n == FALLBACK_HEX &&
           str_unhex(hex, raw, sizeof(raw)) &&
           digest_algorithm_parse(NULL, name, &algorithm) == E_OK;
}

struct page {
    struct worker *w;
    const struct referrers_query *q;
    struct buf *out;
    size_t start;    /* of the page in out */
    bool is_started; /* an entry stands in it */
};

struct entry {
    struct str media_type, artifact_type, annotations;
    const struct digest *digest;
    int64_t size;
};

static void render(struct buf *b, const struct entry *e)
{
    char digest[DIGEST_TEXT_MAX];
    digest_format(e->digest, digest);
    buf_putz(b, "{\"mediaType\":");
    buf_json(b, e->media_type);
    buf_printf(b, ",\"digest\":\"%s\",\"size\":%lld", digest, (long long)e->size);
    if (e->artifact_type.p) {
        buf_putz(b, ",\"artifactType\":");
        buf_json(b, e->artifact_type);
    }
    if (e->annotations.p) {
        buf_putz(b, ",\"annotations\":");
        buf_put(b, e->annotations);
    }
    buf_putc(b, '}');
}

static void append(struct page *p, struct str json)
{
    if (p->is_started)
        buf_putc(p->out, ',');
    buf_put(p->out, json);
    p->is_started = true;
}

/* ---- the fallback tag ---- */

/* An entry counts when its manifest is here; one that names a subject itself is found by that. */
static enum err fallback_entry(void *ctx, struct fail *f, const struct manifest_entry *entry)
{
    struct page *p = ctx;
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    struct str subject;
    int64_t size;

    if (p->q->artifact_type.p && !str_eq(p->q->artifact_type, entry->artifact_type))
        return E_OK;
    enum err e = manifest_row_subject(p->w->db, f, p->w->arena, p->q->repo->id,
                                      digest_db(&entry->d.digest), &size, &subject);
    if (e == E_NO_ROW || (e == E_OK && subject.p))
        return E_OK;
    if (e)
        return e;
    render(&json, &(struct entry){.media_type = entry->d.media_type,
                                  .artifact_type = entry->artifact_type,
                                  .annotations = entry->annotations,
                                  .digest = &entry->d.digest,
                                  .size = size});
    if (buf_err(&json))
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of referrers");
    append(p, buf_str(&json));
    return E_OK;
}

static enum err add_fallback(struct page *p, struct fail *f)
{
    char tag[FALLBACK_TAG_MAX];
    struct manifest_row row;
    struct manifest m;
    struct str bytes;

    referrers_fallback_tag(&p->q->subject, tag);
    enum err e = manifest_row_by_tag(p->w->db, f, p->w->arena, p->q->repo->id, str_z(tag), &row);
    if (e == E_NO_ROW)
        return E_OK;
    if (e)
        return e;
    if ((row.expires_ms && row.expires_ms <= clock_ms()) ||
        manifest_kind_of(row.media_type) != MANIFEST_INDEX)
        return E_OK;
    m = (struct manifest){.id = row.id, .size = row.size};
    if (!digest_from_db(row.digest, &m.digest))
        return fail_internal(f, E_INTERNAL, "manifest %lld has a digest that is none",
                             (long long)row.id);
    e = manifest_read(p->w, f, &m, &bytes);
    if (e)
        return e;
    return manifest_each_entry(p->w->arena, f, bytes, fallback_entry, p);
}

/* ---- the rows ---- */

static enum err render_row(struct page *p, struct fail *f, const struct referrer_row *row,
                           struct buf *json)
{
    struct digest d;
    struct entry entry = {
        .media_type = row->media_type,
        .artifact_type = row->artifact_type,
        .annotations = row->annotations,
        .digest = &d,
        .size = row->size,
    };
    if (!digest_from_db(row->digest, &d))
        return fail_internal(f, E_INTERNAL, "manifest %lld has a digest that is none",
                             (long long)row->id);
    if (row->has_more) {
        enum err e =
            manifest_row_annotations(p->w->db, f, p->w->arena, row->id, &entry.annotations);
        if (e && e != E_NO_ROW)
            return e;
    }
    buf_reset(json);
    render(json, &entry);
    return buf_err(json) ? fail_internal(f, E_NO_MEMORY, "no memory for a list of referrers")
                         : E_OK;
}

static enum err add_rows(struct page *p, struct fail *f, int64_t *ret_next)
{
    CLEANUP(buf_done) struct buf json = BUF_INIT;
    const struct referrers_query *q = p->q;
    int64_t last = q->after;
    size_t n = 0;

    *ret_next = 0;
    for (;;) {
        struct referrer_rows rows;
        enum err e =
            manifest_row_referrers(p->w->db, f, p->w->arena, q->repo->id, digest_db(&q->subject),
                                   q->artifact_type, last, BATCH, &rows);
        if (e)
            return e;
        for (size_t i = 0; i < rows.n; i++) {
            bool is_full = q->limit && n == q->limit;
            if (!is_full) {
                e = render_row(p, f, &rows.v[i], &json);
                if (e)
                    return e;
                is_full = n > 0 && p->out->n - p->start + json.n > REFERRERS_PAGE_BYTES;
            }
            if (is_full) {
                *ret_next = last;
                return E_OK;
            }
            append(p, buf_str(&json));
            last = rows.v[i].id;
            n++;
        }
        if (rows.n < BATCH)
            return E_OK;
    }
}

enum err referrers_list(struct worker *w, struct fail *f, const struct referrers_query *q,
                        struct buf *out, int64_t *ret_next)
{
    struct page p = {.w = w, .q = q, .out = out, .start = out->n};
    int64_t next = 0;
    enum err e = E_OK;

    buf_putz(out, "{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_INDEX "\",\"manifests\":[");
    if (q->repo->id && !q->after)
        e = add_fallback(&p, f);
    if (!e && q->repo->id)
        e = add_rows(&p, f, &next);
    if (e)
        return e;
    buf_putz(out, "]}");
    if (buf_err(out))
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of referrers");
    *ret_next = next;
    return E_OK;
}
