/*
 * manifest_parse.c - see manifest_parse.h.
 *
 * The order of checks is the order in which a person would want to hear of them: is it a type we
 * take, is it JSON, does the document say the same as the header, is its shape that of its type,
 * then the descriptors one by one.
 */
#include "registry/manifest_parse.h"

#include "base/cleanup.h"

#include <stdio.h>

#define SHOWN_MAX 80
#define WHERE_MAX 48

struct parser {
    struct arena *arena;
    struct fail *fail;
    const json_t *doc;
    struct manifest_facts facts;
};

static const struct {
    struct str name;
    enum manifest_kind kind;
} types[] = {
    {STR_INIT(MT_OCI_IMAGE), MANIFEST_IMAGE},       {STR_INIT(MT_OCI_INDEX), MANIFEST_INDEX},
    {STR_INIT(MT_DOCKER_IMAGE), MANIFEST_IMAGE},    {STR_INIT(MT_DOCKER_LIST), MANIFEST_INDEX},
    {STR_INIT(MT_OCI_ARTIFACT), MANIFEST_ARTIFACT},
};

/* Media types compare without case; what is stored is the row's own spelling. */
static enum manifest_kind type_find(struct str media_type, struct str *ret_name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_ieq(media_type, types[i].name)) {
            *ret_name = types[i].name;
            return types[i].kind;
        }
    }
    return MANIFEST_NONE;
}

enum manifest_kind manifest_kind_of(struct str media_type)
{
    struct str name;
    return type_find(media_type, &name);
}

/* A header's or a document's media type for a message: printable ASCII, cut. */
static const char *shown(struct str s, char out[static SHOWN_MAX + 1])
{
    size_t n = s.n < SHOWN_MAX ? s.n : SHOWN_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '"' ? s.p[i] : '?';
    out[n] = '\0';
    return out;
}

static enum err schema1_refused(struct fail *f)
{
    return fail(f, E_MANIFEST_TYPE,
                "Docker schema 1 manifests are not supported; push the image again with a client "
                "that writes "
                "Docker schema 2 or OCI manifests (docker 1.10 or later, podman, skopeo copy "
                "--format oci)");
}

static bool is_schema1_type(struct str t)
{
    return str_istarts(t, STR("application/vnd.docker.distribution.manifest.v1+"));
}

static enum err type_refused(struct fail *f, struct str t, const char *whose)
{
    char text[SHOWN_MAX + 1];
    if (is_schema1_type(t))
        return schema1_refused(f);
    return fail(f, E_MANIFEST_TYPE,
                "%s \"%s\" is not a manifest's type that this registry knows; it takes OCI image "
                "manifests and indexes "
                "(" MT_OCI_IMAGE ", " MT_OCI_INDEX
                "), Docker schema 2 manifests and manifest lists",
                whose, shown(t, text));
}

static bool has(const json_t *doc, const char *key)
{
    const json_t *v = json_object_get(doc, key);
    return v && !json_is_null(v);
}

/* Without a header and without mediaType: what the document looks like (image-spec 1.0 let
 * mediaType be absent). */
static enum err type_by_shape(struct parser *p)
{
    const json_t *version = json_object_get(p->doc, "schemaVersion");
    if (json_is_integer(version) && json_integer_value(version) == 1)
        return schema1_refused(p->fail);
    if (has(p->doc, "manifests") && !has(p->doc, "config") && !has(p->doc, "layers"))
        p->facts.kind = type_find(STR(MT_OCI_INDEX), &p->facts.media_type);
    else if (has(p->doc, "config") && !has(p->doc, "manifests"))
        p->facts.kind = type_find(STR(MT_OCI_IMAGE), &p->facts.media_type);
    else
        return fail(p->fail, E_MANIFEST_TYPE,
                    "the request has no Content-Type, and the document has no mediaType and the "
                    "shape of neither an "
                    "image manifest nor an index");
    return E_OK;
}

static enum err type_decide(struct parser *p, struct str content_type)
{
    const json_t *field = json_object_get(p->doc, "mediaType");
    struct str inside = json_get_str(p->doc, "mediaType");
    char a[SHOWN_MAX + 1], b[SHOWN_MAX + 1];

