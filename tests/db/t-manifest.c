/*
 * t-manifest.c - manifests and tags on a real database: put, get, delete, history, referrers, and many threads at once.
 */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "registry/manifest.h"
#include "registry/manifest_cache.h"
#include "registry/referrers.h"
#include "registry/tag.h"

#include "database.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define DATABASE    "gantry_test_manifest"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE  "application/vnd.oci.image.layer.v1.tar+gzip"
#define THREADS     8

static struct config config = {
    .push_temp_expiration_s = 3600, .max_manifest_size = 4 << 20, .referrers_api = true};
static MYSQL *sql;
static struct worker w;
static struct caller caller = {
    .kind = CALLER_USER, .account_id = 1, .name = STR_INIT("ann"), .scopes = SCOPE_ALL};
static struct visitor ann = {
    .caller = &caller, .remote_addr = STR_INIT("192.0.2.7"), .user_agent = STR_INIT("test/1")};
static struct repo repo, other;

/* ---- help ---- */

static void run(const char *fmt, ...) PRINTF(1, 2);
static void run(const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (mysql_query(sql, text))
        fail_msg("%s: %s", text, mysql_error(sql));
    MYSQL_RES *r = mysql_store_result(sql);
    if (r)
        mysql_free_result(r);
}

static long long number(const char *fmt, ...) PRINTF(1, 2);
static long long number(const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (mysql_query(sql, text))
        fail_msg("%s: %s", text, mysql_error(sql));
    MYSQL_RES *r = mysql_store_result(sql);
    MYSQL_ROW row = mysql_fetch_row(r);
    long long n = row && row[0] ? atoll(row[0]) : -1;
    mysql_free_result(r);
    return n;
}

static struct worker worker_new(void)
{
    struct worker out = {
        .config = &config, .db = db_new(&config.db), .arena = arena_new((size_t)64 << 20)};
    assert_non_null(out.db);
    assert_non_null(out.arena);
    return out;
}

static void worker_end(struct worker *one)
{
    db_freep(&one->db);
    arena_freep(&one->arena);
}

/* A blob linked into the repository, with a lease that has run out. Gives its digest. */
static const char *blob(const struct repo *in, const char *content)
{
    struct fail f = FAIL_INIT;
    struct digest d;
    char *text = arena_alloc(w.arena, DIGEST_TEXT_MAX), hex[2 * DIGEST_RAW_MAX + 1];
    assert_int_equal(digest_of(&f, DIGEST_SHA256, str_z(content), &d), E_OK);
    digest_format(&d, text);
    hex_encode(d.raw, d.n, hex);
    run("INSERT INTO blob_content (digest, size, created_ms) VALUES (x'%s', %zu, 1) ON DUPLICATE "
        "KEY UPDATE id = id",
        hex, strlen(content));
    run("INSERT INTO repository_blob (repository_id, blob_id, leased_ms) SELECT %lld, id, 5 FROM "
        "blob_content "
        "WHERE digest = x'%s' ON DUPLICATE KEY UPDATE leased_ms = 5",
        (long long)in->id, hex);
    return text;
}

static char *image(const struct repo *in, const char *name, const char *more)
{
    return arena_printf(w.arena,
                        "{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_IMAGE
                        "\",\"config\":{\"mediaType\":\"" CONFIG_TYPE
                        "\",\"digest\":\"%s\",\"size\":6},\"layers\":[{\"mediaType\":\"" LAYER_TYPE
                        "\",\"digest\":\"%s\",\"size\":%zu}]%s}",
                        blob(in, "config"), blob(in, name), strlen(name), more);
}

static struct digest digest_z(const char *text)
{
    struct fail f = FAIL_INIT;
    struct digest d;
    assert_int_equal(digest_of(&f, DIGEST_SHA256, str_z(text), &d), E_OK);
    return d;
}

static const char *digest_text(const struct digest *d)
{
    char *text = arena_alloc(w.arena, DIGEST_TEXT_MAX);
    digest_format(d, text);
    return text;
}

static const char *digest_of_text(const char *bytes)
{
    struct digest d = digest_z(bytes);
    return digest_text(&d);
}

static struct reference by_tag(const char *tag)
{
    return (struct reference){.tag = str_z(tag)};
}

