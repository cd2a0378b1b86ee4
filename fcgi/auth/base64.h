/*
 * base64.h - strict decoding of what strangers send (RFC 4648 sections 4 and 5).
 *
 * One text for one value: no white space, no foreign alphabet, padding exactly where the variant
 * wants it, and the bits that the last character carries in excess are zero. Encoding is
 * buf_base64url().
 */
#ifndef GANTRY_AUTH_BASE64_H
#define GANTRY_AUTH_BASE64_H

#include "base/str.h"

/* Room that is enough for the bytes behind n characters. */
#define BASE64_ROOM(n) ((n) / 4 * 3 + 3)

/* The standard alphabet, with padding (Basic credentials, RFC 7617). False when malformed. */
bool base64_decode(struct str text, uint8_t *out, size_t *ret_n);

/* The URL alphabet, without padding (JOSE, RFC 7515 section 2). False when malformed. */
bool base64url_decode(struct str text, uint8_t *out, size_t *ret_n);

#endif
