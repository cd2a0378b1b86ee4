/*
 * t-gate.c - the order of the gate's steps, and what clients see of every kind of refusal. Who calls and what they may do
 * are played by functions of this file; routes and handlers are its own too.
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

#include <stdio.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* ---- what the steps shall answer, and what was asked of them ---- */

static enum err auth_answer, access_answer, handler_answer, precheck_answer;
static int auth_calls, access_calls, handler_calls, precheck_calls, body_calls;
static struct auth_input auth_in;
static bool access_create, access_had_name;
static int retry_after;
static const char *form_body = "a=b";

enum err authenticate(struct worker *w, struct fail *f, const struct auth_input *in,
                      struct caller *ret)
{
    (void)w;
    auth_calls++;
    auth_in = *in;
    if (auth_answer) {
        f->retry_after_s = retry_after;
        return fail(f, auth_answer, "because of credentials");
    }
    *ret = (struct caller){.kind = CALLER_USER, .name = STR("alice"), .account_id = 7};
    return E_OK;
}

enum err access_check(struct worker *w, struct fail *f, const struct caller *c, enum perm perm,
                      const struct repo_name *name, bool create, struct str remote_addr,
                      struct repo *ret_repo)
{
    (void)w, (void)c, (void)perm, (void)remote_addr;
    access_calls++;
    access_create = create;
    access_had_name = name != NULL;
    if (access_answer)
        return fail(f, access_answer, "because of rights");
    ret_repo->id = 5;
    return E_OK;
}

static enum err handler(struct request *req)
{
    handler_calls++;
    if (handler_answer) {
        enum err e = res_header(req, "Location", STR("/next"));
        e = e ? e : res_header(req, "Range", STR("0-9"));
        e = e ? e : res_header(req, "ETag", STR("\"x\""));
        e = e ? e : res_header(req, "Content-Type", STR("image/png"));
        if (e)
            return e;
        if (handler_answer == E_NO_ROW || handler_answer == E_CONFIG)
            return handler_answer;
        return fail_internal(&req->fail, handler_answer, "disk sdz9 exploded");
    }
    return res_send(req, 200, "text/plain", STR("fine"));
}

static enum err silent(struct request *req)
{
    (void)req;
    return E_OK;
}

static enum err precheck(struct request *req)
{
    precheck_calls++;
    if (!precheck_answer)
        return E_OK;
    enum err e = res_header(req, "Location", STR("/v2/acme/web/blobs/uploads/u"));
    e = e ? e : res_header(req, "Range", STR("0-41"));
    return e ? e : fail(&req->fail, precheck_answer, "the chunk does not continue \"here\"");
}

static const struct route routes[] = {
    {GET, "/v2/", PERM_V2, BODY_NONE, handler, no_precheck, R_OCI, "base"},
    {GET, "/v2/auth", PERM_ANYONE, BODY_NONE, handler, no_precheck, R_OCI, "token"},
    {POST, "/v2/auth", PERM_ANYONE, BODY_FORM, handler, no_precheck, R_OCI, "token_post"},
    {GET, "/v2/_catalog", PERM_CATALOG, BODY_NONE, handler, no_precheck, R_OCI, "catalog"},
    {GET, "/v2/{repo}/manifests/{reference}", PERM_REPO_READ, BODY_NONE, handler, no_precheck,
     R_OCI, "get"},
    {PUT, "/v2/{repo}/manifests/{reference}", PERM_REPO_WRITE, BODY_MANIFEST, handler, no_precheck,
     R_OCI | R_CREATE_REPO, "put"},
    {POST, "/v2/{repo}/blobs/uploads/", PERM_REPO_WRITE, BODY_BLOB, handler, precheck,
     R_OCI | R_CREATE_REPO, "start"},
    {PATCH, "/v2/{repo}/blobs/uploads/{uuid}", PERM_REPO_WRITE, BODY_BLOB, handler, precheck,
     R_OCI | R_GRACE, "patch"},
    {GET, "/v2/{repo}/blobs/uploads/{uuid}", PERM_REPO_WRITE, BODY_NONE, handler, no_precheck,
     R_OCI, "status"},
    {GET, "/api/thing", PERM_V2, BODY_NONE, handler, no_precheck, R_API, "thing"},
    {POST, "/api/thing", PERM_V2, BODY_JSON, handler, no_precheck, R_API, "thing_post"},
    {GET, "/metrics", PERM_OPERATOR, BODY_NONE, handler, no_precheck, R_PLAIN, "metrics"},
    {GET, "/silent", PERM_ANYONE, BODY_NONE, silent, no_precheck, R_API, "silent"},
};

