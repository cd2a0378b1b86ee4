/*
 * page.h - paging of lists under /v2/: `n`, `last` and the Link header (distribution-spec "Listing Tags", RFC 8288).
 */
#ifndef GANTRY_OCI_PAGE_H
#define GANTRY_OCI_PAGE_H

#include "http/request.h"

/* The n parameter, cut to max; `absent` without one. E_BAD_REQUEST when it is no number. */
enum err page_size(struct request *req, size_t absent, size_t max, size_t *ret) MUST_CHECK;

/* Link: <url>; rel="next". The URL is encoded already. */
enum err page_link_next(struct request *req, const struct buf *url) MUST_CHECK;

#endif
