/*
 * t-request.c - from FastCGI parameters to a request: what is taken, what is refused; paths, queries and forms decoded
 * once; Accept; the header block of an answer.
 */
#include "base/arena.h"
#include "http/params.h"
#include "http/response.h"

#include "unit.h"

#include <stdio.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static struct arena *arena;
static struct worker worker;
static struct request req;

static int init(void **state)
{
    (void)state;
    arena = arena_new((size_t)1 << 20);
    worker.arena = arena;
    request_init(&req, &worker);
    return arena ? 0 : -1;
}

static int done(void **state)
{
    (void)state;
    request_done(&req);
    arena_freep(&arena);
    return 0;
}

static enum err parse(const char *uri)
{
    request_init(&req, &worker);
    req.uri = str_z(uri);
    return request_parse_uri(&req);
}

static void test_path(void **state)
{
    static const struct {
        const char *uri, *path, *query;
    } good[] = {
        {"/", "/", ""},
        {"/v2/", "/v2/", ""},
        {"/v2/a/b?n=1&x=2", "/v2/a/b", "n=1&x=2"},
        {"/v2/a%2Db", "/v2/a-b", ""},
        {"/v2/sha256%3Aab", "/v2/sha256:ab", ""},
        {"/a%252Fb", "/a%2Fb", ""}, /* once */
        {"//a///b", "//a///b", ""},
        {"/a+b", "/a+b", ""}, /* '+' means a space in queries only */
        {"/a..b/.c/d./...", "/a..b/.c/d./...", ""},
        {"/%C3%A4", "/\xc3\xa4", ""},
        {"/a?x=%2F..%2F", "/a", "x=%2F..%2F"},
        {"/a?", "/a", ""},
        {"/a?b?c", "/a", "b?c"},
    };
    (void)state;
    for (size_t i = 0; i < N(good); i++) {
        if (parse(good[i].uri))
            fail_msg("%s: %s", good[i].uri, fail_text(&req.fail));
        assert_true(str_eqz(req.path, good[i].path));
        assert_true(str_eqz(req.query, good[i].query));
    }
}

static void test_path_refused(void **state)
{
    static const char *const bad[] = {
        "",         "v2/",        "*",         "http://h/v2/", "?a=b",   "/a%2Fb",  "/a%2fb",
        "/a%00b",   "/a%",        "/a%4",      "/a%g0",        "/a%0g",  "/a%-1",   "/%0a",
        "/a%7f",    "/a\x01",     "/a\x7f",    "/a\tb",        "/..",    "/a/..",   "/a/../b",
        "/./a",     "/a/.",       "/%2e%2e/a", "/a/%2E/b",     "/.%2e",  "/a#b",    "/\xff",
        "/%ff",     "/%c3",       "/%c0%af",   "/%ed%a0%80",   "/a?x=%", "/a?x=%0", "/a?%zz",
        "/a?x=%00", "/a?x=1&y=%",
    };
    (void)state;
    for (size_t i = 0; i < N(bad); i++) {
        if (parse(bad[i]) != E_BAD_REQUEST)
            fail_msg("%s is taken", bad[i]);
        assert_true(req.fail.message[0]);
        assert_int_equal(req.path.n, 0);
    }
}

static void test_query(void **state)
{
    struct str v;
    (void)state;
    assert_int_equal(parse("/v2/?n=5&tag=a&tag=b%20c&tag=d+e&empty=&bare&%6eame=x&k=a=b&&p=%2B"),
                     E_OK);
    assert_true(req_query(&req, "n", 0, &v) && str_eqz(v, "5"));
    assert_true(req_query(&req, "tag", 0, &v) && str_eqz(v, "a"));
    assert_true(req_query(&req, "tag", 1, &v) && str_eqz(v, "b c"));
    assert_true(req_query(&req, "tag", 2, &v) && str_eqz(v, "d e"));
    assert_false(req_query(&req, "tag", 3, &v));
    assert_true(req_query(&req, "empty", 0, &v) && v.n == 0 && v.p);
    assert_true(req_query(&req, "bare", 0, &v) && v.n == 0 && v.p);
    assert_true(req_query(&req, "name", 0, &v) && str_eqz(v, "x"));
    assert_true(req_query(&req, "k", 0, &v) && str_eqz(v, "a=b"));
    assert_true(req_query(&req, "p", 0, &v) && str_eqz(v, "+"));
    assert_false(req_query(&req, "N", 0, &v));
    assert_false(req_query(&req, "na", 0, &v));
    assert_false(req_query(&req, "names", 0, &v));
    assert_false(req_query(&req, "", 0, &v));
    req.body = STR("grant_type=password&password=a%26b%3D%0A");
    assert_true(req_form(&req, "password", 0, &v) && str_eqz(v, "a&b=\n"));
    assert_false(req_form(&req, "n", 0, &v));
    assert_false(pairs_valid(STR("a=%zz")));
    assert_false(pairs_valid((struct str){"a=\0", 3}));
    assert_true(pairs_valid(STR("")));
}