static enum err repeated_header(struct fail *f)
{
    return fail(f, E_BAD_REQUEST, "the header of X is sent more than once");
}

/* From here on `fail` is cmocka's. */
#include "unit.h"

/* ---- one request ---- */

static char hostname[] = "r.example:8443", scheme[] = "https", library[] = "library";
static struct config config = {
    .server_hostname = hostname,
    .url_scheme = scheme,
    .library_namespace = library,
    .extended_names = true,
    .max_manifest_size = 1000,
    .max_layer_size = 5000,
};
static struct worker worker;
static struct request req;

static enum err read_body(struct request *r, size_t max, void *ctx)
{
    (void)ctx;
    body_calls++;
    if (strlen(form_body) > max)
        return E_TOO_LARGE;
    r->body = str_z(form_body);
    return E_OK;
}

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR + 1);
    router_init(routes, N(routes));
    worker.config = &config;
    worker.arena = arena_new((size_t)1 << 20);
    auth_answer = access_answer = handler_answer = precheck_answer = E_OK;
    auth_calls = access_calls = handler_calls = precheck_calls = body_calls = 0;
    retry_after = 0;
    form_body = "a=b";
    request_init(&req, &worker);
    req.request_id = STR("rid-1");
    req.remote_addr = STR("192.0.2.1");
    return worker.arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    request_done(&req);
    arena_freep(&worker.arena);
    return 0;
}

static void run(enum method m, const char *uri)
{
    req.method = m;
    req.uri = str_z(uri);
    gate_run(&req, read_body, NULL);
}

static struct str header(const char *name)
{
    const struct header *h = response_header(&req.res, name);
    return h ? h->value : STR_NONE;
}

static void assert_header(const char *name, const char *value)
{
    if (!str_eqz(header(name), value))
        fail_msg("%s: %.*s, wanted %s", name, STR_ARG(header(name)), value ? value : "none");
}

/* Checks an OCI error body whole. */
static void assert_oci(int status, const char *code, const char *message)
{
    json_error_t where;
    struct str b = response_body(&req);
    assert_int_equal(req.res.status, status);
    assert_header("Content-Type", "application/json");
    json_t *j = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, &where);
    assert_non_null(j);
    json_t *first = json_array_get(json_object_get(j, "errors"), 0);
    assert_int_equal(json_array_size(json_object_get(j, "errors")), 1);
    assert_string_equal(json_string_value(json_object_get(first, "code")), code);
    if (message)
        assert_string_equal(json_string_value(json_object_get(first, "message")), message);
    assert_true(json_is_object(json_object_get(first, "detail")));
    json_decref(j);
}

/* ---- the tests ---- */

static void test_ok(void **state)
{
    (void)state;
    run(GET, "/v2/acme/web/manifests/latest");
    assert_int_equal(req.res.status, 200);
    assert_true(str_eqz(response_body(&req), "fine"));
    assert_header("X-Request-Id", "rid-1");
    assert_header("Docker-Distribution-API-Version", "registry/2.0");
    assert_true(access_had_name && !access_create);
    assert_int_equal(req.repo.id, 5);
    assert_true(str_eqz(req.repo_name.namespace_name, "acme"));
    assert_int_equal(auth_in.grace_s, 0);
    assert_false(auth_in.api);
    assert_int_equal(body_calls, 0);
}

static void test_challenge(void **state)
{
    (void)state;
    access_answer = E_UNAUTHORIZED;
    run(GET, "/v2/acme/web/manifests/latest");
    assert_oci(401, "UNAUTHORIZED", "because of rights");
    assert_header("WWW-Authenticate",
                  "Bearer realm=\"https://r.example:8443/v2/auth\",service=\"r.example:8443\","
                  "scope=\"repository:acme/web:pull\"");
    assert_int_equal(handler_calls, 0);
}

static void test_challenge_write(void **state)
{
    (void)state;
    access_answer = E_TOKEN_SCOPE;
    run(PUT, "/v2/busybox/manifests/latest"); /* the name as the client wrote it */
    assert_oci(401, "UNAUTHORIZED", NULL);
    assert_header("WWW-Authenticate",
                  "Bearer realm=\"https://r.example:8443/v2/auth\",service=\"r.example:8443\","
                  "scope=\"repository:busybox:pull,push\",error=\"insufficient_scope\"");
    assert_true(access_create);
    assert_int_equal(body_calls, 0); /* nothing is read of who may not */
}

