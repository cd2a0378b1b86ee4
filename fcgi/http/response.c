/*
 * response.c - filling req->res, see request.h; and its form on the FastCGI wire.
 *
 * Values reach the wire only through res_header(), which drops CR, LF and NUL, so that no value can
 * start a header of its own. Names are literals of ours.
 */
#include "http/response.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

static struct header *find(struct response *res, const char *name)
{
    for (size_t i = 0; i < res->n_headers; i++) {
        if (strcasecmp(res->headers[i].name, name) == 0)
            return &res->headers[i];
    }
    return NULL;
}

const struct header *response_header(const struct response *res, const char *name)
{
    for (size_t i = 0; i < res->n_headers; i++) {
        if (strcasecmp(res->headers[i].name, name) == 0)
            return &res->headers[i];
    }
    return NULL;
}

void response_keep(struct response *res, const char *const *names)
{
    size_t kept = 0;
    for (size_t i = 0; i < res->n_headers; i++) {
        for (const char *const *n = names; *n; n++) {
            if (strcasecmp(res->headers[i].name, *n) == 0) {
                res->headers[kept++] = res->headers[i];
                break;
            }
        }
    }
    res->n_headers = kept;
}

bool response_set_fixed(struct response *res, const char *name, struct str value)
{
    struct header *h = find(res, name);
    if (!h) {
        if (res->n_headers == HEADERS_MAX)
            return false;
        h = &res->headers[res->n_headers++];
        h->name = name;
    }
    h->value = value;
    return true;
}

static enum err header_put(struct request *req, struct header *h, const char *name,
                           struct str value)
{
    char *to = arena_alloc(req->w->arena, value.n + 1);
    size_t n = 0;
    if (!to)
        return fail_internal(&req->fail, E_NO_MEMORY, "no memory for header %s", name);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] != '\r' && value.p[i] != '\n' && value.p[i] != '\0')
            to[n++] = value.p[i];
    }
    if (!h) {
        if (req->res.n_headers == HEADERS_MAX)
            return fail_internal(&req->fail, E_INTERNAL, "more than %d headers, %s is too many",
                                 HEADERS_MAX, name);
        h = &req->res.headers[req->res.n_headers++];
    }
    *h = (struct header){name, {to, n}};
    return E_OK;
}

enum err res_header(struct request *req, const char *name, struct str value)
{
    return header_put(req, find(&req->res, name), name, value);
}

enum err res_header_add(struct request *req, const char *name, struct str value)
{
    return header_put(req, NULL, name, value);
}

enum err res_headerf(struct request *req, const char *name, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text)) /* cut, it would say something else */
        return fail_internal(&req->fail, E_INTERNAL, "header %s is too long to be formatted", name);
    return res_header(req, name, (struct str){text, (size_t)n});
}

enum err res_send(struct request *req, int status, const char *content_type, struct str body)
{
    struct buf *b = &req->res.body;
    enum err e = res_header(req, "Content-Type", str_z(content_type));
    if (e)
        return e;
    buf_reset(b);
    buf_put(b, body);
    if (buf_err(b))
        return fail_internal(&req->fail, E_NO_MEMORY, "no memory for a body of %zu bytes", body.n);
    req->res.status = status;
    return E_OK;
}

enum err res_empty(struct request *req, int status)
{
    buf_reset(&req->res.body);
    req->res.status = status;
    return E_OK;
}

enum err res_json(struct request *req, int status, struct buf *b)
{
    enum err e = buf_err(b);
    if (e)
        return fail_internal(&req->fail, e, "no memory for a JSON body");
    e = res_header(req, "Content-Type", STR("application/json"));
    if (e)
        return e;
    buf_done(&req->res.body);
    req->res.body = *b;
    *b = (struct buf)BUF_INIT;
    req->res.status = status;
    return E_OK;
}

/* ---- the wire ---- */

const char *status_reason(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 429:
        return "Too Many Requests";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    case 507:
        return "Insufficient Storage";
    default:
        return status < 400 ? "OK" : "Error";
    }
}

struct str response_body(const struct request *req)
{
    const struct response *res = &req->res;
    if (res->accel.n || res->status == 204 || res->status == 304)
        return STR_NONE;
    return res->fixed.n ? res->fixed : buf_str(&res->body);
}

void response_head(const struct request *req, struct buf *out)
{
    const struct response *res = &req->res;
    bool sized = false;

    buf_printf(out, "Status: %d %s\r\n", res->status, status_reason(res->status));
    for (size_t i = 0; i < res->n_headers; i++) {
        sized |= strcasecmp(res->headers[i].name, "Content-Length") == 0;
        buf_putz(out, res->headers[i].name);
        buf_putz(out, ": ");
        buf_put(out, res->headers[i].value);
        buf_putz(out, "\r\n");
    }
    if (res->accel.n) {
        buf_putz(out, "X-Accel-Redirect: ");
        buf_put(out, res->accel);
        buf_putz(out, "\r\n");
    } else if (!sized && res->status != 204 && res->status != 304) {
        buf_printf(out, "Content-Length: %zu\r\n", response_body(req).n);
    }
    buf_putz(out, "\r\n");
}
