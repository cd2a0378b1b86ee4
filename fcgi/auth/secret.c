/*
 * secret.c - see secret.h.
 *
 * The key is derived anew for each call (a few microseconds, and only where a row is written or
 * shown), so that no derived key lies in memory for the life of a process and a test may use any
 * config. What costs time in OpenSSL 3, the look-up of algorithms, is done once.
 */
#include "auth/secret.h"

#include "base/cleanup.h"
#include "base/random.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <pthread.h>

#define VERSION 1
#define NONCE   12
#define TAG     16
#define KEY     32

_Static_assert(1 + NONCE + TAG == SECRET_OVERHEAD, "the layout in secret.h");

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *gcm;
static EVP_MD *sha256;
static EVP_KDF *hkdf;

static void fetch(void)
{
    gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
}

static enum err ready(struct fail *f)
{
    pthread_once(&once, fetch);
    if (!gcm || !sha256 || !hkdf)
        return fail_internal(f, E_INTERNAL, "OpenSSL has no AES-256-GCM, SHA-256 or HKDF");
    return E_OK;
}

static void cipher_free(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

static void kdf_free(EVP_KDF_CTX **c)
{
    EVP_KDF_CTX_free(*c);
}

static enum err openssl_failed(struct fail *f, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof(text));
    ERR_clear_error();
    return fail_internal(f, E_INTERNAL, "%s failed: %s", what, text);
}

static enum err derive(const struct config *config, struct fail *f, uint8_t ret[static KEY])
{
    static char info[] = "gantry database secrets 1";
    if (!config->database_secret_key || !config->database_secret_key[0])
        return fail_internal(f, E_CONFIG, "DATABASE_SECRET_KEY is not set");
    CLEANUP(kdf_free) EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(hkdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, config->database_secret_key,
                                          strlen(config->database_secret_key)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info) - 1),
        OSSL_PARAM_construct_end(),
    };
    ERR_clear_error();
    if (!ctx || EVP_KDF_derive(ctx, ret, KEY, params) != 1)
        return openssl_failed(f, "deriving the key from DATABASE_SECRET_KEY");
    return E_OK;
}

/* Seals n bytes from in to out; the nonce stands before out, the tag goes after it. */
static bool seal(const uint8_t *key, struct str purpose, const uint8_t *nonce, struct str in,
                 uint8_t *out)
{
    CLEANUP(cipher_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    return ctx && EVP_EncryptInit_ex2(ctx, gcm, key, nonce, NULL) == 1 &&
           EVP_EncryptUpdate(ctx, NULL, &n, (const uint8_t *)purpose.p, (int)purpose.n) == 1 &&
           EVP_EncryptUpdate(ctx, out, &n, (const uint8_t *)in.p, (int)in.n) == 1 &&
           EVP_EncryptFinal_ex(ctx, out + in.n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, out + in.n) == 1;
}

static bool unseal(const uint8_t *key, struct str purpose, const uint8_t *nonce, struct str in,
                   uint8_t *tag, uint8_t *out)
{
    CLEANUP(cipher_free) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    return ctx && EVP_DecryptInit_ex2(ctx, gcm, key, nonce, NULL) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &n, (const uint8_t *)purpose.p, (int)purpose.n) == 1 &&
           EVP_DecryptUpdate(ctx, out, &n, (const uint8_t *)in.p, (int)in.n) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
           EVP_DecryptFinal_ex(ctx, out + in.n, &n) == 1;
}

enum err secret_encrypt(const struct config *config, struct fail *f, struct str purpose,
                        struct str plain, struct buf *out)
{
    uint8_t key[KEY];
    enum err e = ready(f);
    if (e)
        return e;
    if (plain.n > INT_MAX - SECRET_OVERHEAD || purpose.n > INT_MAX)
        return fail_internal(f, E_INTERNAL, "a secret of %zu bytes is too long", plain.n);
    e = derive(config, f, key);
    if (e)
        return e;
    uint8_t *to = (uint8_t *)buf_room(out, plain.n + SECRET_OVERHEAD);
    if (!to) {
        OPENSSL_cleanse(key, sizeof(key));
        return fail(f, buf_err(out), "%s", err_info(E_NO_MEMORY)->text);
    }
    to[0] = VERSION;
    random_bytes(to + 1, NONCE);
    ERR_clear_error();
    bool ok = seal(key, purpose, to + 1, plain, to + 1 + NONCE);
    OPENSSL_cleanse(key, sizeof(key));
    if (!ok)
        return openssl_failed(f, "AES-256-GCM encryption");
    buf_grown(out, plain.n + SECRET_OVERHEAD);
    return E_OK;
}

enum err secret_decrypt(const struct config *config, struct fail *f, struct str purpose,
                        struct str sealed, struct buf *out)
{
    uint8_t key[KEY], tag[TAG];
    const uint8_t *p = (const uint8_t *)sealed.p;
    enum err e = ready(f);
    if (e)
        return e;
    if (sealed.n < SECRET_OVERHEAD || sealed.n > INT_MAX || purpose.n > INT_MAX || p[0] != VERSION)
        return fail_internal(f, E_INTERNAL, "the sealed secret of %.*s is not one of ours",
                             STR_ARG(purpose));
    e = derive(config, f, key);
    if (e)
        return e;
    size_t n = sealed.n - SECRET_OVERHEAD;
    uint8_t *to = (uint8_t *)buf_room(out, n + 1);
    if (!to) {
        OPENSSL_cleanse(key, sizeof(key));
        return fail(f, buf_err(out), "%s", err_info(E_NO_MEMORY)->text);
    }
    memcpy(tag, p + sealed.n - TAG, TAG);
    bool ok = unseal(key, purpose, p + 1, (struct str){sealed.p + 1 + NONCE, n}, tag, to);
    OPENSSL_cleanse(key, sizeof(key));
    if (!ok) {
        ERR_clear_error();
        OPENSSL_cleanse(to, n);
        return fail_internal(f, E_INTERNAL,
                             "the sealed secret of %.*s does not open: it was altered, or "
                             "DATABASE_SECRET_KEY is not the one that sealed it",
                             STR_ARG(purpose));
    }
    buf_grown(out, n);
    return E_OK;
}

enum err secret_hash(struct fail *f, struct str secret, uint8_t ret[static SECRET_HASH])
{
    unsigned n = 0;
    enum err e = ready(f);
    if (e)
        return e;
    if (EVP_Digest(secret.n ? secret.p : "", secret.n, ret, &n, sha256, NULL) != 1) {
        ERR_clear_error();
        return fail(f, E_NO_MEMORY, "%s", err_info(E_NO_MEMORY)->text);
    }
    return E_OK;
}

void secret_done(struct buf *b)
{
    if (b->p)
        OPENSSL_cleanse(b->p, b->size);
    buf_done(b);
}
