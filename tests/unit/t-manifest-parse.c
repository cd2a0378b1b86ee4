/*
 * t-manifest-parse.c - manifests good and bad: what is read from them, and with which words the
 * others are refused.
 */
#include "registry/manifest_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(a)    (sizeof(a) / sizeof((a)[0]))
#define MAX     ((size_t)4 << 20)
#define A64     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64     "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define EMPTY   "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" /* {} */
#define CONFIG  "application/vnd.oci.image.config.v1+json"
#define LAYER   "application/vnd.oci.image.layer.v1.tar+gzip"
#define FOREIGN "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
#define NONDIST "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"

#define D(type, hex, size)                                                                         \
    "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" hex "\",\"size\":" size "}"
#define CFG         D(CONFIG, A64, "7")
#define V2          "\"schemaVersion\":2"
#define TYPE(t)     "\"mediaType\":\"" t "\""
#define IMAGE(more) "{" V2 ",\"config\":" CFG ",\"layers\":[]" more "}"
#define INDEX(more) "{" V2 ",\"manifests\":[]" more "}"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new((size_t)64 << 20);
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_freep(&arena);
    return 0;
}

static struct manifest_facts parsed(const char *type, const char *text)
{
    struct fail f = FAIL_INIT;
    struct manifest_facts m = {.kind = MANIFEST_NONE};
    if (manifest_parse(arena, &f, str_z(type), str_z(text), MAX, &m))
        fail_msg("refused: %s\n%s", f.message, text);
    return m;
}

static void assert_str(struct str s, const char *expected)
{
    if (!str_eqz(s, expected))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(s), expected);
}

static void assert_digest(const struct digest *d, const char *expected)
{
    char text[DIGEST_TEXT_MAX];
    digest_format(d, text);
    assert_string_equal(text, expected);
}

static void test_image(void **state)
{
    (void)state;
    struct manifest_facts m = parsed(
        MT_OCI_IMAGE,
        "{" V2 "," TYPE(MT_OCI_IMAGE) ",\"config\":" CFG ",\"layers\":[" D(LAYER, C64, "100") "," D(
            LAYER, B64, "20") "," D(LAYER, C64,
                                    "100") "],\"annotations\":{\"a\":\"b\"},\"x\":[{}]}");
    assert_int_equal(m.kind, MANIFEST_IMAGE);
    assert_str(m.media_type, MT_OCI_IMAGE);
    assert_str(m.config_media_type, CONFIG);
    assert_str(m.artifact_type, CONFIG); /* image-spec: falls back to the config's */
    assert_false(m.has_subject);
    assert_null(m.annotations.p); /* kept for referrers only */
    assert_int_equal(m.layers_size, 220);
    assert_int_equal(m.n_children, 0);
    assert_int_equal(m.n_blobs, 3); /* each once, in the order of digests */
    assert_digest(&m.blobs[0].digest, "sha256:" A64);
    assert_digest(&m.blobs[1].digest, "sha256:" B64);
    assert_digest(&m.blobs[2].digest, "sha256:" C64);
    assert_int_equal(m.blobs[1].size, 20);
    assert_false(m.blobs[1].is_optional);
}

static void test_docker(void **state)
{
    (void)state;
    struct manifest_facts m =
        parsed(MT_DOCKER_IMAGE, "{" V2 "," TYPE(MT_DOCKER_IMAGE) ",\"config\":" D(
                                    "application/vnd.docker.container.image.v1+json", A64,
                                    "7") ",\"layers\":[{\"mediaType\":\"" FOREIGN
                                         "\",\"size\":9,\"digest\":\"sha256:" B64
                                         "\",\"urls\":[\"https://example.com/layer\"]}]}");
    assert_int_equal(m.kind, MANIFEST_IMAGE);
    assert_str(m.media_type, MT_DOCKER_IMAGE);
    assert_int_equal(m.n_blobs, 2);
    assert_false(m.blobs[0].is_optional);
    assert_true(m.blobs[1].is_optional);

    m = parsed(MT_DOCKER_LIST,
               "{" V2 "," TYPE(
                   MT_DOCKER_LIST) ",\"manifests\":[{\"mediaType\":\"" MT_DOCKER_IMAGE
                                   "\",\"size\":528,\"digest\":\"sha256:" A64
                                   "\",\"platform\":{\"architecture\":\"arm\",\"os\":\"linux\","
                                   "\"variant\":\"v7\"}}]}");
    assert_int_equal(m.kind, MANIFEST_INDEX);
    assert_str(m.media_type, MT_DOCKER_LIST);
    assert_int_equal(m.n_children, 1);
    assert_true(m.children[0].is_manifest);
    assert_null(m.artifact_type.p);
}

