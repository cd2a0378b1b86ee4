/*
 * fuzz-fastcgi-head.c - bytes as the head of a FastCGI request: a verdict never changes when more arrives, but for "more".
 */
#include "http/fastcgi_head.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum fastcgi_head before = FASTCGI_HEAD_MORE;
    for (size_t n = 0; n <= size; n++) {
        enum fastcgi_head now = fastcgi_head_scan(data, n);
        if (before != FASTCGI_HEAD_MORE && now != before)
            abort();
        before = now;
    }
    return 0;
}
