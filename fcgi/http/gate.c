/*
 * gate.c - see gate.h.
 *
 * The order of the steps is the security of the house: nothing of a body is read, and no handler
 * runs, before the caller is known and allowed. A route without a permission is denied by access/
 * (PERM_DENY is 0).
 */
#include "http/gate.h"

#include "access/access.h"
#include "auth/authenticate.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "http/metrics_requests.h"
#include "http/params.h"
#include "http/render.h"
#include "http/response.h"
#include "http/router.h"

#define FORM_MAX ((size_t)64 << 10)
#define JSON_MAX ((size_t)1 << 20)
/* What a request without a blob may bring: nginx has to put it somewhere before it asks us. */
#define IGNORED_MAX ((uint64_t)1 << 20)
/* How long after its end a registry token still serves the upload session of its own user
 * (R_GRACE). */
#define TOKEN_GRACE_S   (6 * 3600)
#define LOGGED_PATH_MAX 1024

enum { TAIL_REQ, TAIL_USER, TAIL_REPO, TAIL_COUNT };

static bool names_repo(enum perm p)
{
    return p == PERM_REPO_READ || p == PERM_REPO_WRITE || p == PERM_REPO_ADMIN;
}

static enum err who(struct request *req)
{
    const struct route *r = req->route;
    struct auth_input in = {
        .authorization = req->authorization,
        .remote_addr = req->remote_addr,
        .user_agent = req->user_agent,
        .api = r->flags & R_API,
        .grace_s = r->flags & R_GRACE ? TOKEN_GRACE_S : 0,
    };
    if (r->perm == PERM_ANYONE || r->perm == PERM_OPERATOR)
        return E_OK; /* decided without credentials, so they are not looked at */
    return authenticate(req->w, &req->fail, &in, &req->caller);
}

/* Before the caller is asked who they are, because a challenge names the repository. */
static enum err which(struct request *req)
{
    const struct config *c = req->w->config;
    if (!names_repo(req->route->perm))
        return E_OK;
    return repo_name_parse(&req->fail, req_param(req, "repo"), str_z(c->library_namespace),
                           c->extended_names, &req->repo_name);
}

static enum err may(struct request *req)
{
    const struct route *r = req->route;
    return access_check(req->w, &req->fail, &req->caller, r->perm,
                        names_repo(r->perm) ? &req->repo_name : NULL, r->flags & R_CREATE_REPO,
                        req->remote_addr, &req->repo);
}

static size_t body_max(const struct request *req)
{
    switch (req->route->body) {
    case BODY_FORM:
        return FORM_MAX;
    case BODY_JSON:
        return JSON_MAX;
    case BODY_MANIFEST:
        return (size_t)req->w->config->max_manifest_size;
    case BODY_NONE:
    case BODY_BLOB:
        break;
    }
    return 0;
}

static enum err too_large(struct request *req, uint64_t max)
{
    enum err e = req->route->body == BODY_MANIFEST ? E_MANIFEST_TOO_LARGE : E_TOO_LARGE;
    return fail(&req->fail, e, "the body is too large: at most %llu bytes are accepted here",
                (unsigned long long)max);
}

/* What the announced length alone decides, before anything is read. */
static enum err limits(struct request *req)
{
    uint64_t max = body_max(req);
    if (req->route->body == BODY_BLOB)
        max = (uint64_t)req->w->config->max_layer_size;
    else if (req->route->body == BODY_NONE)
        max = req->is_precheck ? IGNORED_MAX : UINT64_MAX;
    if (req->has_content_length && req->content_length > max)
        return too_large(req, max);
    return E_OK;
}

static enum err body(struct request *req, body_reader read_body, void *ctx)
{
    size_t max = body_max(req);
    struct str type, params;
    enum err e;

    if (max == 0)
        return E_OK;
    if (req->route->body == BODY_FORM) {
        str_cut(req->content_type, ';', &type, &params);
        if (!str_ieq(str_trim(type), STR("application/x-www-form-urlencoded")))
            return fail(&req->fail, E_BAD_REQUEST,
                        "a form is expected: Content-Type application/x-www-form-urlencoded");
    }
    e = read_body(req, max, ctx);
    if (e == E_TOO_LARGE)
        return too_large(req, max);
    if (e)
        return e;
    if (req->route->body == BODY_FORM && !pairs_valid(req->body))
        return fail(&req->fail, E_BAD_REQUEST, "the form has a malformed %% escape or a NUL");
    return E_OK;
}

