/*
 * response.h - what the gate and the server need of a response beyond request.h: looking at headers, and the bytes on
 * the FastCGI wire.
 */
#ifndef GANTRY_HTTP_RESPONSE_H
#define GANTRY_HTTP_RESPONSE_H

#include "base/cleanup.h"
#include "http/request.h"

/* The first header of the name, or NULL. */
const struct header *response_header(const struct response *res, const char *name);

/* Drops every header whose name is not in the NULL-terminated list. */
void response_keep(struct response *res, const char *const *names);

/* As res_header() without a copy: for values that live for ever, when memory has run out. False: no room. */
bool response_set_fixed(struct response *res, const char *name, struct str value);

/* "Not Found" */
const char *status_reason(int status);

/* What is sent as the body of a GET; HEAD sends its length only. Empty for 204, 304 and X-Accel-Redirect. */
struct str response_body(const struct request *req);

/* Appends the CGI header block (RFC 3875 section 6), the empty line included. */
void response_head(const struct request *req, struct buf *out);

#endif
