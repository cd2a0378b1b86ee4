/*
 * redis.h - Redis, which holds only what may be lost. The only place with hiredis.h is redis.c.
 *
 * Every call may fail at any time, and then says so (false) within a bounded time: connect and command time-outs of
 * 250 ms, and a breaker that skips Redis for 1 s after a failure. Nothing here reports an error to a client: callers
 * go on without it. One struct redis belongs to one thread.
 */
#ifndef GANTRY_CACHE_REDIS_H
#define GANTRY_CACHE_REDIS_H

#include "base/arena.h"
#include "base/config.h"

struct redis;

struct redis *redis_new(const struct config_redis *config);
void redis_free(struct redis *r);
void redis_freep(struct redis **r);

bool redis_ping(struct redis *r);
/* *ret is copied into the arena; p is NULL when there is no such key. False: Redis did not answer. */
bool redis_get(struct redis *r, struct arena *a, struct str key, struct str *ret);
bool redis_set(struct redis *r, struct str key, struct str value, int64_t ttl_s);
bool redis_del(struct redis *r, struct str key);
/* Adds 1; the key lives ttl_s from its first increment. */
bool redis_incr(struct redis *r, struct str key, int64_t ttl_s, int64_t *ret);
bool redis_publish(struct redis *r, struct str channel, struct str message);

/* Connections open in this process, for metrics. */
int redis_connections(void);

#endif
