/*
 * t-store.c - the store on a local disk: sessions, commits, what strangers and broken attempts may
 * leave, a full disk.
 */
#define _GNU_SOURCE /* unshare */
#include "base/cleanup.h"
#include "registry/hash.h"
#include "storage/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define UUID  "01234567-89ab-4cde-8f01-23456789abcd"
#define OTHER "11234567-89ab-4cde-8f01-23456789abcd"

struct bench {
    char path[64]; /* of the store */
    struct config config;
    struct config_storage storage;
    struct store *store;
    struct fail f;
};

static void bench_open(struct bench *b)
{
    static char name[] = "default", driver[] = "LocalStorage";
    b->storage = (struct config_storage){.name = name, .driver = driver, .path = b->path};
    b->config = (struct config){.storage = &b->storage, .n_storage = 1};
    b->f = (struct fail)FAIL_INIT;
    assert_int_equal(store_open(&b->config, &b->f, &b->store), E_OK);
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    snprintf(b->path, sizeof(b->path), "/tmp/gantry-t-store-XXXXXX");
    assert_non_null(mkdtemp(b->path));
    bench_open(b);
    *state = b;
    return 0;
}

static void remove_tree(const char *path)
{
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", "--", path, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static int teardown(void **state)
{
    struct bench *b = *state;
    store_closep(&b->store);
    remove_tree(b->path);
    free(b);
    return 0;
}

static void path_in(const struct bench *b, const char *relative, char out[static PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s", b->path, relative);
    assert_in_range(n, 1, PATH_MAX - 1);
}

static void put_file(const char *path, struct str bytes)
{
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.n ? bytes.p : "", bytes.n), (ssize_t)bytes.n);
}

/* As nginx: a numbered file in bodies/. */
static struct str put_body(const struct bench *b, const char *name, struct str bytes,
                           char out[static PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/bodies/%s", b->path, name);
    put_file(out, bytes);
    return str_z(out);
}

static size_t get_file(const struct bench *b, const char *relative, char *out, size_t size)
{
    char path[PATH_MAX];
    path_in(b, relative, path);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, out, size);
    assert_true(n >= 0);
    return (size_t)n;
}

static bool exists(const struct bench *b, const char *relative)
{
    char path[PATH_MAX];
    struct stat st;
    path_in(b, relative, path);
    return lstat(path, &st) == 0;
}

static void address_of(const struct bench *b, const struct digest *d, char out[static PATH_MAX])
{
    char accel[STORE_ACCEL_MAX];
    store_accel_path(b->store, d, accel);
    assert_memory_equal(accel, "/_blobs/", 8);
    snprintf(out, PATH_MAX, "%s", accel + 8);
}

static enum err append(struct bench *b, uint64_t offset, struct str body, struct hash *h)
{
    struct store_sink sink;
    uint64_t added = 12345;
    if (h)
        sink = hash_sink(h);
    enum err e = store_append(b->store, &b->f, STR(UUID), offset, body, h ? &sink : NULL, &added);
    if (!e) {
        uint64_t size;
        assert_int_equal(store_body_size(b->store, &b->f, body, &size), E_OK);
        assert_int_equal(added, size);
    }
    return e;
}

static void expect_session(const struct bench *b, struct str want)
{
    char got[256];
    size_t n = get_file(b, "uploads/" UUID, got, sizeof(got));
    assert_int_equal(n, want.n);
    assert_memory_equal(got, want.p, n);
}

/* One body: linked and not copied, nginx's name stays, the digest ran along, the commit is found
 * again. */
