/*
 * gate.h - the one way from a parsed request to an answer.
 *
 * route -> authenticate -> authorise -> limits -> body -> handler -> render -> log. Errors of every step are rendered
 * here and nowhere else, and logged once. nginx asks the same gate before it reads a blob's body (req->is_precheck):
 * then the handler is the route's precheck, success is 204, and every refusal is 403 with the real one in headers
 * X-Gantry-Status, X-Gantry-Body, X-Gantry-Challenge, X-Gantry-Retry-After, X-Gantry-Location, X-Gantry-Range,
 * which the nginx configuration turns back into the answer.
 */
#ifndef GANTRY_HTTP_GATE_H
#define GANTRY_HTTP_GATE_H

#include "http/request.h"

/* req->w, method, uri, headers and remote_addr are set; read_body is called at most once, after authorisation. */
typedef enum err (*body_reader)(struct request *req, size_t max, void *ctx);
void gate_run(struct request *req, body_reader read_body, void *ctx);

#endif