static void test_index(void **state)
{
    (void)state;
    struct manifest_facts m =
        parsed(MT_OCI_INDEX,
               "{" V2 "," TYPE(MT_OCI_INDEX) ",\"manifests\":[" D(MT_OCI_INDEX, B64, "2") "," D(
                   MT_OCI_IMAGE, A64, "1") "," D(LAYER, C64, "3") "]}");
    assert_int_equal(m.kind, MANIFEST_INDEX);
    assert_int_equal(m.n_children, 3);
    assert_int_equal(m.n_blobs, 0);
    assert_int_equal(m.layers_size, 0);
    assert_true(m.children[0].is_manifest);
    assert_true(m.children[1].is_manifest);
    assert_false(m.children[2].is_manifest); /* a build cache lists layers */
    m = parsed(MT_OCI_INDEX, INDEX(""));
    assert_int_equal(m.n_children, 0);
    m = parsed(MT_OCI_INDEX, "{" V2 ",\"manifests\":null}");
    assert_int_equal(m.n_children, 0);
}

static void test_artifacts(void **state)
{
    (void)state;
    struct manifest_facts m = parsed(
        MT_OCI_IMAGE,
        "{" V2 "," TYPE(
            MT_OCI_IMAGE) ",\"artifactType\":\"application/spdx+json\",\"config\":{"
                          "\"mediaType\":\"application/"
                          "vnd.oci.empty.v1+json\",\"digest\":\"sha256:" EMPTY
                          "\",\"size\":2,\"data\":\"e30=\"},\"layers\":[],\"subject\":" D(
                              MT_OCI_IMAGE, B64, "5") ",\"annotations\":{\"k\":\"v \\\"w\\\"\"}}");
    assert_str(m.artifact_type, "application/spdx+json");
    assert_str(m.config_media_type, "application/vnd.oci.empty.v1+json");
    assert_true(m.has_subject);
    assert_digest(&m.subject, "sha256:" B64);
    assert_str(m.annotations, "{\"k\":\"v \\\"w\\\"\"}");
    assert_int_equal(m.n_blobs, 1);

    m = parsed(MT_OCI_INDEX, INDEX(",\"artifactType\":\"\",\"subject\":" D(
                                 MT_OCI_IMAGE, B64, "5") ",\"annotations\":{}"));
    assert_true(m.has_subject);
    assert_null(m.artifact_type.p);
    assert_null(m.annotations.p);

    m = parsed(MT_OCI_ARTIFACT,
               "{" TYPE(MT_OCI_ARTIFACT) ",\"artifactType\":\"a/b\",\"blobs\":[" D(
                   "text/plain", A64, "3") "],\"subject\":" D(MT_OCI_IMAGE, B64, "5") "}");
    assert_int_equal(m.kind, MANIFEST_ARTIFACT);
    assert_str(m.artifact_type, "a/b");
    assert_null(m.config_media_type.p);
    assert_int_equal(m.n_blobs, 1);
    assert_int_equal(m.layers_size, 3);
    m = parsed(MT_OCI_ARTIFACT, "{" TYPE(MT_OCI_ARTIFACT) "}");
    assert_int_equal(m.n_blobs, 0);
}

static void test_types(void **state)
{
    (void)state;
    /* parameters and case of the header do not count */
    assert_str(parsed(MT_OCI_IMAGE "; charset=utf-8", IMAGE("")).media_type, MT_OCI_IMAGE);
    assert_str(parsed(" Application/VND.oci.image.manifest.v1+JSON ;x=y", IMAGE("")).media_type,
               MT_OCI_IMAGE);
    /* without a header the document's own word counts, then its shape */
    assert_str(parsed("", IMAGE("," TYPE(MT_DOCKER_IMAGE))).media_type, MT_DOCKER_IMAGE);
    assert_str(parsed("", IMAGE("")).media_type, MT_OCI_IMAGE);
    assert_str(parsed(";", INDEX("")).media_type, MT_OCI_INDEX);
    assert_str(parsed("", INDEX("," TYPE(MT_DOCKER_LIST))).media_type, MT_DOCKER_LIST);
}

