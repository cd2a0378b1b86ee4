/*
 * manifest_parse.h - what a manifest says: a pure function from bytes and a media type to facts.
 *
 * Taken: OCI image manifests and indexes, Docker schema 2 manifests and manifest lists, and the
 * artifact manifest of the OCI 1.1 drafts (old ORAS and Notation clients). Any other media type is
 * E_MANIFEST_TYPE (415): its references could not be followed, so its content could not be kept.
 * Docker schema 1 is refused with words of its own. A document that reads as an image and as an
 * index at once is refused (CVE-2021-41190). Unknown fields are legal; what is stored are the
 * bytes.
 *
 * Limits: JSON_DEPTH_MAX, no duplicate keys, media types as RFC 6838, digests as digest.h, sizes
 * 0..2^63-1.
 */
#ifndef GANTRY_REGISTRY_MANIFEST_PARSE_H
#define GANTRY_REGISTRY_MANIFEST_PARSE_H

#include "base/arena.h"
#include "base/err.h"
#include "registry/descriptor.h"

#define MT_OCI_IMAGE    "application/vnd.oci.image.manifest.v1+json"
#define MT_OCI_INDEX    "application/vnd.oci.image.index.v1+json"
#define MT_OCI_ARTIFACT "application/vnd.oci.artifact.manifest.v1+json"
#define MT_DOCKER_IMAGE "application/vnd.docker.distribution.manifest.v2+json"
#define MT_DOCKER_LIST  "application/vnd.docker.distribution.manifest.list.v2+json"

enum manifest_kind {
    MANIFEST_NONE = 0, /* not a manifest's media type */
    MANIFEST_IMAGE,    /* config and layers */
    MANIFEST_INDEX,    /* manifests */
    MANIFEST_ARTIFACT, /* blobs */
};

struct manifest_facts {
    enum manifest_kind kind;
    struct str media_type;
    struct str artifact_type; /* as referrers show it: artifactType, else an image's config type; p
                                 NULL: none */
    struct str config_media_type; /* p NULL: no config */
    bool has_subject;
    struct digest subject;
    struct str annotations;   /* JSON object; p NULL: none */
    int64_t layers_size;      /* sum over the layers, saturating; 0 for an index */
    struct descriptor *blobs; /* config, layers, blobs: sorted by digest, each once */
    size_t n_blobs;
    struct descriptor *children; /* entries of an index: sorted by digest, each once */
    size_t n_children;
};

/* What the media type (without parameters) stands for. */
enum manifest_kind manifest_kind_of(struct str media_type);

/*
 * content_type: the request's header, parameters ignored; empty: the document's mediaType counts,
 * and without one its shape. max: bytes. Slices of ret live in the arena. E_MANIFEST_INVALID,
 * E_MANIFEST_TYPE, E_MANIFEST_TOO_LARGE, E_NO_MEMORY.
 */
enum err manifest_parse(struct arena *a, struct fail *f, struct str content_type, struct str bytes,
                        size_t max, struct manifest_facts *ret) MUST_CHECK;

/* One entry of an index as a list of referrers shows it; slices live through the call. */
struct manifest_entry {
    struct descriptor d;
    struct str artifact_type; /* p NULL: none */
    struct str annotations;   /* JSON object; p NULL: none */
};
typedef enum err (*manifest_entry_fn)(void *ctx, struct fail *f,
                                      const struct manifest_entry *entry);

/* Calls each() for the entries of a stored index, in order, until it fails. A document that is no
 * index has none. */
enum err manifest_each_entry(struct arena *a, struct fail *f, struct str bytes,
                             manifest_entry_fn each, void *ctx) MUST_CHECK;

#endif
