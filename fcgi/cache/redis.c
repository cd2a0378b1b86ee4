/*
 * redis.c - see redis.h.
 *
 * A context of hiredis is dead after its first error, and a late answer must never be taken for the
 * next question's: so every failure of the connection frees it. When the connection had served
 * before and simply ended (Redis was restarted, its `timeout` ran out), a fresh one is tried at
 * once; any other failure opens the breaker, and Redis is left alone for BREAK_NS.
 *
 * Commands go as argument vectors only: hiredis' format strings look like printf and are not.
 */
#include "cache/redis.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/metrics.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define TIMEOUT_US (250 * 1000)
#define BREAK_NS   1000000000ull
#define ARGS_MAX   8

struct redis {
    const struct config_redis *config;
    redisContext *c;   /* NULL: not connected */
    bool proven;       /* it has answered at least once */
    uint64_t until_ns; /* the breaker is open until then */
};

static atomic_int connections;

int redis_connections(void)
{
    return atomic_load_explicit(&connections, memory_order_relaxed);
}

struct redis *redis_new(const struct config_redis *config)
{
    struct redis *r = calloc(1, sizeof(*r));
    if (r)
        r->config = config;
    return r;
}

static void drop(struct redis *r)
{
    if (!r->c)
        return;
    redisFree(r->c);
    r->c = NULL;
    r->proven = false;
    atomic_fetch_sub_explicit(&connections, 1, memory_order_relaxed);
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    drop(r);
    free(r);
}

void redis_freep(struct redis **r)
{
    redis_free(*r);
    *r = NULL;
}

static void reply_free(redisReply **reply)
{
    if (*reply)
        freeReplyObject(*reply);
}

/* ---- one command ---- */

struct command {
    const char *argv[ARGS_MAX];
    size_t lens[ARGS_MAX];
    int argc;
};

static void arg(struct command *cmd, struct str s)
{
    if (cmd->argc >= ARGS_MAX)
        return;
    cmd->argv[cmd->argc] = s.n ? s.p : "";
    cmd->lens[cmd->argc] = s.n;
    cmd->argc++;
}

static void arg_number(struct command *cmd, int64_t n, char text[static 24])
{
    snprintf(text, 24, "%lld", (long long)n);
    arg(cmd, str_z(text));
}

/* NULL: the connection is not usable any more. */
static redisReply *send_command(struct redis *r, const struct command *cmd)
{
    const char *argv[ARGS_MAX];
    for (int i = 0; i < cmd->argc; i++)
        argv[i] = cmd->argv[i];
    return redisCommandArgv(r->c, cmd->argc, argv, cmd->lens);
}

static bool is_refusal(const redisReply *reply)
{
    return !reply || reply->type == REDIS_REPLY_ERROR;
}

/* ---- connecting ---- */

static bool say_hello(struct redis *r)
{
    if (r->config->password) {
        struct command auth = {.argc = 0};
        arg(&auth, STR("AUTH"));
        arg(&auth, str_z(r->config->password));
        CLEANUP(reply_free) redisReply *reply = send_command(r, &auth);
        if (is_refusal(reply))
            return false;
    }
    if (r->config->db) {
        char number[24];
        struct command select = {.argc = 0};
        arg(&select, STR("SELECT"));
        arg_number(&select, r->config->db, number);
        CLEANUP(reply_free) redisReply *reply = send_command(r, &select);
        if (is_refusal(reply))
            return false;
    }
    return true;
}

static bool connect_now(struct redis *r)
{
    const struct timeval limit = {.tv_usec = TIMEOUT_US};
    r->c = r->config->unix_socket
               ? redisConnectUnixWithTimeout(r->config->unix_socket, limit)
               : redisConnectWithTimeout(r->config->host, r->config->port, limit);
    if (!r->c)
        return false;
    atomic_fetch_add_explicit(&connections, 1, memory_order_relaxed);
    if (r->c->err || redisSetTimeout(r->c, limit) != REDIS_OK || !say_hello(r)) {
        drop(r);
        return false;
    }
    return true;
}

