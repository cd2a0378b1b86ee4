/*
 * token_cache.c - see token_cache.h. The hash is SHA-256 of what a client sends, so its first bytes
 * spread evenly and nobody can aim at a set without finding hashes; the sets are small and a lock
 * is held for a copy of some hundred bytes.
 */
#include "auth/token_cache.h"

#include <pthread.h>
#include <stdlib.h>

#define SETS        512
#define WAYS        4
#define PAYLOAD_MAX 4096

struct entry {
    uint8_t hash[SECRET_HASH];
    char kid[KID_MAX];
    size_t kid_n;
    char *payload; /* NULL: empty */
    size_t payload_n;
    uint64_t used; /* ticks of the cache's own clock */
};

struct token_cache {
    pthread_mutex_t lock;
    uint64_t tick;
    struct entry sets[SETS][WAYS];
};

struct token_cache *token_cache_new(void)
{
    struct token_cache *c = calloc(1, sizeof(*c));
    if (c)
        pthread_mutex_init(&c->lock, NULL);
    return c;
}

void token_cache_free(struct token_cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < SETS * WAYS; i++)
        free(c->sets[i / WAYS][i % WAYS].payload);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static struct entry *set_of(struct token_cache *c, const uint8_t *hash)
{
    return c->sets[((size_t)hash[0] << 8 | hash[1]) % SETS];
}

bool token_cache_get(struct token_cache *c, struct arena *a, const uint8_t hash[static SECRET_HASH],
                     struct str *ret_kid, struct str *ret_payload)
{
    struct entry *set = set_of(c, hash);
    bool found = false;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < WAYS && !found; i++) {
        struct entry *at = &set[i];
        if (!at->payload || memcmp(at->hash, hash, SECRET_HASH) != 0)
            continue;
        struct str kid = arena_str(a, (struct str){at->kid, at->kid_n});
        struct str payload = arena_str(a, (struct str){at->payload, at->payload_n});
        found = kid.p && payload.p;
        if (found) {
            at->used = ++c->tick;
            *ret_kid = kid;
            *ret_payload = payload;
        }
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

void token_cache_put(struct token_cache *c, const uint8_t hash[static SECRET_HASH], struct str kid,
                     struct str payload)
{
    struct entry *set = set_of(c, hash), *to = &set[0];
    if (payload.n > PAYLOAD_MAX || kid.n > KID_MAX)
        return;
    char *copy = malloc(payload.n + 1);
    if (!copy)
        return;
    if (payload.n)
        memcpy(copy, payload.p, payload.n);
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].payload && memcmp(set[i].hash, hash, SECRET_HASH) == 0) {
            to = &set[i]; /* two threads verified the same token at once */
            break;
        }
        if (set[i].used < to->used)
            to = &set[i];
    }
    char *old = to->payload;
    memcpy(to->hash, hash, SECRET_HASH);
    memcpy(to->kid, kid.p, kid.n);
    to->kid_n = kid.n;
    to->payload = copy;
    to->payload_n = payload.n;
    to->used = ++c->tick;
    pthread_mutex_unlock(&c->lock);
    free(old);
}
