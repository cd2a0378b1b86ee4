/*
 * init.c - `gantry init`: makes DIR, or brings an existing one up to date. Run it again at any
 * time: what is there is kept, but for
 * --host and --port, which are written into config.yaml, and for our own certificate, which follows
 * the host's name.
 *
 * Root makes DIR itself and the trust files under /etc; everything inside DIR is made by a child
 * that is the owner (identity.h).
 */
#include "command/command.h"

#include "base/cleanup.h"
#include "base/random.h"
#include "command/certificate.h"
#include "command/files.h"
#include "command/identity.h"
#include "command/render.h"
#include "command/template.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALNUM        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define CONFIG_MAX   ((size_t)1 << 20)
#define PORT_DEFAULT 8443

struct init {
    const char *dir;
    const char *host; /* NULL: not given */
    int port;         /* 0: not given */
};

static const struct {
    const char *name;
    mode_t mode;
} dirs[] = {
    {"config", 0750}, {"ca", 0755},  {"mysql", 0700}, {"redis", 0700},
    {"blobs", 0750},  {"run", 0750}, {"log", 0750},   {"nginx", 0750},
};

static void server_name(char *out, size_t size, const char *host, int port)
{
    bool v6 = strchr(host, ':') != NULL;
    if (port == 443)
        snprintf(out, size, v6 ? "[%s]" : "%s", host);
    else
        snprintf(out, size, v6 ? "[%s]:%d" : "%s:%d", host, port);
}

/* ---- config.yaml ---- */

static enum err make_config(struct fail *f, const struct init *in, const char *path)
{
    char secret[65], server[320];
    CLEANUP(arena_freep) struct arena *a = arena_new((size_t)1 << 20);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (!a)
        return fail(f, E_NO_MEMORY, "out of memory");
    struct template t = {.arena = a};
    int port = in->port ? in->port : PORT_DEFAULT;
    server_name(server, sizeof(server), in->host ? in->host : "localhost", port);
    template_set(&t, "SERVER", str_z(server));
    template_setf(&t, "PORT", "%d", port);
    template_set(&t, "DIR", str_z(in->dir));
    random_text(ALNUM, 32, secret);
    template_set(&t, "DB_SECRET", str_z(secret));
    random_text(ALNUM, 64, secret);
    template_set(&t, "SECRET_KEY", str_z(secret));
    random_text(ALNUM, 64, secret);
    template_set(&t, "DATABASE_SECRET_KEY", str_z(secret));
    explicit_bzero(secret, sizeof(secret));
    enum err e = template_render(f, &t, "embedded/config.yaml.in", &text);
    if (!e)
        e = file_write(f, path, buf_str(&text), 0640);
    return e;
}

/* The value of a key at the left margin is replaced, all else stays byte for byte; a missing key is
 * added at the end. */
static void set_key(struct str text, const char *key, const char *value, struct buf *out)
{
    struct str line, rest = text, name, old;
    bool done = false;
    while (rest.n) {
        bool ended = str_cut(rest, '\n', &line, &rest);
        if (str_cut(line, ':', &name, &old) && str_eqz(name, key)) {
            buf_printf(out, "%s: %s\n", key, value);
            done = true;
        } else {
            buf_put(out, line);
            if (ended || rest.n)
                buf_putc(out, '\n');
        }
    }
    if (!done) {
        if (out->n && out->p[out->n - 1] != '\n')
            buf_putc(out, '\n');
        buf_printf(out, "%s: %s\n", key, value);
    }
}

/* --host and --port of a later run. */
static enum err change_config(struct fail *f, const struct init *in, const struct config *old)
{
    char host[256], server[320], quoted[330], number[16];
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    CLEANUP(buf_done) struct buf named = BUF_INIT;
    CLEANUP(buf_done) struct buf both = BUF_INIT;
    bool changed = false;
    render_host(old, host);
    int port = in->port ? in->port : (int)old->listen_port;
    server_name(server, sizeof(server), in->host ? in->host : host, port);
    if ((!in->host && !in->port) ||
        (strcmp(server, old->server_hostname) == 0 && port == old->listen_port))
        return E_OK;
    snprintf(quoted, sizeof(quoted), "\"%s\"", server);
    snprintf(number, sizeof(number), "%d", port);
    enum err e = file_read(f, old->path, CONFIG_MAX, &text);
    if (e)
        return e;
    set_key(buf_str(&text), "SERVER_HOSTNAME", quoted, &named);
    set_key(buf_str(&named), "GANTRY_LISTEN_PORT", number, &both);
    if (buf_err(&both) || buf_err(&named))
        return fail(f, E_NO_MEMORY, "out of memory");
    e = file_update(f, old->path, buf_str(&both), 0640, &changed);
    if (!e && changed)
        printf("%s: SERVER_HOSTNAME is %s now (it was %s).\n", old->path, server,
               old->server_hostname);
    return e;
}

