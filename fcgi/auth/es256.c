/*
 * es256.c - see es256.h. OpenSSL speaks DER; the two integers are taken out and put in here.
 */
#include "auth/es256.h"

#include "base/cleanup.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#define DER_MAX 80 /* of a P-256 signature: 72 */

static void md_ctx_free(EVP_MD_CTX **c)
{
    EVP_MD_CTX_free(*c);
}

static void pkey_ctx_free(EVP_PKEY_CTX **c)
{
    EVP_PKEY_CTX_free(*c);
}

static void sig_free(ECDSA_SIG **s)
{
    ECDSA_SIG_free(*s);
}

static void bn_free(BIGNUM **b)
{
    BN_free(*b);
}

static void openssl_ptr_free(unsigned char **p)
{
    OPENSSL_free(*p);
}

void es256_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
    *key = NULL;
}

static enum err failed(struct fail *f, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof(text));
    ERR_clear_error();
    return fail_internal(f, E_INTERNAL, "%s: %s", what, text);
}

enum err es256_generate(struct fail *f, EVP_PKEY **ret)
{
    ERR_clear_error();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        return failed(f, "making a P-256 key failed");
    *ret = key;
    return E_OK;
}

enum err es256_to_der(struct fail *f, EVP_PKEY *key, struct buf *out)
{
    ERR_clear_error();
    int n = i2d_PrivateKey(key, NULL);
    unsigned char *to = n > 0 ? (unsigned char *)buf_room(out, (size_t)n) : NULL;
    if (!to || i2d_PrivateKey(key, &to) != n)
        return failed(f, "a private key could not be encoded");
    buf_grown(out, (size_t)n);
    return E_OK;
}

static bool is_p256(const EVP_PKEY *key)
{
    char group[32] = "";
    size_t n = 0;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

enum err es256_from_der(struct fail *f, struct str der, EVP_PKEY **ret)
{
    const unsigned char *p = (const unsigned char *)der.p;
    ERR_clear_error();
    CLEANUP(es256_free) EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, (long)der.n);
    if (!key || p != (const unsigned char *)der.p + der.n || !is_p256(key))
        return failed(f, "a stored private key is not a P-256 key");
    *ret = TAKE_PTR(key);
    return E_OK;
}

enum err es256_point(struct fail *f, EVP_PKEY *key, uint8_t ret_x[static ES256_COORDINATE],
                     uint8_t ret_y[static ES256_COORDINATE])
{
    CLEANUP(bn_free) BIGNUM *x = NULL;
    CLEANUP(bn_free) BIGNUM *y = NULL;
    ERR_clear_error();
    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1 ||
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1 ||
        BN_bn2binpad(x, ret_x, ES256_COORDINATE) != ES256_COORDINATE ||
        BN_bn2binpad(y, ret_y, ES256_COORDINATE) != ES256_COORDINATE)
        return failed(f, "a public key has no coordinates");
    return E_OK;
}

enum err es256_from_point(struct fail *f, const uint8_t x[static ES256_COORDINATE],
                          const uint8_t y[static ES256_COORDINATE], EVP_PKEY **ret)
{
    uint8_t point[1 + 2 * ES256_COORDINATE];
    EVP_PKEY *key = NULL;
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x, ES256_COORDINATE);
    memcpy(point + 1 + ES256_COORDINATE, y, ES256_COORDINATE);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){"P-256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    ERR_clear_error();
    CLEANUP(pkey_ctx_free) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return failed(f, "the coordinates are no point of P-256");
    *ret = key;
    return E_OK;
}

enum err es256_sign(struct fail *f, EVP_PKEY *key, struct str message,
                    uint8_t ret[static ES256_SIGNATURE])
{
    uint8_t der[DER_MAX];
    size_t n = sizeof(der);
    const uint8_t *p = der;
    ERR_clear_error();
    CLEANUP(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) != 1 ||
        EVP_DigestSign(ctx, der, &n, (const uint8_t *)message.p, message.n) != 1)
        return failed(f, "signing failed");
    CLEANUP(sig_free) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32) != 32)
        return failed(f, "a signature could not be converted");
    return E_OK;
}

/* r || s as the DER that OpenSSL wants; *ret is OPENSSL_malloc'ed. */
static int raw_to_der(const uint8_t *raw, unsigned char **ret)
{
    CLEANUP(sig_free) ECDSA_SIG *sig = ECDSA_SIG_new();
    CLEANUP(bn_free) BIGNUM *r = BN_bin2bn(raw, 32, NULL);
    CLEANUP(bn_free) BIGNUM *s = BN_bin2bn(raw + 32, 32, NULL);
    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1)
        return -1;
    r = s = NULL; /* sig's now */
    return i2d_ECDSA_SIG(sig, ret);
}

bool es256_verify(EVP_PKEY *key, struct str message,
                  const uint8_t signature[static ES256_SIGNATURE])
{
    CLEANUP(openssl_ptr_free) unsigned char *der = NULL;
    ERR_clear_error();
    int n = raw_to_der(signature, &der);
    CLEANUP(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = n > 0 && ctx &&
              EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
              EVP_DigestVerify(ctx, der, (size_t)n, (const uint8_t *)message.p, message.n) == 1;
    if (!ok)
        ERR_clear_error();
    return ok;
}
