/*
 * render.c - see render.h.
 *
 * Ids that are for callers inside only (E_NO_ROW and the like) become E_INTERNAL here: reaching the
 * gate, they are a bug of ours, and the log says which. Texts of fail_internal() never get into a
 * body.
 */
#include "http/render.h"

#include "base/arena.h"
#include "base/config.h"
#include "http/params.h"
#include "http/response.h"
#include "http/router.h"

#define RETRY_AFTER_DEFAULT_S 5

bool render_is_v2(const struct request *req)
{
    return str_eqz(req->path, "/v2") || str_starts(req->path, STR("/v2/"));
}

static unsigned format_of(const struct request *req)
{
    if (req->route)
        return req->route->flags & (R_OCI | R_API | R_PLAIN);
    /* not routed: by the raw target when the path was not even decoded */
    if (render_is_v2(req) || (req->path.n == 0 && str_starts(req->uri, STR("/v2/"))))
        return R_OCI;
    return R_API;
}

static struct str repo_as_written(const struct request *req)
{
    return req->repo_name.name.n ? req_param(req, "repo") : STR_NONE;
}

/* ---- bodies ---- */

static void body_oci(const struct request *req, const struct err_info *info, const char *text,
                     struct buf *b)
{
    buf_putz(b, "{\"errors\":[{\"code\":");
    buf_json(b, str_z(info->oci));
    buf_putz(b, ",\"message\":");
    buf_json(b, str_z(text));
    buf_putz(b, ",\"detail\":");
    if (req->fail.detail[0]) {
        buf_putz(b, req->fail.detail);
    } else if (info->status >= 500) {
        buf_putz(b, "{\"request_id\":");
        buf_json(b, req->request_id);
        buf_putc(b, '}');
    } else {
        buf_putz(b, "{}");
    }
    if (info == err_info(E_READ_ONLY))
        buf_putz(b, ",\"is_readonly\":true");
    buf_putz(b, "}]}");
}

static void body_api(const struct request *req, const struct err_info *info, const char *text,
                     struct buf *b)
{
    const struct config *c = req->w->config;
    buf_printf(b, "{\"status\":%d,\"title\":", info->status);
    buf_json(b, str_z(info->quay));
    buf_printf(b, ",\"type\":\"%s://", c->url_scheme);
    buf_putz(b, c->server_hostname);
    buf_printf(b, "/api/v1/error/%s\",\"error_type\":", info->quay);
    buf_json(b, str_z(info->quay));
    buf_putz(b, ",\"detail\":");
    buf_json(b, str_z(text));
    buf_putz(b, ",\"error_message\":");
    buf_json(b, str_z(text));
    buf_putc(b, '}');
}

/* ---- the challenge (RFC 6750 section 3, RFC 7617, Docker's token flow) ---- */

static void put_scope(const struct request *req, struct buf *b)
{
    struct str repo = repo_as_written(req), from;
    const char *actions = NULL;

    switch (req->route->perm) {
    case PERM_REPO_READ:
        actions = "pull";
        break;
    case PERM_REPO_WRITE:
        actions = "pull,push";
        break;
    case PERM_REPO_ADMIN:
        actions = "pull,push,*";
        break;
    case PERM_CATALOG:
        buf_putz(b, ",scope=\"registry:catalog:*\"");
        return;
    default:
        return;
    }
    if (repo.n == 0)
        return;
    buf_putz(b, ",scope=\"repository:");
    buf_put(b, repo);
    buf_printf(b, ":%s", actions);
    /* a mount reads the other repository too; its name is the client's, so it is checked before it
     * is echoed */
    if (req->method == POST && req->route->body == BODY_BLOB && req_query(req, "from", 0, &from)) {
        struct fail ignored = FAIL_INIT;
        struct repo_name name;
        const struct config *c = req->w->config;
        if (repo_name_parse(&ignored, from, str_z(c->library_namespace), c->extended_names,
                            &name) == E_OK) {
            buf_putz(b, " repository:");
            buf_put(b, from);
            buf_putz(b, ":pull");
        }
    }
    buf_putc(b, '"');
}

static void put_challenge(const struct request *req, enum err e, struct buf *b)
{
    const struct config *c = req->w->config;
    struct str host = str_z(c->server_hostname);

    if (!req->route || !(req->route->flags & R_OCI) || req->route->perm == PERM_ANYONE) {
        /* the token service itself takes a password; the rest takes what Bearer means there */
        bool token_service = req->route && req->route->flags & R_OCI;
        buf_putz(b, token_service ? "Basic realm=" : "Bearer realm=");
        buf_quoted(b, host);
    } else {
        buf_printf(b, "Bearer realm=\"%s://%s/v2/auth\",service=", c->url_scheme,
                   c->server_hostname);
        buf_quoted(b, host);
        put_scope(req, b);
    }
    if (e == E_TOKEN_SCOPE)
        buf_putz(b, ",error=\"insufficient_scope\"");
    else if (e == E_TOKEN_INVALID || e == E_TOKEN_EXPIRED)
        buf_putz(b, ",error=\"invalid_token\"");
}

