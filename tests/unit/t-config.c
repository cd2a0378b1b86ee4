/*
 * t-config.c - config.yaml: what is read, what is refused with key, value and reason, and that
 * secrets stay secret.
 */
#include "base/cleanup.h"
#include "base/config.h"

#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static char dir[] = "/tmp/gantry-t-config-XXXXXX";

struct loaded {
    enum err err;
    struct fail fail;
    struct config_notes notes;
    struct config *c;
};

static void file_write(const char *text, size_t n)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/config/config.yaml", dir);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
}

static struct loaded load_bytes(const char *text, size_t n)
{
    struct loaded l = {.c = NULL};
    file_write(text, n);
    l.err = config_load(&l.fail, dir, &l.notes, &l.c);
    assert_true((l.err == E_OK) == (l.c != NULL));
    return l;
}

#define REQUIRED                                                                                   \
    "SERVER_HOSTNAME: localhost:8443\n"                                                            \
    "DB_URI: mysql+pymysql://gantry:pw@127.0.0.1/gantry\n"                                         \
    "DATABASE_SECRET_KEY: 0123456789abcdef0123456789abcdef\n"                                      \
    "DISTRIBUTED_STORAGE_CONFIG: {default: [LocalStorage, {storage_path: /data}]}\n"

static struct loaded load(const char *more)
{
    char text[16384];
    int n = snprintf(text, sizeof(text), "%s%s", REQUIRED, more);
    assert_in_range(n, 1, (int)sizeof(text) - 1);
    return load_bytes(text, (size_t)n);
}

static void done(struct loaded *l)
{
    config_notes_done(&l->notes);
    config_freep(&l->c);
}

static size_t count(const struct loaded *l, bool fatal)
{
    size_t n = 0;
    for (size_t i = 0; i < l->notes.n; i++)
        n += l->notes.v[i].fatal == fatal;
    return n;
}

static bool noted(const struct loaded *l, bool fatal, const char *part)
{
    for (size_t i = 0; i < l->notes.n; i++) {
        if (l->notes.v[i].fatal == fatal && strstr(l->notes.v[i].text, part))
            return true;
    }
    return false;
}

/* Refused with exactly one fatal note that has all of the parts in it. */
static void refused(const char *more, const char *key, const char *value, const char *reason)
{
    struct loaded l = load(more);
    if (l.err != E_CONFIG || count(&l, true) != 1 || !noted(&l, true, key) ||
        !noted(&l, true, value) || !noted(&l, true, reason)) {
        print_message("# for: %s", more);
        for (size_t i = 0; i < l.notes.n; i++)
            print_message("# note: %s\n", l.notes.v[i].text);
        fail_msg("expected one error with \"%s\", \"%s\" and \"%s\"", key, value, reason);
    }
    assert_non_null(strstr(l.fail.message, key));
    done(&l);
}

static void defaults(void **state)
{
    (void)state;
    struct loaded l = load("");
    assert_int_equal(l.err, E_OK);
    assert_int_equal(l.notes.n, 0);
    const struct config *c = l.c;
    assert_string_equal(c->server_hostname, "localhost:8443");
    assert_string_equal(c->url_scheme, "https");
    assert_string_equal(c->secret_key, "");
    assert_string_equal(c->library_namespace, "library");
    assert_string_equal(c->token_issuer, "quay");
    assert_true(c->anonymous_access && c->referrers_api && c->create_private && c->extended_names);
    assert_false(c->sparse_index || c->external_tls || c->create_namespace || c->public_catalog);
    assert_int_equal(c->max_layer_size, 20LL << 30);
    assert_int_equal(c->max_manifest_size, 4 << 20);
    assert_int_equal(c->default_tag_expiration_s, 14 * 86400);
    assert_int_equal(c->upload_expiration_s, 2 * 86400);
    assert_int_equal(c->listen_port, 8443);
    assert_int_equal(c->token_lifetime_s, 3600);
    assert_int_equal(c->pool_registry.processes, 2);
    assert_int_equal(c->pool_registry.threads, 8);
    assert_int_equal(c->pool_upload.processes, 1);
    assert_int_equal(c->pool_api.threads, 4);
    assert_int_equal(c->super_users.n, 0);
    assert_int_equal(c->embedded.n, 3);
    assert_true(strs_has(&c->embedded, STR("redis")));
    assert_false(strs_has(&c->embedded, STR("redi")));
    assert_string_equal(c->redis.host, "localhost");
    assert_int_equal(c->redis.port, 6379);
    assert_null(c->redis.password);
    assert_null(c->redis.unix_socket);
    assert_int_equal(c->n_storage, 1);
    assert_string_equal(c->storage[0].name, "default");
    assert_string_equal(c->storage[0].driver, "LocalStorage");
    assert_string_equal(c->storage[0].path, "/data");
    assert_true(cidrs_has(&c->metrics_allow, STR("127.9.9.9")));
    assert_false(cidrs_has(&c->metrics_allow, STR("128.0.0.1")));
    done(&l);
}

