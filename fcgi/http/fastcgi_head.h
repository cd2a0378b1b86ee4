/*
 * fastcgi_head.h - looks at the head of a FastCGI request (FastCGI specification 1.0, sections 3.3, 3.4, 5.1, 5.2) before
 * libfcgi reads it: BEGIN_REQUEST and the whole parameter stream.
 *
 * libfcgi has no time-out while it reads the head, and ends the process when a parameter claims a length that it cannot
 * allocate. So a connection is handed to it only once its head has arrived complete and its lengths are true. What is
 * looked at stays in the socket.
 */
#ifndef GANTRY_HTTP_FASTCGI_HEAD_H
#define GANTRY_HTTP_FASTCGI_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* nginx admits 128 KiB of a client's headers (large_client_header_buffers); a unix socket's buffer holds little more. */
#define FASTCGI_HEAD_MAX ((size_t)192 << 10)

enum fastcgi_head {
    FASTCGI_HEAD_MORE,     /* good so far */
    FASTCGI_HEAD_COMPLETE, /* the end of the parameters is there */
    FASTCGI_HEAD_BROKEN,   /* can never become a request that nginx sends */
};

enum fastcgi_head fastcgi_head_scan(const uint8_t *p, size_t n);

/* Waits until the head is complete. False: broken, cut off, larger than FASTCGI_HEAD_MAX, or not there in time. */
bool fastcgi_head_wait(int fd, int timeout_ms);

#endif