    if (field && !json_is_null(field) && !json_is_string(field))
        return fail(p->fail, E_MANIFEST_INVALID, "mediaType: must be a string");
    if (content_type.n == 0 && inside.n == 0)
        return type_by_shape(p);
    if (content_type.n == 0) {
        p->facts.kind = type_find(inside, &p->facts.media_type);
        if (p->facts.kind == MANIFEST_NONE)
            return type_refused(p->fail, inside, "mediaType");
        return E_OK;
    }
    p->facts.kind = type_find(content_type, &p->facts.media_type);
    if (inside.n && !str_ieq(inside, content_type))
        return fail(p->fail, E_MANIFEST_INVALID,
                    "the document's mediaType \"%s\" and the request's Content-Type \"%s\" must be "
                    "the same",
                    shown(inside, a), shown(content_type, b));
    return E_OK;
}

/* An array of descriptors; absent and null are the empty array (Go's encoders write null for it).
 */
static enum err descriptors(struct parser *p, const char *key, bool required,
                            struct descriptor **ret, size_t *ret_n)
{
    const json_t *array = json_object_get(p->doc, key);
    char where[WHERE_MAX];

    *ret = NULL;
    *ret_n = 0;
    if (!array && required)
        return fail(p->fail, E_MANIFEST_INVALID,
                    "%s: is missing; it must be an array of descriptors", key);
    if (!array || json_is_null(array))
        return E_OK;
    if (!json_is_array(array))
        return fail(p->fail, E_MANIFEST_INVALID, "%s: must be an array of descriptors", key);
    size_t n = json_array_size(array);
    /* one more: an image's config is put behind its layers */
    struct descriptor *v = arena_array(p->arena, n + 1, sizeof(*v));
    if (!v)
        return fail(p->fail, E_NO_MEMORY, "the manifest is too large to be read now");
    for (size_t i = 0; i < n; i++) {
        snprintf(where, sizeof(where), "%s[%zu]", key, i);
        enum err e = descriptor_parse(p->arena, p->fail, json_array_get(array, i), where, &v[i]);
        if (e)
            return e;
    }
    *ret = v;
    *ret_n = n;
    return E_OK;
}

static int64_t total(const struct descriptor *v, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (__builtin_add_overflow(sum, v[i].size, &sum))
            return INT64_MAX;
    }
    return sum;
}

static enum err image_parse(struct parser *p)
{
    struct manifest_facts *t = &p->facts;
    struct descriptor config;

    if (has(p->doc, "manifests"))
        return fail(p->fail, E_MANIFEST_INVALID,
                    "manifests: an image manifest must not have it; the document could be read as "
                    "an index");
    if (!has(p->doc, "config"))
        return fail(p->fail, E_MANIFEST_INVALID, "config: is missing; an image manifest needs one");
    enum err e =
        descriptor_parse(p->arena, p->fail, json_object_get(p->doc, "config"), "config", &config);
    if (e)
        return e;
    e = descriptors(p, "layers", true, &t->blobs, &t->n_blobs);
    if (e)
        return e;
    if (!t->blobs) { /* "layers": null */
        t->blobs = arena_array(p->arena, 1, sizeof(*t->blobs));
        if (!t->blobs)
            return fail(p->fail, E_NO_MEMORY, "the manifest is too large to be read now");
    }
    t->layers_size = total(t->blobs, t->n_blobs);
    t->config_media_type = config.media_type;
    t->artifact_type = config.media_type;
    t->blobs[t->n_blobs++] = config;
    return E_OK;
}

static enum err index_parse(struct parser *p)
{
    if (has(p->doc, "config") || has(p->doc, "layers"))
        return fail(p->fail, E_MANIFEST_INVALID,
                    "config and layers: an index must not have them; the document could be read as "
                    "an image");
    return descriptors(p, "manifests", true, &p->facts.children, &p->facts.n_children);
}

static enum err artifact_parse(struct parser *p)
{
    enum err e;
    if (has(p->doc, "manifests") || has(p->doc, "config") || has(p->doc, "layers"))
        return fail(p->fail, E_MANIFEST_INVALID,
                    "manifests, config and layers: an artifact manifest must not have them");
    e = descriptors(p, "blobs", false, &p->facts.blobs, &p->facts.n_blobs);
    p->facts.layers_size = total(p->facts.blobs, p->facts.n_blobs);
    return e;
}

/* What every kind may carry: artifactType, annotations, subject. */
static enum err common_parse(struct parser *p)
{
    struct manifest_facts *t = &p->facts;
    const json_t *annotations;
    struct descriptor subject;
    struct str type;