/* ---- inside DIR, as its owner ---- */

static enum err make_password(struct fail *f, const char *dir)
{
    char path[PATH_MAX], text[26];
    enum err e = path_join(f, dir, "admin-password", path);
    if (e || file_exists(path))
        return e;
    random_text(ALNUM, 24, text);
    text[24] = '\n';
    e = file_write(f, path, (struct str){text, 25}, 0600);
    explicit_bzero(text, sizeof(text));
    return e;
}

static int inside(void *ctx)
{
    const struct init *in = ctx;
    struct fail f = FAIL_INIT;
    char path[PATH_MAX], host[256];
    bool made = false;
    enum err e = E_OK;
    umask(027);
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !e; i++) {
        e = path_join(&f, in->dir, dirs[i].name, path);
        if (!e)
            e = dir_make(&f, path, dirs[i].mode);
    }
    if (!e)
        e = path_join(&f, in->dir, "config/config.yaml", path);
    if (!e && !file_exists(path))
        e = make_config(&f, in, path);
    if (e)
        return command_failed("init", &f);

    CLEANUP(config_freep) struct config *config = NULL;
    if (command_config_load(in->dir, &config) != 0)
        return 1;
    e = change_config(&f, in, config);
    if (e)
        return command_failed("init", &f);
    config_freep(&config);
    config = NULL;
    if (command_config_load(in->dir, &config) != 0)
        return 1;
    render_host(config, host);
    e = make_password(&f, in->dir);
    if (e)
        return command_failed("init", &f);
    if (config->external_tls || !certificate_server(&f, in->dir, host, &made))
        return 0;
    command_failed("init", &f);
    fprintf(stderr, "`gantry doctor --dir %s` says how to mend it\n", in->dir);
    return 1;
}

/* ---- outside, as root ---- */

static enum err make_dir(struct fail *f, const char *dir, const char *user, struct identity *ret)
{
    struct stat st;
    bool is_root = geteuid() == 0;
    if (lstat(dir, &st) != 0) {
        if (errno != ENOENT)
            return fail(f, E_SYSTEM, "%s cannot be reached: %s", dir, strerror(errno));
        enum err e = E_OK;
        if (is_root)
            e = identity_make_user(f, user ? user : "gantry", ret);
        if (!e)
            e = dir_make_all(f, dir, 0755);
        if (e)
            return e;
        if (!is_root)
            return identity_of_dir(f, dir, ret);
        if (lchown(dir, ret->uid, ret->gid) != 0)
            return fail(f, E_SYSTEM, "%s cannot be given to %s: %s", dir, ret->name,
                        strerror(errno));
        return E_OK;
    }
    if (!S_ISDIR(st.st_mode))
        return fail(f, E_SYSTEM, "%s is in the way: it is not a directory", dir);
    if (is_root && st.st_uid == 0 && !(user && strcmp(user, "root") == 0)) {
        /* rmdir(2) and mkdir(2) would be a race: an empty directory of root's is simply given away.
         */
        char config[PATH_MAX];
        enum err e = path_join(f, dir, "config", config);
        if (!e)
            e = identity_make_user(f, user ? user : "gantry", ret);
        if (e)
            return e;
        if (file_exists(config) || lchown(dir, ret->uid, ret->gid) != 0)
            return fail(f, E_SYSTEM,
                        "%s belongs to root, but a registry does not run as root; give it to the "
                        "user of the registry: chown -R %s %s",
                        dir, ret->name, dir);
        return E_OK;
    }
    enum err e = identity_of_dir(f, dir, ret);
    if (!e && user && strcmp(user, ret->name) != 0)
        return fail(f, E_CONFIG,
                    "%s belongs to %s, --user says %s; leave --user out, or: chown -R %s %s", dir,
                    ret->name, user, user, dir);
    return e;
}

