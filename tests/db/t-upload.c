/*
 * t-upload.c - uploads and blobs on a real database and a real disk: sessions, restarts, mounts, many threads at once, and
 * a process killed at every place where it could hurt.
 *
 * The program is linked with its own objects of upload.c, blob.c and local.c, made with -DGANTRY_FAULTS (base/fault.h).
 */
#include "access/access.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/config.h"
#include "base/worker.h"
#include "db/db.h"
#include "registry/hash.h"
#include "registry/upload.h"
#include "storage/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <mysql.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "database.h"

#define THREADS 6
#define ROUNDS  20

enum { ANN = 1, BEN = 2, CREW = 3 };                      /* accounts */
enum { ANN_WEB = 1, ANN_API = 2, BEN_BOX = 3, OPEN = 4 }; /* repositories */

static char root[64], location[] = "default", driver[] = "LocalStorage", library[] = "library";
static struct config_storage storage = {.name = location, .driver = driver, .path = root};
static struct config config = {.storage = &storage,
                               .n_storage = 1,
                               .max_layer_size = 1000,
                               .push_temp_expiration_s = 3600,
                               .library_namespace = library,
                               .extended_names = true,
                               .anonymous_access = true};
static struct store *store;
static struct worker w;
static MYSQL *sql;
static const struct caller ann = {.kind = CALLER_USER,
                                  .via = VIA_PASSWORD,
                                  .account_id = ANN,
                                  .name = STR_INIT("ann"),
                                  .scopes = SCOPE_ALL};
static const struct caller ben = {.kind = CALLER_USER,
                                  .via = VIA_PASSWORD,
                                  .account_id = BEN,
                                  .name = STR_INIT("ben"),
                                  .scopes = SCOPE_ALL};
static const struct repo web = {.id = ANN_WEB, .namespace_id = ANN, .namespace_enabled = true};
static const struct repo api = {.id = ANN_API, .namespace_id = ANN, .namespace_enabled = true};
static const struct repo box = {.id = BEN_BOX, .namespace_id = BEN, .namespace_enabled = true};
static const struct upload_range no_range;

/* ---- help ---- */

static long long number(const char *query)
{
    if (mysql_query(sql, query))
        fail_msg("%s: %s", query, mysql_error(sql));
    MYSQL_RES *r = mysql_store_result(sql);
    if (!r)
        return 0;
    MYSQL_ROW row = mysql_fetch_row(r);
    long long n = row && row[0] ? strtoll(row[0], NULL, 10) : -1;
    mysql_free_result(r);
    return n;
}

static struct worker worker_new(void)
{
    struct worker out = {.config = &config,
                         .store = store,
                         .db = db_new(&config.db),
                         .arena = arena_new((size_t)64 << 20)};
    assert_non_null(out.db);
    assert_non_null(out.arena);
    return out;
}

static void worker_end(struct worker *one)
{
    db_freep(&one->db);
    arena_freep(&one->arena);
}

/* Any outcome but the wanted one fails with what was said. */
static void expect(struct fail *f, enum err got, enum err want)
{
    if (got != want)
        fail_msg("%s instead of %s: %s %s", err_info(got)->id, err_info(want)->id, f->message,
                 f->internal);
    *f = (struct fail)FAIL_INIT;
}
#define EXPECT(want, call)                                                                         \
    do {                                                                                           \
        struct fail f = FAIL_INIT;                                                                 \
        enum err outcome = (call);                                                                 \
        expect(&f, outcome, (want));                                                               \
    } while (0)

static struct digest digest_as(enum digest_algorithm algorithm, const char *text)
{
    struct digest d;
    assert_int_equal(digest_of(NULL, algorithm, str_z(text), &d), E_OK);
    return d;
}

static struct digest digest_z(const char *text)
{
    return digest_as(DIGEST_SHA256, text);
}

/* A body as nginx leaves it: a new file each time. The path lives until the thread's next call. */
static struct str body(const char *name, const char *text)
{
    static __thread char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/bodies/%s", root, name);
    unlink(path);
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return str_z(path);
}

static struct upload_range range(uint64_t first, uint64_t last)
{
    return (struct upload_range){.given = true, .first = first, .last = last};
}

static void path_of_blob(const struct digest *d, char out[static PATH_MAX])
{
    char accel[STORE_ACCEL_MAX];
    store_accel_path(store, d, accel);
    snprintf(out, PATH_MAX, "%s%s", root, accel + strlen("/_blobs"));
}