static void test_limits(void **state)
{
    struct fail f = FAIL_INIT;
    struct manifest_facts m;
    static char text[4096];
    size_t n = 0;
    (void)state;

    /* a size of 2^63-1 twice does not wrap round */
    m = parsed(MT_OCI_IMAGE, "{" V2 ",\"config\":" CFG ",\"layers\":[" D(
                                 LAYER, B64, "9223372036854775807") "," D(LAYER, C64, "1") "]}");
    assert_true(m.layers_size == INT64_MAX);
    m = parsed(MT_OCI_IMAGE, "{" V2 ",\"config\":" CFG ",\"layers\":[{\"mediaType\":\"" LAYER
                             "\",\"size\":1,\"digest\":\"sha512:" A64 B64 "\"}]}");
    assert_int_equal(m.blobs[1].digest.raw[0], DIGEST_SHA512);
    /* a digest that is foreign once and an ordinary layer once must be here */
    m = parsed(MT_OCI_IMAGE, "{" V2 ",\"config\":" CFG
                             ",\"layers\":[" D(NONDIST, B64, "1") "," D(LAYER, B64, "1") "]}");
    assert_int_equal(m.n_blobs, 2);
    assert_false(m.blobs[1].is_optional);

    assert_int_equal(
        manifest_parse(arena, &f, STR(MT_OCI_IMAGE), STR(IMAGE("")), sizeof(IMAGE("")) - 2, &m),
        E_MANIFEST_TOO_LARGE);
    fail_clear(&f);
    assert_int_equal(
        manifest_parse(arena, &f, STR(MT_OCI_IMAGE), STR(IMAGE("")), sizeof(IMAGE("")) - 1, &m),
        E_OK);

    memcpy(text, "{\"x\":", 5);
    n = 5;
    memset(text + n, '[', 64);
    memset(text + n + 64, ']', 64);
    n += 128;
    text[n++] = '}';
    assert_int_equal(manifest_parse(arena, &f, STR(MT_OCI_IMAGE), (struct str){text, n}, MAX, &m),
                     E_MANIFEST_INVALID);
    assert_non_null(strstr(f.message, "deeper"));
}

static void test_out_of_memory(void **state)
{
    struct arena *small = arena_new(64);
    struct fail f = FAIL_INIT;
    struct manifest_facts m;
    (void)state;
    assert_non_null(small);
    assert_int_equal(manifest_parse(small, &f, STR(MT_OCI_IMAGE), STR(IMAGE("")), MAX, &m),
                     E_NO_MEMORY);
    arena_freep(&small);
}

#define IN_LAYERS(d) "{" V2 ",\"config\":" CFG ",\"layers\":[" d "]}"
#define LAYER_WITH(more)                                                                           \
    IN_LAYERS("{\"mediaType\":\"" LAYER "\",\"digest\":\"sha256:" EMPTY "\",\"size\":2" more "}")

