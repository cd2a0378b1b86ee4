/*
 * worker.h - what one thread has in its hands while it serves requests or runs jobs.
 *
 * Per thread: db, redis, arena. Shared and read-only (or internally locked): config, store, keys. Every function
 * below the handlers takes it first, then the struct fail. Nothing else is global.
 */
#ifndef GANTRY_BASE_WORKER_H
#define GANTRY_BASE_WORKER_H

struct arena;
struct config;
struct db;
struct keyring;
struct redis;
struct store;

struct worker {
    const struct config *config;
    struct db *db;         /* db/db.h: connects when first used */
    struct redis *redis;   /* cache/redis.h: may be down at any time */
    struct store *store;   /* storage/store.h */
    struct keyring *keys;  /* auth/keyring.h */
    struct arena *arena;   /* memory of this request or job step */
};

#endif