    enum err e = artifact_type_parse(p->fail, p->doc, "", &type);
    if (e)
        return e;
    if (type.p) {
        t->artifact_type = arena_str(p->arena, type);
        if (!t->artifact_type.p)
            return fail(p->fail, E_NO_MEMORY, "the manifest is too large to be read now");
    }
    e = annotations_parse(p->fail, p->doc, "", &annotations);
    if (e)
        return e;
    if (!has(p->doc, "subject"))
        return E_OK;
    e = descriptor_parse(p->arena, p->fail, json_object_get(p->doc, "subject"), "subject",
                         &subject);
    if (e)
        return e;
    t->has_subject = true;
    t->subject = subject.digest;
    if (annotations) {
        CLEANUP(ptr_free) char *text = json_dumps(annotations, JSON_COMPACT);
        t->annotations = text ? arena_str(p->arena, str_z(text)) : STR_NONE;
        if (!t->annotations.p)
            return fail(p->fail, E_NO_MEMORY, "the manifest is too large to be read now");
    }
    return E_OK;
}

static enum err shape_parse(struct parser *p)
{
    const json_t *version = json_object_get(p->doc, "schemaVersion");
    enum err e = E_OK;

    /* The draft artifact manifest had no schemaVersion. */
    if (version || p->facts.kind != MANIFEST_ARTIFACT) {
        if (!json_is_integer(version) || json_integer_value(version) != 2)
            return fail(p->fail, E_MANIFEST_INVALID, "schemaVersion: must be the number 2");
    }
    switch (p->facts.kind) {
    case MANIFEST_IMAGE:
        e = image_parse(p);
        break;
    case MANIFEST_INDEX:
        e = index_parse(p);
        break;
    case MANIFEST_ARTIFACT:
        e = artifact_parse(p);
        break;
    case MANIFEST_NONE:
        return fail_internal(p->fail, E_INTERNAL, "a manifest without a kind");
    }
    if (e)
        return e;
    e = descriptors_unique(p->fail, p->facts.blobs, &p->facts.n_blobs);
    if (e)
        return e;
    e = descriptors_unique(p->fail, p->facts.children, &p->facts.n_children);
    if (e)
        return e;
    return common_parse(p);
}

enum err manifest_parse(struct arena *a, struct fail *f, struct str content_type, struct str bytes,
                        size_t max, struct manifest_facts *ret)
{
    struct parser p = {.arena = a, .fail = f};
    CLEANUP(json_drop) json_t *doc = NULL;
    struct str parameters;

    if (bytes.n > max)
        return fail(f, E_MANIFEST_TOO_LARGE, "the manifest has %zu bytes, at most %zu are accepted",
                    bytes.n, max);
    str_cut(content_type, ';', &content_type, &parameters);
    content_type = str_trim(content_type);
    if (content_type.n && manifest_kind_of(content_type) == MANIFEST_NONE)
        return type_refused(f, content_type, "Content-Type");
    enum err e = json_parse(f, E_MANIFEST_INVALID, bytes, max, &doc);
    if (e)
        return e;
    if (!json_is_object(doc))
        return fail(f, E_MANIFEST_INVALID, "a manifest must be a JSON object");
    p.doc = doc;
    e = type_decide(&p, content_type);
    if (e)
        return e;
    e = shape_parse(&p);
    if (e)
        return e;
    *ret = p.facts;
    return E_OK;
}

enum err manifest_each_entry(struct arena *a, struct fail *f, struct str bytes,
                             manifest_entry_fn each, void *ctx)
{
    CLEANUP(json_drop) json_t *doc = NULL;
    size_t i;
    json_t *j;

    enum err e = json_parse(f, E_MANIFEST_INVALID, bytes, bytes.n, &doc);
    if (e)
        return e;
    json_array_foreach(json_object_get(doc, "manifests"), i, j)
    {
        struct manifest_entry entry = {.annotations = STR_NONE};
        const json_t *annotations;
        e = descriptor_parse(a, f, j, "manifests[]", &entry.d);
        if (e)
            return e;
        e = artifact_type_parse(f, j, "manifests[]", &entry.artifact_type);
        if (e)
            return e;
        e = annotations_parse(f, j, "manifests[]", &annotations);
        if (e)
            return e;
        CLEANUP(ptr_free) char *text = annotations ? json_dumps(annotations, JSON_COMPACT) : NULL;
        entry.annotations = str_z(text);
        e = each(ctx, f, &entry);
        if (e)
            return e;
    }
    return E_OK;
}
