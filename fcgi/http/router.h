/*
 * router.h - which route a path means. The rows stand in oci/routes.def and api/routes.def; the program that links the
 * handlers hands the table over at start.
 *
 * A path is tried against the rows in order; literal segments match exactly, {name} one segment, {repo} one or more. A
 * path that matches with other methods only is E_METHOD (the caller lists them in Allow), else E_NOT_FOUND.
 * HEAD is answered where GET is.
 */
#ifndef GANTRY_HTTP_ROUTER_H
#define GANTRY_HTTP_ROUTER_H

#include "http/request.h"

/* Once, at start; the table must live for ever. */
void router_init(const struct route *routes, size_t n);
/* All rows, for metrics and tests. */
const struct route *router_routes(size_t *ret_n);

/* Every method of req->path, as a set; for the Allow of a 405 that a handler gives. */
unsigned router_methods(const struct request *req);

/* Fills req->route and req->params from req->method and req->path. *ret_allow: methods of the path, for E_METHOD. */
enum err router_find(struct request *req, unsigned *ret_allow) MUST_CHECK;

#endif
