/*
 * params.c - see params.h.
 *
 * nginx before 1.23 sends a repeated header as a repeated parameter. Lists (Accept, If-None-Match)
 * are joined as RFC 9110 5.3 says, since Docker sends each media type in a line of its own; what
 * may stand once is refused, because another reader of the same request may have taken the other
 * one.
 */
#include "http/params.h"

#include "base/arena.h"
#include "base/random.h"

#include <stddef.h>

/* Docker sends seven media types, each in an Accept of its own. Every line more copies those before it. */
#define JOINED_MAX 64

enum repeated {
    REFUSED, /* 400 */
    JOINED,  /* a list: "a, b" */
    FIRST,   /* harmless: the first one counts */
};

enum param {
    P_REQUEST_METHOD,
    P_REQUEST_URI,
    P_CONTENT_TYPE,
    P_CONTENT_LENGTH,
    P_REMOTE_ADDR,
    P_HTTPS,
    P_REQUEST_ID,
    P_REQUEST_BODY_FILE,
    P_PRECHECK,
    P_PARAMS_END,
    P_AUTHORIZATION,
    P_ACCEPT,
    P_RANGE,
    P_CONTENT_RANGE,
    P_IF_NONE_MATCH,
    P_USER_AGENT,
    P_HOST,
    P_HTTP_CONTENT_LENGTH,
    P_HTTP_CONTENT_TYPE,
    P_COUNT
};

static const struct {
    struct str name;
    enum repeated repeated;
} rows[P_COUNT] = {
    [P_REQUEST_METHOD] = {STR_INIT("REQUEST_METHOD"), REFUSED},
    [P_REQUEST_URI] = {STR_INIT("REQUEST_URI"), REFUSED},
    [P_CONTENT_TYPE] = {STR_INIT("CONTENT_TYPE"), REFUSED},
    [P_CONTENT_LENGTH] = {STR_INIT("CONTENT_LENGTH"), REFUSED},
    [P_REMOTE_ADDR] = {STR_INIT("REMOTE_ADDR"), REFUSED},
    [P_HTTPS] = {STR_INIT("HTTPS"), REFUSED},
    [P_REQUEST_ID] = {STR_INIT("REQUEST_ID"), REFUSED},
    [P_REQUEST_BODY_FILE] = {STR_INIT("REQUEST_BODY_FILE"), REFUSED},
    [P_PRECHECK] = {STR_INIT("GANTRY_PRECHECK"), REFUSED},
    [P_PARAMS_END] = {STR_INIT("GANTRY_PARAMS_END"), REFUSED},
    [P_AUTHORIZATION] = {STR_INIT("HTTP_AUTHORIZATION"), REFUSED},
    [P_ACCEPT] = {STR_INIT("HTTP_ACCEPT"), JOINED},
    [P_RANGE] = {STR_INIT("HTTP_RANGE"), REFUSED},
    [P_CONTENT_RANGE] = {STR_INIT("HTTP_CONTENT_RANGE"), REFUSED},
    [P_IF_NONE_MATCH] = {STR_INIT("HTTP_IF_NONE_MATCH"), JOINED},
    [P_USER_AGENT] = {STR_INIT("HTTP_USER_AGENT"), FIRST},
    [P_HOST] = {STR_INIT("HTTP_HOST"), REFUSED},
    [P_HTTP_CONTENT_LENGTH] = {STR_INIT("HTTP_CONTENT_LENGTH"), REFUSED},
    [P_HTTP_CONTENT_TYPE] = {STR_INIT("HTTP_CONTENT_TYPE"), REFUSED},
};

static const struct {
    enum method method;
    const char *name;
} methods[] = {
    {GET, "GET"},     {HEAD, "HEAD"},     {POST, "POST"},       {PUT, "PUT"},
    {PATCH, "PATCH"}, {DELETE, "DELETE"}, {OPTIONS, "OPTIONS"},
};
#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

enum method method_parse(struct str s)
{
    for (size_t i = 0; i < N_METHODS; i++) {
        if (str_eqz(s, methods[i].name))
            return methods[i].method;
    }
    return METHOD_NONE;
}

const char *method_name(enum method m)
{
    for (size_t i = 0; i < N_METHODS; i++) {
        if (m == methods[i].method)
            return methods[i].name;
    }
    return "-";
}