/* The repository has the blob, and its bytes are these. */
static void assert_there(int64_t repository, const char *text)
{
    char path[PATH_MAX], got[256];
    struct digest d = digest_z(text);
    struct blob blob;
    EXPECT(E_OK, blob_find(&w, &f, repository, &d, &blob));
    assert_int_equal(blob.size, strlen(text));
    path_of_blob(&d, path);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof(got)), (ssize_t)strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static void assert_missing(int64_t repository, const char *text)
{
    struct digest d = digest_z(text);
    struct blob blob;
    EXPECT(E_BLOB_UNKNOWN, blob_find(&w, &f, repository, &d, &blob));
}

static void push(const struct repo *repo, const char *text)
{
    struct digest d = digest_z(text);
    struct blob blob;
    EXPECT(E_OK, upload_whole(&w, &f, repo, body("push", text), &d, &blob));
}

static struct upload start(void)
{
    struct upload u;
    EXPECT(E_OK, upload_start(&w, &f, &ann, &web, DIGEST_SHA256, &u));
    return u;
}

static int files_in(const char *room)
{
    char path[PATH_MAX];
    int n = 0;
    snprintf(path, sizeof(path), "%s/%s", root, room);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
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

static int set_up_all(void **state)
{
    (void)state;
    db_library_init();
    config.db = database_migrated("t_upload");
    sql = mysql_init(NULL);
    if (!mysql_real_connect(sql, NULL, config.db.user, config.db.password, config.db.name, 0,
                            config.db.unix_socket, 0)) {
        print_error("%s\n", mysql_error(sql));
        return -1;
    }
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    mysql_close(sql);
    db_library_done();
    return 0;
}

static int set_up(void **state)
{
    static const char *const statements[] = {
        "DELETE FROM upload",
        "DELETE FROM repository_blob",
        "DELETE FROM blob_placement",
        "DELETE FROM blob_content",
        "DELETE FROM storage_location",
        "DELETE FROM repository",
        "DELETE FROM account",
        "INSERT INTO account (id, uuid, kind, name, created_ms) VALUES (1, 'u1', 1, 'ann', 1), "
        "(2, 'u2', 1, 'ben', 1), (3, 'u3', 2, 'crew', 1)",
        "INSERT INTO repository (id, namespace_id, name, is_public, description, created_ms) "
        "VALUES (1, 1, 'web', 0, '', 1), (2, 1, 'api', 0, '', 1), (3, 2, 'box', 0, '', 1), "
        "(4, 3, 'open', 1, '', 1)",
    };
    struct fail f = FAIL_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        (void)number(statements[i]);
    snprintf(root, sizeof(root), "/tmp/gantry-t-upload-XXXXXX");
    assert_non_null(mkdtemp(root));
    expect(&f, store_open(&config, &f, &store), E_OK);
    config.max_layer_size = 1000;
    config.upload_expiration_s = 3600;
    w = worker_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    worker_end(&w);
    store_closep(&store);
    remove_tree(root);
    return 0;
}

/* ---- sessions ---- */

static void test_chunks(void **state)
{
    struct upload u = start(), again;
    struct upload_range ahead = range(7, 9), next = range(6, 10);
    struct digest d = digest_z("hello world");
    struct blob blob;
    uint64_t added = 0;
    (void)state;

    EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("1", "hello "), &added));
    assert_int_equal(added, 6);
    assert_int_equal(u.byte_count, 6);
    EXPECT(E_OK, upload_find(&w, &f, &ann, &web, str_z(u.uuid), &again));
    assert_int_equal(again.byte_count, 6);
    u.byte_count = 0; /* a request that was read before: the row's truth counts */
    EXPECT(E_RANGE_INVALID, upload_append(&w, &f, &u, &ahead, body("2", "abc"), NULL));
    assert_int_equal(u.byte_count, 6);
    EXPECT(E_OK, upload_append(&w, &f, &again, &next, body("3", "world"), NULL));
    EXPECT(E_OK, upload_append(&w, &f, &again, &no_range, STR_NONE, &added));
    assert_int_equal(added, 0);
    assert_missing(ANN_WEB, "hello world");

    EXPECT(E_OK, upload_finish(&w, &f, &again, &no_range, STR_NONE, &d, &blob));
    assert_int_equal(blob.size, 11);
    assert_there(ANN_WEB, "hello world");
    assert_missing(ANN_API, "hello world");
    EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &ann, &web, str_z(u.uuid), &again));
    assert_int_equal(number("SELECT COUNT(*) FROM upload"), 0);
    assert_int_equal(files_in("uploads"), 0);
    assert_in_range(number("SELECT leased_ms - UNIX_TIMESTAMP(NOW(3)) * 1000 FROM repository_blob"),
                    3590000, 3601000);
}

