/*
 * descriptor.c - see descriptor.h.
 */
#include "registry/descriptor.h"

#include "registry/manifest_parse.h"

#include <stdio.h>

#define RESTRICTED_NAME_MAX 127

/* restricted-name of RFC 6838: begins with a letter or digit; at most 127 characters. */
static bool restricted_name(struct str s)
{
    if (s.n == 0 || s.n > RESTRICTED_NAME_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && (i == 0 || c == '\0' || !strchr("!#$&-^_.+", c)))
            return false;
    }
    return true;
}

bool media_type_valid(struct str s)
{
    struct str type, subtype;
    return str_cut(s, '/', &type, &subtype) && restricted_name(type) && restricted_name(subtype);
}

static enum err fault(struct fail *f, const char *where, const char *field, const char *what)
{
    return fail(f, E_MANIFEST_INVALID, "%s%s%s: %s", where, *where && *field ? "." : "", field,
                what);
}

enum err annotations_parse(struct fail *f, const json_t *holder, const char *where,
                           const json_t **ret)
{
    json_t *map = json_object_get(holder, "annotations");
    const char *key;
    json_t *value;

    *ret = NULL;
    if (!map || json_is_null(map))
        return E_OK;
    if (!json_is_object(map))
        return fault(f, where, "annotations", "must be an object");
    json_object_foreach(map, key, value)
    {
        if (!json_is_string(value))
            return fault(f, where, "annotations", "every value must be a string");
    }
    if (json_object_size(map) > 0)
        *ret = map;
    return E_OK;
}

enum err artifact_type_parse(struct fail *f, const json_t *obj, const char *where, struct str *ret)
{
    const json_t *j = json_object_get(obj, "artifactType");
    struct str s = json_get_str(obj, "artifactType");

    *ret = STR_NONE;
    if (!j || json_is_null(j) || (json_is_string(j) && s.n == 0))
        return E_OK;
    if (!json_is_string(j) || !media_type_valid(s))
        return fault(f, where, "artifactType",
                     "must be a media type (RFC 6838), like application/spdx+json");
    *ret = s;
    return E_OK;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 section 4, padding required, nothing else between. False when malformed or out of
 * memory. */
static bool base64_decode(struct arena *a, struct str s, struct str *ret)
{
    size_t pad = 0;
    if (s.n % 4)
        return false;
    while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
        pad++;
    uint8_t *out = arena_alloc(a, s.n / 4 * 3);
    if (!out)
        return false;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i += 4) {
        uint32_t word = 0;
        for (size_t k = 0; k < 4; k++) {
            bool padding = i + k >= s.n - pad;
            int v = padding ? 0 : base64_value(s.p[i + k]);
            if (v < 0)
                return false;
            word = word << 6 | (uint32_t)v;
        }
        out[n++] = (uint8_t)(word >> 16);
        out[n++] = (uint8_t)(word >> 8);
        out[n++] = (uint8_t)word;
    }
    *ret = (struct str){(char *)out, n - pad};
    return true;
}

/* The data field must be the very content that size and digest name (image-spec: "MUST match"). */
static enum err data_check(struct arena *a, struct fail *f, const json_t *j, const char *where,
                           const struct descriptor *d)
{
    const json_t *data = json_object_get(j, "data");
    struct str content;
    struct digest actual;

    if (!data || json_is_null(data))
        return E_OK;
    if (!json_is_string(data) || !base64_decode(a, json_get_str(j, "data"), &content))
        return fault(f, where, "data", "must be base64 (RFC 4648 section 4, with padding)");
    if ((uint64_t)d->size != content.n)
        return fault(f, where, "data", "has another length than size says");
    enum err e = digest_of(f, (enum digest_algorithm)d->digest.raw[0], content, &actual);
    if (e)
        return e;
    if (!digest_eq(&actual, &d->digest))
        return fault(f, where, "data", "does not have the digest that the descriptor names");
    return E_OK;
}

