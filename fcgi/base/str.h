/*
 * str.h - text with a length.
 *
 * A struct str is a slice: it points into memory that somebody else owns and keeps alive (a request's
 * parameters, an arena, a literal). It need not be NUL-terminated and may hold NUL bytes; p is never
 * read when n is 0. Parsing makes slices and copies nothing.
 */
#ifndef GANTRY_BASE_STR_H
#define GANTRY_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A literal as a slice. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_INIT(literal) {(literal), sizeof(literal) - 1}
#define STR_NONE ((struct str){NULL, 0})

/* For printf: "%.*s", STR_ARG(s). Lengths over INT_MAX are cut. */
#define STR_ARG(s) (int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n), ((s).n ? (s).p : "")

/* A NUL-terminated string as a slice; NULL becomes the empty slice. */
static inline struct str str_z(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_eqz(struct str a, const char *z)
{
    return str_eq(a, str_z(z));
}

/* ASCII case-insensitive equality (HTTP header values, schemes). */
bool str_ieq(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Byte order, as memcmp, the shorter first: the order of tag lists. */
int str_cmp(struct str a, struct str b);

/* From offset `from` on; empty when from is past the end. */
struct str str_from(struct str s, size_t from);
struct str str_head(struct str s, size_t n);

/* Without spaces and tabs (HTTP OWS) at both ends. */
struct str str_trim(struct str s);

/* Index of the first (last) byte c, or -1. */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_rchr(struct str s, char c);

/*
 * Cuts at the first byte c: *ret_head is what stands before, *ret_tail what stands after. Without c, the
 * head is all, the tail is empty and the answer is false. Outputs may alias the input.
 */
bool str_cut(struct str s, char c, struct str *ret_head, struct str *ret_tail);
bool str_rcut(struct str s, char c, struct str *ret_head, struct str *ret_tail);

/* Plain decimal digits only (no sign, no space), no overflow; false and *ret untouched otherwise. */
bool str_u64(struct str s, uint64_t *ret);

/* Well-formed UTF-8 without NUL (RFC 3629). */
bool str_is_utf8(struct str s);

/* Lower-case hexadecimal only, n bytes into out (2n characters); false when malformed. */
bool str_unhex(struct str s, uint8_t *out, size_t n);
/* Writes 2n characters and a NUL. */
void hex_encode(const uint8_t *in, size_t n, char *out);

/* Equal, in a time that depends on the lengths only. For secrets. */
bool str_eq_secret(struct str a, struct str b);

#endif
