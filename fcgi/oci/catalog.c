/*
 * catalog.c - GET /v2/_catalog.
 */
#include "base/cleanup.h"
#include "oci/handlers.h"
#include "oci/page.h"
#include "registry/catalog.h"

#define CATALOG_PAGE 100 /* Quay's */

static enum err link_next(struct request *req, const struct repository_item *last, size_t n)
{
    CLEANUP(buf_done) struct buf name = BUF_INIT, url = BUF_INIT;
    buf_put(&name, last->namespace_name);
    buf_putc(&name, '/');
    buf_put(&name, last->name);
    buf_printf(&url, "/v2/_catalog?n=%zu&last=", n);
    buf_url(&url, buf_str(&name));
    return page_link_next(req, &url);
}

enum err oci_catalog(struct request *req)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    struct repository_items items = {.n = 0};
    struct str last = STR_NONE;
    bool more = false;
    size_t n;

    enum err e = page_size(req, CATALOG_PAGE, CATALOG_PAGE, &n);
    if (e)
        return e;
    req_query(req, "last", 0, &last);
    if (n > 0) {
        e = catalog_list(req->w, &req->fail, &req->caller, last, n, &items, &more);
        if (e)
            return e;
    }
    if (more) {
        e = link_next(req, &items.v[items.n - 1], n);
        if (e)
            return e;
    }
    buf_putz(&body, "{\"repositories\":[");
    for (size_t i = 0; i < items.n; i++)
        buf_printf(&body, "%s\"%.*s/%.*s\"", i ? "," : "", STR_ARG(items.v[i].namespace_name),
                   STR_ARG(items.v[i].name));
    buf_putz(&body, "]}");
    return res_json(req, 200, &body);
}
