/*
 * certificate.c - see certificate.h. RFC 5280 profiles; OpenSSL 3's API, no configuration file of
 * OpenSSL is read.
 */
#include "command/certificate.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"
#include "command/files.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CA_DAYS     3650
#define SERVER_DAYS 397
#define FILE_MAX    ((size_t)256 << 10)

static void key_drop(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static void cert_drop(X509 **p)
{
    X509_free(*p);
}

static void bio_drop(BIO **p)
{
    BIO_free_all(*p);
}

static void ext_drop(X509_EXTENSION **p)
{
    X509_EXTENSION_free(*p);
}

static void secret_buf_drop(struct buf *b)
{
    if (b->p)
        OPENSSL_cleanse(b->p, b->size);
    buf_done(b);
}

static enum err ssl_failed(struct fail *f, const char *doing)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    ERR_clear_error();
    return fail(f, E_SYSTEM, "%s: %s", doing, text);
}

/* ---- reading ---- */

/* No password prompt: an encrypted key is an error, nobody is there to type. */
static int no_password(char *to, int size, int writing, void *ctx)
{
    (void)to, (void)size, (void)writing, (void)ctx;
    return -1;
}

static enum err read_cert(struct fail *f, const char *path, X509 **ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err e = file_read(f, path, FILE_MAX, &text);
    if (e == E_NO_ROW)
        return fail(f, E_CONFIG, "%s does not exist", path);
    if (e)
        return e;
    CLEANUP(bio_drop) BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, no_password, NULL) : NULL;
    ERR_clear_error();
    if (!cert)
        return fail(f, E_CONFIG, "%s holds no certificate in PEM form", path);
    *ret = cert;
    return E_OK;
}

static enum err read_key(struct fail *f, const char *path, EVP_PKEY **ret)
{
    CLEANUP(secret_buf_drop) struct buf text = BUF_INIT;
    enum err e = file_read(f, path, FILE_MAX, &text);
    if (e == E_NO_ROW)
        return fail(f, E_CONFIG, "%s does not exist", path);
    if (e)
        return e;
    CLEANUP(bio_drop) BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    ERR_clear_error();
    if (!key)
        return fail(f, E_CONFIG,
                    "%s holds no private key in PEM form that can be read without a password",
                    path);
    *ret = key;
    return E_OK;
}

static int64_t time_of(const ASN1_TIME *t)
{
    int days = 0, seconds = 0;
    /* The difference from now needs no struct tm and no time zone. */
    if (ASN1_TIME_diff(&days, &seconds, NULL, t) != 1)
        return 0;
    return clock_s() + (int64_t)days * 86400 + seconds;
}

static bool names_host(X509 *cert, const char *host)
{
    unsigned char address[16];
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_check_ip_asc(cert, host, 0) == 1;
    return X509_check_host(cert, host, 0, 0, NULL) == 1;
}

static bool signed_by_ca(X509 *cert, const char *dir)
{
    char path[PATH_MAX];
    struct fail ignored = FAIL_INIT;
    CLEANUP(cert_drop) X509 *ca = NULL;
    if (path_join(&ignored, dir, "ca/ca.crt", path) || read_cert(&ignored, path, &ca))
        return false;
    bool is = X509_verify(cert, X509_get0_pubkey(ca)) == 1;
    ERR_clear_error();
    return is;
}

enum err certificate_read(struct fail *f, const char *dir, const char *cert_path,
                          const char *key_path, const char *host, struct certificate_info *ret)
{
    CLEANUP(cert_drop) X509 *cert = NULL;
    CLEANUP(key_drop) EVP_PKEY *key = NULL;
    enum err e = read_cert(f, cert_path, &cert);
    if (!e)
        e = read_key(f, key_path, &key);
    if (e)
        return e;
    ret->pair = X509_check_private_key(cert, key) == 1;
    ERR_clear_error();
    ret->names_host = names_host(cert, host);
    ret->own_ca = signed_by_ca(cert, dir);
    ret->not_before_s = time_of(X509_get0_notBefore(cert));
    ret->not_after_s = time_of(X509_get0_notAfter(cert));
    return E_OK;
}

/* ---- making ---- */

