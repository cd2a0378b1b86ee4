/*
 * service.c - see service.h.
 */
#include "command/service.h"

#include "base/cleanup.h"
#include "command/files.h"
#include "command/identity.h"
#include "command/paths.h"
#include "command/render.h"
#include "command/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- is it there? ---- */

/* A connected socket of the path below DIR, or -1. */
static int connect_unix(const struct config *c, const char *relative)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", c->dir, relative);
    if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
        return -1;
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
        return -1;
    return TAKE_FD(fd);
}

/* mariadbd listens long before it serves; it serves when it greets. */
static bool mariadb_ready(const struct config *c, pid_t pid)
{
    (void)pid;
    CLEANUP(fd_close) int fd = connect_unix(c, "run/mariadb.sock");
    char greeting[256];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return fd >= 0 && poll(&p, 1, 50) == 1 && read(fd, greeting, sizeof(greeting)) > 4;
}

static bool redis_ready(const struct config *c, pid_t pid)
{
    (void)pid;
    CLEANUP(fd_close) int fd = connect_unix(c, "run/redis.sock");
    return fd >= 0;
}

/* The pool has its lock once it has read its configuration and is about to fork its workers. */
static bool pool_ready(const struct config *c, const char *pool, pid_t pid)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/run/%s.lock", c->dir, pool);
    CLEANUP(fd_close) int fd =
        n > 0 && (size_t)n < sizeof(path) ? open(path, O_RDWR | O_CLOEXEC) : -1;
    return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid == pid;
}

static bool registry_ready(const struct config *c, pid_t pid)
{
    return pool_ready(c, "registry", pid);
}

static bool upload_ready(const struct config *c, pid_t pid)
{
    return pool_ready(c, "upload", pid);
}

static bool api_ready(const struct config *c, pid_t pid)
{
    return pool_ready(c, "api", pid);
}

static bool nginx_ready(const struct config *c, pid_t pid)
{
    (void)pid;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->listen_port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0;
}

/* ---- is it wanted? ---- */

static bool always(const struct config *c)
{
    (void)c;
    return true;
}

static bool wants_mariadb(const struct config *c)
{
    return strs_has(&c->embedded, STR("mariadb"));
}

static bool wants_redis(const struct config *c)
{
    return strs_has(&c->embedded, STR("redis"));
}

static bool wants_nginx(const struct config *c)
{
    return strs_has(&c->embedded, STR("nginx"));
}

/* ---- how is it started? ---- */

static void add(struct service_command *cmd, const char *fmt, ...) PRINTF(2, 3);
static void add(struct service_command *cmd, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cmd->text[cmd->n], SERVICE_ARG, fmt, ap); /* DIR is short: path_check_dir() */
    va_end(ap);
    cmd->argv[cmd->n] = cmd->text[cmd->n];
    cmd->argv[++cmd->n] = NULL;
}

static enum err foreign(struct fail *f, const char *name, const char *package,
                        struct service_command *ret)
{
    char path[PATH_MAX];
    enum err e = path_foreign(f, name, package, path);
    if (!e)
        add(ret, "%s", path);
    return e;
}

static enum err mariadb_command(struct fail *f, const struct config *c, struct service_command *ret)
{
    enum err e = foreign(f, "mariadbd", "mariadb-server", ret);
    if (!e)
        add(ret, "--defaults-file=%s/run/mariadb.cnf", c->dir);
    if (!e && geteuid() == 0)
        add(ret, "--user=root"); /* it refuses to be root unless told */
    return e;
}

static enum err redis_command(struct fail *f, const struct config *c, struct service_command *ret)
{
    enum err e = foreign(f, "redis-server", "redis-server", ret);
    if (!e)
        add(ret, "%s/redis/redis.conf", c->dir);
    return e;
}

static enum err nginx_command(struct fail *f, const struct config *c, struct service_command *ret)
{
    enum err e = foreign(f, "nginx", "nginx-light", ret);
    if (e)
        return e;
    add(ret, "-p");
    add(ret, "%s/nginx/", c->dir);
    add(ret, "-e");
    add(ret, "%s/log/nginx.log", c->dir);
    add(ret, "-c");
    add(ret, "%s/nginx/nginx.conf", c->dir);
    return E_OK;
}

static enum err own(struct fail *f, const struct config *c, const char *name, const char *pool,
                    struct service_command *ret)
{
    char path[PATH_MAX];
    enum err e = path_program(f, name, path);
    if (e)
        return e;
    add(ret, "%s", path);
    add(ret, "--dir");
    add(ret, "%s", c->dir);
    if (pool) {
        add(ret, "--pool");
        add(ret, "%s", pool);
    }
    return E_OK;
}

static enum err registry_command(struct fail *f, const struct config *c,
                                 struct service_command *ret)
{
    return own(f, c, "gantry-fcgi", "registry", ret);
}

static enum err upload_command(struct fail *f, const struct config *c, struct service_command *ret)
{
    return own(f, c, "gantry-fcgi", "upload", ret);
}