static enum err urls_check(struct fail *f, const json_t *j, const char *where)
{
    const json_t *urls = json_object_get(j, "urls");
    size_t i;
    json_t *u;

    if (!urls || json_is_null(urls))
        return E_OK;
    if (!json_is_array(urls))
        return fault(f, where, "urls", "must be an array");
    json_array_foreach(urls, i, u)
    {
        const char *s = json_string_value(u);
        size_t n = json_string_length(u);
        if (!s || n == 0)
            return fault(f, where, "urls", "every entry must be an address");
        for (size_t k = 0; k < n; k++) {
            if (s[k] <= ' ' || s[k] == 0x7f)
                return fault(f, where, "urls",
                             "an address has a space or a control character in it");
        }
    }
    return E_OK;
}

static bool type_is_foreign(struct str t)
{
    return str_starts(t, STR("application/vnd.oci.image.layer.nondistributable.")) ||
           str_starts(t, STR("application/vnd.docker.image.rootfs.foreign."));
}

enum err descriptor_parse(struct arena *a, struct fail *f, const json_t *j, const char *where,
                          struct descriptor *ret)
{
    struct descriptor d = {.size = 0};
    struct fail why = FAIL_INIT;
    const json_t *unused;
    struct str type;

    if (!json_is_object(j))
        return fault(f, where, "", "must be an object: a descriptor");
    type = json_get_str(j, "mediaType");
    if (!media_type_valid(type))
        return fault(f, where, "mediaType",
                     json_object_get(j, "mediaType") ? "is not a media type (RFC 6838)"
                                                     : "is missing");
    if (!json_is_string(json_object_get(j, "digest")))
        return fault(f, where, "digest", "is missing or not a string");
    enum err e = digest_parse(&why, json_get_str(j, "digest"), &d.digest);
    if (e)
        return fault(f, where, "digest", why.message);
    const json_t *size = json_object_get(j, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return fault(f, where, "size", size ? "must be an integer and not negative" : "is missing");
    d.size = json_integer_value(size);
    e = urls_check(f, j, where);
    if (e)
        return e;
    e = annotations_parse(f, j, where, &unused);
    if (e)
        return e;
    e = artifact_type_parse(f, j, where, &type);
    if (e)
        return e;
    const json_t *platform = json_object_get(j, "platform");
    if (platform && !json_is_object(platform) && !json_is_null(platform))
        return fault(f, where, "platform", "must be an object");
    e = data_check(a, f, j, where, &d);
    if (e)
        return e;
    d.media_type = arena_str(a, json_get_str(j, "mediaType"));
    if (!d.media_type.p)
        return fail(f, E_NO_MEMORY, "the manifest is too large to be read now");
    d.is_optional = type_is_foreign(d.media_type);
    d.is_manifest = manifest_kind_of(d.media_type) != MANIFEST_NONE;
    *ret = d;
    return E_OK;
}

static int by_digest(const void *a, const void *b)
{
    const struct descriptor *x = a, *y = b;
    return str_cmp(digest_db(&x->digest), digest_db(&y->digest));
}

enum err descriptors_unique(struct fail *f, struct descriptor *v, size_t *n)
{
    size_t kept = 0;
    if (*n == 0)
        return E_OK;
    qsort(v, *n, sizeof(*v), by_digest);
    for (size_t i = 1; i < *n; i++) {
        if (!digest_eq(&v[i].digest, &v[kept].digest)) {
            v[++kept] = v[i];
            continue;
        }
        if (v[i].size != v[kept].size) {
            char text[DIGEST_TEXT_MAX];
            digest_format(&v[i].digest, text);
            return fail(f, E_MANIFEST_INVALID, "%s is named with two sizes, %lld and %lld", text,
                        (long long)v[kept].size, (long long)v[i].size);
        }
        v[kept].is_optional = v[kept].is_optional && v[i].is_optional;
        v[kept].is_manifest = v[kept].is_manifest && v[i].is_manifest;
    }
    *n = kept + 1;
    return E_OK;
}