static void values(void **state)
{
    (void)state;
    struct loaded l =
        load("SUPER_USERS:\n  - admin\n  - \"o'brien\"\n"
             "GLOBAL_READONLY_SUPER_USERS: null\n"
             "FEATURE_SPARSE_INDEX: True\nFEATURE_USER_EVENTS: off\nEXTERNAL_TLS_TERMINATION: YES\n"
             "MAXIMUM_LAYER_SIZE: 512M\nGANTRY_MIN_FREE_SPACE: 0\nGANTRY_LISTEN_PORT: 65535\n"
             "GANTRY_EMBEDDED: []\nGANTRY_POOL_UPLOAD: 3x17\n"
             "DEFAULT_TAG_EXPIRATION: 1d\nSECRET_KEY: \"a: b # c\"\nDISABLE_PUSHES: ~\n");
    assert_int_equal(l.err, E_OK);
    assert_int_equal(l.notes.n, 0);
    assert_int_equal(l.c->super_users.n, 2);
    assert_string_equal(l.c->super_users.v[1], "o'brien");
    assert_int_equal(l.c->readonly_super_users.n, 0);
    assert_true(l.c->sparse_index && l.c->external_tls);
    assert_false(l.c->user_events || l.c->disable_pushes);
    assert_int_equal(l.c->max_layer_size, 512 << 20);
    assert_int_equal(l.c->min_free_space, 0);
    assert_int_equal(l.c->listen_port, 65535);
    assert_int_equal(l.c->embedded.n, 0);
    assert_int_equal(l.c->pool_upload.processes, 3);
    assert_int_equal(l.c->pool_upload.threads, 17);
    assert_string_equal(l.c->secret_key, "a: b # c");
    done(&l);
}

static void where_it_lies(void **state)
{
    (void)state;
    char out[PATH_MAX], real[PATH_MAX], expected[PATH_MAX + 8];
    struct loaded l = load("");
    assert_non_null(realpath(dir, real));
    assert_string_equal(l.c->dir, real);
    config_path(l.c, "run/x", out);
    snprintf(expected, sizeof(expected), "%s/run/x", real);
    assert_string_equal(out, expected);
    done(&l);
}

static void unknown_keys(void **state)
{
    (void)state;
    struct loaded l = load("FEATURE_FLYING: true\nLDAP_URI: [a, {b: c}]\n"
                           "USER_EVENTS_REDIS: {host: r, colour: red}\n");
    assert_int_equal(l.err, E_OK);
    assert_int_equal(count(&l, true), 0);
    assert_int_equal(count(&l, false), 3);
    assert_true(noted(&l, false, "FEATURE_FLYING (line 5)"));
    assert_true(noted(&l, false, "LDAP_URI"));
    assert_true(noted(&l, false, "USER_EVENTS_REDIS.colour"));
    done(&l);
}