static void test_accept(void **state)
{
    static const struct {
        const char *accept, *type;
        bool ok;
    } cases[] = {
        {"", "a/b", true},
        {"  ", "a/b", true},
        {"*/*", "a/b", true},
        {"*", "a/b", true},
        {"a/*", "a/b", true},
        {"a/b", "a/b", true},
        {"A/B", "a/b", true},
        {"a/c", "a/b", false},
        {"b/*", "a/b", false},
        {"a/b;q=0", "a/b", false},
        {"a/b; q=0.000", "a/b", false},
        {"a/b;Q=0.", "a/b", false},
        {"a/b;q=0.001", "a/b", true},
        {"a/b;q=1", "a/b", true},
        {"a/b;q=00", "a/b", true},
        {"*/*, a/b;q=0", "a/b", false},
        {"a/b;q=0, */*", "a/b", false},
        {"a/b;q=0, a/*", "a/c", true},
        {"*/*;q=0, a/b", "a/b", true},
        {"a/*;q=0, */*;q=1", "a/b", false},
        {"a/b;q=0, a/b", "a/b", true},
        {"application/json;charset=utf-8;q=0.5, x/y", "application/json", true},
        {"x/y ,\ta/b", "a/b", true},
        {",,a/b,", "a/b", true},
        {"aa/b", "a/b", false},
        {"a/", "a/b", false},
        {"/*", "a/b", false},
        {"a/*x", "a/b", false},
    };
    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        req.accept = str_z(cases[i].accept);
        if (req_accepts(&req, str_z(cases[i].type)) != cases[i].ok)
            fail_msg("\"%s\" and %s", cases[i].accept, cases[i].type);
    }
}

static enum err params(const char *const *envp)
{
    request_init(&req, &worker);
    return params_read(&req, envp);
}

static void test_params(void **state)
{
    static const char *const envp[] = {
        "REQUEST_METHOD=PATCH",
        "REQUEST_URI=/v2/a?b=c=d",
        "CONTENT_TYPE=application/json",
        "CONTENT_LENGTH=42",
        "REMOTE_ADDR=192.0.2.7",
        "HTTPS=on",
        "REQUEST_ID=0123456789abcdef0123456789abcdef",
        "REQUEST_BODY_FILE=/s/bodies/0000000001",
        "GANTRY_PARAMS_END=1",
        "NOT_OURS",
        "HTTP_HOST=r.example",
        "HTTP_AUTHORIZATION=Bearer a.b.c",
        "HTTP_ACCEPT=a/b",
        "HTTP_ACCEPT=c/d;q=0.5",
        "HTTP_ACCEPT=e/f",
        "HTTP_USER_AGENT=first",
        "HTTP_USER_AGENT=second",
        "HTTP_RANGE=bytes=0-1",
        "HTTP_CONTENT_RANGE=0-41",
        "HTTP_PROXY=http://evil.example",
        "HTTP_X_REQUEST_ID=mine",
        "HTTP_GANTRY_PRECHECK=1",
        "HTTP_REQUEST_BODY_FILE=/etc/passwd",
        NULL,
    };
    (void)state;
    assert_int_equal(params(envp), E_OK);
    assert_int_equal(req.method, PATCH);
    assert_true(str_eqz(req.uri, "/v2/a?b=c=d"));
    assert_true(req.has_content_length && req.content_length == 42);
    assert_true(req.is_https);
    assert_false(req.is_precheck);
    assert_true(str_eqz(req.remote_addr, "192.0.2.7"));
    assert_true(str_eqz(req.request_id, "0123456789abcdef0123456789abcdef"));
    assert_true(str_eqz(req.body_file, "/s/bodies/0000000001"));
    assert_true(str_eqz(req.authorization, "Bearer a.b.c"));
    assert_true(str_eqz(req.accept, "a/b, c/d;q=0.5, e/f"));
    assert_true(str_eqz(req.user_agent, "first"));
    assert_true(str_eqz(req.range, "bytes=0-1"));
    assert_true(str_eqz(req.content_range, "0-41"));
    assert_true(str_eqz(req.host, "r.example"));
}

