/*
 * proxy.c - see proxy.h. One thread, one poll loop; packets of the protocol are 3 bytes of length, one of sequence, and
 * the payload; a command is the first byte of a packet of sequence 0. Logging in is passed on untouched (its packets from the
 * client have sequence 1 and up).
 */
#include "proxy.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINKS_MAX  16
#define PACKET_MAX (64 << 20)
#define COM_QUIT   0x01
#define COM_FORGET 0x19 /* COM_STMT_CLOSE */
#define HEADER     4
#define BLOCK      65536

struct end {
    int client, server;
    bool cut_on_answer;
    unsigned char *in; /* from the client, not yet passed on */
    size_t n, size;
};

struct proxy {
    char dir[64], path[96], server[100];
    int fd, wake[2];
    pthread_t thread;
    pthread_mutex_t lock;
    bool stop, refuse, harmed;
    enum harm harm;
    uint8_t command;
    const char *text;
    int nth, code, commands, connections;
    struct end ends[LINKS_MAX];
};

static int connect_to(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at))) {
        close(fd);
        return -1;
    }
    return fd;
}

static void end_close(struct end *e)
{
    if (e->client >= 0)
        close(e->client);
    if (e->server >= 0)
        close(e->server);
    free(e->in);
    *e = (struct end){.client = -1, .server = -1};
}

static bool write_all(int fd, const unsigned char *p, size_t n)
{
    while (n) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* Under the lock: which harm this command gets. */
static enum harm harm_of(struct proxy *p, const unsigned char *payload, size_t n)
{
    if (payload[0] != COM_QUIT && payload[0] != COM_FORGET)
        p->commands++;
    if (p->harm == HARM_NONE || payload[0] != p->command)
        return HARM_NONE;
    if (p->text && (n - 1 < strlen(p->text) || memcmp(payload + 1, p->text, strlen(p->text)) != 0))
        return HARM_NONE;
    if (--p->nth > 0)
        return HARM_NONE;
    enum harm harm = p->harm;
    p->harm = HARM_NONE;
    p->harmed = true;
    return harm;
}

static bool answer_error(int code, int client)
{
    static const char text[] = "#HY000made by the test";
    unsigned char packet[64] = {0};
    size_t n = 3 + sizeof(text) - 1;
    packet[0] = (unsigned char)n;
    packet[3] = 1;
    packet[4] = 0xff;
    packet[5] = (unsigned char)(code & 0xff);
    packet[6] = (unsigned char)(code >> 8);
    memcpy(packet + 7, text, sizeof(text) - 1);
    return write_all(client, packet, HEADER + n);
}

/* One whole packet from the client. False: the connection is to be closed. */
static bool pass_packet(struct proxy *p, struct end *e, const unsigned char *packet, size_t n)
{
    enum harm harm = HARM_NONE;
    int code = 0;
    if (packet[3] == 0 && n > HEADER) {
        pthread_mutex_lock(&p->lock);
        harm = harm_of(p, packet + HEADER, n - HEADER);
        code = p->code;
        pthread_mutex_unlock(&p->lock);
    }
    if (harm == HARM_CUT_BEFORE)
        return false;
    if (harm == HARM_ERROR)
        return answer_error(code, e->client);
    e->cut_on_answer = harm == HARM_CUT_AFTER;
    return write_all(e->server, packet, n);
}

static bool from_client(struct proxy *p, struct end *e)
{
    if (e->size - e->n < BLOCK) {
        size_t size = e->size * 2 + BLOCK;
        unsigned char *in = size < PACKET_MAX ? realloc(e->in, size) : NULL;
        if (!in)
            return false;
        e->in = in;
        e->size = size;
    }
    ssize_t got = read(e->client, e->in + e->n, e->size - e->n);
    if (got <= 0)
        return false;
    e->n += (size_t)got;
    size_t at = 0;
    while (e->n - at >= HEADER) {
        const unsigned char *h = e->in + at;
        size_t n = HEADER + ((size_t)h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16);
        if (e->n - at < n)
            break;
        if (!pass_packet(p, e, h, n))
            return false;
        at += n;
    }
    memmove(e->in, e->in + at, e->n - at);
    e->n -= at;
    return true;
}

static bool from_server(const struct end *e)
{
    unsigned char block[BLOCK];
    ssize_t got = read(e->server, block, sizeof(block));
    return got > 0 && !e->cut_on_answer && write_all(e->client, block, (size_t)got);
}

static void take_connection(struct proxy *p)
{
    int client = accept(p->fd, NULL, NULL);
    pthread_mutex_lock(&p->lock);
    p->connections++;
    bool refuse = p->refuse;
    pthread_mutex_unlock(&p->lock);
    int server = refuse || client < 0 ? -1 : connect_to(p->server);
    for (int i = 0; server >= 0 && i < LINKS_MAX; i++) {
        if (p->ends[i].client < 0) {
            p->ends[i].client = client;
            p->ends[i].server = server;
            return;
        }
    }
    if (server >= 0)
        close(server);
    if (client >= 0)
        close(client);
}

static bool stopping(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    bool stop = p->stop;
    pthread_mutex_unlock(&p->lock);
    return stop;
}

static void *run(void *arg)
{
    struct proxy *p = arg;
    while (!stopping(p)) {
        struct pollfd fds[2 + 2 * LINKS_MAX] = {{.fd = p->fd, .events = POLLIN},
                                                {.fd = p->wake[0], .events = POLLIN}};
        for (int i = 0; i < LINKS_MAX; i++) {
            fds[2 + 2 * i] = (struct pollfd){.fd = p->ends[i].client, .events = POLLIN};
            fds[3 + 2 * i] = (struct pollfd){.fd = p->ends[i].server, .events = POLLIN};
        }
        if (poll(fds, 2 + 2 * LINKS_MAX, -1) < 0 && errno != EINTR)
            break;
        for (int i = 0; i < LINKS_MAX; i++) {
            struct end *e = &p->ends[i];
            if (e->client < 0)
                continue;
            if ((fds[2 + 2 * i].revents && !from_client(p, e)) ||
                (fds[3 + 2 * i].revents && !from_server(e)))
                end_close(e);
        }
        if (fds[0].revents)
            take_connection(p);
    }
    for (int i = 0; i < LINKS_MAX; i++)
        end_close(&p->ends[i]);
    return NULL;
}

struct proxy *proxy_start(const char *server)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct proxy *p = calloc(1, sizeof(*p));
    if (!p)
        abort();
    for (int i = 0; i < LINKS_MAX; i++)
        p->ends[i] = (struct end){.client = -1, .server = -1};
    pthread_mutex_init(&p->lock, NULL);
    snprintf(p->server, sizeof(p->server), "%s", server);
    snprintf(p->dir, sizeof(p->dir), "/tmp/t-proxy-XXXXXX");
    if (!mkdtemp(p->dir) || pipe(p->wake))
        abort();
    snprintf(p->path, sizeof(p->path), "%s/s", p->dir);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", p->path);
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&at, sizeof(at)) || listen(p->fd, 16) ||
        pthread_create(&p->thread, NULL, run, p))
        abort();
    return p;
}