static void test_challenge_token(void **state)
{
    (void)state;
    auth_answer = E_TOKEN_EXPIRED;
    run(PATCH, "/v2/acme/web/blobs/uploads/u1");
    assert_oci(401, "UNAUTHORIZED", "because of credentials");
    assert_header("WWW-Authenticate",
                  "Bearer realm=\"https://r.example:8443/v2/auth\",service=\"r.example:8443\","
                  "scope=\"repository:acme/web:pull,push\",error=\"invalid_token\"");
    assert_true(auth_in.grace_s > 0);
    assert_int_equal(access_calls, 0);
}

static void test_challenge_mount(void **state)
{
    (void)state;
    access_answer = E_UNAUTHORIZED;
    run(POST, "/v2/acme/web/blobs/uploads/?mount=sha256:x&from=acme%2Fbase");
    assert_header("WWW-Authenticate",
                  "Bearer realm=\"https://r.example:8443/v2/auth\",service=\"r.example:8443\","
                  "scope=\"repository:acme/web:pull,push repository:acme/base:pull\"");
    teardown(NULL), setup(NULL);
    access_answer = E_UNAUTHORIZED;
    run(POST, "/v2/acme/web/blobs/uploads/?from=a%22%0d%0aX:y");
    assert_header("WWW-Authenticate",
                  "Bearer realm=\"https://r.example:8443/v2/auth\",service=\"r.example:8443\","
                  "scope=\"repository:acme/web:pull,push\"");
}

static void test_challenge_others(void **state)
{
    (void)state;
    access_answer = E_UNAUTHORIZED;
    run(GET, "/v2/");
    assert_header("WWW-Authenticate",
                  "Bearer realm=\"https://r.example:8443/v2/auth\",service=\"r.example:8443\"");
    teardown(NULL), setup(NULL);
    access_answer = E_UNAUTHORIZED;
    run(GET, "/v2/_catalog");
    assert_header("WWW-Authenticate",
                  "Bearer realm=\"https://r.example:8443/v2/auth\",service=\"r.example:8443\","
                  "scope=\"registry:catalog:*\"");
    teardown(NULL), setup(NULL);
    handler_answer = E_BAD_CREDENTIALS; /* the token service itself */
    run(GET, "/v2/auth");
    assert_oci(401, "UNAUTHORIZED", "invalid username or password");
    assert_header("WWW-Authenticate", "Basic realm=\"r.example:8443\"");
    assert_int_equal(auth_calls, 0);
    teardown(NULL), setup(NULL);
    auth_answer = E_TOKEN_INVALID;
    run(GET, "/api/thing");
    assert_header("WWW-Authenticate", "Bearer realm=\"r.example:8443\",error=\"invalid_token\"");
    assert_true(auth_in.api);
}

static void test_denied(void **state)
{
    (void)state;
    access_answer = E_DENIED;
    run(GET, "/v2/acme/web/manifests/latest");
    assert_oci(403, "DENIED", "because of rights");
    assert_header("WWW-Authenticate", NULL);
}

static void test_api_error(void **state)
{
    (void)state;
    access_answer = E_DENIED;
    run(GET, "/api/thing");
    assert_int_equal(req.res.status, 403);
    assert_header("Content-Type", "application/json");
    assert_header("Docker-Distribution-API-Version", NULL);
    assert_true(str_eqz(response_body(&req),
                        "{\"status\":403,\"title\":\"insufficient_scope\",\"type\":"
                        "\"https://r.example:8443/api/v1/error/insufficient_scope\","
                        "\"error_type\":\"insufficient_scope\",\"detail\":\"because of rights\","
                        "\"error_message\":\"because of rights\"}"));
}

static void test_plain_error(void **state)
{
    (void)state;
    access_answer = E_DENIED;
    run(GET, "/metrics");
    assert_int_equal(req.res.status, 403);
    assert_header("Content-Type", "text/plain; charset=utf-8");
    assert_true(str_eqz(response_body(&req), "because of rights\n"));
    assert_int_equal(auth_calls, 0);
}

