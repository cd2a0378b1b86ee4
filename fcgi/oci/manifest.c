/*
 * manifest.c - GET, PUT and DELETE /v2/{repo}/manifests/{reference} (distribution-spec "Pulling manifests", "Pushing
 * manifests", "Deleting manifests").
 *
 * Accept is read by nobody: a manifest is bytes under a digest and is never converted, and the specification lets a
 * registry answer with the type it has.
 */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/config.h"
#include "base/metrics.h"
#include "oci/handlers.h"
#include "registry/manifest.h"
#include "registry/referrers.h"
#include "registry/tag.h"

static struct visitor visitor_of(const struct request *req)
{
    return (struct visitor){
        .caller = &req->caller,
        .remote_addr = req->remote_addr,
        .user_agent = req->user_agent,
    };
}

static enum err find_reference(struct request *req, struct reference *ret)
{
    enum err e = reference_parse(&req->fail, req_param(req, "reference"), ret);
    if (e)
        return e;
    if (!req->repo.id)
        return fail(&req->fail, E_NAME_UNKNOWN, "repository %.*s does not exist",
                    STR_ARG(req_param(req, "repo")));
    return E_OK;
}

/* ---- GET, HEAD ---- */

/* RFC 9110 13.1.2: a list of entity tags, compared weakly, or "*". Bare digests are taken for quoted ones. */
static bool none_match(struct str header, struct str digest)
{
    bool more = header.n > 0;
    while (more) {
        struct str one;
        more = str_cut(header, ',', &one, &header);
        one = str_trim(one);
        if (str_starts(one, STR("W/")))
            one = str_from(one, 2);
        if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"')
            one = (struct str){one.p + 1, one.n - 2};
        else if (str_eqz(one, "*"))
            return true;
        if (str_eq(one, digest))
            return true;
    }
    return false;
}

static void count_pull(struct request *req, const struct reference *r)
{
    struct visitor by = visitor_of(req);
    metrics_add(METRIC_PULLS, 1);
    content_log_later(&by, LOG_KIND_pull_repo,
                      &(struct content){
                          .repo = &req->repo,
                          .tag = r->is_digest ? STR_NONE : r->tag,
                          .digest = r->is_digest ? &r->digest : NULL,
                      });
}

enum err oci_manifest_get(struct request *req)
{
    char digest[DIGEST_TEXT_MAX];
    struct reference r;
    struct manifest m;
    struct str bytes;

    enum err e = find_reference(req, &r);
    if (e)
        return e;
    e = manifest_find(req->w, &req->fail, &req->repo, &r, &m);
    if (e)
        return e;
    digest_format(&m.digest, digest);
    e = res_header(req, "Docker-Content-Digest", str_z(digest));
    if (e)
        return e;
    e = res_headerf(req, "ETag", "\"%s\"", digest);
    if (e)
        return e;
    if (none_match(req->if_none_match, str_z(digest)))
        return res_empty(req, 304);
    e = manifest_read(req->w, &req->fail, &m, &bytes);
    if (e)
        return e;
    if (req->method == GET)
        count_pull(req, &r);
    return res_send(req, 200, m.media_type.p, bytes);
}

/* ---- PUT ---- */

/* ?tag=a&tag=b of a push by digest. */
static enum err read_tags(struct request *req, const struct reference *r, struct manifest_put *put)
{
    struct str *tags, tag;
    size_t n = 0;

    while (n <= MANIFEST_TAGS_MAX && req_query(req, "tag", n, &tag))
        n++;
    if (n == 0)
        return E_OK;
    if (!r->is_digest)
        return fail(
            &req->fail, E_TAG_INVALID,
            "tag parameters go with a digest in the address; this push names the tag %.*s already",
            STR_ARG(r->tag));
    if (n > MANIFEST_TAGS_MAX)
        return fail(&req->fail, E_TOO_MANY_TAGS, "more than %d tags in one request; send several",
                    MANIFEST_TAGS_MAX);
    tags = arena_array(req->w->arena, n, sizeof(*tags));
    if (!tags)
        return fail_internal(&req->fail, E_NO_MEMORY, "no memory for tags");
    for (size_t i = 0; i < n; i++) {
        if (req_query(req, "tag", i, &tag))
            tags[put->n_tags++] = tag;
    }
    put->tags = tags;
    return E_OK;
}

static enum err header_tags(struct request *req, const struct manifest_put *put)
{
    CLEANUP(buf_done) struct buf list = BUF_INIT;
    if (put->n_tags == 0)
        return E_OK;
    for (size_t i = 0; i < put->n_tags; i++) {
        buf_putz(&list, i ? ", " : "");
        buf_put(&list, put->tags[i]);
    }
    if (buf_err(&list))
        return fail_internal(&req->fail, E_NO_MEMORY, "no memory for the header OCI-Tag");
    return res_header(req, "OCI-Tag", buf_str(&list));
}

static enum err headers_put(struct request *req, const struct manifest_put *put,
                            const struct manifest_stored *stored)
{
    char digest[DIGEST_TEXT_MAX];
    struct str name = req_param(req, "repo");
    bool has_api = req->w->config->referrers_api;
    enum err e;

    digest_format(&stored->digest, digest);
    e = res_header(req, "Docker-Content-Digest", str_z(digest));
    if (e)
        return e;
    e = res_headerf(req, "Location", "/v2/%.*s/manifests/%s", STR_ARG(name), digest);
    if (e)
        return e;
    e = header_tags(req, put);
    if (e)
        return e;
    if (has_api && !put->reference->is_digest && referrers_is_fallback_tag(put->reference->tag)) {
        e = res_header_add(
            req, "Warning",
            STR("299 - \"this registry has the referrers API; the referrers tag is not needed, "
                "it lists manifests by their subject field\""));
        if (e)
            return e;
    }
    if (!has_api || !stored->facts.has_subject)
        return E_OK;
    digest_format(&stored->facts.subject, digest);
    return res_header(req, "OCI-Subject", str_z(digest));
}

enum err oci_manifest_put(struct request *req)
{
    struct visitor by = visitor_of(req);
    struct reference r;
    struct manifest_stored stored;
    struct manifest_put put = {
        .by = &by,
        .repo = &req->repo,
        .reference = &r,
        .content_type = req->content_type,
        .bytes = req->body,
    };
    enum err e = find_reference(req, &r);
    if (e)
        return e;
    e = read_tags(req, &r, &put);
    if (e)
        return e;
    e = manifest_put(req->w, &req->fail, &put, &stored);
    if (e)
        return e;
    e = headers_put(req, &put, &stored);
    if (e)
        return e;
    return res_empty(req, 201);
}

/* ---- DELETE ---- */

enum err oci_manifest_delete(struct request *req)
{
    struct visitor by = visitor_of(req);
    struct reference r;
    enum err e = find_reference(req, &r);
    if (e)
        return e;
    e = r.is_digest ? manifest_delete(req->w, &req->fail, &by, &req->repo, &r.digest)
                    : tag_delete(req->w, &req->fail, &by, &req->repo, r.tag);
    if (e)
        return e;
    return res_empty(req, 202);
}
