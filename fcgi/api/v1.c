/*
 * v1.c - the first registry protocol of Docker (before 2015), which is not spoken here: every path
 * under /v1/ says so. 404 is what makes a client that probes both versions go on with /v2/.
 */
#include "api/handlers.h"

enum err api_v1_gone(struct request *req)
{
    return fail(
        &req->fail, E_NOT_FOUND,
        "version 1 of the registry protocol is not supported here; use a client that speaks "
        "version 2 (/v2/)");
}
