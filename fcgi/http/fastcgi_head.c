/*
 * fastcgi_head.c - see fastcgi_head.h. nginx sends the head with one write, so the first look usually finds all of it.
 */
#include "config.h"

#include "http/fastcgi_head.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define RECORD_HEADER 8
#define BEGIN_REQUEST 1
#define PARAMS        4
#define PROTOCOL      1

/* Where the stream of name-value pairs stands. */
struct pairs {
    uint32_t length[2]; /* of name and value, as far as they are read */
    unsigned which;     /* 0: the name's length is next or being read, 1: the value's, 2: content */
    unsigned missing;   /* bytes of that length still to come; 0: its first byte */
    size_t skip;        /* bytes of name and value still to come */
};

static bool pairs_at_boundary(const struct pairs *s)
{
    return s->which == 0 && s->missing == 0;
}

/* A length is complete. False when the two claim more than any head has. */
static bool length_done(struct pairs *s)
{
    if (s->length[s->which] > FASTCGI_HEAD_MAX)
        return false;
    s->which++;
    if (s->which == 2) {
        s->skip = (size_t)s->length[0] + s->length[1];
        if (s->skip == 0)
            s->which = 0;
    }
    return true;
}

static bool pairs_feed(struct pairs *s, const uint8_t *p, size_t n)
{
    while (n) {
        if (s->which == 2) {
            size_t take = n < s->skip ? n : s->skip;
            p += take;
            n -= take;
            s->skip -= take;
            if (s->skip == 0)
                s->which = 0;
            continue;
        }
        uint32_t *length = &s->length[s->which];
        uint8_t c = *p++;
        n--;
        if (s->missing) {
            *length = *length << 8 | c;
            s->missing--;
        } else if (c & 0x80) { /* four bytes, 31 bits */
            *length = c & 0x7f;
            s->missing = 3;
        } else {
            *length = c;
        }
        if (s->missing == 0 && !length_done(s))
            return false;
    }
    return true;
}

enum fastcgi_head fastcgi_head_scan(const uint8_t *p, size_t n)
{
    struct pairs pairs = {.which = 0};
    uint8_t id[2] = {0, 0};
    bool begun = false;

    for (;;) {
        if (n < RECORD_HEADER)
            return FASTCGI_HEAD_MORE;
        size_t content = (size_t)p[4] << 8 | p[5], padding = p[6];
        if (p[0] != PROTOCOL || p[1] != (begun ? PARAMS : BEGIN_REQUEST))
            return FASTCGI_HEAD_BROKEN;
        if (!begun) {
            memcpy(id, p + 2, sizeof(id));
            if (content != 8)
                return FASTCGI_HEAD_BROKEN;
        } else if (memcmp(id, p + 2, sizeof(id)) != 0) {
            return FASTCGI_HEAD_BROKEN;
        } else if (content == 0) {
            return pairs_at_boundary(&pairs) ? FASTCGI_HEAD_COMPLETE : FASTCGI_HEAD_BROKEN;
        }
        p += RECORD_HEADER;
        n -= RECORD_HEADER;
        size_t here = content < n ? content : n;
        if (begun && !pairs_feed(&pairs, p, here))
            return FASTCGI_HEAD_BROKEN;
        if (n < content + padding)
            return FASTCGI_HEAD_MORE;
        p += content + padding;
        n -= content + padding;
        begun = true;
    }
}

/* The next look, when nothing new can be waited for because old bytes are readable all the time. */
static void nap(unsigned look)
{
    struct timespec t = {.tv_nsec = look < 10 ? 1000000 : 20000000};
    nanosleep(&t, NULL);
}

bool fastcgi_head_wait(int fd, int timeout_ms)
{
    uint8_t small[8192];
    CLEANUP(ptr_free) uint8_t *large = NULL;
    uint8_t *p = small;
    size_t size = sizeof(small);
    uint64_t deadline = clock_mono_ns() + (uint64_t)timeout_ms * 1000000u;

    for (unsigned look = 0;; look++) {
        struct pollfd wait = {.fd = fd, .events = POLLIN | POLLRDHUP};
        uint64_t now = clock_mono_ns();
        if (now >= deadline || poll(&wait, 1, (int)((deadline - now) / 1000000u) + 1) < 0)
            return false;
        ssize_t n = recv(fd, p, size, MSG_PEEK | MSG_DONTWAIT);
        if (n <= 0)
            return false;
        enum fastcgi_head head = fastcgi_head_scan(p, (size_t)n);
        if (head != FASTCGI_HEAD_MORE)
            return head == FASTCGI_HEAD_COMPLETE;
        if ((size_t)n == size) {
            if (large || !(large = malloc(FASTCGI_HEAD_MAX)))
                return false;
            p = large;
            size = FASTCGI_HEAD_MAX;
            continue;
        }
        if (wait.revents & (POLLRDHUP | POLLHUP | POLLERR)) /* the peer had left before we looked */
            return false;
        nap(look);
    }
}
