/*
 * jwt.c - see jwt.h.
 */
#include "auth/jwt.h"

#include "auth/base64.h"
#include "auth/secret.h"
#include "base/cleanup.h"
#include "base/json.h"

#define HEADER_MAX 1024

static enum err bad(struct fail *f, const char *why)
{
    return fail(f, E_TOKEN_INVALID, "the bearer token is not valid here: %s", why);
}

/* The decoded bytes of one part, in the arena. */
static enum err part(struct fail *f, struct arena *a, struct str text, struct str *ret)
{
    size_t n = 0;
    uint8_t *out = arena_alloc(a, BASE64_ROOM(text.n));
    if (!out)
        return fail_internal(f, E_NO_MEMORY, "no memory for a part of a token");
    if (text.n == 0 || !base64url_decode(text, out, &n))
        return bad(f, "it is not three parts of base64url");
    *ret = (struct str){(const char *)out, n};
    return E_OK;
}

static enum err read_header(struct fail *f, struct arena *a, struct str header, struct str *ret_kid)
{
    CLEANUP(json_drop) json_t *doc = NULL;
    if (json_parse(NULL, E_TOKEN_INVALID, header, HEADER_MAX, &doc) || !json_is_object(doc))
        return bad(f, "its header is not a JSON object");
    if (!str_eqz(json_get_str(doc, "alg"), "ES256"))
        return bad(f, "its algorithm is not ES256");
    if (json_object_get(doc, "crit"))
        return bad(f, "its header names critical extensions");
    const json_t *typ = json_object_get(doc, "typ");
    if (typ && !str_ieq(json_get_str(doc, "typ"), STR("JWT")))
        return bad(f, "its type is not JWT");
    struct str kid = json_get_str(doc, "kid");
    if (kid.n == 0 || kid.n > KID_MAX)
        return bad(f, "it does not name its key");
    *ret_kid = arena_str(a, kid);
    return ret_kid->p ? E_OK : fail_internal(f, E_NO_MEMORY, "no memory for a key id");
}

enum err jwt_parse(struct fail *f, struct arena *a, struct str token, struct jwt *ret)
{
    struct jwt out = {.kid = STR_NONE};
    struct str header64, payload64, signature64, header, signature;
    if (token.n > JWT_MAX)
        return bad(f, "it is too long");
    if (!str_rcut(token, '.', &out.signing_input, &signature64) ||
        !str_cut(out.signing_input, '.', &header64, &payload64) || str_chr(payload64, '.') >= 0)
        return bad(f, "it is not three parts of base64url");
    enum err e = part(f, a, header64, &header);
    if (!e)
        e = part(f, a, payload64, &out.payload);
    if (!e)
        e = part(f, a, signature64, &signature);
    if (e)
        return e;
    if (signature.n != sizeof(out.signature))
        return bad(f, "its signature has the wrong length");
    memcpy(out.signature, signature.p, sizeof(out.signature));
    e = read_header(f, a, header, &out.kid);
    if (e)
        return e;
    *ret = out;
    return E_OK;
}

enum err jwt_verify(struct fail *f, const struct jwt *jwt, EVP_PKEY *key)
{
    if (!es256_verify(key, jwt->signing_input, jwt->signature))
        return bad(f, "its signature does not match");
    return E_OK;
}

enum err jwt_sign(struct fail *f, EVP_PKEY *key, struct str kid, struct str payload,
                  struct buf *out)
{
    uint8_t signature[ES256_SIGNATURE];
    size_t start = out->n;
    CLEANUP(buf_done) struct buf header = BUF_INIT;
    buf_putz(&header, "{\"alg\":\"ES256\",\"kid\":");
    buf_json(&header, kid);
    buf_putz(&header, ",\"typ\":\"JWT\"}");
    enum err e = buf_err(&header);
    if (!e) {
        buf_base64url(out, (const uint8_t *)header.p, header.n);
        buf_putc(out, '.');
        buf_base64url(out, (const uint8_t *)payload.p, payload.n);
        e = buf_err(out);
    }
    if (e)
        return fail_internal(f, e, "no memory for a token");
    e = es256_sign(f, key, str_from(buf_str(out), start), signature);
    if (e)
        return e;
    buf_putc(out, '.');
    buf_base64url(out, signature, sizeof(signature));
    return buf_err(out);
}

/* The members that the thumbprint covers, in its order and without the closing brace. */
static enum err jwk_begin(struct fail *f, EVP_PKEY *key, struct buf *out)
{
    uint8_t x[ES256_COORDINATE], y[ES256_COORDINATE];
    enum err e = es256_point(f, key, x, y);
    if (e)
        return e;
    buf_putz(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
    buf_base64url(out, x, sizeof(x));
    buf_putz(out, "\",\"y\":\"");
    buf_base64url(out, y, sizeof(y));
    buf_putc(out, '"');
    return buf_err(out);
}

enum err jwk_thumbprint(struct fail *f, EVP_PKEY *key, char ret[static KID_MAX + 1])
{
    uint8_t hash[SECRET_HASH];
    CLEANUP(buf_done) struct buf canonical = BUF_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err e = jwk_begin(f, key, &canonical);
    if (e)
        return e;
    buf_putc(&canonical, '}');
    e = buf_err(&canonical);
    if (!e)
        e = secret_hash(f, buf_str(&canonical), hash);
    if (e)
        return e;
    buf_base64url(&text, hash, sizeof(hash));
    e = buf_err(&text);
    if (e)
        return e;
    memcpy(ret, text.p, text.n + 1); /* 43 characters */
    return E_OK;
}

enum err jwk_write(struct fail *f, EVP_PKEY *key, struct str kid, struct buf *out)
{
    enum err e = jwk_begin(f, key, out);
    if (e)
        return e;
    buf_putz(out, ",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":");
    buf_json(out, kid);
    buf_putc(out, '}');
    return buf_err(out);
}

static bool coordinate(const json_t *doc, const char *name, uint8_t ret[static ES256_COORDINATE])
{
    uint8_t raw[BASE64_ROOM(48)];
    size_t n = 0;
    struct str text = json_get_str(doc, name);
    if (text.n != 43 || !base64url_decode(text, raw, &n) || n != ES256_COORDINATE)
        return false;
    memcpy(ret, raw, ES256_COORDINATE);
    return true;
}

enum err jwk_read(struct fail *f, struct str json, EVP_PKEY **ret)
{
    uint8_t x[ES256_COORDINATE], y[ES256_COORDINATE];
    CLEANUP(json_drop) json_t *doc = NULL;
    if (json_parse(NULL, E_INTERNAL, json, HEADER_MAX, &doc) ||
        !str_eqz(json_get_str(doc, "kty"), "EC") || !str_eqz(json_get_str(doc, "crv"), "P-256") ||
        !coordinate(doc, "x", x) || !coordinate(doc, "y", y))
        return fail_internal(f, E_INTERNAL, "a stored JWK is not a P-256 key");
    return es256_from_point(f, x, y, ret);
}