static void test_one_body(void **state)
{
    struct bench *b = *state;
    char path[PATH_MAX], where[PATH_MAX], got[64];
    struct stat body, stored;
    struct hash h;
    struct digest d, want;
    uint64_t size;

    struct str body_path = put_body(b, "0000000001", STR("layer"), path);
    hash_init(&h, DIGEST_SHA256);
    assert_int_equal(append(b, 0, body_path, &h), E_OK);
    hash_digest(&h, &d);
    assert_int_equal(digest_of(&b->f, DIGEST_SHA256, STR("layer"), &want), E_OK);
    assert_true(digest_eq(&d, &want));
    assert_int_equal(store_stat(b->store, &b->f, &d, &size), E_NO_ROW);

    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 5, &d), E_OK);
    assert_int_equal(store_stat(b->store, &b->f, &d, &size), E_OK);
    assert_int_equal(size, 5);
    assert_false(exists(b, "uploads/" UUID));

    address_of(b, &d, where);
    assert_int_equal(get_file(b, where, got, sizeof(got)), 5);
    assert_memory_equal(got, "layer", 5);
    assert_int_equal(stat(path, &body), 0);
    path_in(b, where, path);
    assert_int_equal(stat(path, &stored), 0);
    assert_int_equal(body.st_ino, stored.st_ino);
    assert_int_equal(stored.st_mode & 0777, 0440);
}

static void test_chunks(void **state)
{
    struct bench *b = *state;
    char path[PATH_MAX];
    struct hash h;
    struct digest d, want;

    hash_init(&h, DIGEST_SHA512);
    assert_int_equal(append(b, 0, put_body(b, "1", STR("one "), path), &h), E_OK);
    assert_int_equal(unlink(path), 0); /* as nginx does */
    assert_int_equal(append(b, 4, put_body(b, "2", STR("two "), path), &h), E_OK);
    assert_int_equal(append(b, 8, STR_NONE, &h), E_OK);
    assert_int_equal(append(b, 8, put_body(b, "3", STR("three"), path), &h), E_OK);
    expect_session(b, STR("one two three"));
    hash_digest(&h, &d);
    assert_int_equal(digest_of(&b->f, DIGEST_SHA512, STR("one two three"), &want), E_OK);
    assert_true(digest_eq(&d, &want));
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 13, &d), E_OK);
}

/* Bytes behind the known offset are a broken attempt: cut off, whatever comes next. */
static void test_broken_tail(void **state)
{
    struct bench *b = *state;
    char path[PATH_MAX], got[64], where[PATH_MAX];
    struct digest d;

    path_in(b, "uploads/" UUID, path);
    put_file(path, STR("0123456789"));
    assert_int_equal(append(b, 4, put_body(b, "1", STR("ab"), path), NULL), E_OK);
    expect_session(b, STR("0123ab"));
    assert_int_equal(append(b, 3, STR_NONE, NULL), E_OK);
    expect_session(b, STR("012"));
    assert_int_equal(append(b, 0, put_body(b, "2", STR("new"), path), NULL), E_OK);
    expect_session(b, STR("new"));
    assert_int_equal(append(b, 3, put_body(b, "3", STR("er and longer"), path), NULL), E_OK);

    assert_int_equal(digest_of(&b->f, DIGEST_SHA256, STR("newer"), &d), E_OK);
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 5, &d), E_OK);
    address_of(b, &d, where);
    assert_int_equal(get_file(b, where, got, sizeof(got)), 5);
    assert_memory_equal(got, "newer", 5);
}

/* Beginning again does not write into the file that was linked before. */
static void test_restart_spares_the_body(void **state)
{
    struct bench *b = *state;
    char first[PATH_MAX], second[PATH_MAX], got[64];
    assert_int_equal(append(b, 0, put_body(b, "1", STR("first"), first), NULL), E_OK);
    assert_int_equal(append(b, 0, put_body(b, "2", STR("second"), second), NULL), E_OK);
    expect_session(b, STR("second"));
    assert_int_equal(get_file(b, "bodies/1", got, sizeof(got)), 5);
    assert_memory_equal(got, "first", 5);
    assert_int_equal(append(b, 0, STR_NONE, NULL), E_OK);
    expect_session(b, STR(""));
    assert_int_equal(get_file(b, "bodies/2", got, sizeof(got)), 6);
}

