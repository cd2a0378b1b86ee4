/*
 * probe.c - see probe.h. OpenSSL's BIO, HTTP/1.0, one request a connection: nothing to keep or to reuse.
 */
#include "command/probe.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/certificate.h"
#include "command/files.h"
#include "command/render.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)64 << 10)
#define TIMEOUT_S  10

static void ctx_drop(SSL_CTX **p)
{
    SSL_CTX_free(*p);
}

static void bio_drop(BIO **p)
{
    BIO_free_all(*p);
}

static enum err ssl_failed(struct fail *f, const char *what)
{
    unsigned long code = ERR_get_error();
    const char *why = ERR_reason_error_string(code);
    ERR_clear_error();
    return fail(f, E_SYSTEM, "%s: %s", what, why ? why : "the connection ended");
}

static enum err connect_tcp(struct fail *f, const struct config *c, int *ret_fd)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->listen_port)};
    struct timeval limit = {.tv_sec = TIMEOUT_S};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
        connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
        return fail(f, E_SYSTEM, "127.0.0.1:%lld does not accept connections: %s",
                    (long long)c->listen_port, strerror(errno));
    *ret_fd = TAKE_FD(fd);
    return E_OK;
}

/* The TLS side: verified when the certificate is of our own CA. */
static enum err context(struct fail *f, const struct config *c, const char *host, SSL_CTX **ret)
{
    char ca[PATH_MAX], cert[PATH_MAX], key[PATH_MAX];
    struct certificate_info info = {.pair = false};
    struct fail ignored = FAIL_INIT;
    CLEANUP(ctx_drop) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return ssl_failed(f, "TLS cannot be used");
    config_path(c, "ca/ca.crt", ca);
    config_path(c, "config/ssl.cert", cert);
    config_path(c, "config/ssl.key", key);
    if (!certificate_read(&ignored, c->dir, cert, key, host, &info) && info.own_ca) {
        if (SSL_CTX_load_verify_file(ctx, ca) != 1)
            return ssl_failed(f, "the CA cannot be read");
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    }
    *ret = TAKE_PTR(ctx);
    return E_OK;
}

static enum err open_stream(struct fail *f, const struct config *c, int fd, BIO **ret)
{
    char host[256];
    CLEANUP(bio_drop) BIO *socket_bio = BIO_new_socket(fd, BIO_NOCLOSE);
    if (!socket_bio)
        return ssl_failed(f, "out of memory");
    if (c->external_tls) {
        *ret = TAKE_PTR(socket_bio);
        return E_OK;
    }
    CLEANUP(ctx_drop) SSL_CTX *ctx = NULL;
    render_host(c, host);
    enum err e = context(f, c, host, &ctx);
    if (e)
        return e;
    CLEANUP(bio_drop) BIO *tls = BIO_new_ssl(ctx, 1);
    SSL *ssl = NULL;
    if (!tls || BIO_get_ssl(tls, &ssl) != 1)
        return ssl_failed(f, "TLS cannot be used");
    bool is_address = strspn(host, "0123456789.") == strlen(host) || strchr(host, ':');
    if (!is_address)
        SSL_set_tlsext_host_name(ssl, host);
    if (is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) != 1
                   : SSL_set1_host(ssl, host) != 1)
        return ssl_failed(f, "TLS cannot be used");
    BIO_push(tls, TAKE_PTR(socket_bio));
    if (BIO_do_handshake(tls) != 1)
        return ssl_failed(f, "the TLS handshake failed");
    *ret = TAKE_PTR(tls);
    return E_OK;
}

enum err probe_get(struct fail *f, const struct config *c, const char *path, int *ret_status,
                   struct buf *ret_body)
{
    CLEANUP(fd_close) int fd = -1;
    CLEANUP(bio_drop) BIO *stream = NULL;
    CLEANUP(buf_done) struct buf request = BUF_INIT;
    CLEANUP(buf_done) struct buf answer = BUF_INIT;
    enum err e = connect_tcp(f, c, &fd);
    if (!e)
        e = open_stream(f, c, fd, &stream);
    if (e)
        return e;
    buf_printf(&request, "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: gantry-probe\r\n\r\n", path,
               c->server_hostname);
    if (buf_err(&request) || BIO_write(stream, request.p, (int)request.n) != (int)request.n)
        return ssl_failed(f, "the request cannot be sent");
    while (answer.n < ANSWER_MAX) {
        char chunk[4096];
        int n = BIO_read(stream, chunk, sizeof(chunk));
        if (n <= 0)
            break;
        buf_put(&answer, (struct str){chunk, (size_t)n});
    }
    ERR_clear_error();
    struct str text = buf_str(&answer), word;
    uint64_t status = 0;
    if (!str_starts(text, STR("HTTP/1.")) || !str_cut(text, ' ', &word, &text) ||
        !str_u64(str_head(text, 3), &status))
        return fail(f, E_SYSTEM, "the answer to GET %s is not HTTP", path);
    const char *body = answer.n ? strstr(answer.p, "\r\n\r\n") : NULL;
    if (body)
        buf_putz(ret_body, body + 4);
    *ret_status = (int)status;
    return E_OK;
}

static enum err expect(struct fail *f, const struct config *c, const char *path, int expected)
{
    int status = 0;
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    enum err e = probe_get(f, c, path, &status, &body);
    if (e)
        return e;
    if (status != expected)
        return fail(f, E_SYSTEM, "GET %s answers %d instead of %d: %.*s", path, status, expected,
                    STR_ARG(str_head(buf_str(&body), 300)));
    return E_OK;
}

enum err probe_serves(struct fail *f, const struct config *c, int seconds)
{
    uint64_t end = clock_mono_ns() + (uint64_t)seconds * 1000000000u;
    for (;;) {
        struct fail now = FAIL_INIT;
        enum err e = expect(&now, c, "/v2/", 401);
        if (!e)
            e = expect(&now, c, "/health/instance", 200);
        if (!e)
            return E_OK;
        if (clock_mono_ns() > end)
            return fail(f, e, "%s", fail_text(&now));
        struct timespec nap = {.tv_nsec = 50000000};
        nanosleep(&nap, NULL);
    }
}