static void wrong_values(void **state)
{
    (void)state;
    refused("FEATURE_SPARSE_INDEX: maybe\n", "FEATURE_SPARSE_INDEX", "\"maybe\" (line 5)",
            "true or false");
    refused("FEATURE_SPARSE_INDEX: \"true\"\n", "FEATURE_SPARSE_INDEX", "\"true\"",
            "without quotes");
    refused("FEATURE_SPARSE_INDEX: [true]\n", "FEATURE_SPARSE_INDEX", "a list", "one value");
    refused("GANTRY_LISTEN_PORT: 0\n", "GANTRY_LISTEN_PORT", "\"0\"", "1 to 65535");
    refused("GANTRY_LISTEN_PORT: 65536\n", "GANTRY_LISTEN_PORT", "65536", "1 to 65535");
    refused("GANTRY_LISTEN_PORT: 84_43\n", "GANTRY_LISTEN_PORT", "84_43", "whole number");
    refused("GANTRY_LISTEN_PORT: 99999999999999999999\n", "GANTRY_LISTEN_PORT", "9999",
            "whole number");
    refused("REGISTRY_JWT_AUTH_MAX_FRESH_S: 59\n", "REGISTRY_JWT_AUTH_MAX_FRESH_S", "59",
            "60 to 86400");
    refused("MAXIMUM_LAYER_SIZE: 20X\n", "MAXIMUM_LAYER_SIZE", "20X", "a size");
    refused("MAXIMUM_LAYER_SIZE: 0\n", "MAXIMUM_LAYER_SIZE", "0", "least that is accepted is 1");
    refused("MAXIMUM_MANIFEST_SIZE: 17M\n", "MAXIMUM_MANIFEST_SIZE", "17M", "1024 to 16777216");
    refused("GANTRY_UPLOAD_EXPIRATION: 2\n", "GANTRY_UPLOAD_EXPIRATION", "\"2\"", "a duration");
    refused("GANTRY_UPLOAD_EXPIRATION: 59s\n", "GANTRY_UPLOAD_EXPIRATION", "59s",
            "least that is accepted is 60");
    refused("SUPER_USERS: admin\n", "SUPER_USERS", "\"admin\"", "a list");
    refused("SUPER_USERS: [admin, [x]]\n", "SUPER_USERS", "a list", "one value");
    refused("SUPER_USERS: [\"\"]\n", "SUPER_USERS", "\"\"", "0 bytes");
    refused("TRUSTED_PROXY_CIDR: [10.0.0.0/33]\n", "TRUSTED_PROXY_CIDR", "10.0.0.0/33",
            "a network");
    refused("TRUSTED_PROXY_CIDR: [balancer]\n", "TRUSTED_PROXY_CIDR", "balancer", "a network");
    refused("GANTRY_POOL_API: 0x4\n", "GANTRY_POOL_API", "0x4", "1 to 64");
    refused("GANTRY_POOL_API: 1x257\n", "GANTRY_POOL_API", "1x257", "1 to 256 threads");
    refused("GANTRY_POOL_API: 4\n", "GANTRY_POOL_API", "\"4\"", "2x8");
    refused("PREFERRED_URL_SCHEME: ftps\n", "PREFERRED_URL_SCHEME", "ftps", "http https");
    refused("AUTHENTICATION_TYPE: LDAP\n", "AUTHENTICATION_TYPE", "LDAP", "Database");
    refused("REGISTRY_STATE: broken\n", "REGISTRY_STATE", "broken", "normal readonly");
    refused("GANTRY_LOG_LEVEL: loud\n", "GANTRY_LOG_LEVEL", "loud", "debug info warn error");
    refused("GANTRY_EMBEDDED: [mariadb, apache]\n", "GANTRY_EMBEDDED", "apache",
            "mariadb redis nginx");
    refused("LIBRARY_NAMESPACE: Lib\n", "LIBRARY_NAMESPACE", "Lib", "lower-case");
    refused("LIBRARY_NAMESPACE: a..b\n", "LIBRARY_NAMESPACE", "a..b", "lower-case");
    refused("DISTRIBUTED_STORAGE_PREFERENCE: [s3]\n", "DISTRIBUTED_STORAGE_PREFERENCE", "s3",
            "no storage");
    refused("DEFAULT_TAG_EXPIRATION: 3w\n", "DEFAULT_TAG_EXPIRATION", "", "TAG_EXPIRATION_OPTIONS");
    refused("TAG_EXPIRATION_OPTIONS: [2w, soon]\n", "TAG_EXPIRATION_OPTIONS", "soon", "a duration");
    refused("SECRET_KEY: \"a\\tb\"\n", "SECRET_KEY", "(not shown)", "control");
}

