/*
 * referrers.c - GET /v2/{repo}/referrers/{digest} (distribution-spec "Listing Referrers"). Never 404 while the API is
 * switched on: a subject, and even a repository, that does not exist has no referrers.
 */
#include "base/cleanup.h"
#include "base/config.h"
#include "oci/handlers.h"
#include "oci/page.h"
#include "registry/manifest_parse.h"
#include "registry/referrers.h"

#define REFERRERS_N_MAX 10000

static enum err link_next(struct request *req, const struct referrers_query *q, int64_t next)
{
    CLEANUP(buf_done) struct buf url = BUF_INIT;
    char digest[DIGEST_TEXT_MAX];
    digest_format(&q->subject, digest);
    buf_putz(&url, "/v2/");
    buf_put(&url, req_param(req, "repo"));
    buf_printf(&url, "/referrers/%s?last=%lld", digest, (long long)next);
    if (q->limit)
        buf_printf(&url, "&n=%zu", q->limit);
    if (q->artifact_type.p) {
        buf_putz(&url, "&artifactType=");
        buf_url(&url, q->artifact_type);
    }
    return page_link_next(req, &url);
}

/* `last` is a number that only the Link header of the page before gives out. */
static enum err read_query(struct request *req, struct referrers_query *q)
{
    struct str last;
    uint64_t after;
    enum err e = digest_parse(&req->fail, req_param(req, "digest"), &q->subject);
    if (e)
        return e;
    e = page_size(req, 0, REFERRERS_N_MAX, &q->limit);
    if (e)
        return e;
    if (req_query(req, "last", 0, &last)) {
        if (!str_u64(last, &after) || after > INT64_MAX)
            return fail(&req->fail, E_BAD_REQUEST,
                        "last is not what a Link header of this list gave");
        q->after = (int64_t)after;
    }
    if (!req_query(req, "artifactType", 0, &q->artifact_type) || q->artifact_type.n == 0)
        q->artifact_type = STR_NONE;
    return E_OK;
}

enum err oci_referrers(struct request *req)
{
    CLEANUP(buf_done) struct buf body = {.limit = 3 * REFERRERS_PAGE_BYTES};
    struct referrers_query q = {.repo = &req->repo};
    int64_t next = 0;

    if (!req->w->config->referrers_api)
        return fail(&req->fail, E_NOT_FOUND,
                    "the referrers API is switched off here (FEATURE_REFERRERS_API)");
    enum err e = read_query(req, &q);
    if (e)
        return e;
    e = referrers_list(req->w, &req->fail, &q, &body, &next);
    if (e)
        return e;
    if (q.artifact_type.p) {
        e = res_header(req, "OCI-Filters-Applied", STR("artifactType"));
        if (e)
            return e;
    }
    if (next) {
        e = link_next(req, &q, next);
        if (e)
            return e;
    }
    return res_send(req, 200, MT_OCI_INDEX, buf_str(&body));
}
