/*
 * render.c - see render.h.
 */
#include "command/render.h"

#include "base/cleanup.h"
#include "command/files.h"
#include "command/run.h"
#include "command/template.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARENA    ((size_t)4 << 20)
#define NOFILE   65536u
#define DB_EXTRA 30 /* the worker, the operator's commands, a person with a client */

static const struct nginx_error {
    int code, status, retry_s;
    const char *oci, *quay, *text;
} nginx_errors[] = {
#define NGINX_ERROR(code, status, retry, oci, quay, text) {code, status, retry, oci, quay, text},
#include "command/nginx_errors.def"
#undef NGINX_ERROR
};
#define N_NGINX_ERRORS (sizeof(nginx_errors) / sizeof(nginx_errors[0]))

/* What the gate's precheck may answer (errors.def). */
static const int refusals[] = {400, 401, 403, 404, 405, 409, 411, 413, 415, 416, 429, 503, 507};

const struct config_storage *render_storage(const struct config *c)
{
    for (size_t p = 0; p < c->storage_preference.n; p++) {
        for (size_t i = 0; i < c->n_storage; i++) {
            if (strcmp(c->storage[i].name, c->storage_preference.v[p]) == 0)
                return &c->storage[i];
        }
    }
    return c->n_storage ? &c->storage[0] : NULL;
}

void render_host(const struct config *c, char *out)
{
    struct str s = str_z(c->server_hostname), head, tail;
    if (s.n && s.p[0] == '[') {
        str_cut(str_from(s, 1), ']', &s, &tail);
    } else if (str_cut(s, ':', &head, &tail)) {
        s = head;
    }
    snprintf(out, 256, "%.*s", STR_ARG(s));
}

int render_db_connections(const struct config *c)
{
    return c->pool_registry.processes * c->pool_registry.threads +
           c->pool_upload.processes * c->pool_upload.threads +
           c->pool_api.processes * c->pool_api.threads + DB_EXTRA;
}

/* What goes into configuration files as it is. */
static enum err check_plain(struct fail *f, const char *key, const char *value)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+-:[]";
    if (value[0] && strspn(value, plain) == strlen(value))
        return E_OK;
    return fail(f, E_CONFIG,
                "%s: \"%s\" cannot be written into nginx's configuration; only letters, digits and "
                "/ . _ + - : [ ] do",
                key, value);
}

/* ---- pieces of nginx.conf ---- */

static bool has_ipv6(void)
{
    CLEANUP(fd_close) int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    return fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0;
}

static void listen_lines(const struct config *c, struct buf *b)
{
    const char *how = c->external_tls ? "" : " ssl http2";
    buf_printf(b, "        listen %lld%s backlog=1024;\n", (long long)c->listen_port, how);
    if (has_ipv6())
        buf_printf(b, "        listen [::]:%lld%s backlog=1024 ipv6only=on;\n",
                   (long long)c->listen_port, how);
}

static void tls_lines(const struct config *c, struct buf *b)
{
    if (c->external_tls)
        return;
    buf_printf(b,
               "    ssl_certificate %s/config/ssl.cert;\n"
               "    ssl_certificate_key %s/config/ssl.key;\n",
               c->dir, c->dir);
    buf_putz(
        b,
        "    ssl_protocols TLSv1.2 TLSv1.3;\n"
        "    ssl_ciphers "
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;\n"
        "    ssl_prefer_server_ciphers off;\n"
        "    ssl_session_cache shared:gantry_tls:8m;\n"
        "    ssl_session_timeout 1d;\n"
        "    ssl_session_tickets off;\n"
        "    ssl_buffer_size 16k;\n");
}

static void real_ip_lines(const struct config *c, struct buf *b)
{
    for (size_t i = 0; i < c->trusted_proxies.n; i++) {
        const struct cidr *n = &c->trusted_proxies.v[i];
        static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
        char text[INET6_ADDRSTRLEN];
        bool v4 = n->bits >= 96 && memcmp(n->addr, mapped, sizeof(mapped)) == 0;
        if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? n->addr + 12 : n->addr, text, sizeof(text)))
            buf_printf(b, "    set_real_ip_from %s/%d;\n", text, v4 ? n->bits - 96 : n->bits);
    }
    if (c->trusted_proxies.n)
        buf_putz(b, "    real_ip_header X-Forwarded-For;\n    real_ip_recursive on;\n");
}

