/*
 * t-certificate.c - our own CA and the server's certificate: what is in them, when they are made anew, and when never.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "command/certificate.h"
#include "command/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define DAY 86400

struct place {
    char dir[64];
};

static int setup(void **state)
{
    static const char *const parts[] = {"ca", "config"};
    struct place *p = calloc(1, sizeof(*p));
    struct fail f = FAIL_INIT;
    char path[PATH_MAX];
    if (!p)
        return -1;
    snprintf(p->dir, sizeof(p->dir), "/tmp/t-certificate-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    for (size_t i = 0; i < 2; i++) {
        if (path_join(&f, p->dir, parts[i], path) || dir_make(&f, path, 0700))
            return -1;
    }
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {
        "ca/ca.crt", "ca/ca-key.pem", "config/ssl.cert", "config/ssl.key", "ca", "config", ""};
    struct place *p = *state;
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
        remove(path);
    }
    free(p);
    return 0;
}

static void path_of(const struct place *p, const char *name, char *out)
{
    snprintf(out, PATH_MAX, "%s/%s", p->dir, name);
}

static void read_file(const struct place *p, const char *name, struct buf *out)
{
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    path_of(p, name, path);
    assert_int_equal(file_read(&f, path, 65536, out), E_OK);
}

static struct certificate_info info_of(const struct place *p, const char *host)
{
    char cert[PATH_MAX], key[PATH_MAX];
    struct certificate_info info = {.pair = false};
    struct fail f = FAIL_INIT;
    path_of(p, "config/ssl.cert", cert);
    path_of(p, "config/ssl.key", key);
    assert_int_equal(certificate_read(&f, p->dir, cert, key, host, &info), E_OK);
    return info;
}

static bool make(const struct place *p, const char *host)
{
    struct fail f = FAIL_INIT;
    bool made = false;
    assert_int_equal(certificate_server(&f, p->dir, host, &made), E_OK);
    return made;
}

static mode_t mode_of(const struct place *p, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    path_of(p, name, path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777u;
}

static void test_made(void **state)
{
    static const char *const names[] = {"registry.example", "localhost", "127.0.0.1", "::1"};
    const struct place *p = *state;
    assert_true(make(p, "registry.example"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_true(info_of(p, names[i]).names_host);
    assert_false(info_of(p, "other.example").names_host);
    assert_false(info_of(p, "127.0.0.2").names_host);
    struct certificate_info info = info_of(p, "localhost");
    assert_true(info.pair);
    assert_true(info.own_ca);
    assert_true(info.not_before_s <= clock_s());
    assert_in_range(info.not_after_s, clock_s() + 390 * DAY, clock_s() + 398 * DAY);
    assert_int_equal(mode_of(p, "ca/ca-key.pem"), 0600);
    assert_int_equal(mode_of(p, "config/ssl.key"), 0600);
    assert_int_equal(mode_of(p, "ca/ca.crt"), 0644);
}

static void test_kept_while_good(void **state)
{
    const struct place *p = *state;
    CLEANUP(buf_done) struct buf before = BUF_INIT;
    CLEANUP(buf_done) struct buf after = BUF_INIT;
    assert_true(make(p, "a.example"));
    read_file(p, "config/ssl.cert", &before);
    assert_false(make(p, "a.example"));
    read_file(p, "config/ssl.cert", &after);
    assert_string_equal(before.p, after.p);
}

static void test_another_host(void **state)
{
    const struct place *p = *state;
    CLEANUP(buf_done) struct buf before = BUF_INIT;
    CLEANUP(buf_done) struct buf after = BUF_INIT;
    assert_true(make(p, "a.example"));
    read_file(p, "ca/ca.crt", &before);
    assert_true(make(p, "b.example"));
    assert_true(info_of(p, "b.example").names_host);
    read_file(p, "ca/ca.crt", &after);
    assert_string_equal(before.p, after.p); /* clients trust it already */
    assert_true(make(p, "10.1.2.3"));
    assert_true(info_of(p, "10.1.2.3").names_host);
}

