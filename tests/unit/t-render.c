/*
 * t-render.c - nginx.conf from config.yaml: what each setting does to it, and that nothing foreign gets into it.
 */
#include "base/cleanup.h"
#include "command/files.h"
#include "command/paths.h"
#include "command/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

#define BASE                                                                                       \
    "DB_URI: 'mysql+pymysql://gantry:secret@localhost/gantry'\n"                                   \
    "DATABASE_SECRET_KEY: '0123456789abcdef0123456789abcdef'\n"                                    \
    "DISTRIBUTED_STORAGE_CONFIG: {default: [LocalStorage, {storage_path: /srv/blobs}]}\n"          \
    "DISTRIBUTED_STORAGE_PREFERENCE: [default]\n"

static char dir[] = "/tmp/t-render-XXXXXX";

static int make_dir(void **state)
{
    char path[PATH_MAX], source[PATH_MAX];
    struct fail f = FAIL_INIT;
    const char *srcdir = getenv("srcdir"); /* told by automake */
    (void)state;
    if (!realpath(srcdir ? srcdir : ".", source) || setenv("GANTRY_DATADIR", source, 1) != 0)
        return -1;
    return mkdtemp(dir) && !path_join(&f, dir, "config", path) && !dir_make(&f, path, 0700) ? 0
                                                                                            : -1;
}

static int remove_dir(void **state)
{
    static const char *const names[] = {"config/config.yaml", "config", ""};
    char path[PATH_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        remove(path);
    }
    return 0;
}

static struct config *load(const char *more)
{
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    struct config *c = NULL;
    CLEANUP(config_notes_done) struct config_notes notes = {NULL, 0};
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_putz(&text, BASE);
    buf_putz(&text, more);
    assert_int_equal(path_join(&f, dir, "config/config.yaml", path), E_OK);
    assert_int_equal(file_write(&f, path, buf_str(&text), 0600), E_OK);
    enum err e = config_load(&f, dir, &notes, &c);
    for (size_t i = 0; i < notes.n; i++)
        print_message("# %s\n", notes.v[i].text);
    assert_int_equal(e, E_OK);
    return c;
}

static void render(const struct config *c, struct buf *out)
{
    struct fail f = FAIL_INIT;
    CLEANUP(arena_freep) struct arena *a = arena_new(4 << 20);
    enum err e = render_nginx_text(&f, c, a, out);
    if (e)
        print_message("# %s\n", f.message);
    assert_int_equal(e, E_OK);
}

static size_t count(const struct buf *b, const char *what)
{
    size_t n = 0;
    for (const char *at = b->p; (at = strstr(at, what)); at++)
        n++;
    return n;
}

static void test_plain(void **state)
{
    CLEANUP(config_freep) struct config *c =
        load("SERVER_HOSTNAME: 'reg.example:9443'\nGANTRY_LISTEN_PORT: 9443\n");
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    (void)state;
    render(c, &b);
    assert_int_equal(count(&b, "listen 9443 ssl http2"), 1);
    assert_int_equal(count(&b, "server_name reg.example;"), 1);
    assert_int_equal(count(&b, "client_body_temp_path /srv/blobs/bodies;"), 1);
    assert_int_equal(count(&b, "alias /srv/blobs/;"), 1);
    assert_int_equal(count(&b, "limit_req_zone"), 0);
    assert_int_equal(count(&b, "limit_req zone"), 0);
    assert_int_equal(count(&b, "set_real_ip_from"), 0);
    assert_int_equal(count(&b, "client_max_body_size 4194304;"), 1);
    assert_int_equal(count(&b, "fastcgi_param HTTPS \"on\";"), count(&b, "fastcgi_pass unix:"));
    /* The mark of a complete request is the last parameter everywhere. */
    assert_int_equal(
        count(&b, "fastcgi_param GANTRY_PARAMS_END 1;\n            fastcgi_pass unix:"),
        count(&b, "fastcgi_pass unix:"));
    assert_int_equal(count(&b, "GANTRY_PRECHECK"), 1);
}