static void test_refused(void **state)
{
    static const struct {
        enum err err;
        const char *type, *text, *why;
    } bad[] = {
        /* the type */
        {E_MANIFEST_TYPE, "application/json", IMAGE(""), "Content-Type \"application/json\""},
        {E_MANIFEST_TYPE, "application/vnd.oci.image.config.v1+json", IMAGE(""), "knows"},
        {E_MANIFEST_TYPE, "text/html\r\nX: y", IMAGE(""), "text/html??X:?y"},
        {E_MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v1+prettyjws",
         "{\"schemaVersion\":1}", "schema 1"},
        {E_MANIFEST_TYPE, "application/vnd.docker.distribution.manifest.v1+json", "junk",
         "schema 1"},
        {E_MANIFEST_TYPE, "", "{\"schemaVersion\":1,\"fsLayers\":[]}", "schema 1"},
        {E_MANIFEST_TYPE, "", "{" V2 "}", "shape"},
        {E_MANIFEST_TYPE, "", "{" V2 ",\"manifests\":[],\"config\":{}}", "shape"},
        {E_MANIFEST_TYPE, "", IMAGE("," TYPE("a/b")), "mediaType \"a/b\""},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE("," TYPE(MT_DOCKER_IMAGE)), "must be the same"},
        {E_MANIFEST_INVALID, MT_OCI_INDEX, INDEX("," TYPE(MT_DOCKER_LIST)), "must be the same"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"mediaType\":1"), "mediaType"},
        /* the JSON */
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "", "empty"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{", "not a valid JSON"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "[]", "object"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "\"x\"", "not a valid JSON"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE("") "x", "not a valid JSON"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"x\":\"\xff\""), "not a valid JSON"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"config\":{}"), "uplicate"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"annotations\":{\"a\":\"1\",\"a\":\"2\"}"),
         "uplicate"},
        /* the shape */
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{}", "schemaVersion"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{\"schemaVersion\":1}", "schemaVersion"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{\"schemaVersion\":\"2\"}", "schemaVersion"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{\"schemaVersion\":2.0}", "schemaVersion"},
        {E_MANIFEST_INVALID, MT_OCI_ARTIFACT, "{\"schemaVersion\":3}", "schemaVersion"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{" V2 "}", "config"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{" V2 ",\"config\":" CFG "}", "layers"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{" V2 ",\"config\":" CFG ",\"layers\":{}}", "layers"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, "{" V2 ",\"config\":[],\"layers\":[]}",
         "config: must be an object"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"manifests\":[]"), "could be read as an index"},
        {E_MANIFEST_INVALID, MT_OCI_INDEX, "{" V2 "}", "manifests"},
        {E_MANIFEST_INVALID, MT_OCI_INDEX, INDEX(",\"layers\":[]"), "could be read as an image"},
        {E_MANIFEST_INVALID, MT_OCI_INDEX, INDEX(",\"config\":" CFG), "could be read as an image"},
        {E_MANIFEST_INVALID, MT_OCI_ARTIFACT, "{\"blobs\":[],\"layers\":[]}", "artifact"},
        /* descriptors */
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS("null"), "layers[0]: must be an object"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS("{}"), "layers[0].mediaType: is missing"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D("text", B64, "1")), "layers[0].mediaType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D("a/b c", B64, "1")), "layers[0].mediaType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D("a/b/c", B64, "1")), "layers[0].mediaType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D("/b", B64, "1")), "layers[0].mediaType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D("a/;b=c", B64, "1")), "layers[0].mediaType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D("a/b" A64 B64, B64, "1")),
         "layers[0].mediaType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D(LAYER, "xy", "1")), "layers[0].digest"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS("{\"mediaType\":\"a/b\",\"size\":1}"),
         "layers[0].digest"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE,
         IN_LAYERS("{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"sha384:00\"}"), "sha384"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D(LAYER, B64, "-1")), "layers[0].size"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D(LAYER, B64, "1.5")), "layers[0].size"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D(LAYER, B64, "\"1\"")), "layers[0].size"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D(LAYER, B64, "9223372036854775808")),
         "too big"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IN_LAYERS(D(LAYER, B64, "1") "," D(LAYER, B64, "2")),
         "two sizes"},
        {E_MANIFEST_INVALID, MT_OCI_INDEX,
         "{" V2 ",\"manifests\":[" D(MT_OCI_IMAGE, B64, "1") "," D(MT_OCI_IMAGE, C64, "-2") "]}",
         "manifests[1].size"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"urls\":\"x\""), "layers[0].urls"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"urls\":[1]"), "layers[0].urls"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"urls\":[\"http://a b\"]"),
         "layers[0].urls"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"annotations\":{\"a\":1}"),
         "layers[0].annotations"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"platform\":\"linux\""),
         "layers[0].platform"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"artifactType\":\"x\""),
         "layers[0].artifactType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"data\":\"e30\""), "base64"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"data\":\"e3=0\""), "base64"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"data\":\"e30=e30=\""), "base64"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"data\":\"====\""), "base64"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"data\":3"), "base64"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"data\":\"e30K\""), "another length"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"data\":\"\""), "another length"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, LAYER_WITH(",\"data\":\"e20=\""), "digest"},
        /* the rest */
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"subject\":\"sha256:" A64 "\""),
         "subject: must be an object"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"subject\":" D(MT_OCI_IMAGE, "0", "1")),
         "subject.digest"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"artifactType\":\"spdx\""), "artifactType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"artifactType\":7"), "artifactType"},
        {E_MANIFEST_INVALID, MT_OCI_IMAGE, IMAGE(",\"annotations\":[]"), "annotations"},
        {E_MANIFEST_INVALID, MT_OCI_INDEX, INDEX(",\"annotations\":{\"a\":null}"), "annotations"},
    };
    (void)state;
    for (size_t i = 0; i < N(bad); i++) {
        struct fail f = FAIL_INIT;
        struct manifest_facts m = {.layers_size = 77};
        enum err e = manifest_parse(arena, &f, str_z(bad[i].type), str_z(bad[i].text), MAX, &m);
        if (e != bad[i].err || f.err != e)
            fail_msg("%d \"%s\" instead of %d for %s", (int)e, f.message, (int)bad[i].err,
                     bad[i].text);
        if (!strstr(f.message, bad[i].why))
            fail_msg("\"%s\" does not say \"%s\"", f.message, bad[i].why);
        assert_int_equal(m.layers_size, 77); /* written only on success */
    }
}

