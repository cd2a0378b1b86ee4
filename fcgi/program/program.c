/*
 * program.c - see program.h.
 */
#include "program/program.h"

#include "base/arena.h"
#include "cache/redis.h"
#include "db/db.h"

#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <signal.h>

/* Eight threads share two heaps, and what a large request took goes back to the kernel. */
#define HEAPS     2
#define GIVE_BACK (128 << 10)

void program_init(void)
{
    mallopt(M_ARENA_MAX, HEAPS);
    mallopt(M_MMAP_THRESHOLD, GIVE_BACK);
    mallopt(M_TRIM_THRESHOLD, GIVE_BACK);
    signal(SIGPIPE,
           SIG_IGN); /* a peer that left is an error of write(2), not the end of the process */
    json_object_seed(0);
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
    db_library_init();
}

void program_done(void)
{
    db_library_done();
}

enum err program_worker_init(struct worker *w, struct fail *f, const struct config *config,
                             struct store *store, struct keyring *keys)
{
    struct worker made = {
        .config = config,
        .store = store,
        .keys = keys,
        .arena = arena_new(ARENA_LIMIT),
        .db = db_new(&config->db),
        .redis = redis_new(&config->redis),
    };
    if (!made.arena || !made.db || !made.redis) {
        program_worker_done(&made);
        return fail_internal(f, E_NO_MEMORY, "no memory for a worker");
    }
    *w = made;
    return E_OK;
}

void program_worker_done(struct worker *w)
{
    redis_freep(&w->redis);
    db_freep(&w->db);
    arena_freep(&w->arena);
}