static void test_lost_session(void **state)
{
    struct bench *b = *state;
    char path[PATH_MAX];
    struct digest d = {.raw = {DIGEST_SHA256, 9}, .n = 33};
    struct str body = put_body(b, "1", STR("abc"), path);

    assert_int_equal(append(b, 4, body, NULL), E_NO_ROW);
    assert_int_equal(append(b, 0, body, NULL), E_OK);
    assert_int_equal(append(b, 4, body, NULL), E_NO_ROW);
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 4, &d), E_NO_ROW);
    assert_int_equal(store_commit(b->store, &b->f, STR(OTHER), 0, &d), E_NO_ROW);
    expect_session(b, STR("abc"));
    assert_int_equal(b->f.err, E_OK); /* not recorded */

    struct hash h;
    hash_init(&h, DIGEST_SHA256);
    struct store_sink sink = hash_sink(&h);
    assert_int_equal(store_reread(b->store, &b->f, STR(UUID), 4, &sink), E_NO_ROW);
    assert_int_equal(store_reread(b->store, &b->f, STR(OTHER), 0, &sink), E_NO_ROW);
    hash_init(&h, DIGEST_SHA512);
    assert_int_equal(store_reread(b->store, &b->f, STR(UUID), 2, &sink), E_OK);
    assert_int_equal(h.count, 2);
}

/* Two pushes of one blob, a repeated commit, a blob whose file was damaged or lost. */
static void test_commit_again(void **state)
{
    struct bench *b = *state;
    char path[PATH_MAX], where[PATH_MAX];
    struct digest d;
    uint64_t size;

    assert_int_equal(digest_of(&b->f, DIGEST_SHA256, STR("same"), &d), E_OK);
    address_of(b, &d, where);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(append(b, 0, put_body(b, "1", STR("same"), path), NULL), E_OK);
        assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 4, &d), E_OK);
        assert_false(exists(b, "uploads/" UUID));
    }
    /* the process was killed between the commit and its answer */
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 4, &d), E_OK);

    path_in(b, where, path);
    assert_int_equal(unlink(path), 0);
    put_file(path, STR("sa")); /* a damaged file does not win */
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 4, &d), E_NO_ROW);
    assert_int_equal(append(b, 0, put_body(b, "2", STR("same"), path), NULL), E_OK);
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 4, &d), E_OK);
    assert_int_equal(store_stat(b->store, &b->f, &d, &size), E_OK);
    assert_int_equal(size, 4);

    path_in(b, where, path);
    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0); /* a restore without empty directories */
    assert_int_equal(store_stat(b->store, &b->f, &d, &size), E_NO_ROW);
    assert_int_equal(append(b, 0, put_body(b, "3", STR("same"), path), NULL), E_OK);
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 4, &d), E_OK);
    assert_int_equal(store_stat(b->store, &b->f, &d, &size), E_OK);
}

static void test_empty_blob(void **state)
{
    struct bench *b = *state;
    struct digest d;
    uint64_t size = 7;
    assert_int_equal(digest_of(&b->f, DIGEST_SHA256, STR_NONE, &d), E_OK);
    assert_int_equal(append(b, 0, STR_NONE, NULL), E_OK);
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 0, &d), E_OK);
    assert_int_equal(store_stat(b->store, &b->f, &d, &size), E_OK);
    assert_int_equal(size, 0);
}

