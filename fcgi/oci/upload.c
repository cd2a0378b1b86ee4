/*
 * upload.c - /v2/{repo}/blobs/uploads/: blobs on their way in (distribution-spec, "Pushing blobs"; Docker's resumable
 * uploads).
 *
 * The bytes come as a file that nginx wrote. Before it wrote one, it asked the *_check function of the route, so that
 * whoever is refused is refused before the body is sent; the handler asks everything again, because time has passed.
 * Locations are relative, and all state is in the path: there are clients that drop a query.
 *
 * Range of an upload without bytes is 0-0, as in Docker's documentation: a client that reads integers out of it accepts
 * that, and the specification has no way to say "none".
 */
#include "base/config.h"
#include "base/metrics.h"
#include "oci/handlers.h"
#include "registry/upload.h"
#include "storage/store.h"

#include <inttypes.h>

/* ---- what all answers share ---- */

static enum err put_session(struct request *req, const struct upload *u)
{
    struct str repo = req_param(req, "repo");
    uint64_t last = u->byte_count ? u->byte_count - 1 : 0;
    enum err e = res_headerf(req, "Location", "/v2/%.*s/blobs/uploads/%s", STR_ARG(repo), u->uuid);
    if (!e)
        e = res_headerf(req, "Range", "0-%" PRIu64, last);
    if (!e)
        e = res_header(req, "Docker-Upload-UUID", str_z(u->uuid));
    return e;
}

/* What a client needs to go on after a 416 without asking first. */
static enum err refuse(struct request *req, const struct upload *u, enum err why)
{
    if (why == E_RANGE_INVALID) {
        enum err e = put_session(req, u);
        if (e)
            return e;
    }
    return why;
}

static enum err answer_session(struct request *req, const struct upload *u, int status)
{
    enum err e = put_session(req, u);
    return e ? e : res_empty(req, status);
}

static enum err answer_blob(struct request *req, const struct blob *blob)
{
    struct str repo = req_param(req, "repo");
    char digest[DIGEST_TEXT_MAX];
    digest_format(&blob->digest, digest);
    enum err e = res_headerf(req, "Location", "/v2/%.*s/blobs/%s", STR_ARG(repo), digest);
    if (!e)
        e = res_header(req, "Docker-Content-Digest", str_z(digest));
    return e ? e : res_empty(req, 201);
}

/* A body is there or may come: its length is not known, or is not 0. */
static bool expects_body(const struct request *req)
{
    return !req->has_content_length || req->content_length > 0;
}

/* Room on the disk for a body that is about to come. */
static enum err check_space(struct request *req)
{
    uint64_t space = 0, reserve = (uint64_t)req->w->config->min_free_space, need;
    if (!expects_body(req))
        return E_OK;
    enum err e = store_free_space(req->w->store, &req->fail, &space);
    if (e)
        return e;
    if (__builtin_add_overflow(reserve, req->has_content_length ? req->content_length : 0, &need) ||
        space < need)
        return fail_internal(&req->fail, E_STORAGE_FULL,
                             "refused before its body: %" PRIu64
                             " bytes are free, GANTRY_MIN_FREE_SPACE is %" PRIu64,
                             space, reserve);
    return E_OK;
}

/* ---- POST ---- */

struct start {
    bool has_mount, has_digest;
    struct digest mount, digest;
    struct str from; /* p NULL: any repository */
    enum digest_algorithm algorithm;
};

static enum err read_start(struct request *req, struct start *ret)
{
    struct start s = {.algorithm = DIGEST_SHA256};
    struct str text;
    enum err e = E_OK;
    s.has_mount = req_query(req, "mount", 0, &text);
    if (s.has_mount)
        e = digest_parse(&req->fail, text, &s.mount);
    if (!e && s.has_mount && req_query(req, "from", 0, &text))
        s.from = text.p ? text : STR("");
    s.has_digest = req_query(req, "digest", 0, &text);
    if (!e && s.has_digest)
        e = digest_parse(&req->fail, text, &s.digest);
    if (!e && s.has_digest)
        s.algorithm = (enum digest_algorithm)s.digest.raw[0];
    if (!e && req_query(req, "digest-algorithm", 0, &text))
        e = digest_algorithm_parse(&req->fail, text, &s.algorithm);
    if (e)
        return e;
    *ret = s;
    return E_OK;
}

enum err oci_upload_start_check(struct request *req)
{
    struct start s;
    enum err e = read_start(req, &s);
    if (e)
        return e;
    return check_space(req);
}