static void host_names(void **state)
{
    static const char *const good[] = {"quay.example.com", "h", "10.0.0.1:443", "[::1]",
                                       "[fe80::1]:8443"};
    static const char *const bad[] = {"https://quay.example.com",
                                      "h/x",
                                      "h:",
                                      "h:0",
                                      "h:65536",
                                      "h:8443:1",
                                      "[::1",
                                      "[]",
                                      "[::1]x",
                                      ":443",
                                      "h_1",
                                      "h h"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]) + sizeof(bad) / sizeof(bad[0]); i++) {
        bool is_good = i < sizeof(good) / sizeof(good[0]);
        const char *name = is_good ? good[i] : bad[i - sizeof(good) / sizeof(good[0])];
        char text[1024];
        int n = snprintf(text, sizeof(text), "SERVER_HOSTNAME: \"%s\"\n%s", name,
                         strchr(REQUIRED, '\n') + 1);
        struct loaded l = load_bytes(text, (size_t)n);
        if ((l.err == E_OK) != is_good)
            fail_msg("SERVER_HOSTNAME: %s was %s", name, is_good ? "refused" : "accepted");
        done(&l);
    }
}

static void every_error_is_told(void **state)
{
    (void)state;
    static const char text[] = "GANTRY_LISTEN_PORT: x\nFEATURE_SPARSE_INDEX: 2\nSUPER_USERS: 1\n";
    struct loaded l = load_bytes(text, sizeof(text) - 1);
    assert_int_equal(l.err, E_CONFIG);
    assert_true(noted(&l, true, "SERVER_HOSTNAME: is missing"));
    assert_true(noted(&l, true, "DB_URI: is missing"));
    assert_true(noted(&l, true, "DATABASE_SECRET_KEY: is missing"));
    assert_true(noted(&l, true, "DISTRIBUTED_STORAGE_CONFIG: is missing"));
    assert_true(noted(&l, true, "GANTRY_LISTEN_PORT"));
    assert_true(noted(&l, true, "FEATURE_SPARSE_INDEX"));
    assert_true(noted(&l, true, "SUPER_USERS"));
    assert_int_equal(count(&l, true), 7);
    assert_non_null(strstr(l.fail.message, "7 errors"));
    done(&l);
}

/* DB_URI in place of the one in REQUIRED. */
static struct loaded load_db(const char *uri)
{
    char text[1024];
    int n = snprintf(text, sizeof(text),
                     "SERVER_HOSTNAME: h\nDATABASE_SECRET_KEY: 0123456789abcdef\n"
                     "DISTRIBUTED_STORAGE_CONFIG: {default: [LocalStorage, {storage_path: "
                     "/data}]}\nDB_URI: \"%s\"\n",
                     uri);
    return load_bytes(text, (size_t)n);
}

