/*
 * router.c - see router.h.
 *
 * A pattern has at most one {repo}. Segments before it are matched from the front of the path,
 * segments behind it from the end, and what is left between is the name; so a repository may be
 * called "a/manifests/b" and is still found. The table has some tens of rows and a mismatch usually
 * ends at the first or second compare: no trie is needed.
 */
#include "http/router.h"

static const struct route *table;
static size_t n_table;

void router_init(const struct route *routes, size_t n)
{
    table = routes;
    n_table = n;
}

const struct route *router_routes(size_t *ret_n)
{
    *ret_n = n_table;
    return table;
}

/* The name inside "{name}"; false for a literal. */
static bool placeholder(struct str segment, struct str *ret_name)
{
    if (segment.n < 2 || segment.p[0] != '{' || segment.p[segment.n - 1] != '}')
        return false;
    *ret_name = (struct str){segment.p + 1, segment.n - 2};
    return true;
}

static bool take(struct request *req, struct str name, struct str value)
{
    if (req->n_params == ROUTE_PARAMS_MAX)
        return false;
    req->params[req->n_params].name = name;
    req->params[req->n_params].value = value;
    req->n_params++;
    return true;
}

/* One segment, not {repo}. */
static bool segment_fits(struct request *req, struct str pattern, struct str segment)
{
    struct str name;
    if (!placeholder(pattern, &name))
        return str_eq(pattern, segment);
    return segment.n > 0 && take(req, name, segment);
}

/* Both without the first '/'. Fills req->params. */
static bool path_fits(struct request *req, struct str pattern, struct str path)
{
    static const struct str repo = STR_INIT("{repo}");
    struct str want, have, want_rest, have_rest;
    bool more_want, more_have;

    req->n_params = 0;
    for (;;) {
        more_want = str_cut(pattern, '/', &want, &want_rest);
        if (str_eq(want, repo))
            break;
        more_have = str_cut(path, '/', &have, &have_rest);
        if (!segment_fits(req, want, have) || more_want != more_have)
            return false;
        if (!more_want)
            return true;
        pattern = want_rest;
        path = have_rest;
    }
    while (!str_eq(pattern, repo)) {
        if (!str_rcut(path, '/', &have_rest, &have))
            return false;
        str_rcut(pattern, '/', &want_rest, &want);
        if (!segment_fits(req, want, have))
            return false;
        pattern = want_rest;
        path = have_rest;
    }
    return path.n > 0 && take(req, STR("repo"), path);
}

static unsigned answered(const struct route *r)
{
    return r->methods & GET ? r->methods | HEAD : r->methods;
}

enum err router_find(struct request *req, unsigned *ret_allow)
{
    struct str path = str_from(req->path, 1);
    unsigned allow = 0;

    req->route = NULL;
    for (size_t i = 0; i < n_table; i++) {
        const struct route *r = &table[i];
        if (!path_fits(req, str_z(r->path + 1), path))
            continue;
        if (answered(r) & req->method) {
            req->route = r;
            *ret_allow = 0;
            return E_OK;
        }
        allow |= answered(r);
    }
    req->n_params = 0;
    *ret_allow = allow;
    return allow ? E_METHOD : E_NOT_FOUND;
}

unsigned router_methods(const struct request *req)
{
    struct request probe = {.path = req->path};
    unsigned allow = 0;
    if (router_find(&probe, &allow)) /* no method fits METHOD_NONE: all rows are seen */
        return allow;
    return 0;
}