/* Whether the request holds the whole blob: it names a digest, and a body came or none is needed. */
static enum err is_whole(struct request *req, const struct start *s, bool *ret)
{
    struct digest empty;
    *ret = s->has_digest;
    if (!s->has_digest || req->body_file.n)
        return E_OK;
    enum err e = digest_of(&req->fail, s->algorithm, STR_NONE, &empty);
    *ret = !e && digest_eq(&empty, &s->digest);
    return e;
}

enum err oci_upload_start(struct request *req)
{
    struct start s;
    struct blob blob;
    struct upload u;
    bool mounted = false, whole = false;
    enum err e = read_start(req, &s);
    if (!e && s.has_mount)
        e = blob_mount(req->w, &req->fail, &req->caller, &req->repo, &s.mount, s.from, &blob,
                       &mounted);
    if (e)
        return e;
    if (mounted)
        return answer_blob(req, &blob);
    e = is_whole(req, &s, &whole);
    if (e)
        return e;
    if (whole) {
        e = upload_whole(req->w, &req->fail, &req->repo, req->body_file, &s.digest, &blob);
        if (e)
            return e;
        metrics_add(METRIC_PUSHED_BYTES, (int64_t)blob.size);
        return answer_blob(req, &blob);
    }
    e = upload_start(req->w, &req->fail, &req->caller, &req->repo, s.algorithm, &u);
    return e ? e : answer_session(req, &u, 202);
}

/* ---- a session ---- */

static enum err find(struct request *req, struct upload *ret)
{
    return upload_find(req->w, &req->fail, &req->caller, &req->repo, req_param(req, "uuid"), ret);
}

enum err oci_upload_get(struct request *req)
{
    struct upload u;
    enum err e = find(req, &u);
    return e ? e : answer_session(req, &u, 204);
}

enum err oci_upload_delete(struct request *req)
{
    struct upload u;
    enum err e = find(req, &u);
    if (!e)
        e = upload_cancel(req->w, &req->fail, &u);
    return e ? e : res_empty(req, 204);
}

/* The session, and whether a body of the announced length may follow. */
static enum err check_body(struct request *req, const struct upload_range *range)
{
    struct upload u;
    uint64_t offset;
    enum err e = find(req, &u);
    if (e)
        return e;
    e = upload_place(req->w, &req->fail, &u, range, req->has_content_length, req->content_length,
                     &offset);
    if (e)
        return refuse(req, &u, e);
    return check_space(req);
}

enum err oci_upload_patch_check(struct request *req)
{
    struct upload_range range;
    enum err e = upload_range_parse(&req->fail, req->content_range, &range);
    return e ? e : check_body(req, &range);
}

enum err oci_upload_patch(struct request *req)
{
    struct upload_range range;
    struct upload u;
    uint64_t added = 0;
    enum err e = upload_range_parse(&req->fail, req->content_range, &range);
    if (!e)
        e = find(req, &u);
    if (e)
        return e;
    e = upload_append(req->w, &req->fail, &u, &range, req->body_file, &added);
    if (e)
        return refuse(req, &u, e);
    metrics_add(METRIC_PUSHED_BYTES, (int64_t)added);
    return answer_session(req, &u, 202);
}

/* The digest that closes a session, and the place of the last chunk. A range without a body means nothing. */
static enum err read_close(struct request *req, bool has_body, struct digest *ret_digest,
                           struct upload_range *ret_range)
{
    struct str text;
    if (!req_query(req, "digest", 0, &text))
        return fail(&req->fail, E_DIGEST_INVALID,
                    "the closing PUT of an upload must name the digest of the whole blob: "
                    "?digest=sha256:<64 hexadecimal digits>");
    enum err e = digest_parse(&req->fail, text, ret_digest);
    *ret_range = (struct upload_range){.given = false};
    if (!e && has_body)
        e = upload_range_parse(&req->fail, req->content_range, ret_range);
    return e;
}

enum err oci_upload_put_check(struct request *req)
{
    struct upload_range range;
    struct digest want;
    enum err e = read_close(req, expects_body(req), &want, &range);
    return e ? e : check_body(req, &range);
}

enum err oci_upload_put(struct request *req)
{
    struct upload_range range;
    struct upload u;
    struct digest want;
    struct blob blob;
    uint64_t body = 0;
    enum err e = read_close(req, req->body_file.n > 0, &want, &range);
    if (!e)
        e = find(req, &u);
    if (!e)
        e = store_body_size(req->w->store, &req->fail, req->body_file, &body);
    if (e)
        return e;
    e = upload_finish(req->w, &req->fail, &u, &range, req->body_file, &want, &blob);
    if (e)
        return refuse(req, &u, e);
    metrics_add(METRIC_PUSHED_BYTES, (int64_t)body);
    return answer_blob(req, &blob);
}
