/*
 * buf.h - a growing string.
 *
 * Invariants: after buf_init() or with BUF_INIT, p is NULL or NUL-terminated at p[n]. The first failure (out of
 * memory, past the limit) is latched: later calls do nothing, and buf_err() tells at the end. On the heap; ended
 * by buf_done(), or CLEANUP(buf_done).
 */
#ifndef GANTRY_BASE_BUF_H
#define GANTRY_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *p;
    size_t n, size, limit; /* limit 0: 64 MiB */
    enum err err;
};

#define BUF_INIT {.p = NULL}

void buf_done(struct buf *b);
/* Empties it, keeps the memory, forgets a latched failure. */
void buf_reset(struct buf *b);

/* Content */
void buf_put(struct buf *b, struct str s);
void buf_putz(struct buf *b, const char *z);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/* Escapers, named by context. */
/* s as a JSON string with its quotes (RFC 8259); bytes that are not UTF-8 become U+FFFD. */
void buf_json(struct buf *b, struct str s);
/* s for one query value or path segment (RFC 3986 unreserved kept, all else %XX). */
void buf_url(struct buf *b, struct str s);
/* s inside a quoted-string of an HTTP header (RFC 9110 5.6.4); control bytes are dropped. */
void buf_quoted(struct buf *b, struct str s);
/* base64url without padding (RFC 4648 section 5, RFC 7515). */
void buf_base64url(struct buf *b, const uint8_t *p, size_t n);

/* Writable room for n more bytes at the end, NULL when latched; buf_grown() then says how many were used. */
char *buf_room(struct buf *b, size_t n);
void buf_grown(struct buf *b, size_t n);

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->p, b->n};
}

/* E_OK or E_NO_MEMORY. */
enum err buf_err(const struct buf *b) MUST_CHECK;

#endif