/* For another account, another repository and nobody, a session does not exist. */
static void test_whose(void **state)
{
    struct caller nobody = {.kind = CALLER_ANONYMOUS};
    struct upload u = start(), found;
    (void)state;
    EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &ben, &web, str_z(u.uuid), &found));
    EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &ann, &api, str_z(u.uuid), &found));
    EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &nobody, &web, str_z(u.uuid), &found));
    EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &ann, &web, STR("nonsense"), &found));
    EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &ann, &web, STR_NONE, &found));
    EXPECT(E_OK, upload_find(&w, &f, &ann, &web, str_z(u.uuid), &found));
}

/* sha512 is asked for at the end only: over one body, over chunks, over chunks and a last one. */
static void test_other_algorithm(void **state)
{
    struct digest d = digest_as(DIGEST_SHA512, "hello world");
    struct blob blob;
    (void)state;
    for (int shape = 0; shape < 3; shape++) {
        struct upload u = start();
        if (shape)
            EXPECT(E_OK, upload_append(&w, &f, &u, &no_range,
                                       body("1", shape == 1 ? "hello world" : "hello "), NULL));
        EXPECT(E_OK, upload_finish(&w, &f, &u, &no_range,
                                   shape == 0   ? body("2", "hello world")
                                   : shape == 1 ? STR_NONE
                                                : body("2", "world"),
                                   &d, &blob));
        EXPECT(E_OK, blob_find(&w, &f, ANN_WEB, &d, &blob));
        EXPECT(E_OK, blob_delete(&w, &f, ANN_WEB, &d));
    }
}

static void test_wrong_digest(void **state)
{
    struct digest d = digest_z("other");
    struct upload u = start();
    struct blob blob;
    (void)state;
    EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("1", "some"), NULL));
    EXPECT(E_DIGEST_INVALID, upload_finish(&w, &f, &u, &no_range, body("2", "thing"), &d, &blob));
    EXPECT(E_DIGEST_INVALID, upload_whole(&w, &f, &web, body("3", "something"), &d, &blob));
    assert_missing(ANN_WEB, "other");
    assert_missing(ANN_WEB, "something");
    assert_int_equal(number("SELECT COUNT(*) FROM upload"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM blob_content"), 0);
    assert_int_equal(files_in("uploads"), 0);
}

static void test_restart(void **state)
{
    struct upload_range all = range(0, 10);
    struct digest d = digest_z("hello world");
    struct blob blob;
    (void)state;
    for (int closing = 0; closing < 2; closing++) {
        struct upload u = start();
        EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("1", "junk"), NULL));
        if (closing) {
            EXPECT(E_OK, upload_finish(&w, &f, &u, &all, body("2", "hello world"), &d, &blob));
        } else {
            EXPECT(E_OK, upload_append(&w, &f, &u, &all, body("2", "hello world"), NULL));
            assert_int_equal(u.byte_count, 11);
            EXPECT(E_OK, upload_finish(&w, &f, &u, &no_range, STR_NONE, &d, &blob));
        }
        assert_there(ANN_WEB, "hello world");
    }
}

static void test_too_large(void **state)
{
    struct upload u = start();
    struct digest d = digest_z("123456");
    struct blob blob;
    (void)state;
    config.max_layer_size = 5;
    EXPECT(E_TOO_LARGE, upload_append(&w, &f, &u, &no_range, body("1", "123456"), NULL));
    EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("2", "123"), NULL));
    EXPECT(E_TOO_LARGE, upload_append(&w, &f, &u, &no_range, body("3", "456"), NULL));
    EXPECT(E_TOO_LARGE, upload_finish(&w, &f, &u, &no_range, body("4", "456"), &d, &blob));
    EXPECT(E_TOO_LARGE, upload_whole(&w, &f, &web, body("5", "123456"), &d, &blob));
    EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("6", "45"), NULL));
    assert_int_equal(u.byte_count, 5);
}

