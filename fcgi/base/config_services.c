/*
 * config_services.c - where the services are: DB_URI, the two of Redis, and
 * DISTRIBUTED_STORAGE_CONFIG. See config_values.h. What these values hold of passwords never
 * reaches a note.
 */
#include "base/config_values.h"

#include <stdio.h>

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static unsigned hex_value(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Percent-decoded (RFC 3986 2.1), NUL-terminated; NULL with a note when malformed. */
static char *uri_decode(const struct reading *r, struct str s, const char *what)
{
    char *out = arena_alloc(r->arena, s.n + 1);
    size_t n = 0;
    if (!out) {
        value_wrong(r, NULL, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            if (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2])) {
                value_wrong(r, NULL,
                            "the %s has a '%%' that is not followed by two hexadecimal digits; "
                            "write a '%%' itself as %%25",
                            what);
                return NULL;
            }
            c = (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
            i += 2;
        }
        if ((unsigned char)c < 0x20 || c == 0x7f) {
            value_wrong(r, NULL, "the %s has a control character", what);
            return NULL;
        }
        out[n++] = c;
    }
    return out;
}

static bool port_parse(struct str s, int *ret)
{
    uint64_t port;
    if (!str_u64(s, &port) || port < 1 || port > 65535)
        return false;
    *ret = (int)port;
    return true;
}

/* host, host:port, [v6], [v6]:port. */
static bool host_port(const struct reading *r, struct str s, char **ret_host, int *port)
{
    struct str host = s, text = STR_NONE;
    bool has_port;
    if (str_starts(s, STR("["))) {
        ptrdiff_t end = str_chr(s, ']');
        if (end < 0)
            return value_wrong(r, NULL, "the host begins with '[' and has no ']'");
        host = str_head(str_from(s, 1), (size_t)end - 1);
        struct str rest = str_from(s, (size_t)end + 1);
        has_port = rest.n > 0;
        if (has_port && rest.p[0] != ':')
            return value_wrong(r, NULL, "':' and a port are expected after ']'");
        text = str_from(rest, 1);
    } else {
        has_port = str_cut(s, ':', &host, &text);
    }
    if (has_port && !port_parse(text, port))
        return value_wrong(r, NULL, "the port is not a number from 1 to 65535");
    *ret_host = uri_decode(r, host, "host");
    return *ret_host != NULL;
}

static bool absolute(const struct reading *r, const char *what, const char *path)
{
    return path[0] == '/' || value_wrong(r, NULL, "%s must be an absolute path", what);
}

/* unix_socket and ssl_ca; others are for Quay's driver and are named in a warning. */
static bool db_query_pair(const struct reading *r, struct str pair, struct config_db *db)
{
    struct str name, value;
    str_cut(pair, '=', &name, &value);
    if (str_eqz(name, "unix_socket")) {
        db->unix_socket = uri_decode(r, value, "unix_socket");
        return db->unix_socket && absolute(r, "unix_socket", db->unix_socket);
    }
    if (str_eqz(name, "ssl_ca")) {
        db->ssl_ca = uri_decode(r, value, "ssl_ca");
        return db->ssl_ca && absolute(r, "ssl_ca", db->ssl_ca);
    }
    config_note(r->notes, false, "%s: the parameter %.*s is not known here and is ignored", r->key,
                STR_ARG(str_head(name, 60)));
    return true;
}

static bool db_scheme(const struct reading *r, struct str scheme)
{
    struct str base, driver;
    str_cut(scheme, '+', &base, &driver);
    if (str_ieq(base, STR("mysql")) || str_ieq(base, STR("mariadb")))
        return true;
    return value_wrong(r, NULL,
                       "%.*s:// is not supported; MariaDB and MySQL are (mysql+pymysql://...)",
                       STR_ARG(str_head(scheme, 40)));
}

bool value_db(const struct reading *r, const struct node *n, struct config_db *ret)
{
    struct config_db db = {.port = 3306};
    struct str rest, query, authority, path, credentials, hosts, user, password;

    if (n->kind != NODE_SCALAR)
        return value_wrong(r, n, "one value is expected: mysql+pymysql://user:password@host/name");
    ptrdiff_t colon = str_chr(n->text, ':');
    if (colon < 1 || !str_starts(str_from(n->text, (size_t)colon), STR("://")))
        return value_wrong(r, NULL,
                           "an address is expected: mysql+pymysql://user:password@host/name");
    if (!db_scheme(r, str_head(n->text, (size_t)colon)))
        return false;
    str_cut(str_from(n->text, (size_t)colon + 3), '?', &rest, &query);
    str_cut(rest, '/', &authority, &path);
    if (!str_rcut(authority, '@', &credentials, &hosts)) {
        hosts = authority;
        credentials = STR_NONE;
    }
    str_cut(credentials, ':', &user, &password);

    db.user = uri_decode(r, user, "user");
    db.password = db.user ? uri_decode(r, password, "password") : NULL;
    db.name = db.password ? uri_decode(r, path, "database's name") : NULL;
    if (!db.name || !host_port(r, hosts, &db.host, &db.port))
        return false;
    while (query.n) {
        struct str pair;
        str_cut(query, '&', &pair, &query);
        if (pair.n && !db_query_pair(r, pair, &db))
            return false;
    }
    if (!db.user[0])
        return value_wrong(r, NULL, "it names no user: mysql+pymysql://user:password@host/name");
    if (!db.name[0] || strchr(db.name, '/'))
        return value_wrong(r, NULL, "it must name one database after the host: .../name");
    if (!db.host[0] && !db.unix_socket)
        return value_wrong(r, NULL, "it names neither a host nor a unix_socket");
    *ret = db;
    return true;
}

