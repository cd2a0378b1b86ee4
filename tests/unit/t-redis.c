/*
 * t-redis.c - redis.c against a server of our own that answers from a script: what is sent, what is
 * understood, and what happens when it refuses, hangs up, keeps silent or is not there.
 *
 * The server answers one connection at a time. Each connection has a script of answers; an answer
 * is sent for every command that arrives; after the last one it hangs up. NULL answers are silence.
 */
#include "cache/redis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWERS_MAX 6

struct fake {
    char dir[64], path[96];
    int fd;
    pthread_t thread;
    const char *const (*script)[ANSWERS_MAX]; /* one row a connection; the last row is used again */
    size_t n_script;
    atomic_int accepted;
    atomic_bool stop;
    char seen[4096]; /* everything received */
    size_t seen_n;
};

static const char silence[] = "";

static bool wait_readable(struct fake *s, int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (!atomic_load(&s->stop)) {
        if (poll(&p, 1, 20) > 0)
            return true;
    }
    return false;
}

static void serve(struct fake *s, int fd, const char *const *answers)
{
    for (size_t i = 0; i < ANSWERS_MAX && answers[i]; i++) {
        if (!wait_readable(s, fd))
            return;
        ssize_t n = read(fd, s->seen + s->seen_n, sizeof(s->seen) - 1 - s->seen_n);
        if (n <= 0)
            return;
        s->seen_n += (size_t)n;
        if (answers[i] == silence)
            continue;
        if (write(fd, answers[i], strlen(answers[i])) < 0)
            return;
    }
    if (answers[0] == silence)
        wait_readable(s, fd); /* until the client gives up */
}

static void *run(void *arg)
{
    struct fake *s = arg;
    while (wait_readable(s, s->fd)) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            break;
        size_t row = (size_t)atomic_fetch_add(&s->accepted, 1);
        serve(s, fd, s->script[row < s->n_script ? row : s->n_script - 1]);
        close(fd);
    }
    return NULL;
}