#define BASE "REQUEST_METHOD=GET", "REQUEST_URI=/", "GANTRY_PARAMS_END=1"

/* A list of lists without end would be copied without end. */
static void test_params_joined(void **state)
{
    const char *envp[80] = {BASE};
    size_t n = 3;
    (void)state;
    for (size_t i = 0; i < 65; i++)
        envp[n++] = "HTTP_ACCEPT=a/b";
    assert_int_equal(params(envp), E_BAD_REQUEST);
    assert_non_null(strstr(fail_text(&req.fail), "too often"));
    envp[n - 1] = NULL;
    assert_int_equal(params(envp), E_OK);
    assert_int_equal(req.accept.n, 64 * 3 + 63 * 2);
}

static void test_params_refused(void **state)
{
    static const char *const bad[][8] = {
        {BASE, "HTTP_AUTHORIZATION=Basic a", "HTTP_AUTHORIZATION=Basic b"},
        {BASE, "HTTP_AUTHORIZATION=Basic a", "HTTP_AUTHORIZATION=Basic a"},
        {BASE, "HTTP_AUTHORIZATION=", "HTTP_AUTHORIZATION=Basic a"},
        {BASE, "CONTENT_LENGTH=1", "CONTENT_LENGTH=2"},
        {BASE, "HTTP_CONTENT_LENGTH=1", "HTTP_CONTENT_LENGTH=2"},
        {BASE, "HTTP_HOST=a", "HTTP_HOST=b"},
        {BASE, "HTTP_CONTENT_RANGE=0-1", "HTTP_CONTENT_RANGE=2-3"},
        {BASE, "HTTP_RANGE=bytes=0-1", "HTTP_RANGE=bytes=2-3"},
        {BASE, "REQUEST_URI=/other"},
        {BASE, "CONTENT_LENGTH=-1"},
        {BASE, "CONTENT_LENGTH=1x"},
        {BASE, "CONTENT_LENGTH=99999999999999999999"},
        {"REQUEST_METHOD=DELETE", "REQUEST_URI=/v2/"},
        {"REQUEST_METHOD=DELETE", "REQUEST_URI=/v2/", "GANTRY_PARAMS_END="},
        {"REQUEST_METHOD=DELETE", "REQUEST_URI=/v2/", "HTTP_GANTRY_PARAMS_END=1"},
        {NULL},
    };
    (void)state;
    for (size_t i = 0; i < N(bad); i++) {
        if (params(bad[i]) != E_BAD_REQUEST)
            fail_msg("case %zu is taken", i);
        assert_true(req.fail.message[0]);
        assert_true(req.request_id.n > 0); /* an error page needs one too */
    }
}

static void test_params_absent(void **state)
{
    static const char *const envp[] = {BASE, "CONTENT_LENGTH=", "HTTPS=", "REQUEST_ID=", NULL};
    (void)state;
    assert_int_equal(params(envp), E_OK);
    assert_false(req.has_content_length);
    assert_false(req.is_https);
    assert_int_equal(req.request_id.n, UINT32_C(36));
    assert_int_equal(req.authorization.n, 0);
}

