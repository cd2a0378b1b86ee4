/*
 * t-router.c - which row of the real tables a path means, what its parameters are, and 405 against 404.
 */
#include "http/router.h"

#include "unit.h"

#include <stdio.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const struct route rows[] = {
#define ROUTE(m, p, r, b, h, c, f)                                                                 \
    {.methods = (m), .path = (p), .perm = (r), .body = (b), .flags = (f), .name = #h},
#include "oci/routes.def"
#include "api/routes.def"
#undef ROUTE
};

static enum err find(struct request *req, enum method m, const char *path, unsigned *allow)
{
    memset(req, 0, sizeof(*req));
    req->method = m;
    req->path = str_z(path);
    return router_find(req, allow);
}

static int init(void **state)
{
    (void)state;
    router_init(rows, N(rows));
    return 0;
}

static void test_found(void **state)
{
    static const struct {
        enum method method;
        const char *path, *name, *repo, *param, *value;
    } cases[] = {
        {GET, "/v2/", "oci_base", NULL, NULL, NULL},
        {GET, "/v2", "oci_base", NULL, NULL, NULL},
        {HEAD, "/v2/", "oci_base", NULL, NULL, NULL},
        {GET, "/v2/auth", "oci_token_get", NULL, NULL, NULL},
        {POST, "/v2/auth", "oci_token_post", NULL, NULL, NULL},
        {GET, "/v2/_catalog", "oci_catalog", NULL, NULL, NULL},
        {GET, "/v2/busybox/tags/list", "oci_tags_list", "busybox", NULL, NULL},
        {GET, "/v2/acme/web/front/tags/list", "oci_tags_list", "acme/web/front", NULL, NULL},
        {HEAD, "/v2/acme/web/manifests/latest", "oci_manifest_get", "acme/web", "reference",
         "latest"},
        {PUT, "/v2/acme/web/manifests/sha256:ab", "oci_manifest_put", "acme/web", "reference",
         "sha256:ab"},
        {DELETE, "/v2/acme/web/manifests/1", "oci_manifest_delete", "acme/web", "reference", "1"},
        /* words of the protocol inside a name */
        {GET, "/v2/a/manifests/b/manifests/c", "oci_manifest_get", "a/manifests/b", "reference",
         "c"},
        {GET, "/v2/a/blobs/uploads/manifests/c", "oci_manifest_get", "a/blobs/uploads", "reference",
         "c"},
        {GET, "/v2/tags/list/tags/list", "oci_tags_list", "tags/list", NULL, NULL},
        {GET, "/v2/auth/tags/list", "oci_tags_list", "auth", NULL, NULL},
        {POST, "/v2/acme/web/blobs/uploads/", "oci_upload_start", "acme/web", NULL, NULL},
        {POST, "/v2/acme/web/blobs/uploads", "oci_upload_start", "acme/web", NULL, NULL},
        {PATCH, "/v2/acme/web/blobs/uploads/u-1", "oci_upload_patch", "acme/web", "uuid", "u-1"},
        {PUT, "/v2/acme/web/blobs/uploads/u-1", "oci_upload_put", "acme/web", "uuid", "u-1"},
        {GET, "/v2/acme/web/blobs/uploads/u-1", "oci_upload_get", "acme/web", "uuid", "u-1"},
        {DELETE, "/v2/acme/web/blobs/uploads/u-1", "oci_upload_delete", "acme/web", "uuid", "u-1"},
        {GET, "/v2/acme/web/blobs/sha256:ab", "oci_blob_get", "acme/web", "digest", "sha256:ab"},
        {GET, "/v2/acme/web/referrers/sha256:ab", "oci_referrers", "acme/web", "digest",
         "sha256:ab"},
        {GET, "/keys/services/quay/keys/k1", "api_key", NULL, "kid", "k1"},
        {GET, "/health", "api_health_instance", NULL, NULL, NULL},
        {PUT, "/v1/repositories/acme/web/images", "api_v1_gone", "repositories/acme/web/images",
         NULL, NULL},
        /* an empty segment in a name is for the name's own rules to refuse */
        {GET, "/v2/a//b/tags/list", "oci_tags_list", "a//b", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < N(cases); i++) {
        struct request req;
        unsigned allow = 99;
        enum err e = find(&req, cases[i].method, cases[i].path, &allow);
        if (e || strcmp(req.route->name, cases[i].name) != 0)
            fail_msg("%s: %d", cases[i].path, e);
        assert_int_equal(allow, 0);
        assert_true(str_eqz(req_param(&req, "repo"), cases[i].repo));
        if (cases[i].param)
            assert_true(str_eqz(req_param(&req, cases[i].param), cases[i].value));
    }
}

static void test_not_found(void **state)
{
    static const char *const paths[] = {
        "/",
        "/v2//",
        "/v3/",
        "/v2/auth/",
        "/v2/acme",
        "/v2/acme/web",
        "/v2/tags/list",
        "/v2//tags/list",
        "/v2/acme/web/tags/list/",
        "/v2/acme/web/tags",
        "/v2/manifests/latest",
        "/v2/acme/web/manifests/",
        "/v2/acme/web/manifests",
        "/v2/acme/web/blobs/",
        "/v2/acme/web/blobs/uploads/u-1/",
        "/keys/services//keys",
        "/keys/services/quay/keys/",
        "/healthy",
        "/health/",
        "/metrics/x",
        "v2/",
    };
    (void)state;
    for (size_t i = 0; i < N(paths); i++) {
        struct request req;
        unsigned allow = 99;
        if (find(&req, GET, paths[i], &allow) != E_NOT_FOUND || allow != 0 || req.route)
            fail_msg("%s is %s", paths[i], req.route ? req.route->name : "not 404");
        assert_int_equal(req.n_params, 0);
    }
}

static void test_method(void **state)
{
    struct request req;
    unsigned allow = 0;
    (void)state;
    assert_int_equal(find(&req, POST, "/v2/", &allow), E_METHOD);
    assert_int_equal(allow, GET | HEAD);
    assert_int_equal(find(&req, PATCH, "/v2/a/b/manifests/x", &allow), E_METHOD);
    assert_int_equal(allow, GET | HEAD | PUT | DELETE);
    assert_int_equal(find(&req, METHOD_NONE, "/v2/a/b/blobs/uploads/x", &allow), E_METHOD);
    assert_int_equal(allow, GET | HEAD | PUT | PATCH | DELETE);
    assert_int_equal(find(&req, HEAD, "/v2/a/b/blobs/sha256:x", &allow), E_OK);
    assert_int_equal(router_methods(&req), GET | HEAD | DELETE);
    assert_string_equal(req.route->name, "oci_blob_get"); /* the probe left it alone */
    assert_int_equal(find(&req, OPTIONS, "/health", &allow), E_METHOD);
}

/* A row behind another one that takes all of its paths would never be reached. */
static void test_every_row_is_reached(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        char path[256];
        size_t n = 0;
        unsigned allow;
        for (const char *p = rows[i].path; *p && n < sizeof(path) - 4; p++) {
            if (*p == '{') {
                path[n++] = 'x';
                p = strchr(p, '}');
                assert_non_null(p);
            } else {
                path[n++] = *p;
            }
        }
        path[n] = '\0';
        for (unsigned m = GET; m <= OPTIONS; m <<= 1) {
            struct request req;
            if (!(rows[i].methods & m))
                continue;
            assert_int_equal(find(&req, (enum method)m, path, &allow), E_OK);
            if (strcmp(req.route->name, rows[i].name) != 0)
                fail_msg("%s goes to %s", rows[i].path, req.route->name);
        }
    }
}

/* Every row says who may; a blob row has a precheck, or nginx would read the body of anybody. */
static void test_rows_are_whole(void **state)
{
    static const char *const prechecks[] = {
#define ROUTE(m, p, r, b, h, c, f) #c,
#include "oci/routes.def"
#include "api/routes.def"
#undef ROUTE
    };
    (void)state;
    for (size_t i = 0; i < N(rows); i++) {
        assert_true(rows[i].perm != PERM_DENY);
        assert_true(rows[i].methods != 0);
        unsigned format = rows[i].flags & (R_OCI | R_API | R_PLAIN);
        assert_int_equal(__builtin_popcount(format), 1);
        assert_int_equal(rows[i].body == BODY_BLOB, strcmp(prechecks[i], "no_precheck") != 0);
        assert_int_equal(rows[i].path[0], '/');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),          cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_method),         cmocka_unit_test(test_every_row_is_reached),
        cmocka_unit_test(test_rows_are_whole),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