static void start(struct fake *s, const char *const (*script)[ANSWERS_MAX], size_t n)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    *s = (struct fake){.script = script, .n_script = n};
    snprintf(s->dir, sizeof(s->dir), "/tmp/t-redis-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", s->path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

static void stop(struct fake *s)
{
    atomic_store(&s->stop, true);
    pthread_join(s->thread, NULL);
    close(s->fd);
    unlink(s->path);
    rmdir(s->dir);
}

static void test_commands(void **state)
{
    static const char *const script[][ANSWERS_MAX] = {
        {"+PONG\r\n", "$5\r\nvalue\r\n", "$-1\r\n", "+OK\r\n", ":7\r\n", ":1\r\n"}};
    struct fake s;
    (void)state;
    start(&s, script, 1);
    struct config_redis config = {.unix_socket = s.path};
    struct redis *r = redis_new(&config);
    struct arena *a = arena_new(1 << 16);
    struct str v = STR("unset");
    int64_t n = 0;
    assert_true(redis_ping(r));
    assert_int_equal(redis_connections(), 1);
    assert_true(redis_get(r, a, STR("k 1"), &v));
    assert_true(str_eqz(v, "value"));
    assert_true(redis_get(r, a, STR("none"), &v));
    assert_null(v.p);
    assert_true(redis_set(r, STR("k"), STR("a\r\nb"), 60));
    assert_true(redis_incr(r, STR("c"), 9, &n));
    assert_int_equal(n, 7);
    assert_true(redis_del(r, STR("k")));
    assert_int_equal(atomic_load(&s.accepted), 1);
    redis_free(r);
    assert_int_equal(redis_connections(), 0);
    stop(&s);
    /* an argument is one argument, whatever is in it */
    assert_non_null(strstr(s.seen, "*2\r\n$3\r\nGET\r\n$3\r\nk 1\r\n"));
    assert_non_null(
        strstr(s.seen, "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n$2\r\nEX\r\n$2\r\n60\r\n"));
    assert_non_null(strstr(s.seen, "EVAL"));
    arena_free(a);
}

static void test_auth_and_select(void **state)
{
    static const char *const script[][ANSWERS_MAX] = {{"+OK\r\n", "+OK\r\n", "+PONG\r\n"}};
    struct fake s;
    (void)state;
    start(&s, script, 1);
    struct config_redis config = {
        .unix_socket = s.path, .password = (char[]){"pass word"}, .db = 3};
    struct redis *r = redis_new(&config);
    assert_true(redis_ping(r));
    redis_free(r);
    stop(&s);
    assert_non_null(strstr(s.seen, "*2\r\n$4\r\nAUTH\r\n$9\r\npass word\r\n*2\r\n$6\r\nSELECT\r\n"
                                   "$1\r\n3\r\n*1\r\n$4\r\nPING\r\n"));
}

static void test_wrong_password(void **state)
{
    static const char *const script[][ANSWERS_MAX] = {{"-WRONGPASS no\r\n", "+PONG\r\n"}};
    struct fake s;
    (void)state;
    start(&s, script, 1);
    struct config_redis config = {.unix_socket = s.path, .password = (char[]){"bad"}};
    struct redis *r = redis_new(&config);
    assert_false(redis_ping(r));
    assert_int_equal(redis_connections(), 0);
    redis_free(r);
    stop(&s);
    assert_null(strstr(s.seen, "PING"));
}

static void test_refusal_keeps_the_connection(void **state)
{
    static const char *const script[][ANSWERS_MAX] = {{"-OOM no\r\n", "+PONG\r\n", "+PONG\r\n"}};
    struct fake s;
    (void)state;
    start(&s, script, 1);
    struct config_redis config = {.unix_socket = s.path};
    struct redis *r = redis_new(&config);
    assert_false(redis_set(r, STR("k"), STR("v"), 1));
    assert_true(redis_ping(r));
    assert_int_equal(atomic_load(&s.accepted), 1);
    redis_free(r);
    stop(&s);
}

static void test_restart_is_not_felt(void **state)
{
    /* the first connection ends after its first answer, as when Redis restarts */
    static const char *const script[][ANSWERS_MAX] = {{"+PONG\r\n"}, {"+PONG\r\n", "+PONG\r\n"}};
    struct fake s;
    (void)state;
    start(&s, script, 2);
    struct config_redis config = {.unix_socket = s.path};
    struct redis *r = redis_new(&config);
    assert_true(redis_ping(r));
    assert_true(redis_ping(r));
    assert_int_equal(atomic_load(&s.accepted), 2);
    redis_free(r);
    stop(&s);
}

static void test_silence_opens_the_breaker(void **state)
{
    static const char *const script[][ANSWERS_MAX] = {{silence}, {"+PONG\r\n", "+PONG\r\n"}};
    struct fake s;
    (void)state;
    start(&s, script, 2);
    struct config_redis config = {.unix_socket = s.path};
    struct redis *r = redis_new(&config);
    assert_false(redis_ping(r));
    assert_int_equal(redis_connections(), 0);
    for (int i = 0; i < 100; i++)
        assert_false(redis_ping(r));
    assert_int_equal(atomic_load(&s.accepted), 1); /* the others did not even try */
    bool back = false;
    for (int i = 0; i < 1000 && !back; i++) {
        const struct timespec t = {.tv_nsec = 20000000};
        nanosleep(&t, NULL);
        back = redis_ping(r);
    }
    assert_true(back);
    redis_free(r);
    stop(&s);
}

static void test_nobody_there(void **state)
{
    struct config_redis config = {.unix_socket = (char[]){"/nonexistent/redis.sock"}};
    struct redis *r = redis_new(&config);
    struct arena *a = arena_new(4096);
    struct str v = STR("unset");
    int64_t n = 5;
    (void)state;
    assert_false(redis_ping(r));
    assert_false(redis_get(r, a, STR("k"), &v));
    assert_true(str_eqz(v, "unset"));
    assert_false(redis_set(r, STR("k"), STR("v"), 1));
    assert_false(redis_del(r, STR("k")));
    assert_false(redis_incr(r, STR("k"), 1, &n));
    assert_int_equal(n, 5);
    assert_false(redis_publish(r, STR("c"), STR("m")));
    assert_int_equal(redis_connections(), 0);
    arena_free(a);
    redis_freep(&r);
    assert_null(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_auth_and_select),
        cmocka_unit_test(test_wrong_password),
        cmocka_unit_test(test_refusal_keeps_the_connection),
        cmocka_unit_test(test_restart_is_not_felt),
        cmocka_unit_test(test_silence_opens_the_breaker),
        cmocka_unit_test(test_nobody_there),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
