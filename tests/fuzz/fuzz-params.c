/*
 * fuzz-params.c - FastCGI parameters of strangers (one a line: NAME=value) through the whole gate: there is always one
 * answer, its head is well formed, and an error's body is JSON. Who calls is played by the length of the credentials.
 */
#include "auth/authenticate.h"
#include "base/arena.h"
#include "base/config.h"
#include "base/json.h"
#include "base/log.h"
#include "http/gate.h"
#include "http/params.h"
#include "http/response.h"
#include "http/router.h"

#include <stdlib.h>

#define LINES 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum err authenticate(struct worker *w, struct fail *f, const struct auth_input *in,
                      struct caller *ret)
{
    static const enum err answers[] = {E_OK, E_BAD_CREDENTIALS, E_TOKEN_EXPIRED, E_TOO_MANY, E_OK};
    (void)w;
    enum err e = answers[in->authorization.n % 5];
    if (e)
        return fail(f, e, "refused: %.*s", STR_ARG(str_head(in->authorization, 100)));
    *ret = (struct caller){.kind = CALLER_USER, .name = STR("alice")};
    return E_OK;
}

enum err access_check(struct worker *w, struct fail *f, const struct caller *c, enum perm perm,
                      const struct repo_name *name, bool create, struct str remote_addr,
                      struct repo *ret_repo)
{
    (void)w, (void)perm, (void)create, (void)remote_addr;
    if (name && name->name.n % 3 == 1)
        return fail(f, c->name.n ? E_DENIED : E_UNAUTHORIZED, "%.*s is not yours",
                    STR_ARG(name->name));
    ret_repo->id = 1;
    return E_OK;
}

/* Says what it was asked, in a header and a body. */
static enum err echo(struct request *req)
{
    struct str from = STR_NONE;
    (void)req_query(req, "from", 0, &from);
    (void)req_form(req, "from", 0, &from);
    if (!req_accepts(req, STR("application/json")))
        return fail(&req->fail, E_MANIFEST_TYPE, "%.*s", STR_ARG(str_head(req->accept, 200)));
    enum err e = res_header(req, "X-From", from);
    return e ? e : res_send(req, 200, "text/plain", req->path);
}

static const struct route rows[] = {
#define ROUTE(m, p, r, b, h, c, f)                                                                 \
    {.methods = (m),                                                                               \
     .path = (p),                                                                                  \
     .perm = (r),                                                                                  \
     .body = (b),                                                                                  \
     .handler = echo,                                                                              \
     .precheck = echo,                                                                             \
     .flags = (f),                                                                                 \
     .name = #h},
#include "oci/routes.def"
#include "api/routes.def"
#undef ROUTE
};

static enum err read_body(struct request *req, size_t max, void *ctx)
{
    if (req->content_length > max)
        return E_TOO_LARGE;
    req->body = str_z(ctx);
    return E_OK;
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* "Status: 4xx text", then lines "Name: value", each ended by CR LF and holding none, then an empty one. */
static void check_head(const struct request *req)
{
    struct buf head = BUF_INIT;
    struct str rest, line;
    size_t lines = 0;

    response_head(req, &head);
    rest = buf_str(&head);
    must(str_starts(rest, STR("Status: ")) && str_ends(rest, STR("\r\n\r\n")));
    while (str_cut(rest, '\n', &line, &rest) && line.n > 1) {
        must(line.p[line.n - 1] == '\r' && str_chr(line, ':') > 0);
        must(str_chr(line, '\r') == (ptrdiff_t)line.n - 1 && str_chr(line, '\0') < 0);
        lines++;
    }
    must(rest.n == 0 && lines <= 2 + req->res.n_headers);
    buf_done(&head);
}

static void check_body(const struct request *req)
{
    const struct header *type = response_header(&req->res, "Content-Type");
    struct str b = response_body(req);
    if (!type || !str_eqz(type->value, "application/json"))
        return;
    json_t *j = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
    must(j != NULL);
    json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char host[] = "r.example", scheme[] = "https", library[] = "library", dir[] = "/g";
    static struct config config = {
        .server_hostname = host,
        .url_scheme = scheme,
        .library_namespace = library,
        .dir = dir,
        .extended_names = true,
        .max_manifest_size = 1 << 20,
        .max_layer_size = 1 << 30,
    };
    struct worker w = {.config = &config, .arena = arena_new((size_t)8 << 20)};
    char *text = malloc(size + 1), *line, *at = text;
    const char *envp[LINES + 1];
    struct request req;
    size_t n = 0;

    if (!text || !w.arena)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    while (n < LINES && (line = strsep(&at, "\n")))
        envp[n++] = line;
    envp[n] = NULL;
    log_set_level(LOG_ERROR + 1);
    router_init(rows, sizeof(rows) / sizeof(rows[0]));
    request_init(&req, &w);
    enum err e = params_read(&req, envp);
    if (e)
        gate_refuse(&req, e);
    else
        gate_run(&req, read_body, n ? (void *)(uintptr_t)envp[n - 1] : NULL);
    must(req.res.status >= 200 && req.res.status < 600);
    must(response_header(&req.res, "X-Request-Id") != NULL);
    check_head(&req);
    check_body(&req);
    request_done(&req);
    arena_free(w.arena);
    free(text);
    return 0;
}