/* Only a regular file that lies in bodies/ is taken. */
static void test_foreign_bodies(void **state)
{
    struct bench *b = *state;
    char good[PATH_MAX], bad[PATH_MAX], alias[PATH_MAX];
    uint64_t size;

    put_body(b, "1", STR("abc"), good);
    path_in(b, "secret", bad);
    put_file(bad, STR("secret"));
    struct {
        const char *what;
        const char *path;
    } cases[] = {
        {"outside", "%s/secret"},
        {"above", "%s/bodies/../secret"},
        {"a directory", "%s/bodies/"},
        {"itself", "%s/bodies/."},
        {"the parent", "%s/bodies/.."},
        {"a link", "%s/bodies/link"},
        {"a link to a body", "%s/bodies/link2"},
        {"a pipe", "%s/bodies/pipe"},
        {"a directory inside", "%s/bodies/dir"},
        {"not there", "%s/bodies/2"},
        {"a session", "%s/uploads/" OTHER},
        {"relative", "1"},
        {"relative with a directory", "bodies/1"},
    };
    path_in(b, "bodies/link", alias);
    assert_int_equal(symlink(bad, alias), 0);
    path_in(b, "bodies/link2", alias);
    assert_int_equal(symlink("1", alias), 0);
    path_in(b, "bodies/pipe", alias);
    assert_int_equal(mkfifo(alias, 0600), 0);
    path_in(b, "bodies/dir", alias);
    assert_int_equal(mkdir(alias, 0700), 0);
    path_in(b, "uploads/" OTHER, alias);
    put_file(alias, STR("x"));

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[PATH_MAX];
        struct str prefix, rest = str_z(cases[i].path);
        bool relative = !str_starts(rest, STR("%s"));
        prefix = relative ? STR_NONE : str_z(b->path);
        if (!relative)
            rest = str_from(rest, 2);
        snprintf(path, sizeof(path), "%.*s%.*s", STR_ARG(prefix), STR_ARG(rest));
        b->f = (struct fail)FAIL_INIT;
        if (append(b, 0, str_z(path), NULL) == E_OK)
            fail_msg("accepted: %s", cases[i].what);
        assert_string_equal(b->f.message, ""); /* paths are for the log */
        assert_true(b->f.internal[0] != '\0');
        b->f = (struct fail)FAIL_INIT;
        assert_int_not_equal(store_body_size(b->store, &b->f, str_z(path), &size), E_OK);
    }
    b->f = (struct fail)FAIL_INIT;
    assert_false(exists(b, "uploads/" UUID));

    /* another spelling of the same directory is the same directory */
    path_in(b, "alias", alias);
    assert_int_equal(symlink("bodies", alias), 0);
    path_in(b, "alias/1", alias);
    assert_int_equal(append(b, 0, str_z(alias), NULL), E_OK);
    path_in(b, "./bodies//1", alias);
    assert_int_equal(append(b, 0, str_z(alias), NULL), E_OK);
    assert_int_equal(append(b, 0, str_z(good), NULL), E_OK);
}

static void test_foreign_names(void **state)
{
    static const struct str bad[] = {
        STR_INIT(""),
        STR_INIT("."),
        STR_INIT("../sha256/ab"),
        STR_INIT("01234567-89ab-4cde-8f01-23456789abc"),
        STR_INIT("01234567-89ab-4cde-8f01-23456789abcde"),
        STR_INIT("01234567-89ab-4cde-8f01-23456789abcg"),
        STR_INIT("01234567-89AB-4cde-8f01-23456789abcd"),
        STR_INIT("01234567/89ab-4cde-8f01-23456789abcd"),
        STR_INIT("0123456789abcdef0123456789abcdef0123"),
        STR_INIT("01234567-89ab-4cde-8f01-23456789ab\0d"),
    };
    struct bench *b = *state;
    struct digest d = {.raw = {DIGEST_SHA256}, .n = 33};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t n;
        int lock;
        assert_int_equal(store_append(b->store, NULL, bad[i], 0, STR_NONE, NULL, &n),
                         E_UPLOAD_UNKNOWN);
        assert_int_equal(store_reread(b->store, NULL, bad[i], 0, NULL), E_UPLOAD_UNKNOWN);
        assert_int_equal(store_commit(b->store, NULL, bad[i], 0, &d), E_UPLOAD_UNKNOWN);
        assert_int_equal(store_abort(b->store, NULL, bad[i]), E_UPLOAD_UNKNOWN);
        assert_int_equal(store_lock(b->store, NULL, bad[i], &lock), E_UPLOAD_UNKNOWN);
    }
}

