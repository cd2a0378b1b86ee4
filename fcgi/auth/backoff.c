/*
 * backoff.c - see backoff.h.
 *
 * The fallback for a Redis that is down is a small table of this process under a lock: one slot for
 * each hash of a key, the newer address taking the place of an older one. It is a brake, not a
 * ledger.
 */
#include "auth/backoff.h"

#include "auth/secret.h"
#include "base/arena.h"
#include "base/clock.h"
#include "cache/redis.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#define WINDOW_S 60
#define SLOTS    1024
#define KEY_MAX  96

_Static_assert(BACKOFF_KEY <= KEY_MAX, "every key fits a slot");

int backoff_account(int64_t attempts, int64_t last_ms, int64_t now_ms)
{
    int64_t wait_s, left_ms;
    if (attempts < BACKOFF_FREE)
        return 0;
    wait_s =
        attempts - BACKOFF_FREE > 16 ? BACKOFF_LIMIT_S : INT64_C(1) << (attempts - BACKOFF_FREE);
    if (wait_s > BACKOFF_LIMIT_S)
        wait_s = BACKOFF_LIMIT_S;
    left_ms = last_ms + wait_s * 1000 - now_ms;
    if (left_ms <= 0)
        return 0;
    if (left_ms > wait_s * 1000)
        left_ms = wait_s * 1000; /* the clock of the node that counted is ahead */
    return (int)((left_ms + 999) / 1000);
}

/* ---- while Redis is down ---- */

struct slot {
    char key[KEY_MAX];
    uint64_t n;
    int64_t last_ms;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[SLOTS];

static struct slot *slot_of(struct str key)
{
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (uint8_t)key.p[i]) * UINT64_C(1099511628211);
    return &slots[h % SLOTS];
}

static uint64_t local_count(struct str key, int64_t *ret_last_ms)
{
    const struct slot *s = slot_of(key);
    uint64_t n = 0;
    pthread_mutex_lock(&lock);
    if (str_eqz(key, s->key)) {
        n = s->n;
        *ret_last_ms = s->last_ms;
    }
    pthread_mutex_unlock(&lock);
    return n;
}

static void local_add(struct str key, int64_t now_ms)
{
    struct slot *s = slot_of(key);
    pthread_mutex_lock(&lock);
    if (!str_eqz(key, s->key)) {
        memcpy(s->key, key.p, key.n);
        s->key[key.n] = '\0';
        s->n = 0;
    }
    s->n++;
    s->last_ms = now_ms;
    pthread_mutex_unlock(&lock);
}

/* ---- names without an account ---- */

/* By hash: names come from strangers and may be anything. Empty when there is no memory for hashing. */
static struct str name_key(struct str name, char room[static KEY_MAX])
{
    uint8_t hash[SECRET_HASH];
    char hex[2 * SECRET_HASH + 1];
    if (secret_hash(NULL, name, hash))
        return STR_NONE;
    hex_encode(hash, sizeof(hash), hex);
    return (struct str){room, (size_t)snprintf(room, KEY_MAX, "login-unknown:%s", hex)};
}

/* What Redis has, "attempts:last_ms", or else this process. */
static uint64_t name_read(struct worker *w, struct str key, int64_t *ret_last_ms)
{
    struct str value, attempts, last;
    uint64_t n = 0, ms = 0;
    *ret_last_ms = 0;
    if (key.n == 0)
        return 0;
    if (redis_get(w->redis, w->arena, key, &value) && value.p &&
        str_cut(value, ':', &attempts, &last) && str_u64(last, &ms) && str_u64(attempts, &n)) {
        *ret_last_ms = (int64_t)ms;
        return n;
    }
    return local_count(key, ret_last_ms);
}

int backoff_name(struct worker *w, struct str name, int64_t now_ms)
{
    char room[KEY_MAX];
    int64_t last_ms;
    uint64_t attempts = name_read(w, name_key(name, room), &last_ms);
    return backoff_account((int64_t)attempts, last_ms, now_ms);
}

void backoff_name_failed(struct worker *w, struct str name, int64_t now_ms)
{
    char room[KEY_MAX], value[48];
    int64_t last_ms;
    struct str key = name_key(name, room);
    uint64_t attempts = name_read(w, key, &last_ms);
    int n = snprintf(value, sizeof(value), "%" PRIu64 ":%" PRId64, attempts + 1, now_ms);
    if (key.n && !redis_set(w->redis, key, (struct str){value, (size_t)n}, BACKOFF_FORGET_S))
        local_add(key, now_ms);
}

/* ---- addresses ---- */

struct str backoff_key(struct str address, int64_t now_ms, char room[static BACKOFF_KEY])
{
    char z[INET6_ADDRSTRLEN];
    struct in6_addr six;
    struct in_addr four;
    if (address.n == 0 || address.n >= sizeof(z))
        return STR_NONE;
    memcpy(z, address.p, address.n);
    z[address.n] = '\0';
    if (inet_pton(AF_INET6, z, &six) == 1) {
        if (!IN6_IS_ADDR_V4MAPPED(&six))
            memset(six.s6_addr + 8, 0, 8);
        if (!inet_ntop(AF_INET6, &six, z, sizeof(z)))
            return STR_NONE;
    } else if (inet_pton(AF_INET, z, &four) != 1) {
        return STR_NONE;
    }
    int n = snprintf(room, BACKOFF_KEY, "login-failed:%s:%" PRId64, z, now_ms / 1000 / WINDOW_S);
    return (struct str){room, (size_t)n};
}

int backoff_address(struct worker *w, struct str address, int64_t now_ms, bool *ret_failed)
{
    char room[BACKOFF_KEY];
    struct str key = backoff_key(address, now_ms, room), value;
    uint64_t n = 0, here;
    int64_t last_ms;
    *ret_failed = false;
    if (key.n == 0)
        return 0;
    /* Both count: what was counted while Redis was down still holds when it is back. */
    if (redis_get(w->redis, w->arena, key, &value) && value.p)
        str_u64(value, &n);
    here = local_count(key, &last_ms);
    *ret_failed = n > 0 || here > 0;
    uint64_t limit = (uint64_t)w->config->sign_in_failures;
    if (limit == 0 || (n < limit && here < limit))
        return 0;
    return WINDOW_S - (int)(now_ms / 1000 % WINDOW_S);
}

void backoff_address_failed(struct worker *w, struct str address, int64_t now_ms)
{
    char room[BACKOFF_KEY];
    struct str key = backoff_key(address, now_ms, room);
    int64_t n;
    if (key.n == 0)
        return;
    if (!redis_incr(w->redis, key, 2 * WINDOW_S, &n))
        local_add(key, now_ms);
}
