/*
 * base64.c - see base64.h.
 */
#include "auth/base64.h"

static int value_of(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == c62)
        return 62;
    return c == c63 ? 63 : -1;
}

/* Without padding. */
static bool decode(struct str text, char c62, char c63, uint8_t *out, size_t *ret_n)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    if (text.n % 4 == 1)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int v = value_of(text.p[i], c62, c63);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[n++] = (uint8_t)(bits >> have);
            bits &= (1u << have) - 1;
        }
    }
    if (bits)
        return false;
    *ret_n = n;
    return true;
}

bool base64_decode(struct str text, uint8_t *out, size_t *ret_n)
{
    if (text.n % 4)
        return false;
    for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
        text.n--;
    return decode(text, '+', '/', out, ret_n);
}

bool base64url_decode(struct str text, uint8_t *out, size_t *ret_n)
{
    return decode(text, '-', '_', out, ret_n);
}