/* ---- Redis ---- */

static bool redis_member(const struct reading *r, const struct node *m, struct config_redis *redis)
{
    int64_t v = 0;
    bool ssl = false;
    struct reading at = *r;
    char key[160];
    snprintf(key, sizeof(key), "%s.%.*s", r->key, STR_ARG(str_head(m->key, 60)));
    at.key = key;
    if (node_is_null(m))
        return true;
    if (str_eqz(m->key, "host")) {
        at.min = 1, at.max = 255;
        return value_string(&at, m, &redis->host);
    }
    if (str_eqz(m->key, "password")) {
        at.min = 0, at.max = 1024, at.secret = true;
        return value_string(&at, m, &redis->password);
    }
    if (str_eqz(m->key, "unix_socket")) {
        at.min = 1, at.max = 107; /* sun_path */
        return value_string(&at, m, &redis->unix_socket) && absolute(&at, "it", redis->unix_socket);
    }
    if (str_eqz(m->key, "port") || str_eqz(m->key, "db")) {
        bool port = str_eqz(m->key, "port");
        at.min = port, at.max = port ? 65535 : 1023;
        if (!value_int(&at, m, &v))
            return false;
        *(port ? &redis->port : &redis->db) = (int)v;
        return true;
    }
    if (str_eqz(m->key, "ssl")) {
        if (!value_bool(&at, m, &ssl))
            return false;
        return !ssl || value_wrong(&at, m,
                                   "TLS to Redis is not supported; use unix_socket, or a tunnel "
                                   "such as stunnel on this machine");
    }
    config_note(r->notes, false, "%s is not known here and is ignored", key);
    return true;
}

bool value_redis(const struct reading *r, const struct node *n, struct config_redis *ret)
{
    struct config_redis redis = {.port = 6379};
    struct reading whole = *r;
    bool good = true;
    whole.secret = true; /* an address in one word may hold a password */
    if (n->kind != NODE_MAP && !(n->kind == NODE_SCALAR && n->line == 0))
        return value_wrong(&whole, n, "a mapping is expected, as in {host: localhost, port: 6379}");
    if (n->kind == NODE_SCALAR) /* the default */
        good = host_port(r, n->text, &redis.host, &redis.port);
    for (const struct node *m = n->first; m; m = m->next)
        good = redis_member(r, m, &redis) && good;
    if (good && !redis.host && !redis.unix_socket)
        return value_wrong(r, NULL, "it names neither a host nor a unix_socket");
    if (good)
        *ret = redis;
    return good;
}

/* ---- storage ---- */

static bool storage_member(const struct reading *r, const struct node *m,
                           struct config_storage *ret)
{
    struct reading at = *r;
    char key[160];
    snprintf(key, sizeof(key), "%s.%.*s", r->key, STR_ARG(str_head(m->key, 60)));
    at.key = key;
    at.min = 1, at.max = 255;
    ret->name = arena_strdup(r->arena, m->key);
    if (!ret->name)
        return value_wrong(&at, NULL, "out of memory");
    if (m->key.n > 255)
        return value_wrong(&at, NULL, "a name has at most 255 bytes");
    if (m->kind != NODE_LIST || m->n != 2 || m->last->kind != NODE_MAP)
        return value_wrong(
            &at, m,
            "[driver, {parameters}] is expected, as in [LocalStorage, {storage_path: /path}]");
    if (!value_string(&at, m->first, &ret->driver))
        return false;
    if (strcmp(ret->driver, "LocalStorage") != 0)
        return value_wrong(&at, m->first, "this driver is not supported; LocalStorage is");
    const struct node *path = node_get(m->last, STR("storage_path"));
    at.max = 2048;
    if (!path)
        return value_wrong(&at, NULL, "storage_path is missing");
    if (!value_string(&at, path, &ret->path) || !absolute(&at, "storage_path", ret->path))
        return false;
    for (const struct node *p = m->last->first; p; p = p->next) {
        if (p != path)
            config_note(r->notes, false, "%s.%.*s is not known here and is ignored", key,
                        STR_ARG(str_head(p->key, 60)));
    }
    return true;
}

bool value_storage(const struct reading *r, const struct node *n, struct config_storage **ret,
                   size_t *ret_n)
{
    bool good = true;
    size_t count = 0;
    if (n->kind != NODE_MAP || n->n == 0)
        return value_wrong(r, n,
                           "a mapping is expected: {name: [LocalStorage, {storage_path: /path}]}");
    struct config_storage *v = arena_array(r->arena, n->n, sizeof(*v));
    if (!v)
        return value_wrong(r, NULL, "out of memory");
    for (const struct node *m = n->first; m; m = m->next)
        good = storage_member(r, m, &v[count++]) && good;
    if (good) {
        *ret = v;
        *ret_n = count;
    }
    return good;
}