static enum err steps(struct request *req, body_reader read_body, void *ctx, struct log_kv *tail,
                      unsigned *ret_allow)
{
    enum err e = request_parse_uri(req);
    if (e)
        return e;
    e = router_find(req, ret_allow);
    if (e)
        return fail(&req->fail, e, "%s", err_info(e)->text);
    if (req_param(req, "repo").n)
        tail[TAIL_REPO] = KV("repo", req_param(req, "repo"));
    e = which(req);
    if (e)
        return e;
    e = who(req);
    if (e)
        return e;
    if (req->caller.name.n)
        tail[TAIL_USER] = KV("user", req->caller.name);
    e = may(req);
    if (e)
        return e;
    e = limits(req);
    if (e)
        return e;
    if (req->is_precheck)
        return req->route->precheck(req);
    e = body(req, read_body, ctx);
    if (e)
        return e;
    e = req->route->handler(req);
    if (req->caller.name.n) /* the token service signs in by itself */
        tail[TAIL_USER] = KV("user", req->caller.name);
    if (!e && req->res.status == 0 && !req->res.accel.n)
        return fail_internal(&req->fail, E_INTERNAL, "handler %s gave no answer", req->route->name);
    if (!e && req->res.status == 0)
        req->res.status = 200;
    return e;
}

/* The one line of a request. The query stays out of it: it may hold what is nobody's business. */
static void log_request(const struct request *req, enum err e, int status, uint64_t ns)
{
    const struct fail *f = &req->fail;
    enum log_level level = LOG_INFO;
    struct str path = req->path.n ? req->path : req->uri, rest;
    struct str sent = req->method == HEAD ? STR_NONE : response_body(req);

    str_cut(path, '?', &path, &rest);
    if (e)
        level = (enum log_level)err_info(e)->level;
    else if (status >= 500)
        level = LOG_WARN; /* a health check that is not well */
    else if (req->is_precheck)
        level = LOG_DEBUG; /* the request itself follows */
    LOG(level, "request", KV("method", str_z(method_name(req->method))),
        KV("path", str_head(path, LOGGED_PATH_MAX)), KVI("status", status),
        KVI("ms", (int64_t)(ns / 1000000)), KVI("bytes", (int64_t)sent.n),
        KV("addr", req->remote_addr), KV(req->is_precheck ? "precheck" : NULL, STR("1")),
        KV(e ? "err" : NULL, e ? str_z(err_info(e)->id) : STR_NONE),
        KV(e ? "text" : NULL, e ? str_z(f->err == e ? fail_text(f) : err_info(e)->text) : STR_NONE),
        KV(f->internal[0] ? "internal" : NULL, str_z(f->internal)));
}

static void finish(struct request *req, enum err e, unsigned allow)
{
    if (e)
        render_error(req, e, allow);
    int status = e || !req->is_precheck ? req->res.status : 204;
    if (req->is_precheck)
        render_precheck(req, e != E_OK);
    render_common(req);
    uint64_t ns = clock_mono_ns() - req->started_ns;
    if (e || !req->is_precheck) /* what passes the precheck is counted when it is served */
        metrics_requests_add(req->route, req->method, status, ns);
    log_request(req, e, status, ns);
}

void gate_run(struct request *req, body_reader read_body, void *ctx)
{
    struct log_kv tail[TAIL_COUNT] = {[TAIL_REQ] = KV("req", req->request_id)};
    unsigned allow = 0;
    log_set_tail(tail, TAIL_COUNT);
    enum err e = steps(req, read_body, ctx, tail, &allow);
    finish(req, e, allow);
    log_set_tail(NULL, 0);
}

void gate_refuse(struct request *req, enum err e)
{
    struct log_kv tail[TAIL_COUNT] = {[TAIL_REQ] = KV("req", req->request_id)};
    log_set_tail(tail, TAIL_COUNT);
    finish(req, e, 0);
    log_set_tail(NULL, 0);
}
