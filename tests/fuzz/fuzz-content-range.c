/*
 * fuzz-content-range.c - Content-Range of strangers, and the place of a chunk: whatever is accepted lies behind what is
 * there or replaces all of it, and ends within the limit. The first 17 bytes choose the session, the length and whether
 * it is known.
 */
#include "base/config.h"
#include "base/worker.h"
#include "registry/upload.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config = {.max_layer_size = 20000000000};
    struct worker w = {.config = &config};
    struct upload u = {.id = 1};
    struct upload_range range;
    uint64_t length = 0, offset;

    if (size < 17)
        return 0;
    memcpy(&u.byte_count, data, 8);
    memcpy(&length, data + 8, 8);
    u.byte_count &= INT64_MAX;
    bool known = data[16] & 1;
    if (upload_range_parse(NULL, (struct str){(const char *)data + 17, size - 17}, &range))
        return 0;
    if (upload_place(&w, NULL, &u, &range, known, length, &offset))
        return 0;
    uint64_t max = (uint64_t)config.max_layer_size;
    if (offset != u.byte_count && offset != 0)
        abort();
    if (range.given && (range.first != offset || range.last < range.first || range.last >= max))
        abort();
    if (range.given && offset != u.byte_count && range.last < u.byte_count)
        abort();
    if (known && (length > max || offset > max - length))
        abort();
    return 0;
}