/* A certificate of another CA, in the place of ours. */
static void test_operators_own(void **state)
{
    const struct place *p = *state;
    char path[PATH_MAX];
    CLEANUP(buf_done) struct buf before = BUF_INIT;
    CLEANUP(buf_done) struct buf after = BUF_INIT;
    assert_true(make(p, "a.example"));
    path_of(p, "ca/ca.crt", path);
    assert_int_equal(unlink(path), 0);
    path_of(p, "ca/ca-key.pem", path);
    assert_int_equal(unlink(path), 0);
    read_file(p, "config/ssl.cert", &before);
    assert_false(make(p, "b.example"));
    read_file(p, "config/ssl.cert", &after);
    assert_string_equal(before.p, after.p);
    assert_false(info_of(p, "a.example").own_ca);
}

static void test_mismatch(void **state)
{
    const struct place *p = *state;
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    CLEANUP(buf_done) struct buf key = BUF_INIT;
    assert_true(make(p, "a.example"));
    read_file(p, "ca/ca-key.pem", &key);
    path_of(p, "config/ssl.key", path);
    assert_int_equal(file_write(&f, path, buf_str(&key), 0600), E_OK);
    assert_false(info_of(p, "a.example").pair);
    assert_true(make(p, "a.example")); /* ours, and broken: mended */
    assert_true(info_of(p, "a.example").pair);
}

/* What cannot be read is not replaced, though the certificate is ours: nobody knows what would be lost. */
static void test_key_kept(void **state)
{
    const struct place *p = *state;
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    bool made = false;
    CLEANUP(buf_done) struct buf after = BUF_INIT;
    assert_true(make(p, "a.example"));
    path_of(p, "config/ssl.key", path);
    assert_int_equal(file_write(&f, path, STR("encrypted, perhaps"), 0600), E_OK);
    assert_int_equal(certificate_server(&f, p->dir, "a.example", &made), E_CONFIG);
    assert_non_null(strstr(f.message, "holds no private key"));
    assert_false(made);
    read_file(p, "config/ssl.key", &after);
    assert_string_equal(after.p, "encrypted, perhaps");
    assert_int_equal(unlink(path), 0);
    assert_true(make(p, "a.example")); /* a missing one is made */
    assert_true(info_of(p, "a.example").pair);
}

static void test_incomplete(void **state)
{
    const struct place *p = *state;
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    bool made = false;
    assert_true(make(p, "a.example"));
    path_of(p, "ca/ca-key.pem", path);
    assert_int_equal(unlink(path), 0);
    assert_false(make(p, "a.example")); /* nothing to sign: the key may be elsewhere */
    assert_int_equal(certificate_server(&f, p->dir, "b.example", &made), E_CONFIG);
    assert_non_null(strstr(f.message, "ca-key.pem is missing"));
    fail_clear(&f);
    path_of(p, "config/ssl.cert", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(certificate_server(&f, p->dir, "a.example", &made), E_CONFIG);
    assert_non_null(strstr(f.message, "ssl.cert is missing"));
}

static void test_unreadable(void **state)
{
    const struct place *p = *state;
    char cert[PATH_MAX], key[PATH_MAX];
    struct certificate_info info;
    struct fail f = FAIL_INIT;
    assert_true(make(p, "a.example"));
    path_of(p, "config/ssl.cert", cert);
    path_of(p, "config/ssl.key", key);
    assert_int_equal(certificate_read(&f, p->dir, key, key, "a.example", &info), E_CONFIG);
    assert_non_null(strstr(f.message, "holds no certificate"));
    fail_clear(&f);
    assert_int_equal(certificate_read(&f, p->dir, cert, cert, "a.example", &info), E_CONFIG);
    assert_non_null(strstr(f.message, "holds no private key"));
}

static void test_ca_pem(void **state)
{
    const struct place *p = *state;
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    CLEANUP(buf_done) struct buf pem = BUF_INIT;
    CLEANUP(buf_done) struct buf file = BUF_INIT;
    assert_true(make(p, "a.example"));
    assert_int_equal(certificate_ca_pem(&f, p->dir, &pem), E_OK);
    read_file(p, "ca/ca.crt", &file);
    assert_string_equal(pem.p, file.p);
    /* Whatever else lies there does not come out. */
    path_of(p, "ca/ca.crt", path);
    assert_int_equal(file_write(&f, path, STR("root:x:0:0\n"), 0644), E_OK);
    buf_reset(&pem);
    assert_int_equal(certificate_ca_pem(&f, p->dir, &pem), E_CONFIG);
    assert_int_equal(pem.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kept_while_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operators_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mismatch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_key_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_incomplete, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ca_pem, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
