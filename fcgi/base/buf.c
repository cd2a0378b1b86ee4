/*
 * buf.c - see buf.h.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT_DEFAULT ((size_t)64 << 20)

void buf_done(struct buf *b)
{
    free(b->p);
    *b = (struct buf)BUF_INIT;
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->err = E_OK;
    if (b->p)
        b->p[0] = '\0';
}

char *buf_room(struct buf *b, size_t n)
{
    size_t limit = b->limit ? b->limit : LIMIT_DEFAULT;
    if (b->err)
        return NULL;
    if (n >= limit || b->n > limit - n - 1) {
        b->err = E_NO_MEMORY;
        return NULL;
    }
    if (b->size < b->n + n + 1) {
        size_t size = b->size ? b->size * 2 : 256;
        if (size < b->n + n + 1)
            size = b->n + n + 1;
        char *p = realloc(b->p, size);
        if (!p) {
            b->err = E_NO_MEMORY;
            return NULL;
        }
        b->p = p;
        b->size = size;
    }
    return b->p + b->n;
}

void buf_grown(struct buf *b, size_t n)
{
    if (b->err)
        return;
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_put(struct buf *b, struct str s)
{
    char *to = buf_room(b, s.n);
    if (!to)
        return;
    if (s.n)
        memcpy(to, s.p, s.n);
    buf_grown(b, s.n);
}

void buf_putz(struct buf *b, const char *z)
{
    buf_put(b, str_z(z));
}

void buf_putc(struct buf *b, char c)
{
    buf_put(b, (struct str){&c, 1});
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0) {
        b->err = b->err ? b->err : E_NO_MEMORY;
    } else {
        char *to = buf_room(b, (size_t)n);
        if (to) {
            vsnprintf(to, (size_t)n + 1, fmt, again);
            buf_grown(b, (size_t)n);
        }
    }
    va_end(again);
    va_end(ap);
}

/* Length of the well-formed UTF-8 sequence at the start of s, or 0. */
static size_t utf8_sequence(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++) {
        if (str_is_utf8(str_head(s, n)))
            return n;
    }
    return 0;
}

void buf_json(struct buf *b, struct str s)
{
    buf_putc(b, '"');
    while (s.n) {
        unsigned char c = (unsigned char)s.p[0];
        size_t n = 1;
        if (c == '"' || c == '\\') {
            buf_putc(b, '\\');
            buf_putc(b, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(b, "\\u%04x", c);
        } else if (c < 0x80) {
            buf_putc(b, (char)c);
        } else if ((n = utf8_sequence(s)) > 0) {
            buf_put(b, str_head(s, n));
        } else {
            buf_putz(b, "\\ufffd");
            n = 1;
        }
        s = str_from(s, n);
    }
    buf_putc(b, '"');
}

void buf_url(struct buf *b, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~')
            buf_putc(b, c);
        else
            buf_printf(b, "%%%02X", (unsigned char)c);
    }
}

void buf_quoted(struct buf *b, struct str s)
{
    buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f)
            continue;
        if (c == '"' || c == '\\')
            buf_putc(b, '\\');
        buf_putc(b, (char)c);
    }
    buf_putc(b, '"');
}

void buf_base64url(struct buf *b, const uint8_t *p, size_t n)
{
    static const char map[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        if (i + 1 < n)
            v |= (uint32_t)p[i + 1] << 8;
        if (i + 2 < n)
            v |= p[i + 2];
        buf_putc(b, map[v >> 18]);
        buf_putc(b, map[v >> 12 & 63]);
        if (i + 1 < n)
            buf_putc(b, map[v >> 6 & 63]);
        if (i + 2 < n)
            buf_putc(b, map[v & 63]);
    }
}

enum err buf_err(const struct buf *b)
{
    return b->err;
}
