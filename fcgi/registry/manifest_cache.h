/*
 * manifest_cache.h - bytes of manifests by their digest, for all threads of the process.
 *
 * Bytes under a digest never change, so there is nothing to invalidate: whether a repository has the manifest, and what
 * a tag names, is always asked of the database first. That is also why the key needs no repository. Bounded: the least
 * recently used go first, and one entry takes at most a sixteenth of the room. One of the few process-wide things.
 */
#ifndef GANTRY_REGISTRY_MANIFEST_CACHE_H
#define GANTRY_REGISTRY_MANIFEST_CACHE_H

#include "base/arena.h"
#include "registry/digest.h"

#define MANIFEST_CACHE_BYTES ((size_t)16 << 20)

/* A copy in the arena; false when it is not cached, or the arena is full. */
bool manifest_cache_get(struct arena *a, const struct digest *d, struct str *ret);
/* Copies the bytes; silently does nothing without memory. */
void manifest_cache_put(const struct digest *d, struct str bytes);

/* Bytes held now, entries' own size included. */
size_t manifest_cache_used(void);
/* Forgets all: the end of a program, and tests. */
void manifest_cache_clear(void);

#endif
