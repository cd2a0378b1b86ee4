/*
 * gate.h - the one way from a parsed request to an answer.
 *
 * route -> authenticate -> authorise -> limits -> body -> handler -> render -> log. Errors of every step are rendered
 * here and nowhere else, and logged once. nginx asks the same gate before it reads a blob's body (req->is_precheck):
 * then the handler is the route's precheck, success is 204, and every refusal is 403 with the real one in headers
 * X-Gantry-Status, X-Gantry-Body, X-Gantry-Challenge, X-Gantry-Retry-After, X-Gantry-Location, X-Gantry-Range,
 * which the nginx configuration turns back into the answer. A route that has no precheck answers 204 once the caller is
 * known and allowed, and its announced length is small.
 *
 * When a handler fails, of its headers only Location, Range, Docker-Upload-UUID, OCI-Chunk-Min-Length and Warning stay.
 * fail_internal() texts are logged even when the handler then answers by itself.
 */
#ifndef GANTRY_HTTP_GATE_H
#define GANTRY_HTTP_GATE_H

#include "http/request.h"

/*
 * Reads the body into req->body, at most max bytes: E_TOO_LARGE (not recorded in req->fail) when there is more,
 * E_SIZE_INVALID when it broke off.
 */
typedef enum err (*body_reader)(struct request *req, size_t max, void *ctx);

/*
 * Answers: req->res is complete afterwards, the request counted and logged. req->w, method, uri, headers and remote_addr
 * are set; read_body is called at most once, after authorisation.
 */
void gate_run(struct request *req, body_reader read_body, void *ctx);

/* Answers a request that could not even be read (params_read() failed with e). */
void gate_refuse(struct request *req, enum err e);

#endif