/* Rates are Quay's. nodelay: what fits the burst is served at once. */
static void rate_settings(const struct config *c, struct template *t)
{
    static const struct {
        const char *name, *zone, *key, *rate;
        int burst;
    } rates[] = {
        {"RATE_BASE", "gantry_base", "$binary_remote_addr", "60r/s", 80},
        {"RATE_LIGHT", "gantry_light", "$binary_remote_addr", "50r/s", 100},
        {"RATE_HEAVY", "gantry_heavy", "$binary_remote_addr", "5r/s", 25},
        {"RATE_AUTH", "gantry_auth", "$binary_remote_addr", "120r/s", 120},
    };
    CLEANUP(buf_done) struct buf zones = BUF_INIT;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        if (!c->rate_limits) {
            template_set(t, rates[i].name, STR(""));
            continue;
        }
        buf_printf(&zones, "    limit_req_zone %s zone=%s:4m rate=%s;\n", rates[i].key,
                   rates[i].zone, rates[i].rate);
        template_setf(t, rates[i].name, "limit_req zone=%s burst=%d nodelay;", rates[i].zone,
                      rates[i].burst);
    }
    template_set(t, "RATE_ZONES", buf_str(&zones));
}

static void error_bodies(const struct config *c, struct template *t)
{
    CLEANUP(buf_done) struct buf maps = BUF_INIT;
    CLEANUP(buf_done) struct buf pages = BUF_INIT;
    CLEANUP(buf_done) struct buf places = BUF_INIT;
    CLEANUP(buf_done) struct buf refused = BUF_INIT;
    for (size_t i = 0; i < N_NGINX_ERRORS; i++) {
        const struct nginx_error *e = &nginx_errors[i];
        /* Texts of the .def hold neither quotes nor '$', the host was checked: nothing here needs
         * nginx's escapes. */
        buf_printf(&maps,
                   "    map $request_uri $gantry_error_%d {\n"
                   "        default "
                   "'{\"status\":%d,\"title\":\"%s\",\"type\":\"%s://%s/api/v1/error/"
                   "%s\",\"error_type\":\"%s\","
                   "\"detail\":\"%s\",\"error_message\":\"%s\"}';\n"
                   "        \"~^/v2(/|\\?|$)\" "
                   "'{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\",\"detail\":{}}]}';\n",
                   e->code, e->status, e->quay, c->url_scheme, c->server_hostname, e->quay, e->quay,
                   e->text, e->text, e->oci, e->text);
        /* no path at all: one that nginx could not read, most likely of a registry's client */
        buf_printf(&maps,
                   "        \"\" "
                   "'{\"errors\":[{\"code\":\"%s\",\"message\":\"%s\",\"detail\":{}}]}';\n"
                   "    }\n",
                   e->oci, e->text);
        buf_printf(&pages, "        error_page %d =%d /_error/%d;\n", e->code, e->status, e->code);
        /* The size was judged where the request went; here it would be judged again. */
        buf_printf(&places,
                   "        location = /_error/%d {\n"
                   "            internal;\n"
                   "            client_max_body_size 0;\n"
                   "            default_type application/json;\n",
                   e->code);
        /* 416 comes late, from a blob or a page whose headers are set already and stay. */
        if (e->code != 416)
            buf_putz(&places, "            add_header Docker-Distribution-Api-Version "
                              "$gantry_api_version always;\n"
                              "            add_header X-Request-Id $request_id always;\n");
        if (e->retry_s)
            buf_printf(&places, "            add_header Retry-After %d always;\n", e->retry_s);
        buf_printf(&places, "            return %d $gantry_error_%d;\n        }\n", e->status,
                   e->code);
    }
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        buf_printf(&refused, "            if ($gantry_status = %d) { return %d $gantry_body; }\n",
                   refusals[i], refusals[i]);
    template_set(t, "ERROR_MAPS", buf_str(&maps));
    template_set(t, "ERROR_PAGES", buf_str(&pages));
    template_set(t, "ERROR_LOCATIONS", buf_str(&places));
    template_set(t, "REFUSALS", buf_str(&refused));
    if (buf_err(&maps) || buf_err(&pages) || buf_err(&places) || buf_err(&refused))
        t->err = E_NO_MEMORY;
}