static void test_data_good(void **state)
{
    static const char *const good[] = {
        LAYER_WITH(",\"data\":\"e30=\""),
        LAYER_WITH(",\"data\":null,\"urls\":null,\"annotations\":null,\"platform\":null,"
                   "\"artifactType\":\"\""),
        LAYER_WITH(",\"urls\":[]"),
        LAYER_WITH(",\"annotations\":{\"a\":\"\"},\"unknown\":{\"deep\":[1.5,true]}"),
        "{" V2 ",\"config\":" CFG ",\"layers\":null}",
    };
    (void)state;
    for (size_t i = 0; i < N(good); i++)
        parsed(MT_OCI_IMAGE, good[i]);
}

static enum err count_entry(void *ctx, struct fail *f, const struct manifest_entry *entry)
{
    int *n = ctx;
    if (*n == 0) {
        assert_str(entry->artifact_type, "a/b");
        assert_str(entry->annotations, "{\"k\":\"v\"}");
        assert_int_equal(entry->d.size, 5);
    } else {
        assert_null(entry->artifact_type.p);
        assert_null(entry->annotations.p);
    }
    if (++*n == 3)
        return (fail)(f, E_BAD_REQUEST, "enough");
    return E_OK;
}

static void test_entries(void **state)
{
    static const char text[] =
        "{" V2 ",\"manifests\":[{\"mediaType\":\"" MT_OCI_IMAGE "\",\"digest\":\"sha256:" A64
        "\",\"size\":5,\"artifactType\":\"a/b\",\"annotations\":{\"k\":\"v\"}}," D(MT_OCI_IMAGE,
                                                                                   B64, "1") "]}";
    struct fail f = FAIL_INIT;
    int n = 0;
    (void)state;
    assert_int_equal(manifest_each_entry(arena, &f, str_z(text), count_entry, &n), E_OK);
    assert_int_equal(n, 2);
    assert_int_equal(manifest_each_entry(arena, &f, STR(IMAGE("")), count_entry, &n), E_OK);
    assert_int_equal(n, 2);
    assert_int_equal(manifest_each_entry(arena, &f, str_z(INDEX("")), count_entry, &n), E_OK);
    assert_int_equal(n, 2);
    /* a failure of the callback ends the walk and is passed on */
    assert_int_equal(manifest_each_entry(arena, &f,
                                         STR("{\"manifests\":[" D(MT_OCI_IMAGE, B64, "1") "," D(
                                             MT_OCI_IMAGE, A64, "1") "]}"),
                                         count_entry, &n),
                     E_BAD_REQUEST);
    assert_int_equal(n, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image),   cmocka_unit_test(test_docker),
        cmocka_unit_test(test_index),   cmocka_unit_test(test_artifacts),
        cmocka_unit_test(test_types),   cmocka_unit_test(test_limits),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_data_good),
        cmocka_unit_test(test_entries), cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("manifest-parse", tests, set_up, tear_down);
}
