/*
 * fuzz-hash-state.c - bytes as a saved hash: what is accepted is saved again byte for byte, and can go on.
 */
#include "registry/hash.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t out[HASH_STATE_MAX];
    struct hash h;
    struct digest d;
    if (!hash_load(&h, (struct str){(const char *)data, size}))
        return 0;
    if (hash_save(&h, out) != size || memcmp(out, data, size) != 0)
        abort();
    hash_digest(&h, &d);
    hash_update(&h, data, size);
    hash_digest(&h, &d);
    struct str saved = {(const char *)out, hash_save(&h, out)};
    if (h.count >> 61 == 0 &&
        !hash_load(&h, saved)) /* a count past 2^61 is refused when it is read */
        abort();
    return 0;
}