/* The directories above DIR must let the owner through. */
static int can_reach(void *ctx)
{
    const char *dir = ctx;
    char part[PATH_MAX];
    struct stat st;
    if (access(dir, R_OK | W_OK | X_OK) == 0)
        return 0;
    snprintf(part, sizeof(part), "%s", dir);
    for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (access(part, X_OK) != 0 && stat(part, &st) == 0) {
            fprintf(stderr,
                    "gantry: init: the owner of %s cannot pass through %s (owner %u, mode %04o); "
                    "let it: chmod o+x %s, or choose "
                    "another --dir\n",
                    dir, part, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777u, part);
            return 1;
        }
        *slash = '/';
    }
    fprintf(stderr, "gantry: init: %s cannot be written by its owner; mend it: chmod u+rwx %s\n",
            dir, dir);
    return 1;
}

static enum err trust(struct fail *f, const char *dir, const char *server)
{
    static const char *const roots[] = {"/etc/containers/certs.d", "/etc/docker/certs.d"};
    char ca[PATH_MAX];
    CLEANUP(buf_done) struct buf pem = BUF_INIT;
    enum err e = path_join(f, dir, "ca/ca.crt", ca);
    if (e || !file_exists(ca)) /* an operator's own certificate needs no CA of ours */
        return e;
    e = certificate_ca_pem(f, dir, &pem);
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]) && !e; i++) {
        char path[PATH_MAX];
        bool changed = false;
        e = path_join(f, roots[i], server, path);
        if (!e)
            e = dir_make_all(f, path, 0755);
        if (!e) {
            size_t n = strlen(path);
            if (n + sizeof("/ca.crt") > sizeof(path))
                return fail(f, E_SYSTEM, "the path %s is too long", path);
            memcpy(path + n, "/ca.crt", sizeof("/ca.crt"));
            e = file_update(f, path, buf_str(&pem), 0644, &changed);
        }
        if (!e && changed)
            printf("Trusted here: %s\n", path);
    }
    return e;
}

static bool good_host(const char *host)
{
    size_t n = strlen(host);
    return n > 0 && n <= 253 && strspn(host, ALNUM ".-:") == n && host[0] != '-' && host[0] != '.';
}

int command_init(const struct command_line *line)
{
    const char *host = NULL, *port = NULL, *user = NULL;
    bool no_trust = false;
    const struct command_option options[] = {{"--host", &host, NULL},
                                             {"--port", &port, NULL},
                                             {"--user", &user, NULL},
                                             {"--no-trust", NULL, &no_trust}};
    CLEANUP(ptr_free) const char **rest = calloc((size_t)line->argc + 1, sizeof(*rest));
    int n_rest = 0;
    uint64_t number = 0;
    struct fail f = FAIL_INIT;
    struct identity owner;
    if (!rest)
        return 1;
    int status = command_options(line, "init", options, 4, rest, &n_rest);
    if (status)
        return status;
    if (n_rest)
        return command_usage("init");
    if (host && !good_host(host)) {
        fprintf(stderr, "gantry: init: --host %s is not a host name or address\n", host);
        return 2;
    }
    if (port && (!str_u64(str_z(port), &number) || number < 1 || number > 65535)) {
        fprintf(stderr, "gantry: init: --port %s is not a port (1 to 65535)\n", port);
        return 2;
    }
    struct init in = {.dir = line->dir, .host = host, .port = (int)number};
    char dir[PATH_MAX];
    snprintf(dir, sizeof(dir), "%s", line->dir);
    if (make_dir(&f, line->dir, user, &owner) || identity_run(&f, &owner, can_reach, dir, &status))
        return command_failed("init", &f);
    if (status == 0 && identity_run(&f, &owner, inside, &in, &status))
        return command_failed("init", &f);
    if (status)
        return status;
    CLEANUP(config_freep) struct config *config = NULL;
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    if (geteuid() == 0 && !no_trust && !config->external_tls &&
        trust(&f, line->dir, config->server_hostname))
        return command_failed("init", &f);
    printf("%s is ready for https://%s (user %s).\n", line->dir, config->server_hostname,
           owner.name);
    return 0;
}
