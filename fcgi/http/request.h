/*
 * request.h - one request on its way through the gate: what was asked, who asks, what is answered.
 *
 * Slices point into FastCGI parameters or the arena and die with the request. Handlers read the request, fill res, and
 * return E_OK, or an error recorded in req->fail, which the gate renders.
 */
#ifndef GANTRY_HTTP_REQUEST_H
#define GANTRY_HTTP_REQUEST_H

#include "access/access.h"
#include "auth/caller.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/worker.h"

enum method {
    METHOD_NONE = 0,
    GET = 1 << 0,
    HEAD = 1 << 1,
    POST = 1 << 2,
    PUT = 1 << 3,
    PATCH = 1 << 4,
    DELETE = 1 << 5,
    OPTIONS = 1 << 6,
};

enum body_kind {
    BODY_NONE = 0, /* whatever is sent is ignored */
    BODY_FORM,     /* application/x-www-form-urlencoded, at most 64 KiB, in memory */
    BODY_JSON,     /* at most 1 MiB, in memory */
    BODY_MANIFEST, /* at most MAXIMUM_MANIFEST_SIZE, in memory; larger: E_MANIFEST_TOO_LARGE */
    BODY_BLOB,     /* in a file that nginx wrote; the route's precheck runs before it is read */
};

/* Flags of a route. */
enum {
    R_OCI = 1 << 0,         /* errors as OCI JSON, and the headers of /v2/ */
    R_API = 1 << 1,         /* errors as Quay's JSON */
    R_CREATE_REPO = 1 << 2, /* a missing {repo} is created for a caller who may */
    R_GRACE = 1 << 3,       /* a registry token that has just expired still signs its own session's requests */
    R_DELETE_SCOPE = 1 << 4,/* the challenge asks for pull,push and delete means write */
    R_PLAIN = 1 << 5,       /* errors as text */
};

struct request;
typedef enum err (*handler_fn)(struct request *req);

struct route {
    unsigned methods;
    const char *path; /* "/v2/{repo}/blobs/{digest}": {repo} is one or more segments, any other name is one */
    enum perm perm;
    enum body_kind body;
    handler_fn handler;
    handler_fn precheck; /* BODY_BLOB: asked by nginx before the body is read; no_precheck otherwise */
    unsigned flags;
    const char *name; /* for metrics and logs: the handler's name */
};

#define HEADERS_MAX 24

struct header {
    const char *name;
    struct str value;
};

struct response {
    int status;
    struct header headers[HEADERS_MAX]; /* values in the arena */
    size_t n_headers;
    struct buf body;
    struct str accel; /* not empty: X-Accel-Redirect, the body is nginx's */
    struct str fixed; /* not empty: sent instead of body; never freed */
};

#define ROUTE_PARAMS_MAX 6

struct request {
    struct worker *w;
    struct fail fail;
    uint64_t started_ns;

    enum method method;
    struct str uri;   /* raw REQUEST_URI */
    struct str path;  /* decoded once, without the query */
    struct str query; /* raw, without '?' */
    const struct route *route;
    struct { struct str name, value; } params[ROUTE_PARAMS_MAX];
    size_t n_params;

    struct str authorization, accept, content_type, range, content_range, if_none_match;
    struct str user_agent, host, remote_addr, request_id;
    bool is_https;
    bool has_content_length;
    uint64_t content_length;

    struct str body;         /* BODY_FORM, BODY_JSON, BODY_MANIFEST */
    struct str body_file;    /* BODY_BLOB: path of nginx's file, NUL-terminated; empty: the body is empty */
    bool is_precheck;        /* nginx asks before it reads the body */

    struct caller caller;
    struct repo_name repo_name; /* routes with {repo} */
    struct repo repo;           /* id 0: does not exist (see access.h) */

    struct response res;
};

/* Zeroes it and starts its clock; request_done() ends what is on the heap. The arena is the caller's to reset. */
void request_init(struct request *req, struct worker *w);
void request_done(struct request *req);

/*
 * Decodes req->uri into req->path and req->query, once. E_BAD_REQUEST: not an absolute path, a malformed escape, %2F,
 * %00, control bytes, a "." or ".." segment, bytes that are not UTF-8.
 */
enum err request_parse_uri(struct request *req) MUST_CHECK;

/* Whether name=value pairs (a query, a form body) can be decoded: no malformed escape and no NUL. */
bool pairs_valid(struct str pairs);

/* The precheck of routes that need none: E_OK. */
enum err no_precheck(struct request *req);

/* The value of a path parameter; empty when the route has no such name. */
struct str req_param(const struct request *req, const char *name);

/*
 * The query parameter's decoded value (arena). False when absent. nth counts repeated ones from 0. A malformed
 * escape or a NUL in the query was refused before the handler runs.
 */
bool req_query(const struct request *req, const char *name, size_t nth, struct str *ret);
/* The same for a form body. */
bool req_form(const struct request *req, const char *name, size_t nth, struct str *ret);

/* Whether Accept admits the media type (absent Accept admits all; wildcards count; q=0 refuses). */
bool req_accepts(const struct request *req, struct str media_type);

/* ---- answering ---- */

/* Sets or replaces a header; the value is copied into the arena. CR, LF and NUL in it are dropped. */
enum err res_header(struct request *req, const char *name, struct str value) MUST_CHECK;
/* At most 1023 bytes; longer values go through res_header(). */
enum err res_headerf(struct request *req, const char *name, const char *fmt, ...) PRINTF(3, 4) MUST_CHECK;
/* Adds, keeping others of the name (Link, Warning). */
enum err res_header_add(struct request *req, const char *name, struct str value) MUST_CHECK;

/* Status and a body; HEAD drops the body and keeps its Content-Length. The body is copied. */
enum err res_send(struct request *req, int status, const char *content_type, struct str body) MUST_CHECK;
/* Status with Content-Length 0. */
enum err res_empty(struct request *req, int status) MUST_CHECK;
/* Takes over the JSON text in b. */
enum err res_json(struct request *req, int status, struct buf *b) MUST_CHECK;

#endif