void methods_list(unsigned set, struct buf *out)
{
    const char *separator = "";
    if (set & GET)
        set |= HEAD;
    for (size_t i = 0; i < N_METHODS; i++) {
        if (!(set & methods[i].method))
            continue;
        buf_putz(out, separator);
        buf_putz(out, methods[i].name);
        separator = ", ";
    }
}

static enum param param_find(struct str name)
{
    enum param p = 0;
    while (p < P_COUNT && !str_eq(rows[p].name, name))
        p++;
    return p;
}

/* slot: its value so far; n: how often it came before. */
static enum err param_take(struct request *req, enum param p, struct str *slot, unsigned n,
                           struct str value)
{
    const char *how_often = "more than once";
    char *joined;
    if (!slot->p) {
        *slot = value;
        return E_OK;
    }
    switch (rows[p].repeated) {
    case FIRST:
        return E_OK;
    case JOINED:
        if (n >= JOINED_MAX) {
            how_often = "too often";
            break;
        }
        joined = arena_printf(req->w->arena, "%.*s, %.*s", STR_ARG(*slot), STR_ARG(value));
        if (!joined)
            return fail(&req->fail, E_NO_MEMORY, "the headers do not fit into memory");
        *slot = str_z(joined);
        return E_OK;
    case REFUSED:
        break;
    }
    struct str name = rows[p].name;
    if (str_starts(name, STR("HTTP_")))
        name = str_from(name, sizeof("HTTP_") - 1);
    return fail(&req->fail, E_BAD_REQUEST, "the header %.*s is sent %s", STR_ARG(name), how_often);
}

/* nginx's are 32 hexadecimal digits. It goes into headers and log lines as it is, so nothing else is taken. */
static bool request_id_fits(struct str s)
{
    if (s.n == 0 || s.n > 64)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '-')
            return false;
    }
    return true;
}

/* A client's own X-Request-Id never gets here. */
static enum err request_id_make(struct request *req, struct str given)
{
    char text[UUID_TEXT];
    req->request_id = given;
    if (request_id_fits(given))
        return E_OK;
    random_uuid(text);
    req->request_id = arena_str(req->w->arena, str_z(text));
    return req->request_id.p ? E_OK : fail(&req->fail, E_NO_MEMORY, "no memory for the request id");
}

enum err params_read(struct request *req, const char *const *envp)
{
    struct str v[P_COUNT] = {{NULL, 0}};
    unsigned seen[P_COUNT] = {0};
    enum err e = E_OK;

    for (; *envp; envp++) {
        struct str name, value;
        if (!str_cut(str_z(*envp), '=', &name, &value))
            continue;
        enum param p = param_find(name);
        if (p == P_COUNT)
            continue;
        if (!value.p)
            value = STR("");
        enum err one = param_take(req, p, &v[p], seen[p]++, value);
        e = e ? e : one;
    }
    req->method = method_parse(v[P_REQUEST_METHOD]);
    req->uri = v[P_REQUEST_URI];
    req->authorization = v[P_AUTHORIZATION];
    req->accept = v[P_ACCEPT];
    req->content_type = v[P_CONTENT_TYPE];
    req->range = v[P_RANGE];
    req->content_range = v[P_CONTENT_RANGE];
    req->if_none_match = v[P_IF_NONE_MATCH];
    req->user_agent = v[P_USER_AGENT];
    req->host = v[P_HOST];
    req->remote_addr = v[P_REMOTE_ADDR];
    req->body_file = v[P_REQUEST_BODY_FILE];
    req->is_https = str_eqz(v[P_HTTPS], "on");
    req->is_precheck = str_eqz(v[P_PRECHECK], "1");

    enum err one = request_id_make(req, v[P_REQUEST_ID]);
    e = e ? e : one;
    if (e)
        return e;
    if (!str_eqz(v[P_PARAMS_END], "1"))
        return fail(&req->fail, E_BAD_REQUEST,
                    "the web server passed an incomplete request (no GANTRY_PARAMS_END); its "
                    "configuration must be the one that gantry writes");
    if (v[P_CONTENT_LENGTH].n) {
        if (!str_u64(v[P_CONTENT_LENGTH], &req->content_length))
            return fail(&req->fail, E_BAD_REQUEST, "Content-Length is not a number");
        req->has_content_length = true;
    }
    return E_OK;
}
