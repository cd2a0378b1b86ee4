/*
 * request.c - see request.h: what was asked, read out of the request line and the headers.
 *
 * A path is decoded exactly once, here, and everything that could mean two things to two readers is
 * refused: an encoded slash, a NUL, control bytes, dot segments. nginx matches its locations
 * against its own normalised form of the same path; since dot segments and encoded slashes never
 * get through, both agree on what is asked.
 */
#include "http/request.h"

#include "base/arena.h"
#include "base/clock.h"

void request_init(struct request *req, struct worker *w)
{
    memset(req, 0, sizeof(*req));
    req->w = w;
    req->started_ns = clock_mono_ns();
    req->caller.scopes = SCOPE_ALL;
    req->caller.name = STR("");
}

void request_done(struct request *req)
{
    buf_done(&req->res.body);
}

enum err no_precheck(struct request *req)
{
    (void)req;
    return E_OK;
}

struct str req_param(const struct request *req, const char *name)
{
    for (size_t i = 0; i < req->n_params; i++) {
        if (str_eqz(req->params[i].name, name))
            return req->params[i].value;
    }
    return STR_NONE;
}

/* ---- decoding ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that an escape at the start of s stands for; -1 when s does not start with a well-formed
 * one. */
static int escape_value(struct str s)
{
    int hi, lo;
    if (s.n < 3 || s.p[0] != '%' || (hi = hex_value(s.p[1])) < 0 || (lo = hex_value(s.p[2])) < 0)
        return -1;
    return hi << 4 | lo;
}

static bool is_control(int c)
{
    return c < 0x20 || c == 0x7f;
}

/* Decodes raw into out, which has room for raw.n bytes. NULL, or why it is refused. */
static const char *path_decode(struct str raw, char *out, size_t *ret_n)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.n; i++) {
        int c = (unsigned char)raw.p[i];
        if (c == '%') {
            c = escape_value(str_from(raw, i));
            if (c < 0)
                return "the path has a malformed % escape";
            if (c == '/')
                return "the path has an encoded slash";
            i += 2;
        } else if (c == '#') {
            return "the path has a fragment";
        }
        if (is_control(c))
            return "the path has a control character";
        out[n++] = (char)c;
    }
    *ret_n = n;
    return NULL;
}

static bool has_dot_segment(struct str path)
{
    struct str segment;
    while (path.n) {
        str_cut(path, '/', &segment, &path);
        if (str_eqz(segment, ".") || str_eqz(segment, ".."))
            return true;
    }
    return false;
}

enum err request_parse_uri(struct request *req)
{
    struct str raw, query;
    const char *why;
    size_t n = 0;

    str_cut(req->uri, '?', &raw, &query);
    if (raw.n == 0 || raw.p[0] != '/')
        return fail(&req->fail, E_BAD_REQUEST, "the request target is not an absolute path");
    char *out = arena_alloc(req->w->arena, raw.n + 1);
    if (!out)
        return fail(&req->fail, E_NO_MEMORY, "the path does not fit into memory");
    why = path_decode(raw, out, &n);
    struct str path = {out, n};
    if (!why && !str_is_utf8(path))
        why = "the path is not valid UTF-8";
    if (!why && has_dot_segment(path))
        why = "the path has a \".\" or \"..\" segment";
    if (!why && !pairs_valid(query))
        why = "the query has a malformed % escape or a NUL";
    if (why)
        return fail(&req->fail, E_BAD_REQUEST, "%s", why);
    req->path = path;
    req->query = query;
    return E_OK;
}

/* ---- name=value pairs: queries and form bodies (WHATWG URL, application/x-www-form-urlencoded)
 * ---- */

bool pairs_valid(struct str pairs)
{
    for (size_t i = 0; i < pairs.n; i++) {
        if (pairs.p[i] == '\0')
            return false;
        if (pairs.p[i] == '%' && escape_value(str_from(pairs, i)) <= 0)
            return false;
    }
    return true;
}

/* The next decoded byte of raw at *at, moved on. */
static char pair_byte(struct str raw, size_t *at)
{
    char c = raw.p[*at];
    int v;
    if (c == '+')
        c = ' ';
    else if (c == '%' && (v = escape_value(str_from(raw, *at))) >= 0) {
        c = (char)v;
        *at += 2;
    }
    *at += 1;
    return c;
}

static bool pair_name_is(struct str raw, const char *name)
{
    size_t at = 0;
    while (at < raw.n && *name) {
        if (pair_byte(raw, &at) != *name++)
            return false;
    }
    return at == raw.n && !*name;
}

static bool pair_find(struct arena *a, struct str pairs, const char *name, size_t nth,
                      struct str *ret)
{
    while (pairs.n) {
        struct str pair, key, raw;
        str_cut(pairs, '&', &pair, &pairs);
        str_cut(pair, '=', &key, &raw);
        if (pair.n == 0 || !pair_name_is(key, name) || nth-- > 0)
            continue;
        char *out = arena_alloc(a, raw.n + 1);
        size_t n = 0;
        if (!out)
            return false;
        for (size_t at = 0; at < raw.n;)
            out[n++] = pair_byte(raw, &at);
        *ret = (struct str){out, n};
        return true;
    }
    return false;
}

bool req_query(const struct request *req, const char *name, size_t nth, struct str *ret)
{
    return pair_find(req->w->arena, req->query, name, nth, ret);
}

bool req_form(const struct request *req, const char *name, size_t nth, struct str *ret)
{
    return pair_find(req->w->arena, req->body, name, nth, ret);
}

/* ---- Accept (RFC 9110 12.5.1) ---- */

/* True when the weight is zero: "0", "0.", "0.0", "0.000". Anything else counts as wanted. */
static bool weight_is_zero(struct str q)
{
    if (q.n == 0 || q.p[0] != '0')
        return false;
    for (size_t i = 1; i < q.n; i++) {
        if (q.p[i] != (i == 1 ? '.' : '0'))
            return false;
    }
    return true;
}

/* How closely a media range names the type: 0 not at all, 1 any, 2 its main type, 3 itself. */
static int range_fits(struct str range, struct str media_type)
{
    struct str main_type, rest;
    if (str_ieq(range, media_type))
        return 3;
    if (str_eqz(range, "*/*") || str_eqz(range, "*"))
        return 1;
    str_cut(media_type, '/', &main_type, &rest);
    if (range.n == main_type.n + 2 && str_istarts(range, main_type) &&
        str_eqz(str_from(range, main_type.n), "/*"))
        return 2;
    return 0;
}

bool req_accepts(const struct request *req, struct str media_type)
{
    struct str list = req->accept, item, range, params, param, key, value;
    int best = 0;
    bool wanted = false;

    if (str_trim(list).n == 0)
        return true;
    while (list.n) {
        bool refused = false;
        str_cut(list, ',', &item, &list);
        str_cut(item, ';', &range, &params);
        int fits = range_fits(str_trim(range), media_type);
        while (params.n) {
            str_cut(params, ';', &param, &params);
            str_cut(param, '=', &key, &value);
            if (str_ieq(str_trim(key), STR("q")))
                refused = weight_is_zero(str_trim(value));
        }
        /* the closest range decides; of equals, one that wants it is enough */
        if (fits > best || (fits == best && fits > 0 && !refused)) {
            best = fits;
            wanted = !refused;
        }
    }
    return wanted;
}
