/*
 * token.h - rows of robot tokens, app tokens ($app) and OAuth tokens: one accessor a statement.
 *
 * hash is SHA-256 (auth/secret.h), sealed is what secret_encrypt() made, under the purposes below.
 * Texts are in the arena. Looking a token up by its hash needs no comparison in constant time: who
 * can steer the hash knows the token.
 */
#ifndef GANTRY_DB_TOKEN_H
#define GANTRY_DB_TOKEN_H

#include "base/arena.h"
#include "db/db.h"

/* What a sealed token is bound to: the robot's account id, the app token's uuid. */
#define PURPOSE_ROBOT_TOKEN "robot_token:%lld"
#define PURPOSE_APP_TOKEN   "app_token:%.*s"

struct robot_token {
    int64_t account_id;
    struct str hash, sealed;
    struct str description;
    int64_t created_ms;
};

enum err robot_token_insert(struct db *db, struct fail *f, const struct robot_token *in) MUST_CHECK;
/* hash, sealed and created_ms of *in; E_NO_ROW when the robot has no token (it is gone). */
enum err robot_token_update(struct db *db, struct fail *f, const struct robot_token *in) MUST_CHECK;
/* E_NO_ROW (not recorded in f). */
enum err robot_token_get(struct db *db, struct fail *f, struct arena *a, int64_t account_id,
                         struct robot_token *ret) MUST_CHECK;

struct app_token {
    int64_t id;
    struct str uuid;
    int64_t account_id;
    struct str title;
    struct str hash; /* for inserting only */
    struct str sealed;
    int64_t created_ms;
    int64_t expires_ms;       /* 0: never */
    int64_t last_accessed_ms; /* 0: never */
};

struct app_token_list {
    struct app_token *v;
    size_t n;
};

enum err app_token_insert(struct db *db, struct fail *f, const struct app_token *in) MUST_CHECK;
/* E_NO_ROW. Expired ones are found: the caller says so. */
enum err app_token_by_hash(struct db *db, struct fail *f, struct arena *a, struct str hash,
                           struct app_token *ret) MUST_CHECK;
enum err app_token_by_uuid(struct db *db, struct fail *f, struct arena *a, struct str uuid,
                           int64_t account_id, struct app_token *ret) MUST_CHECK;
/* In order of ids, those after `after` (0 for the first), at most limit. */
enum err app_token_list(struct db *db, struct fail *f, struct arena *a, int64_t account_id,
                        int64_t after, size_t limit, struct app_token_list *ret) MUST_CHECK;
/* Written only when the noted time lies before stale_ms. */
enum err app_token_touch(struct db *db, struct fail *f, int64_t id, int64_t now_ms,
                         int64_t stale_ms) MUST_CHECK;
/* E_NO_ROW when it is not the account's. */
enum err app_token_delete(struct db *db, struct fail *f, struct str uuid,
                          int64_t account_id) MUST_CHECK;
/* A bounded number of those that ran out before before_ms. */
enum err app_token_delete_expired(struct db *db, struct fail *f, int64_t before_ms,
                                  size_t limit, uint64_t *ret_removed) MUST_CHECK;

struct oauth_token {
    int64_t id;
    struct str uuid;
    int64_t account_id;
    struct str display_name;
    struct str scope; /* space-separated, Quay's names */
    struct str hash;  /* for inserting only */
    int64_t created_ms;
    int64_t expires_ms;
    int64_t last_accessed_ms; /* 0: never */
};

struct oauth_token_list {
    struct oauth_token *v;
    size_t n;
};

enum err oauth_token_insert(struct db *db, struct fail *f, const struct oauth_token *in) MUST_CHECK;
enum err oauth_token_by_hash(struct db *db, struct fail *f, struct arena *a, struct str hash,
                             struct oauth_token *ret) MUST_CHECK;
enum err oauth_token_list(struct db *db, struct fail *f, struct arena *a, int64_t account_id,
                          int64_t after, size_t limit, struct oauth_token_list *ret) MUST_CHECK;
enum err oauth_token_touch(struct db *db, struct fail *f, int64_t id, int64_t now_ms,
                           int64_t stale_ms) MUST_CHECK;
enum err oauth_token_delete(struct db *db, struct fail *f, struct str uuid,
                            int64_t account_id) MUST_CHECK;
enum err oauth_token_delete_expired(struct db *db, struct fail *f, int64_t before_ms,
                                    size_t limit, uint64_t *ret_removed) MUST_CHECK;

/* Whose token a uuid names, of either kind. E_NO_ROW (not recorded in f). */
struct token_owner {
    int64_t account_id;
    bool is_oauth;
};
enum err token_owner(struct db *db, struct fail *f, struct str uuid,
                     struct token_owner *ret) MUST_CHECK;

#endif
