/*
 * tags.c - GET /v2/{repo}/tags/list (distribution-spec "Listing Tags"): byte order, `n`, `last`, Link.
 */
#include "base/cleanup.h"
#include "oci/handlers.h"
#include "oci/page.h"
#include "registry/tag.h"

#define TAGS_PAGE 1000

static enum err link_next(struct request *req, struct str last, size_t n)
{
    CLEANUP(buf_done) struct buf url = BUF_INIT;
    buf_putz(&url, "/v2/");
    buf_put(&url, req_param(req, "repo"));
    buf_printf(&url, "/tags/list?n=%zu&last=", n);
    buf_url(&url, last);
    return page_link_next(req, &url);
}

enum err oci_tags_list(struct request *req)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct tag_names tags = {.n = 0};
    struct str last = STR_NONE;
    bool more = false;
    size_t n;

    enum err e = page_size(req, TAGS_PAGE, TAGS_PAGE, &n);
    if (e)
        return e;
    if (!req->repo.id)
        return fail(&req->fail, E_NAME_UNKNOWN, "repository %.*s does not exist",
                    STR_ARG(req_param(req, "repo")));
    req_query(req, "last", 0, &last);
    if (n > 0) {
        e = tag_list(req->w, &req->fail, &req->repo, last, n, &tags, &more);
        if (e)
            return e;
    }
    if (more) {
        e = link_next(req, tags.v[tags.n - 1], n);
        if (e)
            return e;
    }
    buf_putz(&body, "{\"name\":");
    buf_json(&body, req_param(req, "repo"));
    buf_putz(&body, ",\"tags\":[");
    for (size_t i = 0; i < tags.n; i++)
        buf_printf(&body, "%s\"%.*s\"", i ? "," : "", STR_ARG(tags.v[i]));
    buf_putz(&body, "]}");
    return res_json(req, 200, &body);
}
