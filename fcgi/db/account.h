/*
 * account.h - rows of users, organizations and robots: one accessor a statement.
 *
 * No rules in here: account/ knows who may be called what, and writes the audit rows. Texts of a
 * struct account are in the arena. A name is looked up byte for byte.
 */
#ifndef GANTRY_DB_ACCOUNT_H
#define GANTRY_DB_ACCOUNT_H

#include "base/arena.h"
#include "db/db.h"

enum account_kind {
    ACCOUNT_USER = 1,
    ACCOUNT_ORGANIZATION = 2,
    ACCOUNT_ROBOT = 3,
};

struct account {
    int64_t id;
    struct str uuid;
    enum account_kind kind;
    struct str name;          /* a robot's is namespace+short */
    struct str email;         /* p NULL: none */
    struct str password_hash; /* crypt(5); p NULL: none (organizations, robots, users that cannot
                                 sign in) */
    bool enabled;
    bool verified;
    int64_t namespace_id;      /* a robot's owner, else 0 */
    struct str namespace_name; /* a robot's owner's name */
    bool namespace_enabled;    /* a robot's owner's state; true for all others */
    int64_t removed_tag_expiration_s;
    int64_t invalid_login_attempts;
    int64_t last_invalid_login_ms;
    int64_t created_ms;
    int64_t last_accessed_ms; /* 0: never */
};

struct account_list {
    struct account *v;
    size_t n;
};

/* E_NO_ROW when there is none (not recorded in f). */
enum err account_by_id(struct db *db, struct fail *f, struct arena *a, int64_t id,
                       struct account *ret) MUST_CHECK;
enum err account_by_name(struct db *db, struct fail *f, struct arena *a, struct str name,
                         struct account *ret) MUST_CHECK;
enum err account_by_uuid(struct db *db, struct fail *f, struct arena *a, struct str uuid,
                         struct account *ret) MUST_CHECK;
enum err account_by_email(struct db *db, struct fail *f, struct arena *a, struct str email,
                          struct account *ret) MUST_CHECK;

/* In order of names, those after `after` ("" for the first), at most limit. */
enum err account_list(struct db *db, struct fail *f, struct arena *a, enum account_kind kind,
                      struct str after, size_t limit, struct account_list *ret) MUST_CHECK;
enum err account_robots(struct db *db, struct fail *f, struct arena *a, int64_t namespace_id,
                        struct str after, size_t limit, struct account_list *ret) MUST_CHECK;

/* uuid, kind, name, email, password_hash, verified, namespace_id, expiration and created_ms of *in;
 * E_DUPLICATE. */
enum err account_insert(struct db *db, struct fail *f, const struct account *in,
                        int64_t *ret_id) MUST_CHECK;

struct account_locked {
    int64_t id;
    enum account_kind kind;
    bool enabled;
};

/* Until the end of the transaction; E_NO_ROW when it is gone. */
enum err account_lock(struct db *db, struct fail *f, int64_t id,
                      struct account_locked *ret) MUST_CHECK;
enum err account_lock_name(struct db *db, struct fail *f, struct str name,
                           struct account_locked *ret) MUST_CHECK;

/* A new password also ends the back-off. */
enum err account_set_password(struct db *db, struct fail *f, int64_t id,
                              struct str hash) MUST_CHECK;
enum err account_set_enabled(struct db *db, struct fail *f, int64_t id, bool enabled) MUST_CHECK;

/* Sign-ins: counts a refused one, from 1 again when the last lies before forget_before_ms; forgets
 * them after a good one; notes when the account was last used. */
enum err account_login_failed(struct db *db, struct fail *f, int64_t id, int64_t now_ms,
                              int64_t forget_before_ms) MUST_CHECK;
enum err account_login_ok(struct db *db, struct fail *f, int64_t id) MUST_CHECK;
/* Written only when the noted time lies before stale_ms: not every request is worth a write. */
enum err account_touch(struct db *db, struct fail *f, int64_t id, int64_t now_ms,
                       int64_t stale_ms) MUST_CHECK;

/* The name becomes free, nobody signs in any more; the row stays for what still refers to it. */
enum err account_retire(struct db *db, struct fail *f, int64_t id) MUST_CHECK;
enum err account_delete(struct db *db, struct fail *f, int64_t id) MUST_CHECK;
enum err account_delete_robots(struct db *db, struct fail *f, int64_t namespace_id) MUST_CHECK;
/* Retired accounts without a repository, at most limit. */
enum err account_retired(struct db *db, struct fail *f, struct arena *a, size_t limit,
                         int64_t **ret_ids, size_t *ret_n) MUST_CHECK;

#endif