static void db_uri(void **state)
{
    (void)state;
    struct loaded l = load_db("mysql+pymysql://us%40er:p%25w%3A%2f@db.example.com:3307/quay%5Fdb");
    assert_int_equal(l.err, E_OK);
    assert_string_equal(l.c->db.user, "us@er");
    assert_string_equal(l.c->db.password, "p%w:/");
    assert_string_equal(l.c->db.host, "db.example.com");
    assert_int_equal(l.c->db.port, 3307);
    assert_string_equal(l.c->db.name, "quay_db");
    assert_null(l.c->db.unix_socket);
    assert_null(l.c->db.ssl_ca);
    done(&l);

    l = load_db(
        "mysql://root@/gantry?unix_socket=/run/my%20sql.sock&ssl_ca=/etc/ca.pem&charset=utf8mb4");
    assert_int_equal(l.err, E_OK);
    assert_string_equal(l.c->db.password, "");
    assert_string_equal(l.c->db.host, "");
    assert_string_equal(l.c->db.unix_socket, "/run/my sql.sock");
    assert_string_equal(l.c->db.ssl_ca, "/etc/ca.pem");
    assert_int_equal(l.c->db.port, 3306);
    assert_true(noted(&l, false, "charset"));
    done(&l);

    l = load_db("mysql://u:a:b@c@[fd00::1]:3308/n"); /* the last '@' ends the password */
    assert_int_equal(l.err, E_OK);
    assert_string_equal(l.c->db.password, "a:b@c");
    assert_string_equal(l.c->db.host, "fd00::1");
    assert_int_equal(l.c->db.port, 3308);
    done(&l);
}