static struct reference by_digest(const char *bytes)
{
    return (struct reference){.is_digest = true, .digest = digest_z(bytes)};
}

static enum err put_with(struct worker *with, struct fail *f, const struct repo *in,
                         struct reference r, const char *type, const char *bytes)
{
    struct manifest_stored stored;
    struct manifest_put put = {.by = &ann,
                               .repo = in,
                               .reference = &r,
                               .content_type = str_z(type),
                               .bytes = str_z(bytes)};
    return manifest_put(with, f, &put, &stored);
}

static void put(const struct repo *in, struct reference r, const char *bytes)
{
    struct fail f = FAIL_INIT;
    if (put_with(&w, &f, in, r, "", bytes))
        fail_msg("put: %s %s", f.message, f.internal);
}

static void assert_there(const struct repo *in, struct reference r, const char *bytes)
{
    struct fail f = FAIL_INIT;
    struct manifest m;
    struct str got;
    if (manifest_find(&w, &f, in, &r, &m))
        fail_msg("find: %s %s", f.message, f.internal);
    struct digest d = digest_z(bytes);
    assert_true(digest_eq(&m.digest, &d));
    assert_int_equal(m.size, strlen(bytes));
    assert_int_equal(manifest_read(&w, &f, &m, &got), E_OK);
    assert_true(str_eqz(got, bytes));
}

static void assert_missing(const struct repo *in, struct reference r, enum err expected)
{
    struct fail f = FAIL_INIT;
    struct manifest m;
    assert_int_equal(manifest_find(&w, &f, in, &r, &m), expected);
    assert_true(f.message[0] != '\0');
}

static char *referrers(const struct repo *in, struct digest subject, const char *type,
                       int64_t after, size_t limit, int64_t *ret_next)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct fail f = FAIL_INIT;
    int64_t next;
    struct referrers_query q = {.repo = in,
                                .subject = subject,
                                .artifact_type = str_z(type),
                                .after = after,
                                .limit = limit};
    if (referrers_list(&w, &f, &q, &out, &next))
        fail_msg("referrers: %s %s", f.message, f.internal);
    if (ret_next)
        *ret_next = next;
    CLEANUP(json_drop) json_t *doc = NULL;
    assert_int_equal(json_parse(&f, E_BAD_REQUEST, buf_str(&out), out.n, &doc), E_OK);
    return arena_strdup(w.arena, buf_str(&out));
}

static size_t entries(const char *index)
{
    size_t n = 0;
    for (const char *p = index; (p = strstr(p, "\"digest\"")); p++)
        n++;
    return n;
}

/* ---- set-up ---- */

static int set_up_all(void **state)
{
    (void)state;
    db_library_init();
    config.db = database_migrated(DATABASE);
    sql = mysql_init(NULL);
    if (!mysql_real_connect(sql, "localhost", "root", "", DATABASE, 0, database_socket(), 0)) {
        print_error("%s\n", mysql_error(sql));
        return -1;
    }
    return 0;
}

static int tear_down_all(void **state)
{
    (void)state;
    manifest_cache_clear();
    mysql_close(sql);
    db_library_done();
    return 0;
}

static int set_up(void **state)
{
    static const char *const tables[] = {"tag",        "manifest_child",  "manifest_blob",
                                         "manifest",   "repository_blob", "blob_content",
                                         "repository", "account",         "log_entry"};
    (void)state;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        run("DELETE FROM %s", tables[i]);
    run("INSERT INTO account (id, uuid, kind, name, created_ms) VALUES (1, 'u1', 1, 'ann', 1)");
    run("INSERT INTO repository (id, namespace_id, name, description, created_ms) VALUES (1, 1, "
        "'web', '', 1), (2, 1, 'api', '', 1)");
    repo =
        (struct repo){.id = 1, .namespace_id = 1, .namespace_name = STR("ann"), .name = STR("web")};
    other =
        (struct repo){.id = 2, .namespace_id = 1, .namespace_name = STR("ann"), .name = STR("api")};
    config.sparse_index = false;
    w = worker_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    worker_end(&w);
    return 0;
}

/* ---- put and get ---- */