static void test_switches(void **state)
{
    CLEANUP(config_freep) struct config *c =
        load("SERVER_HOSTNAME: reg.example\nFEATURE_RATE_LIMITS: true\n"
             "TRUSTED_PROXY_CIDR: [10.0.0.0/8, '2001:db8::/32', 192.0.2.7]\n"
             "EXTERNAL_TLS_TERMINATION: true\nMAXIMUM_MANIFEST_SIZE: 1M\n");
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    (void)state;
    render(c, &b);
    assert_int_equal(count(&b, "limit_req_zone"), 4);
    assert_true(count(&b, "limit_req zone") >= 5);
    assert_int_equal(count(&b, "set_real_ip_from 10.0.0.0/8;"), 1);
    assert_int_equal(count(&b, "set_real_ip_from 2001:db8::/32;"), 1);
    assert_int_equal(count(&b, "set_real_ip_from 192.0.2.7/32;"), 1);
    assert_int_equal(count(&b, " ssl http2"), 0);
    assert_int_equal(count(&b, "ssl_certificate"), 0);
    assert_int_equal(count(&b, "client_max_body_size 1048576;"), 1);
}

/* Every page of an error has its text in both dialects, and no page is named that is not there. */
static void test_errors(void **state)
{
    static const int codes[] = {
#define NGINX_ERROR(code, status, retry, oci, quay, text) code,
#include "command/nginx_errors.def"
#undef NGINX_ERROR
    };
    CLEANUP(config_freep) struct config *c = load("SERVER_HOSTNAME: reg.example\n");
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    (void)state;
    render(c, &b);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        char text[80];
        snprintf(text, sizeof(text), "location = /_error/%d {", codes[i]);
        assert_int_equal(count(&b, text), 1);
        snprintf(text, sizeof(text), "map $request_uri $gantry_error_%d {", codes[i]);
        assert_int_equal(count(&b, text), 1);
        snprintf(text, sizeof(text), "error_page %d =", codes[i]);
        assert_true(count(&b, text) >= 2);
    }
}

static void test_hostile(void **state)
{
    static char evil[] = "a'; return 200 'x";
    static char evil_path[] = "/srv/a b;";
    struct fail f = FAIL_INIT;
    CLEANUP(config_freep) struct config *c = load("SERVER_HOSTNAME: reg.example\n");
    CLEANUP(arena_freep) struct arena *a = arena_new(4 << 20);
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    char *good = c->server_hostname, *good_path = c->storage[0].path;
    (void)state;
    c->server_hostname = evil;
    enum err e = render_nginx_text(&f, c, a, &b);
    c->server_hostname = good;
    assert_int_equal(e, E_CONFIG);
    fail_clear(&f);
    c->storage[0].path = evil_path;
    e = render_nginx_text(&f, c, a, &b);
    c->storage[0].path = good_path;
    assert_int_equal(e, E_CONFIG);
}

static void test_host(void **state)
{
    static const struct {
        const char *yaml, *host;
    } rows[] = {
        {"SERVER_HOSTNAME: reg.example\n", "reg.example"},
        {"SERVER_HOSTNAME: 'reg.example:8443'\n", "reg.example"},
        {"SERVER_HOSTNAME: '10.0.0.1:8443'\n", "10.0.0.1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(config_freep) struct config *c = load(rows[i].yaml);
        char host[256];
        render_host(c, host);
        assert_string_equal(host, rows[i].host);
    }
}

static void test_dir_names(void **state)
{
    static const char *const bad[] = {"/",
                                      "/a b",
                                      "/a\"b",
                                      "/a$b",
                                      "/a;b",
                                      "/a/../b",
                                      "/a//b",
                                      "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    char out[PATH_MAX];
    struct fail f = FAIL_INIT;
    (void)state;
    assert_int_equal(path_check_dir(&f, "/var/lib/gantry", out), E_OK);
    assert_string_equal(out, "/var/lib/gantry");
    assert_int_equal(path_check_dir(&f, "/var/lib/gantry///", out), E_OK);
    assert_string_equal(out, "/var/lib/gantry");
    assert_int_equal(path_check_dir(&f, "relative", out), E_OK);
    assert_int_equal(out[0], '/');
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        fail_clear(&f);
        assert_int_equal(path_check_dir(&f, bad[i], out), E_CONFIG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),  cmocka_unit_test(test_switches),
        cmocka_unit_test(test_errors), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_host),   cmocka_unit_test(test_dir_names),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
