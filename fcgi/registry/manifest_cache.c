/*
 * manifest_cache.c - see manifest_cache.h: a chained hash table and a list in order of use, under one lock.
 *
 * Readers take a reference under the lock and copy outside of it, so that a large manifest delays nobody. The hash is
 * the digest's own first bytes: whoever can choose them has found preimages of SHA-2.
 */
#include "registry/manifest_cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define BUCKETS   4096u /* a power of two; 16 MiB of ordinary manifests are some 8,000 */
#define ENTRY_MAX (MANIFEST_CACHE_BYTES / 16)

struct entry {
    struct entry *chain;         /* of the bucket */
    struct entry *newer, *older; /* in order of use */
    struct digest digest;
    atomic_int refs; /* the table's own, and readers copying */
    size_t n;
    char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *buckets[BUCKETS];
static struct entry *newest, *oldest;
static size_t used;

static size_t bucket_of(const struct digest *d)
{
    uint32_t h;
    memcpy(&h, d->raw + 1, sizeof(h));
    return h & (BUCKETS - 1);
}

static void release(struct entry *e)
{
    if (atomic_fetch_sub(&e->refs, 1) == 1)
        free(e);
}

static struct entry *find(const struct digest *d)
{
    struct entry *e = buckets[bucket_of(d)];
    while (e && !digest_eq(&e->digest, d))
        e = e->chain;
    return e;
}

static void list_remove(struct entry *e)
{
    if (e->newer)
        e->newer->older = e->older;
    else
        newest = e->older;
    if (e->older)
        e->older->newer = e->newer;
    else
        oldest = e->newer;
}

static void list_add(struct entry *e)
{
    e->newer = NULL;
    e->older = newest;
    if (newest)
        newest->newer = e;
    else
        oldest = e;
    newest = e;
}

static void evict_oldest(void)
{
    struct entry *e = oldest;
    struct entry **at = &buckets[bucket_of(&e->digest)];
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    list_remove(e);
    used -= sizeof(*e) + e->n;
    release(e);
}

bool manifest_cache_get(struct arena *a, const struct digest *d, struct str *ret)
{
    pthread_mutex_lock(&lock);
    struct entry *e = find(d);
    if (e) {
        atomic_fetch_add(&e->refs, 1);
        list_remove(e);
        list_add(e);
    }
    pthread_mutex_unlock(&lock);
    if (!e)
        return false;
    struct str copy = arena_str(a, (struct str){e->bytes, e->n});
    release(e);
    if (!copy.p)
        return false;
    *ret = copy;
    return true;
}

void manifest_cache_put(const struct digest *d, struct str bytes)
{
    if (bytes.n > ENTRY_MAX)
        return;
    struct entry *e = malloc(sizeof(*e) + bytes.n);
    if (!e)
        return;
    *e = (struct entry){.digest = *d, .refs = 1, .n = bytes.n};
    if (bytes.n)
        memcpy(e->bytes, bytes.p, bytes.n);

    pthread_mutex_lock(&lock);
    bool is_new = !find(d);
    if (is_new) {
        e->chain = buckets[bucket_of(d)];
        buckets[bucket_of(d)] = e;
        list_add(e);
        used += sizeof(*e) + e->n;
        while (used > MANIFEST_CACHE_BYTES)
            evict_oldest();
    }
    pthread_mutex_unlock(&lock);
    if (!is_new)
        free(e);
}

size_t manifest_cache_used(void)
{
    pthread_mutex_lock(&lock);
    size_t n = used;
    pthread_mutex_unlock(&lock);
    return n;
}

void manifest_cache_clear(void)
{
    pthread_mutex_lock(&lock);
    while (oldest)
        evict_oldest();
    pthread_mutex_unlock(&lock);
}