static void test_cancel(void **state)
{
    struct upload u = start(), found;
    (void)state;
    EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("1", "abc"), NULL));
    EXPECT(E_OK, upload_cancel(&w, &f, &u));
    assert_int_equal(files_in("uploads"), 0);
    EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &ann, &web, str_z(u.uuid), &found));
    EXPECT(E_UPLOAD_UNKNOWN, upload_append(&w, &f, &u, &no_range, body("2", "abc"), NULL));
    EXPECT(E_OK, upload_cancel(&w, &f, &u)); /* a request that was overtaken */
}

/* The disk lost the bytes of a session, or some of them: it ends, and says so. */
static void test_lost_bytes(void **state)
{
    struct digest d = digest_z("abcd"), long_d = digest_as(DIGEST_SHA512, "abc");
    struct blob blob;
    (void)state;
    for (int shape = 0; shape < 6; shape++) {
        char path[PATH_MAX];
        struct upload u = start(), found;
        EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("1", "abc"), NULL));
        snprintf(path, sizeof(path), "%s/uploads/%s", root, u.uuid);
        assert_int_equal(shape % 2 ? unlink(path) : truncate(path, 2), 0);
        if (shape < 2)
            EXPECT(E_UPLOAD_UNKNOWN, upload_append(&w, &f, &u, &no_range, body("2", "d"), NULL));
        else if (shape < 4)
            EXPECT(E_UPLOAD_UNKNOWN,
                   upload_finish(&w, &f, &u, &no_range, body("2", "d"), &d, &blob));
        else
            EXPECT(E_UPLOAD_UNKNOWN,
                   upload_finish(&w, &f, &u, &no_range, STR_NONE, &long_d, &blob));
        EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &ann, &web, str_z(u.uuid), &found));
        assert_int_equal(files_in("uploads"), 0);
    }
}

/* A hash that does not belong to the count is never trusted. */
static void test_broken_row(void **state)
{
    struct upload u = start(), found;
    (void)state;
    EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("1", "abc"), NULL));
    (void)number("UPDATE upload SET byte_count = 2");
    EXPECT(E_INTERNAL, upload_find(&w, &f, &ann, &web, str_z(u.uuid), &found));
    (void)number("UPDATE upload SET byte_count = 3, hash_state = x'00'");
    EXPECT(E_INTERNAL, upload_append(&w, &f, &u, &no_range, body("2", "d"), NULL));
}

/* ---- blobs ---- */

static void test_empty(void **state)
{
    struct digest d = digest_z("");
    struct upload u = start();
    struct blob blob;
    (void)state;
    EXPECT(E_OK, upload_finish(&w, &f, &u, &no_range, STR_NONE, &d, &blob));
    EXPECT(E_OK, upload_whole(&w, &f, &api, STR_NONE, &d, &blob));
    assert_there(ANN_WEB, "");
    assert_there(ANN_API, "");
}

static void test_delete(void **state)
{
    struct digest d = digest_z("abc");
    (void)state;
    push(&web, "abc");
    push(&api, "abc");
    EXPECT(E_OK, blob_delete(&w, &f, ANN_WEB, &d));
    EXPECT(E_BLOB_UNKNOWN, blob_delete(&w, &f, ANN_WEB, &d));
    assert_missing(ANN_WEB, "abc");
    assert_there(ANN_API, "abc");
    push(&web, "abc");
    assert_there(ANN_WEB, "abc");
}

/* A file that is lost or damaged is unknown, and the next push brings it back. */
static void test_heals(void **state)
{
    char path[PATH_MAX];
    struct digest d = digest_z("abc");
    struct blob blob;
    bool mounted;
    (void)state;
    push(&web, "abc");
    path_of_blob(&d, path);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(i ? truncate(path, 1) : unlink(path), 0);
        assert_missing(ANN_WEB, "abc");
        EXPECT(E_OK, blob_mount(&w, &f, &ann, &api, &d, STR("ann/web"), &blob, &mounted));
        assert_false(mounted);
        push(&web, "abc");
        assert_there(ANN_WEB, "abc");
    }
    assert_int_equal(number("SELECT COUNT(*) FROM blob_content"), 1);
}

static bool mounts(const struct caller *c, const struct repo *to, struct str from)
{
    struct digest d = digest_z("abc");
    struct blob blob;
    bool mounted = true;
    EXPECT(E_OK, blob_mount(&w, &f, c, to, &d, from, &blob, &mounted));
    if (mounted) {
        assert_there(to->id, "abc");
        EXPECT(E_OK, blob_delete(&w, &f, to->id, &d));
    } else {
        assert_missing(to->id, "abc");
    }
    return mounted;
}

