/*
 * params.h - from the parameters of a FastCGI request to a struct request.
 *
 * nginx sends, by our template: REQUEST_METHOD, REQUEST_URI (raw), CONTENT_TYPE, CONTENT_LENGTH, REMOTE_ADDR, HTTPS,
 * REQUEST_ID, REQUEST_BODY_FILE (blob bodies), GANTRY_PRECHECK=1 (auth_request), GANTRY_PARAMS_END=1, and the client's
 * headers as HTTP_*. Only what is named here is looked at: HTTP_PROXY and the like have no meaning.
 */
#ifndef GANTRY_HTTP_PARAMS_H
#define GANTRY_HTTP_PARAMS_H

#include "http/request.h"

/*
 * Reads envp ("NAME=value", NULL-terminated; must live as long as the request) in one pass. E_BAD_REQUEST: a header that
 * may stand once is repeated, a malformed Content-Length, or GANTRY_PARAMS_END is missing (the connection broke, or nginx
 * is configured otherwise than by our template). req->request_id is set whatever happens.
 */
enum err params_read(struct request *req, const char *const *envp) MUST_CHECK;

/* METHOD_NONE when unknown. */
enum method method_parse(struct str s);
/* The name of one method bit, "-" for METHOD_NONE. */
const char *method_name(enum method m);
/* "GET, HEAD, PUT" for a set of methods; HEAD where GET is. */
void methods_list(unsigned methods, struct buf *out);

#endif