static void common(const struct config *c, struct template *t)
{
    template_set(
        t, "MADE_BY",
        STR("# Made by `gantry` from config.yaml at every start and reload: edits here are lost."));
    template_set(t, "DIR", str_z(c->dir));
    template_set(t, "SERVER", str_z(c->server_hostname));
}

enum err render_nginx_text(struct fail *f, const struct config *c, struct arena *a, struct buf *out)
{
    struct template t = {.arena = a};
    struct rlimit limit = {.rlim_max = 1024};
    char host[256];
    CLEANUP(buf_done) struct buf listens = BUF_INIT;
    CLEANUP(buf_done) struct buf tls = BUF_INIT;
    CLEANUP(buf_done) struct buf real_ip = BUF_INIT;
    const struct config_storage *storage = render_storage(c);
    if (!storage)
        return fail(f, E_CONFIG, "DISTRIBUTED_STORAGE_CONFIG names no storage");
    enum err e = check_plain(f, "SERVER_HOSTNAME", c->server_hostname);
    if (!e)
        e = check_plain(f, "storage_path", storage->path);
    if (e)
        return e;
    getrlimit(RLIMIT_NOFILE, &limit);
    unsigned nofile = limit.rlim_max > NOFILE ? NOFILE : (unsigned)limit.rlim_max;
    render_host(c, host);
    listen_lines(c, &listens);
    tls_lines(c, &tls);
    real_ip_lines(c, &real_ip);
    if (buf_err(&listens) || buf_err(&tls) || buf_err(&real_ip))
        return fail(f, E_NO_MEMORY, "out of memory");
    common(c, &t);
    /* Where everything runs as root (a container, maybe), nginx's workers do too: they share files with the pools. */
    template_set(&t, "USER", geteuid() == 0 ? STR("user root;") : STR(""));
    template_set(&t, "STORE", str_z(storage->path));
    template_setf(&t, "NOFILE", "%u", nofile);
    template_setf(&t, "CONNECTIONS", "%u",
                  nofile / 4 < 8192 ? nofile / 4 : 8192); /* a pull: client, file, pool */
    template_set(&t, "SERVER_NAME", str_z(host));
    template_set(&t, "HTTPS", strcmp(c->url_scheme, "https") == 0 ? STR("on") : STR(""));
    template_setf(&t, "MANIFEST_MAX", "%lld", (long long)c->max_manifest_size);
    template_setf(&t, "LAYER_MAX", "%lld", (long long)c->max_layer_size);
    template_set(&t, "LISTEN", buf_str(&listens));
    template_set(&t, "TLS", buf_str(&tls));
    template_set(&t, "REAL_IP", buf_str(&real_ip));
    rate_settings(c, &t);
    error_bodies(c, &t);
    return template_render(f, &t, "nginx/gantry.conf.in", out);
}

/* ---- the files ---- */

/* Renders a data file into DIR/target. */
static enum err render_file(struct fail *f, const struct config *c, struct template *t,
                            const char *source, const char *target, mode_t mode)
{
    char path[PATH_MAX];
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err e = template_render(f, t, source, &text);
    if (!e)
        e = path_join(f, c->dir, target, path);
    if (!e)
        e = file_write(f, path, buf_str(&text), mode);
    return e;
}

static enum err make_dirs(struct fail *f, const struct config *c, const char *const *dirs, size_t n)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < n; i++) {
        enum err e = path_join(f, c->dir, dirs[i], path);
        if (!e)
            e = dir_make(f, path, 0750);
        if (e)
            return e;
    }
    return E_OK;
}

