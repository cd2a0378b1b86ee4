/*
 * fuzz-path.c - request targets of strangers: what is decoded is clean and means one thing, and the real tables route
 * it. The first byte chooses the method.
 */
#include "base/arena.h"
#include "http/router.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct route rows[] = {
#define ROUTE(m, p, r, b, h, c, f)                                                                 \
    {.methods = (m), .path = (p), .perm = (r), .body = (b), .flags = (f), .name = #h},
#include "oci/routes.def"
#include "api/routes.def"
#undef ROUTE
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* What was decoded, encoded again and decoded again, is the same: there is no second meaning. */
static void check_path(struct worker *w, struct str path)
{
    struct buf again = BUF_INIT;
    struct request req;
    struct str rest = path, segment;
    bool more = true;

    must(path.n > 0 && path.p[0] == '/' && str_is_utf8(path));
    for (size_t i = 0; i < path.n; i++)
        must((unsigned char)path.p[i] >= 0x20 && path.p[i] != 0x7f);
    rest = str_from(path, 1);
    while (more) {
        more = str_cut(rest, '/', &segment, &rest);
        must(!str_eqz(segment, "..") && !str_eqz(segment, "."));
        buf_putc(&again, '/');
        buf_url(&again, segment);
    }
    request_init(&req, w);
    req.uri = buf_str(&again);
    must(request_parse_uri(&req) == E_OK && str_eq(req.path, path));
    buf_done(&again);
}

static void check_route(struct request *req)
{
    unsigned allow = 0;
    enum err e = router_find(req, &allow);

    must(e == E_OK || e == E_METHOD || e == E_NOT_FOUND);
    must((e == E_METHOD) == (allow != 0));
    must((e == E_OK) == (req->route != NULL));
    for (size_t i = 0; i < req->n_params; i++)
        must(req->params[i].value.n > 0);
    if (e == E_OK && strstr(req->route->path, "{repo}")) {
        struct str repo = req_param(req, "repo");
        must(repo.n > 0 && repo.p > req->path.p && repo.p + repo.n <= req->path.p + req->path.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"n", "last", "digest", "mount", "from", "scope", ""};
    struct worker w = {.arena = arena_new((size_t)8 << 20)};
    struct request req;
    struct str v;

    if (size == 0 || !w.arena) {
        arena_free(w.arena);
        return 0;
    }
    router_init(rows, sizeof(rows) / sizeof(rows[0]));
    request_init(&req, &w);
    req.method = (enum method)(1u << (data[0] % 7));
    req.uri = (struct str){(const char *)data + 1, size - 1};
    enum err e = request_parse_uri(&req);
    must(e == E_OK || (e == E_BAD_REQUEST && req.fail.message[0] && req.path.n == 0));
    if (e == E_OK) {
        check_path(&w, req.path);
        check_route(&req);
        must(pairs_valid(req.query));
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            for (size_t nth = 0; req_query(&req, names[i], nth, &v); nth++)
                must(v.n <= req.query.n && (v.n == 0 || !memchr(v.p, '\0', v.n)));
        }
    }
    arena_free(w.arena);
    return 0;
}