static void test_mount(void **state)
{
    struct repo open = {.id = OPEN, .namespace_id = CREW};
    struct grant grants[] = {{STR_INIT("ben/box"), ACTION_PULL | ACTION_PUSH},
                             {STR_INIT("ann/web"), ACTION_PULL}};
    struct caller token = {.kind = CALLER_USER,
                           .via = VIA_REGISTRY_TOKEN,
                           .account_id = BEN,
                           .scopes = SCOPE_ALL,
                           .grants = grants,
                           .n_grants = 1};
    (void)state;
    push(&web, "abc");
    assert_true(mounts(&ann, &api, STR("ann/web")));
    assert_true(mounts(&ann, &api, STR_NONE));
    assert_false(mounts(&ann, &api, STR("ann/api"))); /* has not got it */
    assert_false(mounts(&ann, &api, STR("ann/never")));
    assert_false(mounts(&ann, &api, STR("Not/A/Name")));
    assert_false(mounts(&ann, &api, STR("")));

    /* what one may not read one cannot mount, named or not */
    assert_false(mounts(&ben, &box, STR("ann/web")));
    assert_false(mounts(&ben, &box, STR_NONE));
    assert_false(mounts(&token, &box, STR("ann/web")));
    assert_false(mounts(&token, &box, STR_NONE));
    token.n_grants = 2; /* the token grants it, whatever the account may */
    assert_true(mounts(&token, &box, STR("ann/web")));
    assert_true(mounts(&token, &box, STR_NONE));
    token.n_grants = 1;

    /* the token grants the target alone; its account may read the source, unless OAuth scopes cap it */
    struct grant target = {STR_INIT("ann/api"), ACTION_PULL | ACTION_PUSH};
    struct caller narrow = token;
    narrow.account_id = ANN;
    narrow.grants = &target;
    narrow.scopes = 0;
    assert_false(mounts(&narrow, &api, STR("ann/web")));
    assert_false(mounts(&narrow, &api, STR_NONE));
    narrow.scopes = SCOPE_ALL;
    assert_true(mounts(&narrow, &api, STR("ann/web")));

    /* what is public everybody may */
    push(&open, "abc");
    assert_true(mounts(&ben, &box, STR("crew/open")));
    assert_true(mounts(&token, &box, STR("crew/open")));
    assert_true(mounts(&token, &box, STR_NONE));
    (void)number("UPDATE account SET enabled = 0 WHERE id = 3");
    assert_false(mounts(&token, &box, STR("crew/open")));
    assert_false(mounts(&token, &box, STR_NONE));
}

/* ---- many at once ---- */

struct thread {
    pthread_t id;
    int number;
    struct upload shared;
    int won;
    char trouble[256];
};

/* All push the same blobs, half of them into another repository. */
static void *push_same(void *ctx)
{
    struct thread *t = ctx;
    struct worker mine = worker_new();
    for (int i = 0; i < ROUNDS && !t->trouble[0]; i++) {
        struct fail f = FAIL_INIT;
        char text[32], name[16];
        struct upload u;
        struct blob blob;
        snprintf(text, sizeof(text), "shared %d", i);
        snprintf(name, sizeof(name), "t%d", t->number);
        struct digest d = digest_z(text);
        const struct repo *to = t->number % 2 ? &web : &api;
        enum err e = upload_start(&mine, &f, &ann, to, DIGEST_SHA256, &u);
        if (!e)
            e = upload_finish(&mine, &f, &u, &no_range, body(name, text), &d, &blob);
        if (!e)
            e = blob_find(&mine, &f, to->id, &d, &blob);
        if (e)
            snprintf(t->trouble, sizeof(t->trouble), "%s %.100s %.100s", err_info(e)->id, f.message,
                     f.internal);
        arena_reset(mine.arena);
    }
    worker_end(&mine);
    return NULL;
}

