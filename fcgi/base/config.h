/*
 * config.h - config.yaml, read once and then read-only.
 *
 * Keys are Quay's (settings.def). Unknown keys are warnings; wrong values are errors that name key, value and
 * reason, all of them and not only the first. Strings live as long as the config. A reload makes a new one.
 */
#ifndef GANTRY_BASE_CONFIG_H
#define GANTRY_BASE_CONFIG_H

#include "base/err.h"
#include "base/str.h"

struct strs {
    char **v;
    size_t n;
};

struct config_db {
    char *host, *user, *password, *name, *unix_socket, *ssl_ca;
    int port;
};

struct config_redis {
    char *host, *password, *unix_socket;
    int port, db;
};

struct config_storage {
    char *name;   /* the location, "default" */
    char *driver; /* "LocalStorage" */
    char *path;   /* storage_path */
};

struct config_pool {
    int processes, threads;
};

struct cidr {
    unsigned char addr[16]; /* IPv4 as ::ffff:a.b.c.d */
    int bits;               /* 0..128 */
};

struct cidrs {
    struct cidr *v;
    size_t n;
};

struct arena;

struct config {
    struct arena *arena; /* holds everything below */
    char *dir;           /* the directory that holds config/ (DIR of `gantry --dir DIR`) */
    char *path;          /* of the file read */

    char *server_hostname, *url_scheme, *authentication_type, *secret_key, *database_secret_key;
    char *library_namespace, *registry_state, *token_issuer, *log_level;
    bool external_tls, superusers_full_access, anonymous_access, public_catalog, extended_names;
    bool referrers_api, sparse_index, app_tokens, user_events, rate_limits, create_private;
    bool create_namespace, robots_disallow, disable_pushes, audit_logins;
    int64_t max_layer_size, max_manifest_size, push_temp_expiration_s, default_tag_expiration_s;
    int64_t key_lifetime_min, sign_in_failures, token_lifetime_s, listen_port, min_free_space,
        upload_expiration_s;
    struct strs storage_preference, storage_default_locations, super_users, readonly_super_users;
    struct strs robots_whitelist, tag_expiration_options, embedded;
    struct cidrs trusted_proxies, metrics_allow;
    struct config_db db;
    struct config_redis redis, redis_buildlogs;
    struct config_storage *storage;
    size_t n_storage;
    struct config_pool pool_registry, pool_upload, pool_api;
};

/* One thing found while reading. */
struct config_note {
    bool fatal; /* false: a warning (an unknown key) */
    char text[512];
};

struct config_notes {
    struct config_note *v;
    size_t n;
};
void config_notes_done(struct config_notes *notes);

/*
 * Reads DIR/config/config.yaml. *ret_notes gets every warning and error (to be ended by the caller, also on
 * failure); E_CONFIG when any is fatal. No logging here.
 */
enum err config_load(struct fail *f, const char *dir, struct config_notes *ret_notes,
                     struct config **ret) MUST_CHECK;
void config_free(struct config *c);
void config_freep(struct config **c);

/* DIR/<relative>; in out, PATH_MAX bytes. */
void config_path(const struct config *c, const char *relative, char *out);

bool strs_has(const struct strs *list, struct str s);

/* Whether a textual address (IPv4 or IPv6) lies in one of the networks. */
bool cidrs_has(const struct cidrs *list, struct str address);

/* Quay's durations and sizes: "2w", "30m"; "20G", "512M". False when malformed. */
bool config_duration(struct str s, int64_t *ret_seconds);
bool config_size(struct str s, int64_t *ret_bytes);

#endif
