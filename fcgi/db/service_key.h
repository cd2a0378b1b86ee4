/*
 * service_key.h - rows of the keys that sign registry tokens: one accessor a statement. What they
 * mean is auth/keyring.c's.
 */
#ifndef GANTRY_DB_SERVICE_KEY_H
#define GANTRY_DB_SERVICE_KEY_H

#include "base/arena.h"
#include "db/db.h"

struct service_key {
    struct str kid;
    struct str public_jwk; /* JSON */
    struct str private_sealed;
    int64_t created_ms, retires_ms, expires_ms;
};

struct service_key_list {
    struct service_key *v;
    size_t n;
};

/* Those that expire after now_ms, oldest first. */
enum err service_key_list(struct db *db, struct fail *f, struct arena *a, int64_t now_ms,
                          struct service_key_list *ret) MUST_CHECK;
enum err service_key_insert(struct db *db, struct fail *f, const struct service_key *in) MUST_CHECK;
enum err service_key_delete_expired(struct db *db, struct fail *f, int64_t now_ms) MUST_CHECK;

#endif
