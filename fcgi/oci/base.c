/*
 * base.c - GET /v2/: this is a registry, and you are signed in.
 */
#include "base/config.h"
#include "oci/handlers.h"

enum err oci_base(struct request *req)
{
    enum err e = res_header(req, "X-Sparse-Manifest-Support",
                            req->w->config->sparse_index ? STR("true") : STR("false"));
    if (e)
        return e;
    return res_send(req, 200, "application/json", STR("true"));
}