/* It is written into a header and the log unescaped. */
static void test_request_id(void **state)
{
    static const char *const strange[] = {"REQUEST_ID=a\rX-Evil: 1", "REQUEST_ID=a b",
                                          "REQUEST_ID=\xff", "REQUEST_ID=\"",
                                          "REQUEST_ID=0123456789012345678901234567890123456789"
                                          "0123456789012345678901234"};
    (void)state;
    for (size_t i = 0; i < N(strange); i++) {
        const char *const envp[] = {BASE, strange[i], NULL};
        assert_int_equal(params(envp), E_OK);
        assert_int_equal(req.request_id.n, 36);
    }
}

static void test_methods(void **state)
{
    struct buf b = BUF_INIT;
    (void)state;
    assert_int_equal(method_parse(STR("GET")), GET);
    assert_int_equal(method_parse(STR("OPTIONS")), OPTIONS);
    assert_int_equal(method_parse(STR("get")), METHOD_NONE);
    assert_int_equal(method_parse(STR("GETT")), METHOD_NONE);
    assert_int_equal(method_parse(STR("")), METHOD_NONE);
    assert_string_equal(method_name(METHOD_NONE), "-");
    methods_list(DELETE | GET, &b);
    assert_string_equal(b.p, "GET, HEAD, DELETE");
    buf_done(&b);
}

static void test_headers(void **state)
{
    struct buf out = BUF_INIT;
    (void)state;
    request_init(&req, &worker);
    assert_int_equal(res_header(&req, "X-Two", STR("a\r\nX-Evil: 1")), E_OK);
    assert_int_equal(res_header(&req, "X-One", STR("gone")), E_OK);
    assert_int_equal(res_header(&req, "x-one", (struct str){"b\0c\n", 4}), E_OK);
    assert_int_equal(res_header_add(&req, "Link", STR("<1>")), E_OK);
    assert_int_equal(res_header_add(&req, "Link", STR("<2>")), E_OK);
    assert_int_equal(res_headerf(&req, "Range", "0-%d", 7), E_OK);
    assert_int_equal(res_send(&req, 201, "text/plain", STR("hello")), E_OK);
    response_head(&req, &out);
    assert_string_equal(
        out.p, "Status: 201 Created\r\nX-Two: aX-Evil: 1\r\nx-one: bc\r\nLink: <1>\r\nLink: <2>\r\n"
               "Range: 0-7\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
    assert_true(str_eqz(response_body(&req), "hello"));

    buf_reset(&out);
    req.res.accel = STR("/_blobs/x");
    response_head(&req, &out);
    assert_non_null(strstr(out.p, "X-Accel-Redirect: /_blobs/x\r\n\r\n"));
    assert_null(strstr(out.p, "Content-Length"));
    assert_int_equal(response_body(&req).n, 0);

    req.res.accel = STR_NONE;
    buf_reset(&out);
    assert_int_equal(res_empty(&req, 204), E_OK);
    response_head(&req, &out);
    assert_null(strstr(out.p, "Content-Length"));
    buf_reset(&out);
    assert_int_equal(res_empty(&req, 202), E_OK);
    response_head(&req, &out);
    assert_non_null(strstr(out.p, "Content-Length: 0\r\n"));
    /* a HEAD may know the length of what it does not make */
    buf_reset(&out);
    assert_int_equal(res_header(&req, "Content-Length", STR("123")), E_OK);
    response_head(&req, &out);
    assert_non_null(strstr(out.p, "Content-Length: 123\r\n"));
    assert_null(strstr(out.p, "Content-Length: 0\r\n"));

    while (req.res.n_headers < HEADERS_MAX)
        assert_int_equal(res_header_add(&req, "Warning", STR("w")), E_OK);
    assert_int_equal(res_header_add(&req, "Warning", STR("w")), E_INTERNAL);
    assert_int_equal(res_header(&req, "X-One", STR("again")), E_OK);
    buf_done(&out);
    request_done(&req);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),           cmocka_unit_test(test_path_refused),
        cmocka_unit_test(test_query),          cmocka_unit_test(test_accept),
        cmocka_unit_test(test_params),         cmocka_unit_test(test_params_joined),
        cmocka_unit_test(test_params_refused), cmocka_unit_test(test_params_absent),
        cmocka_unit_test(test_methods),        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_request_id),
    };
    return cmocka_run_group_tests(tests, init, done);
}