enum err render_nginx(struct fail *f, const struct config *c, const char *program)
{
    static const char *const dirs[] = {"nginx", "nginx/tmp", "nginx/html", "log", "run"};
    char path[PATH_MAX], trial[PATH_MAX], log_path[PATH_MAX], bodies[PATH_MAX];
    CLEANUP(arena_freep) struct arena *a = arena_new(ARENA);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(buf_done) struct buf said = BUF_INIT;
    CLEANUP(buf_done) struct buf old = BUF_INIT;
    struct fail ignored = FAIL_INIT;
    int status = 1;
    if (!a)
        return fail(f, E_NO_MEMORY, "out of memory");
    enum err e = make_dirs(f, c, dirs, sizeof(dirs) / sizeof(dirs[0]));
    if (!e)
        e = render_nginx_text(f, c, a, &text);
    if (!e)
        e = path_join(f, render_storage(c)->path, "bodies", bodies);
    if (!e)
        e = dir_make_all(f, bodies, 0750);
    if (!e)
        e = path_join(f, c->dir, "nginx/nginx.conf", path);
    if (!e)
        e = path_join(f, c->dir, "nginx/nginx.conf.trial", trial);
    if (!e)
        e = path_join(f, c->dir, "log/nginx.log", log_path);
    if (!e)
        e = file_write(f, trial, buf_str(&text), 0640);
    if (e)
        return e;
    e = run_program(f, (const char *[]){program, "-t", "-q", "-e", log_path, "-c", trial, NULL},
                    &said, &status);
    if (e)
        return e;
    if (status != 0)
        return fail(f, E_CONFIG, "nginx refuses the configuration %s:\n%.*s", trial,
                    STR_ARG(str_head(buf_str(&said), 380)));
    /* One that says the same stays: the supervisor tells by the file whether nginx has something to read. */
    bool same =
        !file_read(&ignored, path, text.n + 1, &old) && str_eq(buf_str(&old), buf_str(&text));
    if (same ? unlink(trial) != 0 : rename(trial, path) != 0)
        return fail(f, E_SYSTEM, "%s cannot be replaced", path);
    struct template t = {.arena = a};
    common(c, &t);
    return render_file(f, c, &t, "nginx/index.html.in", "nginx/html/index.html", 0640);
}

/* A string of SQL (quote ') or an identifier (quote `): the quote and the backslash doubled. */
static void sql_quote(struct buf *b, const char *s, char quote)
{
    buf_putc(b, quote);
    for (; *s; s++) {
        if (*s == quote || (*s == '\\' && quote == '\''))
            buf_putc(b, *s);
        buf_putc(b, *s);
    }
    buf_putc(b, quote);
}

enum err render_mariadb(struct fail *f, const struct config *c)
{
    static const char *const dirs[] = {"mysql", "run", "log", "config/mariadb.d"};
    CLEANUP(arena_freep) struct arena *a = arena_new(ARENA);
    CLEANUP(buf_done) struct buf name = BUF_INIT;
    CLEANUP(buf_done) struct buf user = BUF_INIT;
    CLEANUP(buf_done) struct buf password = BUF_INIT;
    if (!a)
        return fail(f, E_NO_MEMORY, "out of memory");
    struct template t = {.arena = a};
    sql_quote(&name, c->db.name, '`');
    sql_quote(&user, c->db.user, '\'');
    sql_quote(&password, c->db.password ? c->db.password : "", '\'');
    if (buf_err(&name) || buf_err(&user) || buf_err(&password))
        return fail(f, E_NO_MEMORY, "out of memory");
    common(c, &t);
    template_setf(&t, "DB_CONNECTIONS", "%d", render_db_connections(c) + DB_EXTRA);
    template_set(&t, "DB_NAME", buf_str(&name));
    template_set(&t, "DB_USER", buf_str(&user));
    template_set(&t, "DB_PASSWORD", buf_str(&password));
    enum err e = make_dirs(f, c, dirs, sizeof(dirs) / sizeof(dirs[0]));
    if (!e)
        e = render_file(f, c, &t, "embedded/mariadb.cnf.in", "run/mariadb.cnf", 0640);
    if (!e)
        e = render_file(f, c, &t, "embedded/mariadb-init.sql.in", "run/mariadb-init.sql", 0600);
    return e;
}

enum err render_redis(struct fail *f, const struct config *c)
{
    static const char *const dirs[] = {"redis", "run", "log"};
    CLEANUP(arena_freep) struct arena *a = arena_new(ARENA);
    if (!a)
        return fail(f, E_NO_MEMORY, "out of memory");
    struct template t = {.arena = a};
    common(c, &t);
    if (c->redis.password && c->redis.password[0]) {
        if (strpbrk(c->redis.password, "\"\\\r\n"))
            return fail(f, E_CONFIG,
                        "USER_EVENTS_REDIS: the password of the embedded Redis cannot hold quotes "
                        "or backslashes");
        template_setf(&t, "REDIS_PASSWORD", "requirepass \"%s\"", c->redis.password);
    } else {
        template_set(&t, "REDIS_PASSWORD", STR(""));
    }
    enum err e = make_dirs(f, c, dirs, sizeof(dirs) / sizeof(dirs[0]));
    if (!e)
        e = render_file(f, c, &t, "embedded/redis.conf.in", "redis/redis.conf", 0600);
    return e;
}