/* ---- putting it together ---- */

static void prepared_answer(struct request *req)
{
    req->res.n_headers = 0;
    req->res.accel = STR_NONE;
    buf_done(&req->res.body);
    req->res.status = 503;
    req->res.fixed =
        STR("{\"errors\":[{\"code\":\"UNAVAILABLE\",\"message\":\"the registry is short of "
            "memory; try again\",\"detail\":{}}]}");
    (void)response_set_fixed(&req->res, "Content-Type", STR("application/json"));
    (void)response_set_fixed(&req->res, "Retry-After", STR("5"));
}

static enum err put_headers(struct request *req, enum err e, const struct err_info *info,
                            unsigned allow)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    enum err failed;

    if (info->status == 401) {
        put_challenge(req, e, &b);
        if ((failed = buf_err(&b)) || (failed = res_header(req, "WWW-Authenticate", buf_str(&b))))
            return failed;
    }
    if (info->status == 405) {
        if (e != E_METHOD)
            allow = router_methods(req) & ~(unsigned)req->method;
        buf_reset(&b);
        methods_list(allow, &b);
        if ((failed = buf_err(&b)) || (failed = res_header(req, "Allow", buf_str(&b))))
            return failed;
    }
    if (req->fail.retry_after_s > 0)
        return res_headerf(req, "Retry-After", "%d", req->fail.retry_after_s);
    if (info->status == 503 || info->status == 429)
        return res_headerf(req, "Retry-After", "%d", RETRY_AFTER_DEFAULT_S);
    return E_OK;
}

static enum err try_render(struct request *req, enum err e, unsigned allow)
{
    static const char *const kept[] = {
        "Location", "Range", "Docker-Upload-UUID", "OCI-Chunk-Min-Length", "Warning", NULL};
    const struct err_info *info = err_info(e);
    const char *text = req->fail.err == e ? fail_text(&req->fail) : info->text;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    unsigned format = format_of(req);
    enum err failed;

    response_keep(&req->res, kept);
    req->res.accel = STR_NONE;
    if ((failed = put_headers(req, e, info, allow)))
        return failed;
    if (format & R_PLAIN) {
        buf_printf(&b, "%s\n", text);
        if ((failed = buf_err(&b)))
            return failed;
        return res_send(req, info->status, "text/plain; charset=utf-8", buf_str(&b));
    }
    if (format & R_OCI)
        body_oci(req, info, text, &b);
    else
        body_api(req, info, text, &b);
    return res_json(req, info->status, &b);
}

void render_error(struct request *req, enum err e, unsigned allow)
{
    struct fail cause =
        req->fail; /* what is logged is the first failure, not one of rendering it */
    if (e == E_NO_ROW || e == E_DUPLICATE || e == E_CONFIG || e == E_SYSTEM || e == E_OK)
        e = E_INTERNAL;
    if (try_render(req, e, allow))
        prepared_answer(req);
    req->fail = cause;
}

void render_precheck(struct request *req, bool refused)
{
    static const struct {
        const char *from, *to;
    } passed[] = {
        {"WWW-Authenticate", "X-Gantry-Challenge"},
        {"Retry-After", "X-Gantry-Retry-After"},
        {"Location", "X-Gantry-Location"},
        {"Range", "X-Gantry-Range"},
    };
    struct response *res = &req->res;
    struct response real = *res;

    res->n_headers = 0;
    res->accel = STR_NONE;
    res->body = (struct buf)BUF_INIT;
    res->fixed = STR_NONE;
    res->status = refused ? 403 : 204;
    if (refused) {
        struct str body = real.fixed.n ? real.fixed : buf_str(&real.body);
        enum err e = res_headerf(req, "X-Gantry-Status", "%d", real.status);
        if (!e)
            e = res_header(req, "X-Gantry-Body", body);
        for (size_t i = 0; !e && i < sizeof(passed) / sizeof(passed[0]); i++) {
            const struct header *h = response_header(&real, passed[i].from);
            /* their values are in the arena or for ever already, and clean */
            if (h && !response_set_fixed(res, passed[i].to, h->value))
                e = E_INTERNAL;
        }
        if (e)
            prepared_answer(req);
    }
    buf_done(&real.body);
}

void render_common(struct request *req)
{
    /* no room is left only when a handler filled all of it; its answer is worth more than these */
    (void)response_set_fixed(&req->res, "X-Request-Id", req->request_id);
    if (format_of(req) & R_OCI)
        (void)response_set_fixed(&req->res, "Docker-Distribution-API-Version", STR("registry/2.0"));
}
