/*
 * fastcgi.c - see fastcgi.h.
 *
 * Each thread accepts by itself, without a lock, and gives the connection to libfcgi when its head
 * has arrived (fastcgi_head.h): a peer that stalls costs one thread for HEAD_TIMEOUT_MS and nobody
 * else anything. A parameter stream that was cut off looks to libfcgi like a complete one, hence the
 * check of the stream's error before anything is believed, and again behind every read of a body.
 */
#include "config.h"

#include "http/fastcgi.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/fastcgi_head.h"
#include "http/gate.h"
#include "http/params.h"
#include "http/response.h"

#include <errno.h>
#include <fcgiapp.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* nginx is on the same machine and buffers both ways: a peer that is silent for so long is gone. */
#define PEER_TIMEOUT_S 60
/* A head comes with one write. */
#define HEAD_TIMEOUT_MS 10000
#define BODY_STEP       ((size_t)64 << 10)

static atomic_bool stopping;

bool fastcgi_init(void)
{
    return FCGX_Init() == 0;
}

void fastcgi_stop(void)
{
    atomic_store(&stopping, true);
    FCGX_ShutdownPending();
}

/* ---- body ---- */

/* At most n bytes; *ret_n less only at the end of the body. */
static enum err read_some(struct request *req, FCGX_Stream *in, char *to, size_t n, size_t *ret_n)
{
    int got = FCGX_GetStr(to, n > INT_MAX ? INT_MAX : (int)n, in);
    if (got < 0 || FCGX_GetError(in))
        return fail(&req->fail, E_SIZE_INVALID, "the body broke off");
    *ret_n = (size_t)got;
    return E_OK;
}

static enum err no_memory(struct request *req)
{
    return fail(&req->fail, E_NO_MEMORY, "the body does not fit into memory; try again");
}

static enum err read_sized(struct request *req, FCGX_Stream *in)
{
    size_t n = (size_t)req->content_length, got = 0;
    char *to = arena_alloc(req->w->arena, n + 1);
    if (!to)
        return no_memory(req);
    enum err e = read_some(req, in, to, n, &got);
    if (e)
        return e;
    if (got != n)
        return fail(&req->fail, E_SIZE_INVALID, "the body has %zu bytes, Content-Length says %zu",
                    got, n);
    req->body = (struct str){to, n};
    return E_OK;
}

/* A body of unknown length; kept in one growing piece. */
static enum err read_unsized(struct request *req, FCGX_Stream *in, size_t max)
{
    size_t size = BODY_STEP, n = 0, got = 0;
    char *p = arena_alloc(req->w->arena, size);
    if (!p)
        return no_memory(req);
    for (;;) {
        enum err e = read_some(req, in, p + n, size - n, &got);
        if (e)
            return e;
        n += got;
        if (n > max)
            return E_TOO_LARGE;
        if (n < size)
            break;
        char *larger = arena_alloc(req->w->arena, size * 2);
        if (!larger)
            return no_memory(req);
        memcpy(larger, p, n);
        p = larger;
        size *= 2;
    }
    req->body = (struct str){p, n};
    return E_OK;
}

static enum err read_body(struct request *req, size_t max, void *ctx)
{
    FCGX_Stream *in = ctx;
    if (!req->has_content_length)
        return read_unsized(req, in, max);
    if (req->content_length > max)
        return E_TOO_LARGE;
    return read_sized(req, in);
}

/* ---- answer ---- */

static bool put(FCGX_Stream *out, struct str s)
{
    while (s.n) {
        int n = s.n > INT_MAX ? INT_MAX : (int)s.n;
        if (FCGX_PutStr(s.p, n, out) != n)
            return false;
        s = str_from(s, (size_t)n);
    }
    return true;
}

static void answer(const struct request *req, FCGX_Stream *out)
{
    CLEANUP(buf_done) struct buf head = BUF_INIT;
    bool sent;

    response_head(req, &head);
    if (buf_err(&head))
        sent = put(out, STR("Status: 503 Service Unavailable\r\nRetry-After: 5\r\n\r\n"));
    else
        sent = put(out, buf_str(&head)) && (req->method == HEAD || put(out, response_body(req)));
    if (!sent || FCGX_FFlush(out) < 0)
        LOG(LOG_DEBUG, "the web server left before the answer", KV("req", req->request_id));
}

static void serve(struct worker *w, FCGX_Request *fcgi)
{
    struct request req;

    request_init(&req, w);
    enum err e = params_read(&req, (const char *const *)fcgi->envp);
    if (e)
        gate_refuse(&req, e);
    else
        gate_run(&req, read_body, fcgi->in);
    answer(&req, fcgi->out);
    request_done(&req);
    arena_reset(w->arena);
}

/*
 * One connection. To libfcgi it looks like one that was kept open after an earlier request: it does not accept, but reads
 * from ipcFd. Whatever nginx asks for, it is closed at the end, since an idle connection would hold this thread.
 */
static void converse(struct worker *w, FCGX_Request *fcgi, int fd)
{
    struct timeval timeout = {.tv_sec = PEER_TIMEOUT_S};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (!fastcgi_head_wait(fd, HEAD_TIMEOUT_MS)) {
        close(fd);
        return;
    }
    fcgi->ipcFd = fd;
    fcgi->keepConnection = 1;
    if (FCGX_Accept_r(fcgi) == 0) {
        if (!FCGX_GetError(fcgi->in)) {
            metrics_add(METRIC_BUSY, 1);
            serve(w, fcgi);
            metrics_add(METRIC_BUSY, -1);
        }
        FCGX_Finish_r(fcgi);
    }
    if (fcgi->ipcFd >= 0)
        FCGX_Free(fcgi, 1);
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

void fastcgi_run(struct fastcgi_thread *t, struct worker *w, int listen_fd)
{
    FCGX_Request fcgi;
    if (FCGX_InitRequest(&fcgi, -1, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
        LOG(LOG_ERROR, "libfcgi cannot start a request");
        atomic_store(&t->done, true);
        return;
    }
    while (!atomic_load(&stopping)) {
        atomic_store(&t->waiting, true);
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        int why = errno;
        atomic_store(&t->waiting, false);
        if (fd >= 0) {
            converse(w, &fcgi, fd);
        } else if (why != EINTR && why != ECONNABORTED && !atomic_load(&stopping)) {
            /* out of descriptors or memory: the others end some day, and nginx waits */
            LOG(LOG_WARN, "cannot accept a connection", KV("why", str_z(strerror(why))));
            pause_ms(100);
        }
    }
    atomic_store(&t->done, true);
}
