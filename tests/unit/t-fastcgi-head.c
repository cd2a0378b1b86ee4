/*
 * t-fastcgi-head.c - heads of FastCGI requests: complete, not yet complete, never to become one; and waiting for them on a
 * socket.
 */
#include "http/fastcgi_head.h"

#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEGIN "\1\1\0\7\0\10\0\0\0\1\0\0\0\0\0\0"
/* A=bc and an empty value, in one record of 7 + 3 bytes with 2 of padding */
#define PAIRS                                                                                      \
    "\1\4\0\7\0\12\2\0\1\2Abc\3\0XYZ"                                                              \
    "pp"
#define END    "\1\4\0\7\0\0\0\0"
#define LIT(s) (const uint8_t *)(s), sizeof(s) - 1

static void test_complete(void **state)
{
    static const char head[] = BEGIN PAIRS END "\1\5\0\7\0\0\0\0"; /* STDIN may be there already */
    size_t whole = sizeof(BEGIN PAIRS END) - 1;
    (void)state;
    for (size_t n = 0; n < whole; n++) /* every prefix waits for more */
        assert_int_equal(fastcgi_head_scan((const uint8_t *)head, n), FASTCGI_HEAD_MORE);
    assert_int_equal(fastcgi_head_scan((const uint8_t *)head, whole), FASTCGI_HEAD_COMPLETE);
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN PAIRS END "\1\5\0\7\0\0\0\0")),
                     FASTCGI_HEAD_COMPLETE);
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN END)), FASTCGI_HEAD_COMPLETE);
    /* a pair cut by records at every place: A=bc with long lengths */
    static const char pair[] = "\200\0\0\1\200\0\0\2Abc";
    for (size_t cut = 1; cut < sizeof(pair) - 1; cut++) {
        uint8_t b[64];
        size_t n = sizeof(BEGIN) - 1, rest = sizeof(pair) - 1 - cut;
        memcpy(b, BEGIN, n);
        memcpy(b + n, "\1\4\0\7\0", 5);
        b[n + 5] = (uint8_t)cut, b[n + 6] = b[n + 7] = 0;
        memcpy(b + n + 8, pair, cut);
        n += 8 + cut;
        memcpy(b + n, "\1\4\0\7\0", 5);
        b[n + 5] = (uint8_t)rest, b[n + 6] = b[n + 7] = 0;
        memcpy(b + n + 8, pair + cut, rest);
        n += 8 + rest;
        assert_int_equal(fastcgi_head_scan(b, n), FASTCGI_HEAD_MORE);
        memcpy(b + n, END, 8);
        assert_int_equal(fastcgi_head_scan(b, n + 8), FASTCGI_HEAD_COMPLETE);
    }
}

static void test_broken(void **state)
{
    (void)state;
    assert_int_equal(fastcgi_head_scan(LIT("GET / HTTP/1.0\r\n")), FASTCGI_HEAD_BROKEN);
    assert_int_equal(fastcgi_head_scan(LIT("\0\0\0\0\0\0\0\0")), FASTCGI_HEAD_BROKEN);
    assert_int_equal(fastcgi_head_scan(LIT("\2\1\0\7\0\10\0\0")),
                     FASTCGI_HEAD_BROKEN); /* version */
    assert_int_equal(fastcgi_head_scan(LIT("\1\1\0\7\0\7\0\0")),
                     FASTCGI_HEAD_BROKEN);                              /* BEGIN of 7 */
    assert_int_equal(fastcgi_head_scan(LIT(END)), FASTCGI_HEAD_BROKEN); /* without BEGIN */
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN BEGIN)), FASTCGI_HEAD_BROKEN);
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN "\1\5\0\7\0\0\0\0")), FASTCGI_HEAD_BROKEN);
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN "\1\4\0\10\0\0\0\0")),
                     FASTCGI_HEAD_BROKEN); /* id */
    /* the end inside of a pair: of a length, of a name, of a value */
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN "\1\4\0\7\0\1\0\0\1" END)), FASTCGI_HEAD_BROKEN);
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN "\1\4\0\7\0\2\0\0\200\0" END)),
                     FASTCGI_HEAD_BROKEN);
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN "\1\4\0\7\0\3\0\0\2\1A" END)),
                     FASTCGI_HEAD_BROKEN);
    /* lengths that nobody can hold: known as soon as they are read */
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN "\1\4\0\7\0\10\0\0\377\377\377\377")),
                     FASTCGI_HEAD_BROKEN);
    assert_int_equal(fastcgi_head_scan(LIT(BEGIN "\1\4\0\7\0\10\0\0\1\200\20\0\0")),
                     FASTCGI_HEAD_BROKEN);
}

struct sender {
    int fd;
    const char *rest;
    size_t n;
};

static void *send_rest(void *arg)
{
    struct sender *s = arg;
    for (size_t i = 0; i < s->n; i++) /* in the smallest pieces there are */
        if (send(s->fd, s->rest + i, 1, 0) != 1)
            break;
    return NULL;
}

static void test_wait(void **state)
{
    static const char head[] = BEGIN PAIRS END;
    char seen[sizeof(head)];
    int fds[2];
    pthread_t id;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct sender s = {fds[1], head, sizeof(head) - 1};
    assert_int_equal(pthread_create(&id, NULL, send_rest, &s), 0);
    assert_true(fastcgi_head_wait(fds[0], 60000));
    pthread_join(id, NULL);
    /* everything is still there for libfcgi */
    assert_int_equal(recv(fds[0], seen, sizeof(seen), 0), sizeof(head) - 1);
    assert_memory_equal(seen, head, sizeof(head) - 1);

    assert_false(fastcgi_head_wait(fds[0], 1)); /* silence */
    assert_int_equal(send(fds[1], head, 20, 0), 20);
    assert_false(fastcgi_head_wait(fds[0], 50)); /* half of it, and silence */
    close(fds[1]);
    assert_false(fastcgi_head_wait(fds[0], 60000)); /* half of it, and gone */
    close(fds[0]);
}

/* Larger than the first look, complete and endless. */
static void test_large(void **state)
{
    static uint8_t record[8 + 65000];
    int fds[2], size = 1 << 20;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    memcpy(record, "\1\4\0\7\375\350\0\0\1\200\0\375\342", 13); /* 65000 = 1 + 4 + 1 + 64994 */
    assert_int_equal(send(fds[1], BEGIN, 16, 0), 16);
    assert_int_equal(send(fds[1], record, sizeof(record), 0), sizeof(record));
    assert_int_equal(send(fds[1], END, 8, 0), 8);
    assert_true(fastcgi_head_wait(fds[0], 60000));
    close(fds[0]), close(fds[1]);

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    assert_int_equal(send(fds[1], BEGIN, 16, 0), 16);
    for (int i = 0; i < 4 && send(fds[1], record, sizeof(record), 0) > 0; i++)
        continue;
    shutdown(fds[1], SHUT_WR);
    assert_false(fastcgi_head_wait(fds[0], 60000));
    close(fds[0]), close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