static void test_unknown(void **state)
{
    (void)state;
    run(GET, "/v2/what/is/this");
    assert_oci(404, "NOT_FOUND", NULL);
    assert_header("Docker-Distribution-API-Version", "registry/2.0");
    teardown(NULL), setup(NULL);
    run(GET, "/nowhere");
    assert_int_equal(req.res.status, 404);
    assert_non_null(strstr(req.res.body.p, "\"error_type\":\"not_found\""));
    assert_header("Docker-Distribution-API-Version", NULL);
    teardown(NULL), setup(NULL);
    run(GET, "/v2/a%2Fb/manifests/x"); /* not even decoded */
    assert_oci(400, "INVALID_REQUEST", "the path has an encoded slash");
    teardown(NULL), setup(NULL);
    run(GET, "/v2/UPPER/manifests/x");
    assert_int_equal(req.res.status, 400);
    assert_non_null(strstr(req.res.body.p, "NAME_INVALID"));
    assert_int_equal(auth_calls + access_calls, 0);
}

static void test_method(void **state)
{
    (void)state;
    run(DELETE, "/v2/");
    assert_oci(405, "UNSUPPORTED", NULL);
    assert_header("Allow", "GET, HEAD");
    teardown(NULL), setup(NULL);
    run(METHOD_NONE, "/api/thing");
    assert_int_equal(req.res.status, 405);
    assert_header("Allow", "GET, HEAD, POST");
    teardown(NULL), setup(NULL);
    access_answer = E_READ_ONLY; /* a 405 that is not about the method's existence */
    run(PUT, "/v2/acme/web/manifests/x");
    assert_int_equal(req.res.status, 405);
    assert_header("Allow", "GET, HEAD");
    assert_non_null(strstr(req.res.body.p, "\"is_readonly\":true"));
}

static void test_retry_after(void **state)
{
    (void)state;
    auth_answer = E_TOO_MANY;
    retry_after = 17;
    run(GET, "/v2/");
    assert_oci(429, "TOOMANYREQUESTS", NULL);
    assert_header("Retry-After", "17");
    teardown(NULL), setup(NULL);
    access_answer = E_DB_DOWN;
    run(GET, "/v2/");
    assert_int_equal(req.res.status, 503);
    assert_header("Retry-After", "5");
}

static void test_handler_fails(void **state)
{
    (void)state;
    handler_answer = E_STORAGE;
    run(GET, "/v2/acme/web/manifests/latest");
    assert_oci(503, "UNAVAILABLE", err_info(E_STORAGE)->text);
    assert_null(strstr(req.res.body.p, "sdz9")); /* for the log alone */
    assert_non_null(strstr(req.res.body.p, "rid-1"));
    assert_header("Location", "/next");
    assert_header("Range", "0-9");
    assert_header("ETag", NULL);
    teardown(NULL), setup(NULL);
    handler_answer = E_NO_ROW; /* an id of the inside never gets out */
    run(GET, "/v2/acme/web/manifests/latest");
    assert_oci(500, "UNKNOWN", NULL);
    teardown(NULL), setup(NULL);
    handler_answer = E_CONFIG;
    run(GET, "/v2/");
    assert_oci(500, "UNKNOWN", err_info(E_INTERNAL)->text);
    teardown(NULL), setup(NULL);
    run(GET, "/silent");
    assert_int_equal(req.res.status, 500);
}

static void test_bodies(void **state)
{
    (void)state;
    req.has_content_length = true;
    req.content_length = 1001;
    run(PUT, "/v2/acme/web/manifests/x");
    assert_oci(413, "MANIFEST_INVALID", NULL);
    assert_int_equal(body_calls, 0);
    teardown(NULL), setup(NULL);
    run(PUT, "/v2/acme/web/manifests/x");
    assert_int_equal(req.res.status, 200);
    assert_int_equal(body_calls, 1);
    teardown(NULL), setup(NULL);
    req.content_type = STR("text/plain");
    run(POST, "/v2/auth");
    assert_oci(400, "INVALID_REQUEST", NULL);
    assert_int_equal(body_calls, 0);
    teardown(NULL), setup(NULL);
    req.content_type = STR("Application/X-WWW-form-urlencoded; charset=utf-8");
    run(POST, "/v2/auth");
    assert_int_equal(req.res.status, 200);
    teardown(NULL), setup(NULL);
    req.content_type = STR("application/x-www-form-urlencoded");
    form_body = "a=%zz";
    run(POST, "/v2/auth");
    assert_oci(400, "INVALID_REQUEST", NULL);
    assert_int_equal(handler_calls, 0);
    teardown(NULL), setup(NULL);
    req.has_content_length = true;
    req.content_length = (1 << 20) + 1;
    run(POST, "/api/thing");
    assert_int_equal(req.res.status, 413);
    teardown(NULL), setup(NULL);
    req.has_content_length = true;
    req.content_length = 5001;
    run(PATCH, "/v2/acme/web/blobs/uploads/u");
    assert_oci(413, "SIZE_INVALID", NULL);
    teardown(NULL), setup(NULL);
    req.has_content_length = true;
    req.content_length = 5000;
    run(PATCH, "/v2/acme/web/blobs/uploads/u");
    assert_int_equal(req.res.status, 200);
    assert_int_equal(body_calls, 0); /* it is in nginx's file */
    assert_int_equal(precheck_calls, 0);
}