static enum err write_pem(struct fail *f, const char *path, X509 *cert, EVP_PKEY *key)
{
    CLEANUP(bio_drop) BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    int ok = 0;
    if (bio)
        ok = cert ? PEM_write_bio_X509(bio, cert)
                  : PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    if (ok != 1)
        return ssl_failed(f, "a certificate or key could not be written down");
    long n = BIO_get_mem_data(bio, &text);
    return file_write(f, path, (struct str){text, n > 0 ? (size_t)n : 0}, cert ? 0644 : 0600);
}

static bool extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    CLEANUP(ext_drop) X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    return ext && X509_add_ext(cert, ext, -1) == 1;
}

static bool name_it(X509 *cert, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Gantry", -1,
                                      -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                      -1, -1, 0) == 1;
}

/* Version, a random serial number, the key, and a life from an hour ago (clocks differ) for `days`.
 */
static bool fill_in(X509 *cert, EVP_PKEY *key, int days)
{
    unsigned char serial[16];
    random_bytes(serial, sizeof(serial));
    serial[0] &= 0x7f; /* positive */
    serial[0] |= 0x40; /* and never short */
    BIGNUM *number = BN_bin2bn(serial, (int)sizeof(serial), NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
              X509_set_version(cert, X509_VERSION_3) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
              X509_time_adj_ex(X509_getm_notAfter(cert), days, 0, NULL) &&
              X509_set_pubkey(cert, key) == 1;
    BN_free(number);
    return ok;
}

enum err certificate_ca(struct fail *f, const char *dir)
{
    char key_path[PATH_MAX], cert_path[PATH_MAX], common_name[64], suffix[9];
    enum err e = path_join(f, dir, "ca/ca-key.pem", key_path);
    if (!e)
        e = path_join(f, dir, "ca/ca.crt", cert_path);
    if (e)
        return e;
    bool has_key = file_exists(key_path), has_cert = file_exists(cert_path);
    if (has_key && has_cert)
        return E_OK;
    if (has_cert)
        return fail(f, E_CONFIG,
                    "%s is there but its key %s is missing; put the key back, or remove the "
                    "certificate to get a new CA (clients "
                    "must then trust the new one)",
                    cert_path, key_path);
    CLEANUP(key_drop) EVP_PKEY *key = EVP_EC_gen("P-256");
    CLEANUP(cert_drop) X509 *cert = X509_new();
    /* Two stacks on one machine have CAs of different names, or OpenSSL would try the wrong one. */
    random_text("0123456789abcdef", 8, suffix);
    snprintf(common_name, sizeof(common_name), "Gantry CA %s", suffix);
    if (!key || !cert || !fill_in(cert, key, CA_DAYS) || !name_it(cert, common_name) ||
        X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
        !extend(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !extend(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !extend(cert, cert, NID_subject_key_identifier, "hash") ||
        X509_sign(cert, key, EVP_sha256()) <= 0)
        return ssl_failed(f, "the certificate authority could not be made");
    e = write_pem(f, key_path, NULL, key);
    if (!e)
        e = write_pem(f, cert_path, cert, NULL);
    return e;
}

static void alt_name(struct buf *b, const char *name)
{
    unsigned char address[16];
    bool is_ip = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    CLEANUP(buf_done) struct buf item = BUF_INIT;
    buf_printf(&item, "%s:%s", is_ip ? "IP" : "DNS", name);
    if (buf_err(&item))
        return;
    /* Each name once: some clients choke on repetitions. */
    struct str rest = buf_str(b), one;
    while (rest.n) {
        str_cut(rest, ',', &one, &rest);
        if (str_eq(one, buf_str(&item)))
            return;
    }
    if (b->n)
        buf_putc(b, ',');
    buf_put(b, buf_str(&item));
}

static bool is_host_name(const char *name)
{
    return name[0] &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") ==
               strlen(name);
}

static enum err make_server(struct fail *f, const char *dir, const char *host,
                            const char *cert_path, const char *key_path)
{
    char ca_key_path[PATH_MAX], ca_cert_path[PATH_MAX], machine[256] = "", common_name[65];
    CLEANUP(cert_drop) X509 *ca = NULL;
    CLEANUP(key_drop) EVP_PKEY *ca_key = NULL;
    enum err e = certificate_ca(f, dir);
    if (!e)
        e = path_join(f, dir, "ca/ca-key.pem", ca_key_path);
    if (!e)
        e = path_join(f, dir, "ca/ca.crt", ca_cert_path);
    if (!e)
        e = read_cert(f, ca_cert_path, &ca);
    if (!e)
        e = read_key(f, ca_key_path, &ca_key);
    if (e)
        return e;

    CLEANUP(buf_done) struct buf names = BUF_INIT;
    alt_name(&names, host);
    alt_name(&names, "localhost");
    if (gethostname(machine, sizeof(machine) - 1) == 0 && is_host_name(machine))
        alt_name(&names, machine);
    alt_name(&names, "127.0.0.1");
    alt_name(&names, "::1");
    if (buf_err(&names))
        return fail(f, E_NO_MEMORY, "out of memory");

    CLEANUP(key_drop) EVP_PKEY *key = EVP_EC_gen("P-256");
    CLEANUP(cert_drop) X509 *cert = X509_new();
    snprintf(common_name, sizeof(common_name), "%.64s", host); /* ub-common-name */
    if (!key || !cert || !fill_in(cert, key, SERVER_DAYS) || !name_it(cert, common_name) ||
        X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1 ||
        !extend(cert, ca, NID_basic_constraints, "critical,CA:FALSE") ||
        !extend(cert, ca, NID_key_usage, "critical,digitalSignature") ||
        !extend(cert, ca, NID_ext_key_usage, "serverAuth") ||
        !extend(cert, ca, NID_subject_alt_name, names.p) ||
        !extend(cert, ca, NID_subject_key_identifier, "hash") ||
        !extend(cert, ca, NID_authority_key_identifier, "keyid:always") ||
        X509_sign(cert, ca_key, EVP_sha256()) <= 0)
        return ssl_failed(f, "the server's certificate could not be made");
    /* The key first: between the two writes nginx would refuse the pair, but is told to read only
     * after both. */
    e = write_pem(f, key_path, NULL, key);
    if (!e)
        e = write_pem(f, cert_path, cert, NULL);
    return e;
}

enum err certificate_server(struct fail *f, const char *dir, const char *host, bool *ret_made)
{
    char cert_path[PATH_MAX], key_path[PATH_MAX];
    struct certificate_info info = {0};
    enum err e = path_join(f, dir, "config/ssl.cert", cert_path);
    if (!e)
        e = path_join(f, dir, "config/ssl.key", key_path);
    if (e)
        return e;
    if (file_exists(cert_path)) {
        CLEANUP(cert_drop) X509 *cert = NULL;
        e = read_cert(f, cert_path, &cert);
        if (e)
            return e;
        bool ours = signed_by_ca(cert, dir);
        *ret_made = false;
        if (!ours)
            return E_OK;
        if (file_exists(key_path)) {
            e = certificate_read(f, dir, cert_path, key_path, host, &info);
            if (e)
                return e;
        }
        if (info.pair && info.names_host &&
            info.not_after_s - clock_s() > (int64_t)CERTIFICATE_RENEW_DAYS * 86400)
            return E_OK;
    } else if (file_exists(key_path)) {
        return fail(f, E_CONFIG,
                    "%s is there but %s is missing; put the certificate of that key there, or "
                    "remove the key",
                    key_path, cert_path);
    }
    e = make_server(f, dir, host, cert_path, key_path);
    if (e)
        return e;
    *ret_made = true;
    return E_OK;
}

enum err certificate_ca_pem(struct fail *f, const char *dir, struct buf *ret)
{
    char path[PATH_MAX];
    char *text = NULL;
    CLEANUP(cert_drop) X509 *ca = NULL;
    enum err e = path_join(f, dir, "ca/ca.crt", path);
    if (!e)
        e = read_cert(f, path, &ca);
    if (e)
        return e;
    CLEANUP(bio_drop) BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509(bio, ca) != 1)
        return ssl_failed(f, "the CA's certificate could not be written down");
    long n = BIO_get_mem_data(bio, &text);
    buf_put(ret, (struct str){text, n > 0 ? (size_t)n : 0});
    return buf_err(ret);
}