/* All send the first chunk of one session: one wins, the others hear where it goes on. */
static void *append_same(void *ctx)
{
    struct thread *t = ctx;
    struct worker mine = worker_new();
    struct fail f = FAIL_INIT;
    struct upload u = t->shared;
    struct upload_range first = range(0, 9);
    char name[16];
    snprintf(name, sizeof(name), "t%d", t->number);
    enum err e = upload_append(&mine, &f, &u, &first, body(name, "0123456789"), NULL);
    t->won = e == E_OK;
    if (e && e != E_RANGE_INVALID)
        snprintf(t->trouble, sizeof(t->trouble), "%s %.100s %.100s", err_info(e)->id, f.message,
                 f.internal);
    worker_end(&mine);
    return NULL;
}

static int run_threads(void *(*fn)(void *), const struct upload *shared)
{
    struct thread threads[THREADS] = {{.number = 0}};
    int won = 0;
    for (int i = 0; i < THREADS; i++) {
        threads[i].number = i;
        if (shared)
            threads[i].shared = *shared;
        assert_int_equal(pthread_create(&threads[i].id, NULL, fn, &threads[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i].id, NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_string_equal(threads[i].trouble, "");
        won += threads[i].won;
    }
    return won;
}

static void test_same_blob_at_once(void **state)
{
    (void)state;
    run_threads(push_same, NULL);
    assert_int_equal(number("SELECT COUNT(*) FROM blob_content"), ROUNDS);
    assert_int_equal(number("SELECT COUNT(*) FROM repository_blob"), 2 * ROUNDS);
    assert_int_equal(number("SELECT COUNT(*) FROM blob_placement"), ROUNDS);
    assert_int_equal(number("SELECT COUNT(*) FROM storage_location"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM upload"), 0);
    assert_int_equal(files_in("uploads"), 0);
    for (int i = 0; i < ROUNDS; i++) {
        char text[32];
        snprintf(text, sizeof(text), "shared %d", i);
        assert_there(ANN_WEB, text);
        assert_there(ANN_API, text);
    }
}

static void test_same_session_at_once(void **state)
{
    struct digest d = digest_z("0123456789");
    struct upload u = start();
    struct blob blob;
    (void)state;
    assert_int_equal(run_threads(append_same, &u), 1);
    EXPECT(E_OK, upload_finish(&w, &f, &u, &no_range, STR_NONE, &d, &blob));
    assert_there(ANN_WEB, "0123456789");
}

/* ---- the sweep ---- */

static void test_sweep(void **state)
{
    struct upload old = start(), fresh = start(), found;
    uint64_t removed = 0;
    char path[PATH_MAX];
    (void)state;
    EXPECT(E_OK, upload_append(&w, &f, &old, &no_range, body("1", "abc"), NULL));
    EXPECT(E_OK, upload_append(&w, &f, &fresh, &no_range, body("2", "abc"), NULL));
    snprintf(path, sizeof(path), "UPDATE upload SET updated_ms = 5 WHERE id = %lld",
             (long long)old.id);
    (void)number(path);
    EXPECT(E_OK, upload_sweep(&w, &f, NULL, NULL, &removed));
    assert_int_equal(removed, 1);
    EXPECT(E_UPLOAD_UNKNOWN, upload_find(&w, &f, &ann, &web, str_z(old.uuid), &found));
    EXPECT(E_OK, upload_find(&w, &f, &ann, &web, str_z(fresh.uuid), &found));
    assert_int_equal(files_in("uploads"), 1);

    /* files: one of a living session, one of nobody, two bodies; all of them count as old */
    snprintf(path, sizeof(path), "%s/uploads/01234567-89ab-4cde-8f01-23456789abcd", root);
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)number("UPDATE upload SET updated_ms = 9000000000000000");
    config.upload_expiration_s = -10;
    EXPECT(E_OK, upload_sweep(&w, &f, NULL, NULL, &removed));
    assert_int_equal(removed, 3);
    assert_int_equal(files_in("uploads"), 1);
    EXPECT(E_OK, upload_append(&w, &f, &fresh, &no_range, body("3", "def"), NULL));
}

/* ---- killed ---- */

enum shape { WHOLE, ONE_PUT, CHUNKS, RESTART, LAST_CHUNK, SHAPES };

#define FIRST  "the first part, "
#define SECOND "the second part"
#define ALL    FIRST SECOND

static enum err push_in_shape(struct worker *by, struct fail *f, enum shape shape, struct upload *u)
{
    struct upload_range all = range(0, strlen(ALL) - 1);
    struct digest d = digest_z(ALL);
    struct blob blob;
    enum err e = E_OK;
    switch (shape) {
    case WHOLE:
        return upload_whole(by, f, &web, body("1", ALL), &d, &blob);
    case ONE_PUT:
        return upload_finish(by, f, u, &no_range, body("1", ALL), &d, &blob);
    case CHUNKS:
        e = upload_append(by, f, u, &no_range, body("1", FIRST), NULL);
        if (!e)
            e = upload_append(by, f, u, &no_range, body("2", SECOND), NULL);
        break;
    case RESTART:
        e = upload_append(by, f, u, &all, body("1", ALL), NULL);
        break;
    case LAST_CHUNK:
        e = upload_append(by, f, u, &no_range, body("1", FIRST), NULL);
        return e ? e : upload_finish(by, f, u, &no_range, body("2", SECOND), &d, &blob);
    case SHAPES:
        break;
    }
    return e ? e : upload_finish(by, f, u, &no_range, STR_NONE, &d, &blob);
}

/* As a client does that lost the connection: ask how far it went, send the rest. */
static void resume(enum shape shape, const char *uuid)
{
    struct fail f = FAIL_INIT;
    struct upload_range all = range(0, strlen(ALL) - 1);
    struct digest d = digest_z(ALL);
    struct upload u;
    struct blob blob;
    enum err e = upload_find(&w, &f, &ann, &web, str_z(uuid), &u);
    if (!e && shape == RESTART && u.byte_count == strlen("junk")) {
        e = upload_finish(&w, &f, &u, &all, body("3", ALL), &d, &blob);
    } else if (!e) {
        size_t at = (size_t)u.byte_count;
        e = upload_finish(&w, &f, &u, &no_range, at < strlen(ALL) ? body("3", &ALL[at]) : STR_NONE,
                          &d, &blob);
    }
    if (e != E_UPLOAD_UNKNOWN) /* then the client starts another */
        expect(&f, e, E_OK);
}

/* Killed at each point in each shape: the session goes on or says it is gone, a new push succeeds, nothing stays. */
static void test_killed(void **state)
{
    static const char *const points[] = {
        "append-before-directory", "append-before-row",       "restart-before-append",
        "commit-before-rename",    "commit-before-directory", "register-before-transaction",
        "register-before-answer",
    };
    enum { POINTS = sizeof(points) / sizeof(points[0]) };
    int kills[POINTS] = {0};
    (void)state;
    for (int shape = 0; shape < SHAPES; shape++) {
        for (size_t p = 0; p < POINTS; p++) {
            struct digest d = digest_z(ALL);
            struct upload u = {.id = 0};
            char path[PATH_MAX];
            int status = 0;
            uint64_t removed;
            if (shape != WHOLE)
                u = start();
            if (shape == RESTART)
                EXPECT(E_OK, upload_append(&w, &f, &u, &no_range, body("0", "junk"), NULL));
            pid_t pid = fork();
            if (pid == 0) {
                struct fail f = FAIL_INIT;
                setenv("GANTRY_FAULT", points[p], 1);
                struct worker mine = worker_new();
                _exit(push_in_shape(&mine, &f, (enum shape)shape, &u) == E_OK ? 0 : 1);
            }
            assert_int_equal(waitpid(pid, &status, 0), pid);
            if (WIFSIGNALED(status)) {
                assert_int_equal(WTERMSIG(status), SIGKILL);
                kills[p]++;
                if (shape != WHOLE)
                    resume((enum shape)shape, u.uuid);
            } else {
                assert_int_equal(WEXITSTATUS(status), 0);
            }
            push(&web, ALL);
            assert_there(ANN_WEB, ALL);
            EXPECT(E_OK, blob_delete(&w, &f, ANN_WEB, &d));
            assert_int_equal(number("SELECT COUNT(*) FROM upload"), 0);
            config.upload_expiration_s = -10;
            EXPECT(E_OK, upload_sweep(&w, &f, NULL, NULL, &removed));
            config.upload_expiration_s = 3600;
            assert_int_equal(files_in("uploads"), 0);
            path_of_blob(&d, path);
            assert_int_equal(unlink(path), 0); /* so that the next one stores it again */
            (void)number("DELETE FROM blob_placement");
            (void)number("DELETE FROM blob_content");
        }
    }
    for (size_t p = 0; p < POINTS; p++) {
        if (!kills[p])
            fail_msg("nobody came by %s", points[p]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chunks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whose, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_algorithm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_digest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_heals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_mount, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_blob_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_session_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sweep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("db-upload", tests, set_up_all, tear_down_all);
}