static bool breaker_open(const struct redis *r)
{
    return r->until_ns && clock_mono_ns() < r->until_ns;
}

static redisReply *failed(struct redis *r)
{
    drop(r);
    r->until_ns = clock_mono_ns() + BREAK_NS;
    metrics_add(METRIC_REDIS_FAILURES, 1);
    return NULL;
}

/* The answer, of any type but an error; NULL when there is none. */
static redisReply *ask(struct redis *r, const struct command *cmd)
{
    if (breaker_open(r))
        return NULL;
    for (int tries = 0; tries < 2; tries++) {
        if (!r->c && !connect_now(r))
            return failed(r);
        redisReply *reply = send_command(r, cmd);
        if (reply && reply->type != REDIS_REPLY_ERROR) {
            r->proven = true;
            r->until_ns = 0;
            return reply;
        }
        if (reply) { /* a refusal (out of memory, loading): the connection is sound */
            freeReplyObject(reply);
            metrics_add(METRIC_REDIS_FAILURES, 1);
            return NULL;
        }
        bool ended = r->c->err == REDIS_ERR_EOF ||
                     (r->c->err == REDIS_ERR_IO && (errno == EPIPE || errno == ECONNRESET));
        if (!ended || !r->proven)
            return failed(r);
        drop(r);
    }
    return failed(r);
}

/* ---- commands ---- */

bool redis_ping(struct redis *r)
{
    struct command cmd = {.argc = 0};
    arg(&cmd, STR("PING"));
    CLEANUP(reply_free) redisReply *reply = ask(r, &cmd);
    return reply != NULL;
}

bool redis_get(struct redis *r, struct arena *a, struct str key, struct str *ret)
{
    struct command cmd = {.argc = 0};
    arg(&cmd, STR("GET"));
    arg(&cmd, key);
    CLEANUP(reply_free) redisReply *reply = ask(r, &cmd);
    if (!reply)
        return false;
    if (reply->type != REDIS_REPLY_STRING) {
        *ret = STR_NONE;
        return true;
    }
    struct str copy = arena_str(a, (struct str){reply->str, (size_t)reply->len});
    if (!copy.p)
        return false;
    *ret = copy;
    return true;
}

bool redis_set(struct redis *r, struct str key, struct str value, int64_t ttl_s)
{
    char ttl[24];
    struct command cmd = {.argc = 0};
    arg(&cmd, STR("SET"));
    arg(&cmd, key);
    arg(&cmd, value);
    arg(&cmd, STR("EX"));
    arg_number(&cmd, ttl_s > 0 ? ttl_s : 1, ttl);
    CLEANUP(reply_free) redisReply *reply = ask(r, &cmd);
    return reply != NULL;
}

bool redis_del(struct redis *r, struct str key)
{
    struct command cmd = {.argc = 0};
    arg(&cmd, STR("DEL"));
    arg(&cmd, key);
    CLEANUP(reply_free) redisReply *reply = ask(r, &cmd);
    return reply != NULL;
}

bool redis_incr(struct redis *r, struct str key, int64_t ttl_s, int64_t *ret)
{
    /* one step at the server: a counter that lost its expiry would count for ever */
    static const char script[] = "local n = redis.call('INCR', KEYS[1]) "
                                 "if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end "
                                 "return n";
    char ttl[24];
    struct command cmd = {.argc = 0};
    arg(&cmd, STR("EVAL"));
    arg(&cmd, STR(script));
    arg(&cmd, STR("1"));
    arg(&cmd, key);
    arg_number(&cmd, ttl_s > 0 ? ttl_s : 1, ttl);
    CLEANUP(reply_free) redisReply *reply = ask(r, &cmd);
    if (!reply || reply->type != REDIS_REPLY_INTEGER)
        return false;
    *ret = reply->integer;
    return true;
}

bool redis_publish(struct redis *r, struct str channel, struct str message)
{
    struct command cmd = {.argc = 0};
    arg(&cmd, STR("PUBLISH"));
    arg(&cmd, channel);
    arg(&cmd, message);
    CLEANUP(reply_free) redisReply *reply = ask(r, &cmd);
    return reply != NULL;
}
