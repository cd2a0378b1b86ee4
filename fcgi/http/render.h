/*
 * render.h - the one place where an error becomes an answer: OCI JSON, Quay's JSON or text, the challenge, Allow and
 * Retry-After. Called by the gate only.
 */
#ifndef GANTRY_HTTP_RENDER_H
#define GANTRY_HTTP_RENDER_H

#include "http/request.h"

/* Whether the path belongs to the registry protocol: its answers carry the protocol's version, errors are OCI JSON. */
bool render_is_v2(const struct request *req);

/*
 * Fills req->res for e; req->fail has the text when it recorded e. allow: methods of the path for E_METHOD. Of the
 * handler's headers only those stay that tell a client how to go on (Location, Range, Docker-Upload-UUID,
 * OCI-Chunk-Min-Length, Warning). Cannot fail: without memory the answer is a prepared 503.
 */
void render_error(struct request *req, enum err e, unsigned allow);

/* Turns the answer into one that auth_request understands, see gate.h. refused: res holds the real answer. */
void render_precheck(struct request *req, bool refused);

/* X-Request-Id and, under /v2/, Docker-Distribution-API-Version. */
void render_common(struct request *req);

#endif
