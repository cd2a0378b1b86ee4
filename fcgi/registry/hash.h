/*
 * hash.h - a running SHA-256 or SHA-512 that can be put into bytes and taken up again by another
 * process.
 *
 * An upload is hashed while its chunks arrive, each in a request of its own, perhaps on another
 * host; the state between them stands in upload.hash_state. The saved form is our own and
 * independent of OpenSSL's structures and of byte order:
 *
 *     1 byte   version (1)
 *     1 byte   algorithm (enum digest_algorithm)
 *     8 bytes  bytes hashed so far, big-endian
 *     32 | 64  the chaining words, big-endian
 *     0..127   the bytes of the block not yet full: count modulo the block size
 *
 * A form that is changed gets another version; version 1 stays readable.
 */
#ifndef GANTRY_REGISTRY_HASH_H
#define GANTRY_REGISTRY_HASH_H

#include "registry/digest.h"
#include "storage/store.h"

#define HASH_STATE_MAX 201 /* 10 + 64 + 127; upload.hash_state holds 255 */

struct hash {
    enum digest_algorithm algorithm;
    uint64_t count; /* bytes so far */
    _Alignas(16) unsigned char context[224];
};

void hash_init(struct hash *h, enum digest_algorithm algorithm);
void hash_update(struct hash *h, const void *p, size_t n);
/* The digest of what came so far; h may go on afterwards. */
void hash_digest(const struct hash *h, struct digest *ret);

/* Bytes written to out. */
size_t hash_save(const struct hash *h, uint8_t out[static HASH_STATE_MAX]);
/* False, and *h untouched, when the bytes are not a saved state. */
bool hash_load(struct hash *h, struct str state);

/* For store_append() and store_reread(). */
struct store_sink hash_sink(struct hash *h);

#endif
