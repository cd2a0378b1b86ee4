/*
 * descriptor.h - one content descriptor of a manifest (image-spec "OCI Content Descriptors"),
 * checked.
 *
 * mediaType as RFC 6838, digest as digest.h, size an integer 0..2^63-1, urls an array of addresses,
 * annotations a map of strings, artifactType a media type, platform an object, data the content
 * itself in base64, agreeing with size and digest. Unknown fields are legal. Faults name the place:
 * "layers[3].digest: ...".
 */
#ifndef GANTRY_REGISTRY_DESCRIPTOR_H
#define GANTRY_REGISTRY_DESCRIPTOR_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "registry/digest.h"

struct descriptor {
    struct str media_type;
    struct digest digest;
    int64_t size;
    bool is_optional; /* a foreign layer: clients get it elsewhere, it need not be here */
    bool is_manifest; /* by its media type; other entries of an index (build caches) may be blobs */
};

/* RFC 6838 section 4.2: type "/" subtype, each a restricted name of at most 127 characters. */
bool media_type_valid(struct str s);

/* `where` names the place in messages. media_type is copied into the arena. E_MANIFEST_INVALID,
 * E_NO_MEMORY. */
enum err descriptor_parse(struct arena *a, struct fail *f, const json_t *j, const char *where,
                          struct descriptor *ret) MUST_CHECK;

/* An object whose values are strings, or absent. *ret is NULL when absent or empty. */
enum err annotations_parse(struct fail *f, const json_t *holder, const char *where,
                           const json_t **ret) MUST_CHECK;

/* artifactType of obj when present and not empty, else the empty slice; alive as long as obj. */
enum err artifact_type_parse(struct fail *f, const json_t *obj, const char *where,
                             struct str *ret) MUST_CHECK;

/*
 * Sorts by digest and leaves each digest once, *n counting what is left. The same digest with two
 * sizes is E_MANIFEST_INVALID. A digest stays optional only if it is so everywhere.
 */
enum err descriptors_unique(struct fail *f, struct descriptor *v, size_t *n) MUST_CHECK;

#endif