static void test_put_get(void **state)
{
    (void)state;
    char *one = image(&repo, "one", "");
    put(&repo, by_tag("v1"), one);
    assert_there(&repo, by_tag("v1"), one);
    assert_there(&repo, by_digest(one), one);
    assert_missing(&other, by_digest(one), E_MANIFEST_UNKNOWN);
    assert_missing(&other, by_tag("v1"), E_MANIFEST_UNKNOWN);
    assert_missing(&repo, by_tag("V1"), E_MANIFEST_UNKNOWN);
    assert_int_equal(number("SELECT COUNT(*) FROM manifest_blob"), 2);
    assert_int_equal(number("SELECT layers_size FROM manifest"), 3);
    /* the leases had run out; the push renewed them */
    assert_int_equal(number("SELECT COUNT(*) FROM repository_blob WHERE leased_ms > %lld",
                            (long long)clock_ms()),
                     2);

    /* again: nothing new but the time and the audit row */
    put(&repo, by_tag("v1"), one);
    put(&repo, by_digest(one), one);
    assert_int_equal(number("SELECT COUNT(*) FROM manifest"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM tag"), 1);
    assert_int_equal(number("SELECT COUNT(*) FROM log_entry WHERE kind = %d AND repository_id = 1",
                            LOG_KIND_push_repo),
                     3);
}

static void test_audit(void **state)
{
    (void)state;
    char *one = image(&repo, "one", "");
    put(&repo, by_tag("v1"), one);
    assert_int_equal(number("SELECT COUNT(*) FROM log_entry WHERE account_id = 1 AND performer_id "
                            "= 1 AND ip = '192.0.2.7' "
                            "AND JSON_VALUE(metadata, '$.repo') = 'web' AND JSON_VALUE(metadata, "
                            "'$.namespace') = 'ann' "
                            "AND JSON_VALUE(metadata, '$.tag') = 'v1' AND JSON_VALUE(metadata, "
                            "'$.username') = 'ann' "
                            "AND JSON_VALUE(metadata, '$.\"user-agent\"') = 'test/1'"),
                     1);
    put(&repo, by_digest(one), one);
    assert_int_equal(
        number(
            "SELECT COUNT(*) FROM log_entry WHERE JSON_VALUE(metadata, '$.manifest_digest') = '%s'",
            digest_of_text(one)),
        1);
}

static void test_references(void **state)
{
    struct fail f = FAIL_INIT;
    (void)state;
    char *one = image(&other, "one", ""); /* its blobs are in the other repository only */
    assert_int_equal(put_with(&w, &f, &repo, by_tag("v1"), MT_OCI_IMAGE, one),
                     E_MANIFEST_BLOB_UNKNOWN);
    assert_true(strncmp(f.detail, "{\"digest\":\"sha256:", 18) == 0);
    assert_int_equal(number("SELECT COUNT(*) FROM manifest"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM log_entry"), 0);

    config.sparse_index = true;
    put(&repo, by_tag("v1"), one);
    assert_there(&repo, by_tag("v1"), one);
    assert_int_equal(number("SELECT COUNT(*) FROM manifest_blob"), 0);
    config.sparse_index = false;

    char *wrong = arena_printf(w.arena,
                               "{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_IMAGE
                               "\",\"layers\":[],\"config\":{\"mediaType\":\"a/b\","
                               "\"digest\":\"%s\",\"size\":7}}",
                               blob(&repo, "config"));
    fail_clear(&f);
    assert_int_equal(put_with(&w, &f, &repo, by_tag("v1"), MT_OCI_IMAGE, wrong),
                     E_MANIFEST_INVALID);
    assert_non_null(strstr(f.message, "7 bytes"));

    char *foreign = arena_printf(
        w.arena,
        "{\"schemaVersion\":2,\"mediaType\":\"" MT_DOCKER_IMAGE
        "\",\"config\":{\"mediaType\":\"a/b\",\"digest\":\"%s\","
        "\"size\":6},\"layers\":[{\"mediaType\":\"application/"
        "vnd.docker.image.rootfs.foreign.diff.tar.gzip\","
        "\"size\":1,\"digest\":\"sha256:%064d\",\"urls\":[\"https://example.com/l\"]}]}",
        blob(&repo, "config"), 0);
    put(&repo, by_tag("win"), foreign);
    assert_there(&repo, by_tag("win"), foreign);
}

static char *index_of(const char *child, const char *media_type, size_t size)
{
    return arena_printf(w.arena,
                        "{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_INDEX
                        "\",\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}]}",
                        media_type, child, size);
}

static void test_index(void **state)
{
    struct fail f = FAIL_INIT;
    (void)state;
    char *one = image(&repo, "one", "");
    char *many = index_of(digest_of_text(one), MT_OCI_IMAGE, strlen(one));
    assert_int_equal(put_with(&w, &f, &repo, by_tag("many"), "", many), E_MANIFEST_BLOB_UNKNOWN);
    put(&repo, by_digest(one), one);
    put(&repo, by_tag("many"), many);
    assert_int_equal(number("SELECT COUNT(*) FROM manifest_child"), 1);
    /* a deleted child is missing */
    fail_clear(&f);
    struct digest d = digest_z(one);
    assert_int_equal(manifest_delete(&w, &f, &ann, &repo, &d), E_OK);
    assert_int_equal(put_with(&w, &f, &repo, by_tag("more"), "", many), E_MANIFEST_BLOB_UNKNOWN);
    /* a build cache lists blobs */
    char *cache = index_of(blob(&repo, "layer"), LAYER_TYPE, 5);
    put(&repo, by_tag("cache"), cache);
    assert_int_equal(number("SELECT COUNT(*) FROM manifest_blob b JOIN tag t ON t.manifest_id = "
                            "b.manifest_id WHERE t.name = 'cache'"),
                     1);
}

static void test_tags_of_push(void **state)
{
    struct fail f = FAIL_INIT;
    struct manifest_stored stored;
    struct str tags[MANIFEST_TAGS_MAX + 1];
    (void)state;
    char *one = image(&repo, "one", "");
    struct reference r = by_digest(one);
    for (size_t i = 0; i <= MANIFEST_TAGS_MAX; i++)
        tags[i] = str_z(arena_printf(w.arena, "t%zu", i));
    struct manifest_put in = {.by = &ann,
                              .repo = &repo,
                              .reference = &r,
                              .tags = tags,
                              .n_tags = MANIFEST_TAGS_MAX + 1,
                              .bytes = str_z(one)};
    assert_int_equal(manifest_put(&w, &f, &in, &stored), E_TOO_MANY_TAGS);
    fail_clear(&f);
    in.n_tags = MANIFEST_TAGS_MAX;
    tags[7] = STR("-bad");
    assert_int_equal(manifest_put(&w, &f, &in, &stored), E_TAG_INVALID);
    fail_clear(&f);
    tags[7] = STR("a:b");
    assert_int_equal(manifest_put(&w, &f, &in, &stored), E_TAG_INVALID);
    fail_clear(&f);
    assert_int_equal(number("SELECT COUNT(*) FROM tag"), 0); /* all or none */
    tags[7] = STR("t8");                                     /* twice in the list */
    assert_int_equal(manifest_put(&w, &f, &in, &stored), E_OK);
    assert_int_equal(number("SELECT COUNT(*) FROM tag WHERE is_current = 1"),
                     MANIFEST_TAGS_MAX - 1);
    assert_int_equal(number("SELECT COUNT(*) FROM log_entry WHERE kind = %d", LOG_KIND_push_repo),
                     MANIFEST_TAGS_MAX - 1);
    r.digest.raw[5] ^= 1;
    assert_int_equal(manifest_put(&w, &f, &in, &stored), E_DIGEST_INVALID);
}

/* ---- history ---- */

static void test_move(void **state)
{
    (void)state;
    char *one = image(&repo, "one", ""), *two = image(&repo, "two", "");
    put(&repo, by_tag("v1"), one);
    put(&repo, by_tag("v1"), two);
    assert_there(&repo, by_tag("v1"), two);
    assert_there(&repo, by_digest(one), one);
    put(&repo, by_tag("v1"), one);
    assert_int_equal(number("SELECT COUNT(*) FROM tag"), 3);
    assert_int_equal(
        number("SELECT COUNT(*) FROM tag WHERE is_current IS NULL AND end_ms >= start_ms"), 2);
    assert_int_equal(number("SELECT COUNT(*) FROM tag WHERE is_current = 1 AND end_ms IS NULL"), 1);
    assert_there(&repo, by_tag("v1"), one);
}

static void test_clock_behind(void **state)
{
    (void)state;
    /* the row was made by a host whose clock is ahead: history does not run backwards */
    char *one = image(&repo, "one", ""), *two = image(&repo, "two", "");
    put(&repo, by_tag("v1"), one);
    run("UPDATE tag SET start_ms = start_ms + 60000");
    put(&repo, by_tag("v1"), two);
    assert_int_equal(number("SELECT COUNT(*) FROM tag a JOIN tag b ON b.id > a.id WHERE a.end_ms "
                            ">= a.start_ms AND b.start_ms >= a.end_ms"),
                     1);
}

static void test_delete_tag(void **state)
{
    struct fail f = FAIL_INIT;
    (void)state;
    char *one = image(&repo, "one", "");
    put(&repo, by_tag("v1"), one);
    put(&repo, by_tag("v2"), one);
    assert_int_equal(tag_delete(&w, &f, &ann, &repo, STR("v1")), E_OK);
    assert_missing(&repo, by_tag("v1"), E_MANIFEST_UNKNOWN);
    assert_there(&repo, by_tag("v2"), one);
    assert_there(&repo, by_digest(one), one);
    assert_int_equal(tag_delete(&w, &f, &ann, &repo, STR("v1")), E_MANIFEST_UNKNOWN);
    assert_int_equal(number("SELECT COUNT(*) FROM log_entry WHERE kind = %d", LOG_KIND_delete_tag),
                     1);
    put(&repo, by_tag("v1"), one);
    assert_int_equal(number("SELECT COUNT(*) FROM tag WHERE name = 'v1'"), 2);
}

static void test_expired(void **state)
{
    struct fail f = FAIL_INIT;
    struct tag_names names;
    bool more;
    (void)state;
    char *one = image(&repo, "one", "");
    put(&repo, by_tag("v1"), one);
    run("UPDATE tag SET start_ms = 100, expires_ms = 1000");
    assert_missing(&repo, by_tag("v1"), E_TAG_EXPIRED);
    assert_int_equal(tag_delete(&w, &f, &ann, &repo, STR("v1")), E_TAG_EXPIRED);
    assert_int_equal(tag_list(&w, &f, &repo, STR_NONE, 10, &names, &more), E_OK);
    assert_int_equal(names.n, 0);
    put(&repo, by_tag("v1"), one); /* a new life: the old row ended when it expired */
    assert_there(&repo, by_tag("v1"), one);
    assert_int_equal(number("SELECT end_ms FROM tag WHERE is_current IS NULL"), 1000);
    run("UPDATE tag SET expires_ms = %lld WHERE is_current = 1", (long long)clock_ms() + 60000);
    assert_there(&repo, by_tag("v1"), one); /* not yet */
}

static void test_delete_digest(void **state)
{
    struct fail f = FAIL_INIT;
    (void)state;
    char *subject = image(&repo, "subject", "");
    char *one = image(&repo, "one",
                      arena_printf(w.arena,
                                   ",\"subject\":{\"mediaType\":\"" MT_OCI_IMAGE
                                   "\",\"digest\":\"%s\",\"size\":1}",
                                   digest_of_text(subject)));
    struct digest d = digest_z(one);
    put(&repo, by_tag("v1"), one);
    put(&repo, by_tag("v2"), one);
    put(&repo, by_tag("keep"), subject);
    long long id = number("SELECT manifest_id FROM tag WHERE name = 'v1'");
    assert_int_equal(entries(referrers(&repo, digest_z(subject), NULL, 0, 0, NULL)), 1);

    assert_int_equal(manifest_delete(&w, &f, &ann, &repo, &d), E_OK);
    assert_missing(&repo, by_digest(one), E_MANIFEST_UNKNOWN);
    assert_missing(&repo, by_tag("v1"), E_MANIFEST_UNKNOWN);
    assert_missing(&repo, by_tag("v2"), E_MANIFEST_UNKNOWN);
    assert_there(&repo, by_tag("keep"), subject);
    assert_int_equal(entries(referrers(&repo, digest_z(subject), NULL, 0, 0, NULL)), 0);
    assert_int_equal(manifest_delete(&w, &f, &ann, &repo, &d), E_MANIFEST_UNKNOWN);
    fail_clear(&f);
    /* the history still knows what the tags named */
    assert_int_equal(
        number("SELECT COUNT(*) FROM tag WHERE manifest_id = %lld AND is_current IS NULL", id), 2);
    assert_int_equal(number("SELECT COUNT(*) FROM log_entry WHERE kind = %d AND "
                            "JSON_VALUE(metadata, '$.tag') IN ('v1', 'v2')",
                            LOG_KIND_delete_tag),
                     2);

    /* pushed again, its blobs must be there again */
    run("DELETE FROM repository_blob WHERE blob_id = (SELECT id FROM blob_content WHERE size = 3)");
    assert_int_equal(put_with(&w, &f, &repo, by_tag("v1"), "", one), E_MANIFEST_BLOB_UNKNOWN);
    assert_missing(&repo, by_digest(one), E_MANIFEST_UNKNOWN);
    blob(&repo, "one");
    put(&repo, by_tag("v1"), one);
    assert_there(&repo, by_tag("v1"), one);
    assert_int_equal(number("SELECT manifest_id FROM tag WHERE name = 'v1' AND is_current = 1"),
                     id);
    assert_missing(&repo, by_tag("v2"), E_MANIFEST_UNKNOWN);
    assert_int_equal(entries(referrers(&repo, digest_z(subject), NULL, 0, 0, NULL)), 1);

    /* without a tag there is a row about the digest */
    put(&repo, by_digest(image(&repo, "bare", "")), image(&repo, "bare", ""));
    d = digest_z(image(&repo, "bare", ""));
    assert_int_equal(manifest_delete(&w, &f, &ann, &repo, &d), E_OK);
    assert_int_equal(number("SELECT COUNT(*) FROM log_entry WHERE kind = %d AND "
                            "JSON_VALUE(metadata, '$.tag') IS NULL "
                            "AND JSON_VALUE(metadata, '$.manifest_digest') = '%s'",
                            LOG_KIND_delete_tag, digest_text(&d)),
                     1);
}

/* ---- lists ---- */

static void test_tag_list(void **state)
{
    static const char *const sorted[] = {"0", "10", "2", "A", "_", "a", "a-b", "a.b", "aa", "v1"};
    struct fail f = FAIL_INIT;
    struct tag_names names;
    bool more;
    size_t n = sizeof(sorted) / sizeof(sorted[0]);
    (void)state;
    char *one = image(&repo, "one", "");
    for (size_t i = n; i-- > 0;)
        put(&repo, by_tag(sorted[i]), one);
    put(&other, by_tag("b"), image(&other, "one", ""));
    assert_int_equal(tag_list(&w, &f, &repo, STR_NONE, n, &names, &more), E_OK);
    assert_false(more);
    assert_int_equal(names.n, n);
    for (size_t i = 0; i < n; i++)
        assert_true(str_eqz(names.v[i], sorted[i]));
    assert_int_equal(tag_list(&w, &f, &repo, STR("A"), 3, &names, &more), E_OK);
    assert_true(more);
    assert_int_equal(names.n, 3);
    assert_true(str_eqz(names.v[0], "_"));
    assert_int_equal(tag_list(&w, &f, &repo, STR("a0"), 100, &names, &more),
                     E_OK); /* no tag of the list */
    assert_int_equal(names.n, 2);
    assert_false(more);
}

static char *artifact(const char *name, const char *type, const char *subject,
                      const char *annotations)
{
    return image(&repo, name,
                 arena_printf(w.arena,
                              ",\"artifactType\":\"%s\",\"annotations\":{\"a\":\"%s\"},\"subject\":"
                              "{\"mediaType\":\"" MT_OCI_IMAGE "\",\"digest\":\"%s\",\"size\":1}",
                              type, annotations, digest_of_text(subject)));
}

static void test_referrers(void **state)
{
    (void)state;
    char *subject = image(&repo, "subject", "");
    struct digest d = digest_z(subject);
    int64_t next;
    char name[32];
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        char *a = artifact(name, i % 2 ? "a/odd" : "a/even", subject, name);
        put(&repo, by_digest(a), a);
    }
    assert_int_equal(entries(referrers(&repo, d, NULL, 0, 0, &next)), 7);
    assert_int_equal(next, 0);
    assert_int_equal(entries(referrers(&repo, d, "a/odd", 0, 0, &next)), 3);
    assert_int_equal(entries(referrers(&repo, d, "a/none", 0, 0, &next)), 0);
    assert_int_equal(entries(referrers(&other, d, NULL, 0, 0, &next)), 0);
    struct repo nowhere = {.id = 0};
    assert_string_equal(referrers(&nowhere, d, NULL, 0, 0, &next),
                        "{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_INDEX
                        "\",\"manifests\":[]}");

    size_t seen = 0;
    int pages = 0;
    next = 0;
    do {
        seen += entries(referrers(&repo, d, NULL, next, 3, &next));
        pages++;
    } while (next && pages < 10);
    assert_int_equal(pages, 3);
    assert_int_equal(seen, 7);
    seen = entries(referrers(&repo, d, NULL, 0, 7, &next)); /* exactly full: no next page */
    assert_int_equal(seen, 7);
    assert_int_equal(next, 0);
}

static void test_referrers_large(void **state)
{
    (void)state;
    char *subject = image(&repo, "subject", "");
    struct digest d = digest_z(subject);
    size_t size = (size_t)3 << 20, seen = 0;
    char *text = arena_alloc(w.arena, size + 1);
    int64_t next = 0;
    int pages = 0;
    memset(text, 'x', size);
    for (int i = 0; i < 3; i++) {
        struct worker keep = w;
        text[0] = (char)('a' + i);
        char *a = artifact("large", "a/b", subject, text);
        w = keep;
        put(&repo, by_digest(a), a);
    }
    do {
        char *page = referrers(&repo, d, NULL, next, 0, &next);
        assert_true(strlen(page) < REFERRERS_PAGE_BYTES + 1024);
        seen += entries(page);
        pages++;
        if (pages == 1)
            assert_non_null(strstr(page, "axxxx")); /* long annotations are there, too */
    } while (next && pages < 10);
    assert_int_equal(seen, 3);
    assert_int_equal(pages, 3);
}

static void test_fallback(void **state)
{
    char tag[FALLBACK_TAG_MAX];
    (void)state;
    char *subject = image(&repo, "subject", "");
    struct digest d = digest_z(subject);
    char *with = artifact("with", "a/with", subject, "x");
    char *without = image(&repo, "without", "");
    char *strange = artifact("strange", "a/s", without, "y"); /* names another subject itself */
    put(&repo, by_digest(with), with);
    put(&repo, by_digest(without), without);
    put(&repo, by_digest(strange), strange);
    config.sparse_index = true;
    char *index = arena_printf(
        w.arena,
        "{\"schemaVersion\":2,\"mediaType\":\"" MT_OCI_INDEX "\",\"manifests\":["
        "{\"mediaType\":\"" MT_OCI_IMAGE
        "\",\"digest\":\"%s\",\"size\":%zu,\"artifactType\":\"a/with\"},"
        "{\"mediaType\":\"" MT_OCI_IMAGE "\",\"digest\":\"%s\",\"size\":%zu,\"artifactType\":\"a/"
        "old\",\"annotations\":{\"k\":\"v\"}},"
        "{\"mediaType\":\"" MT_OCI_IMAGE "\",\"digest\":\"%s\",\"size\":%zu},"
        "{\"mediaType\":\"" MT_OCI_IMAGE "\",\"digest\":\"sha256:%064d\",\"size\":1}]}",
        digest_of_text(with), strlen(with), digest_of_text(without), strlen(without),
        digest_of_text(strange), strlen(strange), 0);
    referrers_fallback_tag(&d, tag);
    assert_true(referrers_is_fallback_tag(str_z(tag)));
    put(&repo, by_tag(tag), index);
    char *list = referrers(&repo, d, NULL, 0, 0, NULL);
    assert_int_equal(entries(list), 2);
    assert_non_null(strstr(list, digest_of_text(with)));
    assert_non_null(strstr(list, digest_of_text(without)));
    assert_non_null(strstr(list, "{\"k\":\"v\"}"));
    assert_int_equal(entries(referrers(&repo, d, "a/old", 0, 0, NULL)), 1);
    assert_int_equal(entries(referrers(&repo, d, "a/with", 0, 0, NULL)), 1);
}

/* ---- many at once ---- */

struct job {
    pthread_t thread;
    struct worker w;
    char *bytes;
    int kind, rounds;
    enum err worst;
    char why[1100];
};

static void note(struct job *j, enum err e, const struct fail *f)
{
    if (e && e != E_MANIFEST_UNKNOWN && !j->worst) {
        j->worst = e;
        snprintf(j->why, sizeof(j->why), "%s %s", f->message, f->internal);
    }
}

static void *push_loop(void *arg)
{
    struct job *j = arg;
    for (int i = 0; i < j->rounds; i++) {
        struct fail f = FAIL_INIT;
        enum err e = E_OK;
        struct digest d = {0};
        switch (j->kind) {
        case 0: /* to one tag */
            e = put_with(&j->w, &f, &repo, by_tag("busy"), "", j->bytes);
            break;
        case 1:
            e = digest_of(&f, DIGEST_SHA256, str_z(j->bytes), &d);
            e = e ? e : manifest_delete(&j->w, &f, &ann, &repo, &d);
            break;
        default:
            e = tag_delete(&j->w, &f, &ann, &repo, STR("busy"));
            break;
        }
        note(j, e, &f);
        arena_reset(j->w.arena);
    }
    return NULL;
}

static void run_jobs(struct job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        jobs[i].w = worker_new();
        assert_int_equal(pthread_create(&jobs[i].thread, NULL, push_loop, &jobs[i]), 0);
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(jobs[i].thread, NULL);
        worker_end(&jobs[i].w);
    }
    for (size_t i = 0; i < n; i++) {
        if (jobs[i].worst)
            fail_msg("thread %zu: %d %s", i, (int)jobs[i].worst, jobs[i].why);
    }
}

static void assert_history_sound(void)
{
    assert_int_equal(number("SELECT COUNT(*) FROM tag t JOIN manifest m ON m.id = t.manifest_id "
                            "WHERE t.is_current = 1 AND m.deleted_ms IS NOT NULL"),
                     0);
    assert_int_equal(
        number("SELECT COUNT(*) FROM tag WHERE (is_current IS NULL) <> (end_ms IS NOT NULL)"), 0);
    assert_int_equal(number("SELECT COUNT(*) FROM tag WHERE end_ms < start_ms"), 0);
}

static void test_race_new_tag(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct job jobs[THREADS] = {{.kind = 0}};
        char name[32];
        run("DELETE FROM tag");
        for (int i = 0; i < THREADS; i++) {
            snprintf(name, sizeof(name), "m%d-%d", round, i);
            jobs[i] = (struct job){.bytes = image(&repo, name, ""), .rounds = 1};
        }
        run_jobs(jobs, THREADS);
        /* everyone succeeded, each move is in the history, one row lives */
        assert_int_equal(number("SELECT COUNT(*) FROM tag"), THREADS);
        assert_int_equal(number("SELECT COUNT(*) FROM tag WHERE is_current = 1"), 1);
        assert_history_sound();
    }
}

static void test_race_same_manifest(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct job jobs[THREADS] = {{.kind = 0}};
        char name[32];
        snprintf(name, sizeof(name), "same%d", round);
        char *bytes = image(&repo, name, "");
        run("DELETE FROM tag");
        for (int i = 0; i < THREADS; i++)
            jobs[i] = (struct job){.bytes = bytes, .rounds = 2};
        run_jobs(jobs, THREADS);
        assert_int_equal(number("SELECT COUNT(*) FROM tag"), 1);
        assert_int_equal(number("SELECT COUNT(*) FROM manifest"), round + 1);
        assert_there(&repo, by_tag("busy"), bytes);
    }
}

static void test_race_delete(void **state)
{
    struct job jobs[THREADS] = {{.kind = 0}};
    (void)state;
    char *one = image(&repo, "one", ""), *two = image(&repo, "two", "");
    for (int i = 0; i < THREADS; i++)
        jobs[i] = (struct job){.bytes = i % 2 ? one : two,
                               .kind = i < THREADS - 3   ? 0
                                       : i < THREADS - 1 ? 1
                                                         : 2,
                               .rounds = 40};
    run_jobs(jobs, THREADS);
    assert_history_sound();
    put(&repo, by_tag("busy"), one);
    assert_there(&repo, by_tag("busy"), one);
    assert_history_sound();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put_get, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_audit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_references, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_index, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tags_of_push, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_move, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clock_behind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete_tag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expired, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_delete_digest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tag_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_referrers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_referrers_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fallback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_race_new_tag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_race_same_manifest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_race_delete, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("db-manifest", tests, set_up_all, tear_down_all);
}