static void db_uri_refused(void **state)
{
    static const struct {
        const char *uri, *reason;
    } rows[] = {
        {"", "an address is expected"},
        {"localhost/gantry", "an address is expected"},
        {"://u:hunter2@h/n", "an address is expected"},
        {"postgresql://u:hunter2@h/n", "postgresql:// is not supported"},
        {"mysql://u:hunter2%@h/n", "password has a '%'"},
        {"mysql://u:hunter2%4@h/n", "password has a '%'"},
        {"mysql://u:hunter2%zz@h/n", "password has a '%'"},
        {"mysql://u:hunter2%00@h/n", "control character"},
        {"mysql://u:hunter2@h:port/n", "the port"},
        {"mysql://u:hunter2@h:0/n", "the port"},
        {"mysql://u:hunter2@h:65536/n", "the port"},
        {"mysql://u:hunter2@[::1/n", "no ']'"},
        {"mysql://u:hunter2@[::1]3/n", "after ']'"},
        {"mysql://u:hunter2@h/", "name one database"},
        {"mysql://u:hunter2@h", "name one database"},
        {"mysql://u:hunter2@h/a/b", "name one database"},
        {"mysql://:hunter2@h/n", "no user"},
        {"mysql://u:hunter2@/n", "neither a host nor"},
        {"mysql://u:hunter2@/n?unix_socket=run/x", "absolute"},
        {"mysql://u:hunter2@h/n?ssl_ca=ca.pem", "absolute"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loaded l = load_db(rows[i].uri);
        if (l.err != E_CONFIG || !noted(&l, true, "DB_URI") || !noted(&l, true, rows[i].reason))
            fail_msg("DB_URI %s: %s", rows[i].uri, l.notes.n ? l.notes.v[0].text : "accepted");
        done(&l);
    }
}

/* Whatever is wrong around them, passwords and keys are not repeated. */
static void secrets_are_not_shown(void **state)
{
    static const char *const texts[] = {
        REQUIRED "SECRET_KEY: [hunter2]\n",
        REQUIRED "SECRET_KEY: \"hunter2\\n\"\n",
        REQUIRED "USER_EVENTS_REDIS: {host: r, password: [hunter2]}\n",
        REQUIRED "USER_EVENTS_REDIS: {host: r, password: \"hunter2\\n\"}\n",
        REQUIRED "BUILDLOGS_REDIS: \"hunter2@r\"\n"
                 "USER_EVENTS_REDIS: {password: hunter2, ssl: true}\n",
        "DATABASE_SECRET_KEY: hunter2\n",
        "DB_URI: [mysql, hunter2]\n",
        "DB_URI: hunter2\n",
        "DB_URI: mysql://u:hunter2@h:hunter2/n\n",
        "DB_URI: mysql://u:x@h:1/n?unix_socket=hunter2\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct loaded l = load_bytes(texts[i], strlen(texts[i]));
        assert_int_equal(l.err, E_CONFIG);
        if (noted(&l, true, "hunter2") || noted(&l, false, "hunter2") ||
            strstr(l.fail.message, "hunter2"))
            fail_msg("shown: %s", texts[i]);
        done(&l);
    }
}

static void redis_mappings(void **state)
{
    (void)state;
    struct loaded l = load("USER_EVENTS_REDIS: {host: redis.example.com, port: 6380, password: \"p "
                           "w\", db: 3, ssl: false}\n"
                           "BUILDLOGS_REDIS:\n  unix_socket: /run/redis.sock\n  password:\n");
    assert_int_equal(l.err, E_OK);
    assert_string_equal(l.c->redis.host, "redis.example.com");
    assert_int_equal(l.c->redis.port, 6380);
    assert_string_equal(l.c->redis.password, "p w");
    assert_int_equal(l.c->redis.db, 3);
    assert_string_equal(l.c->redis_buildlogs.unix_socket, "/run/redis.sock");
    assert_null(l.c->redis_buildlogs.host);
    assert_null(l.c->redis_buildlogs.password);
    done(&l);
    refused("USER_EVENTS_REDIS: {port: 1}\n", "USER_EVENTS_REDIS", "", "neither a host nor");
    refused("USER_EVENTS_REDIS: {host: r, port: 0}\n", "USER_EVENTS_REDIS.port", "\"0\"",
            "1 to 65535");
    refused("USER_EVENTS_REDIS: {host: r, db: -1}\n", "USER_EVENTS_REDIS.db", "-1", "whole number");
    refused("USER_EVENTS_REDIS: {host: r, ssl: true}\n", "USER_EVENTS_REDIS.ssl", "",
            "TLS to Redis");
    refused("USER_EVENTS_REDIS: {unix_socket: redis.sock}\n", "USER_EVENTS_REDIS.unix_socket", "",
            "absolute");
    refused("USER_EVENTS_REDIS: redis\n", "USER_EVENTS_REDIS", "(line 5)", "a mapping");
}

static struct loaded load_storage(const char *value)
{
    char text[1024];
    int n = snprintf(
        text, sizeof(text),
        "SERVER_HOSTNAME: h\nDATABASE_SECRET_KEY: 0123456789abcdef\nDB_URI: mysql://u@h/n\n"
        "DISTRIBUTED_STORAGE_CONFIG: %s\n",
        value);
    return load_bytes(text, (size_t)n);
}

static void storages(void **state)
{
    static const struct {
        const char *value, *reason;
    } rows[] = {
        {"{}", "a mapping is expected"},
        {"[]", "a mapping is expected"},
        {"LocalStorage", "a mapping is expected"},
        {"{a: LocalStorage}", "[driver, {parameters}]"},
        {"{a: [LocalStorage]}", "[driver, {parameters}]"},
        {"{a: [LocalStorage, /data]}", "[driver, {parameters}]"},
        {"{a: [LocalStorage, {storage_path: /data}, x]}", "[driver, {parameters}]"},
        {"{a: [S3Storage, {s3_bucket: b}]}",
         "\"S3Storage\" (line 4): this driver is not supported"},
        {"{a: [LocalStorage, {}]}", "storage_path is missing"},
        {"{a: [LocalStorage, {storage_path: data}]}", "absolute"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loaded l = load_storage(rows[i].value);
        if (l.err != E_CONFIG || !noted(&l, true, "DISTRIBUTED_STORAGE_CONFIG") ||
            !noted(&l, true, rows[i].reason))
            fail_msg("%s: %s", rows[i].value, l.notes.n ? l.notes.v[0].text : "accepted");
        done(&l);
    }
    struct loaded l = load_storage(
        "{b: [LocalStorage, {storage_path: /b, extra: 1}], a: [LocalStorage, {storage_path: /a}]}\n"
        "DISTRIBUTED_STORAGE_PREFERENCE: [a, b]");
    assert_int_equal(l.err, E_OK);
    assert_int_equal(l.c->n_storage, 2);
    assert_string_equal(l.c->storage[0].name, "b");
    assert_string_equal(l.c->storage[1].path, "/a");
    assert_string_equal(l.c->storage_preference.v[0], "a");
    assert_true(noted(&l, false, "DISTRIBUTED_STORAGE_CONFIG.b.extra"));
    done(&l);
}

static void yaml_refused(void **state)
{
    (void)state;
    refused("GANTRY_LISTEN_PORT: 1\nGANTRY_LISTEN_PORT: 2\n", "GANTRY_LISTEN_PORT", "line 5",
            "line 6");
    refused("X: {a: 1, a: 2}\n", "a: stands twice", "line 5", "remove one");
    refused("X: &x 1\nY: *x\n", "line 6", "aliases", "write the value out");
    refused("X: !!python/object:os.system 1\n", "line 5", "tags", "plainly");
    refused("X: !!str 1\n", "line 5", "tags", "plainly");
    refused("X: !x {}\n", "line 5", "tags", "plainly");
    refused("---\nX: 1\n", "line 5", "second document", "one is accepted");
    refused("X: [1\n", "not valid YAML", "line", "");
    refused("X: \x01\n", "not valid YAML", "line", "");
    refused("X: \"a\\0b\"\n", "line 5", "NUL", "value");
    refused("? [a]\n: 1\n", "line 5", "key", "plain text");
    refused("X: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n", "line 5", "deeper", "16");
    struct loaded l =
        load("X: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]\n"); /* 16 with the file's own mapping */
    assert_int_equal(l.err, E_OK);
    done(&l);
}

static void no_mapping(void **state)
{
    static const char *const texts[] = {"", "# nothing\n", "- a\n", "text\n", "~\n"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct loaded l = load_bytes(texts[i], strlen(texts[i]));
        assert_int_equal(l.err, E_CONFIG);
        assert_true(noted(&l, true, "KEY: value"));
        done(&l);
    }
}

static void too_much(void **state)
{
    (void)state;
    size_t n = (1u << 20) + 1;
    CLEANUP(ptr_free) char *text = malloc(n);
    assert_non_null(text);
    memset(text, '\n', n);
    memcpy(text, REQUIRED, strlen(REQUIRED));
    struct loaded l = load_bytes(text, n - 1);
    assert_int_equal(l.err, E_OK); /* 1 MiB exactly */
    done(&l);
    l = load_bytes(text, n);
    assert_int_equal(l.err, E_CONFIG);
    assert_true(noted(&l, true, "larger than 1 MiB"));
    done(&l);
    for (size_t i = 0; i + 2 <= n; i += 2)
        memcpy(text + i, i ? "1," : "X:", 2);
    memcpy(text, "X: [", 4);
    text[n - 2] = ']';
    l = load_bytes(text, n - 1);
    assert_int_equal(l.err, E_CONFIG);
    assert_true(noted(&l, true, "4096 members"));
    done(&l);
}

static void many_notes(void **state)
{
    (void)state;
    char text[16384];
    size_t at = 0;
    for (int i = 0; i < 1000; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "UNKNOWN%03d: 1\n", i);
    struct loaded l = load_bytes(text, at);
    assert_int_equal(l.err, E_CONFIG);
    assert_int_equal(l.notes.n, 201);
    assert_true(noted(&l, true, "more than these 200"));
    done(&l);
}

static void no_file(void **state)
{
    (void)state;
    struct loaded l = {.c = NULL};
    l.err = config_load(&l.fail, "/nonexistent/gantry", &l.notes, &l.c);
    assert_int_equal(l.err, E_CONFIG);
    assert_null(l.c);
    assert_true(
        noted(&l, true, "/nonexistent/gantry/config/config.yaml: cannot be read: No such file"));
    done(&l);
    char path[128];
    snprintf(path, sizeof(path), "%s/config/config.yaml", dir);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    l.err = config_load(&l.fail, dir, &l.notes, &l.c);
    assert_int_equal(l.err, E_CONFIG);
    assert_true(noted(&l, true, "is not a file"));
    done(&l);
    rmdir(path);
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        int64_t s;
    } good[] = {
        {"0s", 0},     {"1s", 1},       {"30m", 1800},    {"2h", 7200},
        {"1d", 86400}, {"2w", 1209600}, {"1y", 31536000}, {"9223372036854775807s", INT64_MAX}};
    static const char *const bad[] = {"",
                                      "s",
                                      "1",
                                      "-1s",
                                      "+1s",
                                      " 1s",
                                      "1s ",
                                      "1S",
                                      "1.5h",
                                      "1ms",
                                      "1 s",
                                      "0x1s",
                                      "9223372036854775808s",
                                      "15250284452472w",
                                      "99999999999999999999y"};
    int64_t v = 77;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(config_duration(str_z(good[i].text), &v));
        assert_int_equal(v, good[i].s);
    }
    v = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (config_duration(str_z(bad[i]), &v) || v != 77)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        int64_t n;
    } good[] = {{"0", 0},
                {"1024", 1024},
                {"1K", 1024},
                {"3M", 3 << 20},
                {"20G", 20LL << 30},
                {"8388607T", 8388607LL << 40},
                {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {
        "", "G", "-1", "1g", "1GB", "1.5G", "1 G", "8388608T", "9223372036854775808", "1P"};
    int64_t v = 77;
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(config_size(str_z(good[i].text), &v));
        assert_int_equal(v, good[i].n);
    }
    v = 77;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (config_size(str_z(bad[i]), &v) || v != 77)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

static void networks(void **state)
{
    static const struct {
        const char *list, *address;
        bool in;
    } rows[] = {
        {"[10.1.2.3/8]", "10.255.0.1", true},
        {"[10.0.0.0/8]", "11.0.0.1", false},
        {"[10.0.0.128/25]", "10.0.0.128", true},
        {"[10.0.0.128/25]", "10.0.0.127", false},
        {"[192.0.2.1]", "192.0.2.1", true},
        {"[192.0.2.1]", "192.0.2.2", false},
        {"[0.0.0.0/0]", "203.0.113.9", true},
        {"[0.0.0.0/0]", "2001:db8::1", false},
        {"[\"::/0\"]", "2001:db8::1", true},
        {"[\"fd00::/8\"]", "fdff::1", true},
        {"[\"fd00::/8\"]", "fe00::1", false},
        {"[\"2001:db8::/33\"]", "2001:db8:7fff::1", true},
        {"[\"2001:db8::/33\"]", "2001:db8:8000::1", false},
        {"[\"::1\"]", "::1", true},
        {"[10.0.0.0/8]", "::ffff:10.0.0.1", true},
        {"[10.0.0.0/8]", "unix:", false},
        {"[10.0.0.0/8]", "", false},
        {"[10.0.0.0/8]", "10.0.0.1 ", false},
        {"[10.0.0.0/8]", "10.1", false},
        {"[]", "10.0.0.1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "GANTRY_METRICS_ALLOW: %s\n", rows[i].list);
        struct loaded l = load(text);
        assert_int_equal(l.err, E_OK);
        if (cidrs_has(&l.c->metrics_allow, str_z(rows[i].address)) != rows[i].in)
            fail_msg("%s in %s", rows[i].address, rows[i].list);
        done(&l);
    }
}

static int setup(void **state)
{
    char path[128];
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/config", dir);
    return mkdir(path, 0700);
}

static int teardown(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof(path), "%s/config/config.yaml", dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/config", dir);
    rmdir(path);
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(values),
        cmocka_unit_test(where_it_lies),
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(host_names),
        cmocka_unit_test(every_error_is_told),
        cmocka_unit_test(db_uri),
        cmocka_unit_test(db_uri_refused),
        cmocka_unit_test(secrets_are_not_shown),
        cmocka_unit_test(redis_mappings),
        cmocka_unit_test(storages),
        cmocka_unit_test(yaml_refused),
        cmocka_unit_test(no_mapping),
        cmocka_unit_test(too_much),
        cmocka_unit_test(many_notes),
        cmocka_unit_test(no_file),
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(networks),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