void proxy_stop(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_mutex_unlock(&p->lock);
    if (write(p->wake[1], "x", 1) != 1)
        abort();
    pthread_join(p->thread, NULL);
    close(p->fd);
    close(p->wake[0]);
    close(p->wake[1]);
    unlink(p->path);
    rmdir(p->dir);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

char *proxy_socket(struct proxy *p)
{
    return p->path;
}

void proxy_harm(struct proxy *p, enum harm harm, uint8_t command, const char *text, int nth,
                int code)
{
    pthread_mutex_lock(&p->lock);
    p->harm = harm;
    p->command = command;
    p->text = text;
    p->nth = nth;
    p->code = code;
    p->harmed = false;
    pthread_mutex_unlock(&p->lock);
}

void proxy_refuse(struct proxy *p, bool refuse)
{
    pthread_mutex_lock(&p->lock);
    p->refuse = refuse;
    pthread_mutex_unlock(&p->lock);
}

bool proxy_harmed(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    bool harmed = p->harmed;
    pthread_mutex_unlock(&p->lock);
    return harmed;
}

int proxy_commands(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    int n = p->commands;
    pthread_mutex_unlock(&p->lock);
    return n;
}

int proxy_connections(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    int n = p->connections;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void proxy_count_reset(struct proxy *p)
{
    pthread_mutex_lock(&p->lock);
    p->commands = 0;
    p->connections = 0;
    pthread_mutex_unlock(&p->lock);
}
