/*
 * fuzz-manifest.c - manifests of strangers. The first byte picks the media type of the request, the rest is the document.
 * What is accepted has facts that hold together; what is refused says why.
 */
#include "registry/manifest_parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_descriptors(const struct descriptor *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        check(v[i].size >= 0 && media_type_valid(v[i].media_type));
        check(v[i].digest.n == 33 || v[i].digest.n == 65);
        check(i == 0 || str_cmp(digest_db(&v[i - 1].digest), digest_db(&v[i].digest)) < 0);
    }
}

static enum err count(void *ctx, struct fail *f, const struct manifest_entry *entry)
{
    size_t *n = ctx;
    (void)f;
    check(entry->d.size >= 0);
    ++*n;
    return E_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"",
                                        MT_OCI_IMAGE,
                                        MT_OCI_INDEX,
                                        MT_DOCKER_IMAGE,
                                        MT_DOCKER_LIST,
                                        MT_OCI_ARTIFACT,
                                        MT_OCI_IMAGE "; a=b",
                                        "text/html"};
    static struct arena *arena;
    struct fail f = FAIL_INIT;
    struct manifest_facts m;

    if (size == 0)
        return 0;
    if (!arena)
        arena = arena_new((size_t)32 << 20);
    struct str type = str_z(types[data[0] % (sizeof(types) / sizeof(types[0]))]);
    struct str bytes = {(const char *)data + 1, size - 1};
    if (manifest_parse(arena, &f, type, bytes, 1 << 20, &m)) {
        check(f.err == E_MANIFEST_INVALID || f.err == E_MANIFEST_TYPE ||
              f.err == E_MANIFEST_TOO_LARGE);
        check(f.message[0] != '\0');
    } else {
        size_t n = 0;
        check(m.kind != MANIFEST_NONE && manifest_kind_of(m.media_type) == m.kind);
        check((m.kind == MANIFEST_INDEX) == (m.config_media_type.p == NULL && m.n_blobs == 0) ||
              m.kind == MANIFEST_ARTIFACT);
        check(m.layers_size >= 0 && (m.kind == MANIFEST_INDEX || m.n_children == 0));
        check_descriptors(m.blobs, m.n_blobs);
        check_descriptors(m.children, m.n_children);
        check(!m.annotations.p || (m.has_subject && m.annotations.p[0] == '{'));
        check(manifest_each_entry(arena, &f, bytes, count, &n) == E_OK && n >= m.n_children);
    }
    arena_reset(arena);
    return 0;
}