/* A session's file that is a link leads nowhere. */
static void test_session_is_a_link(void **state)
{
    struct bench *b = *state;
    char path[PATH_MAX], body[PATH_MAX], got[16];
    struct digest d = {.raw = {DIGEST_SHA256, 1}, .n = 33};
    path_in(b, "precious", path);
    put_file(path, STR("precious"));
    path_in(b, "uploads/" UUID, path);
    assert_int_equal(symlink("../precious", path), 0);
    put_body(b, "1", STR("abc"), body);
    assert_int_not_equal(append(b, 2, str_z(body), NULL), E_OK);
    assert_int_not_equal(store_commit(b->store, &b->f, STR(UUID), 8, &d), E_OK);
    assert_int_equal(get_file(b, "precious", got, sizeof(got)), 8);
    assert_memory_equal(got, "precious", 8);
}

static void test_abort(void **state)
{
    struct bench *b = *state;
    char path[PATH_MAX];
    assert_int_equal(append(b, 0, put_body(b, "1", STR("abc"), path), NULL), E_OK);
    assert_int_equal(store_abort(b->store, &b->f, STR(UUID)), E_OK);
    assert_false(exists(b, "uploads/" UUID));
    assert_true(exists(b, "bodies/1"));
    assert_int_equal(store_abort(b->store, &b->f, STR(UUID)), E_OK);
}

/* The lock keeps other processes out until it is closed, or its process is gone. */
static void test_lock(void **state)
{
    struct bench *b = *state;
    int to_child[2], from_child[2], lock;
    char c;
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(from_child), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (store_lock(b->store, NULL, STR(UUID), &lock) != E_OK ||
            write(from_child[1], "x", 1) != 1)
            _exit(1);
        close(to_child[1]);
        if (read(to_child[0], &c, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(from_child[0], &c, 1), 1);
    assert_int_equal(store_lock(b->store, &b->f, STR(OTHER), &lock), E_OK);
    close(lock);
    assert_int_equal(store_lock(b->store, &b->f, STR(UUID), &lock), E_UPLOAD_BUSY);
    assert_true(b->f.message[0] != '\0');
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(store_lock(b->store, NULL, STR(UUID), &lock), E_OK);
    close(lock);
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(from_child[i]);
    }
}

static bool keep_other(void *ctx, struct str uuid)
{
    ++*(int *)ctx;
    return str_eq(uuid, STR(OTHER));
}

static void test_sweep(void **state)
{
    struct bench *b = *state;
    char path[PATH_MAX];
    uint64_t removed;
    int asked = 0;
    struct digest d;
    int lock;

    assert_int_equal(append(b, 0, put_body(b, "1", STR("abc"), path), NULL), E_OK);
    assert_int_equal(digest_of(&b->f, DIGEST_SHA256, STR("abc"), &d), E_OK);
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 3, &d), E_OK);
    assert_int_equal(append(b, 0, put_body(b, "2", STR("abc"), path), NULL), E_OK);
    path_in(b, "uploads/" OTHER, path);
    put_file(path, STR("x"));
    assert_int_equal(store_lock(b->store, &b->f, STR(UUID), &lock), E_OK);
    close(lock);

    assert_int_equal(store_sweep(b->store, &b->f, 1, keep_other, &asked, &removed), E_OK);
    assert_int_equal(removed, 0);
    assert_int_equal(asked, 0);
    assert_int_equal(store_sweep(b->store, &b->f, INT64_MAX, keep_other, &asked, &removed), E_OK);
    assert_int_equal(removed, 3); /* a session and two bodies */
    assert_int_equal(asked, 2);
    assert_false(exists(b, "uploads/" UUID));
    assert_true(exists(b, "uploads/" OTHER));
    assert_true(exists(b, "uploads/.lock"));
    assert_false(exists(b, "bodies/1"));
    uint64_t size;
    assert_int_equal(store_stat(b->store, &b->f, &d, &size), E_OK);
    assert_int_equal(store_sweep(b->store, &b->f, INT64_MAX, NULL, NULL, &removed), E_OK);
    assert_int_equal(removed, 1);
}