static void test_precheck_passes(void **state)
{
    (void)state;
    req.is_precheck = true;
    run(PATCH, "/v2/acme/web/blobs/uploads/u");
    assert_int_equal(req.res.status, 204);
    assert_int_equal(response_body(&req).n, 0);
    assert_header("X-Gantry-Status", NULL);
    assert_int_equal(precheck_calls, 1);
    assert_int_equal(handler_calls + body_calls, 0);
    teardown(NULL), setup(NULL);
    req.is_precheck = true; /* the location of uploads also sees methods without a blob */
    run(GET, "/v2/acme/web/blobs/uploads/u");
    assert_int_equal(req.res.status, 204);
    assert_int_equal(access_calls, 1);
    assert_int_equal(handler_calls + precheck_calls, 0);
    teardown(NULL), setup(NULL);
    req.is_precheck = true; /* but not a body nobody will read */
    req.has_content_length = true;
    req.content_length = (1 << 20) + 1;
    run(GET, "/v2/acme/web/blobs/uploads/u");
    assert_int_equal(req.res.status, 403);
    assert_header("X-Gantry-Status", "413");
}

static void test_precheck_refuses(void **state)
{
    (void)state;
    req.is_precheck = true;
    precheck_answer = E_RANGE_INVALID;
    run(PATCH, "/v2/acme/web/blobs/uploads/u");
    assert_int_equal(req.res.status, 403);
    assert_int_equal(response_body(&req).n, 0);
    assert_header("X-Gantry-Status", "416");
    assert_header("X-Gantry-Location", "/v2/acme/web/blobs/uploads/u");
    assert_header("X-Gantry-Range", "0-41");
    assert_header("X-Gantry-Challenge", NULL);
    assert_header("X-Gantry-Body",
                  "{\"errors\":[{\"code\":\"BLOB_UPLOAD_INVALID\",\"message\":\"the chunk does not "
                  "continue \\\"here\\\"\",\"detail\":{}}]}");
    assert_header("Location", NULL);
    assert_header("X-Request-Id", "rid-1");
    teardown(NULL), setup(NULL);
    req.is_precheck = true;
    auth_answer = E_TOKEN_INVALID;
    run(POST, "/v2/acme/web/blobs/uploads/");
    assert_int_equal(req.res.status, 403);
    assert_header("X-Gantry-Status", "401");
    assert_header("X-Gantry-Challenge",
                  "Bearer realm=\"https://r.example:8443/v2/auth\",service=\"r.example:8443\","
                  "scope=\"repository:acme/web:pull,push\",error=\"invalid_token\"");
    teardown(NULL), setup(NULL);
    req.is_precheck = true;
    access_answer = E_DB_DOWN;
    run(POST, "/v2/acme/web/blobs/uploads/");
    assert_header("X-Gantry-Status", "503");
    assert_header("X-Gantry-Retry-After", "5");
}

/* Without a byte left there is still an answer. */
static void test_no_memory(void **state)
{
    (void)state;
    arena_freep(&worker.arena);
    worker.arena = arena_new(16);
    run(GET, "/v2/acme/web/manifests/latest");
    assert_oci(503, "UNAVAILABLE", NULL);
    assert_header("Retry-After", "5");
    assert_header("X-Request-Id", "rid-1");
}

static void test_refuse(void **state)
{
    (void)state;
    req.uri = STR("/v2/x");
    gate_refuse(&req, repeated_header(&req.fail));
    assert_oci(400, "INVALID_REQUEST", "the header of X is sent more than once");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_ok),
        T(test_challenge),
        T(test_challenge_write),
        T(test_challenge_token),
        T(test_challenge_mount),
        T(test_challenge_others),
        T(test_denied),
        T(test_api_error),
        T(test_plain_error),
        T(test_unknown),
        T(test_method),
        T(test_retry_after),
        T(test_handler_fails),
        T(test_bodies),
        T(test_precheck_passes),
        T(test_precheck_refuses),
        T(test_no_memory),
        T(test_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
