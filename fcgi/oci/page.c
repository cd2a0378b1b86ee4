/*
 * page.c - see page.h.
 */
#include "oci/page.h"

#include "base/cleanup.h"

enum err page_size(struct request *req, size_t absent, size_t max, size_t *ret)
{
    struct str text;
    uint64_t n;
    if (!req_query(req, "n", 0, &text)) {
        *ret = absent;
        return E_OK;
    }
    if (!str_u64(text, &n))
        return fail(&req->fail, E_BAD_REQUEST, "n, the number of entries wanted, must be a number");
    *ret = n < max ? (size_t)n : max;
    return E_OK;
}

enum err page_link_next(struct request *req, const struct buf *url)
{
    CLEANUP(buf_done) struct buf link = BUF_INIT;
    buf_putc(&link, '<');
    buf_put(&link, buf_str(url));
    buf_putz(&link, ">; rel=\"next\"");
    if (buf_err(url) || buf_err(&link))
        return fail_internal(&req->fail, E_NO_MEMORY, "no memory for a Link header");
    return res_header(req, "Link", buf_str(&link));
}
