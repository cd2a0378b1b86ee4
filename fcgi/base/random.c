/*
 * random.c - see random.h.
 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *p, size_t n)
{
    unsigned char *at = p;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        at += got;
        n -= (size_t)got;
    }
}

void random_uuid(char out[static UUID_TEXT])
{
    uint8_t b[16];
    random_bytes(b, sizeof(b));
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
             b[14], b[15]);
}

uint32_t random_below(uint32_t bound)
{
    uint32_t v, limit = UINT32_MAX - UINT32_MAX % bound; /* the rest would favour small values */
    assert(bound > 0);
    do
        random_bytes(&v, sizeof(v));
    while (v >= limit);
    return v % bound;
}

void random_text(const char *alphabet, size_t n, char *out)
{
    size_t size = strlen(alphabet);
    assert(size > 0 && size <= 256);
    for (size_t i = 0; i < n; i++)
        out[i] = alphabet[random_below((uint32_t)size)];
    out[n] = '\0';
}
