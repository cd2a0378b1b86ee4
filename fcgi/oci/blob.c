/*
 * blob.c - /v2/{repo}/blobs/{digest}: is it here, where is it, forget it (distribution-spec, "Pulling blobs",
 * "Deleting blobs").
 *
 * No byte of a blob passes through here: X-Accel-Redirect names the file, and nginx sends it, with ranges and for
 * HEAD without a body. What is told beside it is said again in nginx's internal location. Accept-Ranges is nginx's.
 */
#include "base/arena.h"
#include "base/metrics.h"
#include "oci/handlers.h"
#include "registry/blob.h"
#include "storage/store.h"

/* Content under a digest does not change: a year, as Quay says it. */
#define CACHE_CONTROL "max-age=31436000"

static enum err find_digest(struct request *req, struct digest *ret)
{
    return digest_parse(&req->fail, req_param(req, "digest"), ret);
}

/* If-None-Match names it (RFC 9110 13.1.2: the weak comparison, a list, or "*"). */
static bool none_match_names(struct str header, struct str tag)
{
    struct str item, rest = header;
    if (str_eq(str_trim(header), STR("*")))
        return true;
    while (rest.n) {
        str_cut(rest, ',', &item, &rest);
        item = str_trim(item);
        if (str_starts(item, STR("W/")))
            item = str_from(item, 2);
        if (str_eq(item, tag))
            return true;
    }
    return false;
}

enum err oci_blob_get(struct request *req)
{
    char text[DIGEST_TEXT_MAX], path[STORE_ACCEL_MAX];
    struct digest d;
    struct blob blob;
    enum err e = find_digest(req, &d);
    if (!e)
        e = blob_find(req->w, &req->fail, req->repo.id, &d, &blob);
    if (e)
        return e;
    digest_format(&d, text);
    struct str tag = str_z(arena_printf(req->w->arena, "\"%s\"", text));
    if (!tag.p)
        return fail(&req->fail, E_NO_MEMORY, "out of memory while answering; try again");
    e = res_header(req, "Docker-Content-Digest", str_z(text));
    if (!e)
        e = res_header(req, "ETag", tag);
    if (!e)
        e = res_header(req, "Cache-Control", STR(CACHE_CONTROL));
    if (e)
        return e;
    if (none_match_names(req->if_none_match, tag))
        return res_empty(req, 304);
    e = res_header(req, "Content-Type", STR("application/octet-stream"));
    if (e)
        return e;
    store_accel_path(req->w->store, &d, path);
    req->res.accel = arena_str(req->w->arena, str_z(path));
    if (!req->res.accel.p)
        return fail(&req->fail, E_NO_MEMORY, "out of memory while answering; try again");
    req->res.status = 200;
    if (req->method == GET)
        metrics_add(METRIC_PULLED_BYTES, (int64_t)blob.size);
    return E_OK;
}

enum err oci_blob_delete(struct request *req)
{
    struct digest d;
    enum err e = find_digest(req, &d);
    if (!e)
        e = blob_delete(req->w, &req->fail, req->repo.id, &d);
    return e ? e : res_empty(req, 202);
}
