/*
 * handlers.h - declares every handler and precheck of api/routes.def, from its rows.
 */
#ifndef GANTRY_API_HANDLERS_H
#define GANTRY_API_HANDLERS_H

#include "http/request.h"

#define ROUTE(methods, path, perm, body, handler, precheck, flags) \
    enum err handler(struct request *req);                         \
    enum err precheck(struct request *req);
#include "api/routes.def"
#undef ROUTE

#endif