static void test_open(void **state)
{
    struct bench *b = *state;
    struct store *again = NULL;
    struct fail f = FAIL_INIT;
    char path[PATH_MAX], driver[] = "S3Storage", name[] = "second";
    char *preference[] = {name};

    assert_true(str_eqz(store_location(b->store), "default"));
    assert_true(exists(b, "sha256/00") && exists(b, "sha256/ff") && exists(b, "sha512/7a"));

    /* twice, and the one that is preferred */
    snprintf(path, sizeof(path), "%s/inner", b->path);
    struct config_storage two[] = {b->storage, {name, b->storage.driver, path}};
    struct config config = {.storage = two, .n_storage = 2, .storage_preference = {preference, 1}};
    assert_int_equal(store_open(&config, &f, &again), E_OK);
    assert_true(str_eqz(store_location(again), "second"));
    assert_true(exists(b, "inner/uploads"));
    store_closep(&again);

    two[1].driver = driver;
    assert_int_equal(store_open(&config, &f, &again), E_CONFIG);
    assert_non_null(strstr(f.message, "S3Storage"));
    fail_clear(&f);
    config.n_storage = 0;
    assert_int_equal(store_open(&config, &f, &again), E_CONFIG);
    fail_clear(&f);

    /* what is in the way is named */
    snprintf(path, sizeof(path), "%s/file", b->path);
    put_file(path, STR("x"));
    two[0].path = path;
    config = (struct config){.storage = two, .n_storage = 1};
    assert_int_equal(store_open(&config, &f, &again), E_STORAGE);
    assert_non_null(strstr(f.message, path));
    assert_null(again);
}

static void test_free_space(void **state)
{
    struct bench *b = *state;
    uint64_t bytes = 0;
    assert_int_equal(store_free_space(b->store, &b->f, &bytes), E_OK);
    assert_true(bytes > 0);
}

/* A disk of 4 MiB that runs full: nothing is lost, the session goes on when there is room again. */
static void test_full_disk(void **state)
{
    struct bench *b = *state;
    char mounted[PATH_MAX], path[PATH_MAX];
    static char block[1 << 20];
    struct hash h, before;
    struct digest d;

    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", b->path, "tmpfs", 0, "size=4m,nr_inodes=2000") != 0)
        skip();
    store_closep(&b->store);
    bench_open(b);
    memset(block, 'x', sizeof(block));
    hash_init(&h, DIGEST_SHA256);
    assert_int_equal(append(b, 0, put_body(b, "1", (struct str){block, sizeof(block)}, path), &h),
                     E_OK);
    assert_int_equal(unlink(path), 0);
    before = h;

    put_body(b, "2", (struct str){block, sizeof(block)}, path);
    snprintf(mounted, sizeof(mounted), "%s/filler", b->path);
    int fd = open(mounted, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, 4096) == 4096) {
    }
    assert_int_equal(errno, ENOSPC);
    close(fd);

    assert_int_equal(append(b, sizeof(block), str_z(path), &h), E_STORAGE_FULL);
    assert_string_equal(b->f.message, "");
    b->f = (struct fail)FAIL_INIT;
    uint64_t bytes = 1;
    assert_int_equal(store_free_space(b->store, &b->f, &bytes), E_OK);
    assert_int_equal(bytes, 0);

    assert_int_equal(unlink(mounted), 0);
    h = before;
    assert_int_equal(append(b, sizeof(block), str_z(path), &h), E_OK);
    hash_digest(&h, &d);
    assert_int_equal(store_commit(b->store, &b->f, STR(UUID), 2 * sizeof(block), &d), E_OK);
    assert_int_equal(store_stat(b->store, &b->f, &d, &bytes), E_OK);
    assert_int_equal(bytes, 2 * sizeof(block));
    store_closep(&b->store);
    assert_int_equal(umount2(b->path, MNT_DETACH), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_tail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart_spares_the_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_blob, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_is_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_abort, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_free_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
