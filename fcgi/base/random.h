/*
 * random.h - unpredictable values from the kernel (getrandom(2)). Never fails after boot; aborts if the kernel says so,
 * because going on without randomness would be worse.
 */
#ifndef GANTRY_BASE_RANDOM_H
#define GANTRY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *p, size_t n);

#define UUID_TEXT 37
/* A version 4 UUID (RFC 9562), lower case, NUL-terminated. */
void random_uuid(char out[static UUID_TEXT]);

/* n characters, each drawn evenly from the alphabet (at most 256 characters), and a NUL: out has n + 1 bytes. */
void random_text(const char *alphabet, size_t n, char *out);

/* Even in [0, bound). For back-off jitter and the like; bound > 0. */
uint32_t random_below(uint32_t bound);

#endif