static enum err api_command(struct fail *f, const struct config *c, struct service_command *ret)
{
    return own(f, c, "gantry-fcgi", "api", ret);
}

static enum err worker_command(struct fail *f, const struct config *c, struct service_command *ret)
{
    return own(f, c, "gantry-worker", NULL, ret);
}

const struct service services[] = {
    {.name = "mariadb",
     .stage = 1,
     .stop_signal = SIGTERM,
     .stop_s = 120,
     .start_s = 300,
     .wanted = wants_mariadb,
     .command = mariadb_command,
     .ready = mariadb_ready},
    {.name = "redis",
     .stage = 1,
     .stop_signal = SIGTERM,
     .stop_s = 10,
     .start_s = 20,
     .wanted = wants_redis,
     .command = redis_command,
     .ready = redis_ready},
    {.name = "registry",
     .stage = 2,
     .stop_signal = SIGTERM,
     .stop_s = 20,
     .start_s = 20,
     .reloads = true,
     .follows_log = true,
     .wanted = always,
     .command = registry_command,
     .ready = registry_ready,
     .socket = "run/registry.sock"},
    {.name = "upload",
     .stage = 2,
     .stop_signal = SIGTERM,
     .stop_s = 30,
     .start_s = 20,
     .reloads = true,
     .follows_log = true,
     .wanted = always,
     .command = upload_command,
     .ready = upload_ready,
     .socket = "run/upload.sock"},
    {.name = "api",
     .stage = 2,
     .stop_signal = SIGTERM,
     .stop_s = 20,
     .start_s = 20,
     .reloads = true,
     .follows_log = true,
     .wanted = always,
     .command = api_command,
     .ready = api_ready,
     .socket = "run/api.sock"},
    {.name = "worker",
     .stage = 2,
     .stop_signal = SIGTERM,
     .stop_s = 20,
     .start_s = 20,
     .reloads = true,
     .follows_log = true,
     .wanted = always,
     .command = worker_command},
    {.name = "nginx",
     .stage = 3,
     .stop_signal = SIGQUIT,
     .stop_s = 10,
     .start_s = 20,
     .reloads = true,
     .binds = true,
     .wanted = wants_nginx,
     .command = nginx_command,
     .ready = nginx_ready},
};
const int n_services = (int)(sizeof(services) / sizeof(services[0]));

/* ---- before the first stage ---- */

bool service_first_time(const struct config *c)
{
    char path[PATH_MAX];
    struct fail ignored = FAIL_INIT;
    return wants_mariadb(c) && !path_join(&ignored, c->dir, "mysql/mysql", path) &&
           !file_exists(path);
}

/* The system tables, made beside and moved into place: an interrupted attempt leaves nothing half-made. */
static enum err make_database(struct fail *f, const struct config *c)
{
    char program[PATH_MAX], final[PATH_MAX], temp[PATH_MAX], datadir[PATH_MAX + 16], user[128];
    struct identity owner;
    CLEANUP(buf_done) struct buf said = BUF_INIT;
    int status = 1;
    enum err e = path_foreign(f, "mariadb-install-db", "mariadb-server", program);
    if (!e)
        e = path_join(f, c->dir, "mysql", final);
    if (!e)
        e = path_join(f, c->dir, "mysql.new", temp);
    if (!e)
        e = identity_of_dir(f, c->dir, &owner);
    if (e)
        return e;
    CLEANUP(buf_done) struct buf ignored = BUF_INIT;
    e = run_program(f, (const char *[]){"/bin/rm", "-rf", "--", temp, NULL}, &ignored, &status);
    if (!e)
        e = dir_make(f, temp, 0700);
    if (e)
        return e;
    snprintf(datadir, sizeof(datadir), "--datadir=%s", temp);
    snprintf(user, sizeof(user), "--auth-root-socket-user=%s", owner.name);
    e = run_program(f,
                    (const char *[]){program, "--no-defaults", datadir,
                                     "--auth-root-authentication-method=socket", user,
                                     "--skip-test-db", "--skip-name-resolve",
                                     geteuid() == 0 ? "--user=root" : NULL, NULL},
                    &said, &status);
    if (e)
        return e;
    if (status != 0)
        return fail(f, E_SYSTEM, "mariadb-install-db could not make the database in %s:\n%.*s",
                    temp, STR_ARG(str_from(buf_str(&said), said.n > 380 ? said.n - 380 : 0)));
    if (rename(temp, final) != 0)
        return fail(f, E_SYSTEM, "%s cannot become %s: %s", temp, final, strerror(errno));
    return E_OK;
}

enum err service_prepare(struct fail *f, const struct config *c)
{
    enum err e = E_OK;
    if (wants_mariadb(c)) {
        e = service_first_time(c) ? make_database(f, c) : E_OK;
        if (!e)
            e = render_mariadb(f, c);
    }
    if (!e && wants_redis(c))
        e = render_redis(f, c);
    return e;
}
