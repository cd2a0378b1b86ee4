/*
 * doctor_services.c - checks of the port, the programs, the database, Redis and the running stack (checks.def).
 */
#include "command/doctor.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cache/redis.h"
#include "command/files.h"
#include "command/paths.h"
#include "command/probe.h"
#include "command/render.h"
#include "command/state.h"
#include "db/db.h"
#include "db/migrate.h"
#include "db/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SKEW_WARN_MS  5000
#define SKEW_ERROR_MS 30000
#define LISTENING     0x0a /* TCP_LISTEN in /proc/net/tcp */

/* ---- the port ---- */

/* Inode of the socket that listens on the port, 0 when there is none. Lines of proc(5), /proc/net/tcp. */
static uint64_t listener_inode(int port)
{
    static const char *const tables[] = {"/proc/net/tcp", "/proc/net/tcp6"};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        struct fail ignored = FAIL_INIT;
        struct str rest, line;
        if (file_read(&ignored, tables[i], (size_t)32 << 20, &text))
            continue;
        rest = buf_str(&text);
        while (rest.n) {
            char row[256];
            unsigned local = 0, state = 0;
            uint64_t inode = 0;
            str_cut(rest, '\n', &line, &rest);
            snprintf(row, sizeof(row), "%.*s", STR_ARG(line));
            if (sscanf(row, " %*[^:]: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %" SCNu64, &local,
                       &state, &inode) == 3 &&
                (int)local == port && state == LISTENING)
                return inode;
        }
    }
    return 0;
}

static void dir_drop(DIR **p)
{
    if (*p)
        closedir(*p);
}

static bool has_socket(const char *pid, uint64_t inode)
{
    char path[288], wanted[48], target[64];
    snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
    CLEANUP(dir_drop) DIR *fds = opendir(path);
    const struct dirent *entry;
    while (fds && (entry = readdir(fds))) {
        ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        if (strcmp(target, wanted) == 0)
            return true;
    }
    return false;
}

/* "nginx (pid 812)"; false when it cannot be seen. */
static bool holder_of(uint64_t inode, char *out, size_t size)
{
    CLEANUP(dir_drop) DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (inode && proc && (entry = readdir(proc))) {
        char path[288], name[64] = "?";
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9' || !has_socket(entry->d_name, inode))
            continue;
        CLEANUP(buf_done) struct buf text = BUF_INIT;
        struct fail ignored = FAIL_INIT;
        snprintf(path, sizeof(path), "/proc/%.20s/comm", entry->d_name);
        if (!file_read(&ignored, path, sizeof(name), &text) && text.n)
            snprintf(name, sizeof(name), "%.*s", STR_ARG(str_head(buf_str(&text), text.n - 1)));
        snprintf(out, size, "%s (pid %.20s)", name, entry->d_name);
        return true;
    }
    snprintf(out, size, "a program of another user (as root this could be said better)");
    return false;
}

/* The master of our nginx has it. */
static bool is_ours(const struct doctor *d, uint64_t inode)
{
    char path[PATH_MAX], pid[24];
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct fail ignored = FAIL_INIT;
    struct str first, rest;
    config_path(d->config, "run/nginx.pid", path);
    if (file_read(&ignored, path, sizeof(pid), &text) || !text.n)
        return false;
    str_cut(buf_str(&text), '\n', &first, &rest);
    snprintf(pid, sizeof(pid), "%.*s", STR_ARG(first));
    return has_socket(pid, inode);
}

void check_port(const struct doctor *d)
{
    int port = (int)d->config->listen_port, on = 1;
    char holder[160], mend[256];
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (!strs_has(&d->config->embedded, STR("nginx")))
        return;
    CLEANUP(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
        return;
    if (errno == EADDRINUSE) {
        uint64_t inode = listener_inode(port);
        bool seen = holder_of(inode, holder, sizeof(holder)), up = d->running || d->restart;
        if (up && (!seen || is_ours(d, inode)))
            return;
        snprintf(mend, sizeof(mend),
                 "stop that program, or choose another port: gantry init --dir %s --port N",
                 d->config->dir);
        doctor_found(d, FINDING_FATAL, mend, "port %d is in use by %s", port, holder);
    } else if (errno == EACCES) {
        snprintf(mend, sizeof(mend),
                 "run as root (sudo), or choose a port from 1024 on: gantry init --dir %s --port N",
                 d->config->dir);
        doctor_found(d, FINDING_FATAL, mend,
                     "the user %s may not use port %d: ports below 1024 are root's", d->owner->name,
                     port);
    } else {
        doctor_found(d, FINDING_FATAL, NULL, "port %d cannot be used: %s", port, strerror(errno));
    }
}

/* ---- programs ---- */

void check_programs(const struct doctor *d)
{
    static const struct {
        const char *service, *program, *package;
    } foreign[] = {{"mariadb", "mariadbd", "mariadb-server"},
                   {"mariadb", "mariadb-install-db", "mariadb-server"},
                   {"redis", "redis-server", "redis-server"},
                   {"nginx", "nginx", "nginx-light"}};
    static const char *const own[] = {"gantry", "gantry-fcgi", "gantry-worker"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        struct fail f = FAIL_INIT;
        if (strs_has(&d->config->embedded, str_z(foreign[i].service)) &&
            path_foreign(&f, foreign[i].program, foreign[i].package, path))
            doctor_found(d, FINDING_FATAL, NULL, "%s", fail_text(&f));
    }
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        struct fail f = FAIL_INIT;
        if (path_program(&f, own[i], path))
            doctor_found(d, FINDING_FATAL, NULL,
                         "%s (looked for as the user %s, who must be able to execute it)",
                         fail_text(&f), d->owner->name);
    }
    struct fail f = FAIL_INIT;
    if (path_data(&f, "nginx/gantry.conf.in", path))
        doctor_found(d, FINDING_FATAL, NULL, "%s", fail_text(&f));
}

/* ---- the database ---- */

static void check_schema(const struct doctor *d)
{
    char dir[PATH_MAX], mend[PATH_MAX + 64];
    struct fail f = FAIL_INIT;
    struct migrate_status status = {.version = 0};
    if (path_data(&f, "sql/0001-foundation.sql", dir))
        return; /* check_programs has told */
    *strrchr(dir, '/') = '\0';
    if (migrate_status(&d->config->db, &f, dir, &status)) {
        doctor_found(d, FINDING_FATAL, "install the Gantry that made this database, or a later one",
                     "%s%s%s", fail_text(&f), f.internal[0] ? ": " : "", f.internal);
        return;
    }
    /* Before a start it is expected: the start migrates. */
    if (d->running && status.version < status.latest) {
        snprintf(mend, sizeof(mend), "gantry migrate --dir %s", d->config->dir);
        doctor_found(d, FINDING_ERROR, mend,
                     "the schema of the database is version %d, these programs want %d",
                     status.version, status.latest);
    }
}

static void mend_connections(const struct doctor *d, char *out, size_t size)
{
    const char *dir = d->config->dir;
    int enough = render_db_connections(d->config) * 2;
    if (strs_has(&d->config->embedded, STR("mariadb")))
        snprintf(
            out, size,
            "printf '[mariadbd]\\nmax_connections = %d\\n' > %s/config/mariadb.d/connections.cnf "
            "&& gantry stop --dir %s && gantry up --dir %s",
            enough, dir, dir, dir);
    else
        snprintf(out, size,
                 "SET GLOBAL max_connections = %d; and the same in the server's configuration",
                 enough);
}

static void check_connections(const struct doctor *d, struct db *db)
{
    struct fail f = FAIL_INIT;
    int64_t max = 0, used = 0, packet = 0;
    int needed = render_db_connections(d->config);
    char mend[4 * PATH_MAX];
    if (server_max_connections(db, &f, &max) || server_threads_connected(db, &f, &used) ||
        server_max_allowed_packet(db, &f, &packet))
        return;
    mend_connections(d, mend, sizeof(mend));
    if (used >= max - max / 10)
        doctor_found(d, FINDING_ERROR, mend,
                     "the database runs out of connections: %" PRId64
                     " of max_connections = %" PRId64 " are in use",
                     used, max);
    else if (max < needed)
        doctor_found(d, FINDING_WARNING, mend,
                     "the database admits %" PRId64
                     " connections (max_connections), the pools and the worker may need %d",
                     max, needed);
    if (packet < d->config->max_manifest_size + (1 << 20))
        doctor_found(
            d, FINDING_WARNING,
            "SET GLOBAL max_allowed_packet = 33554432; and the same in the server's configuration",
            "the database takes at most %" PRId64 " bytes at once (max_allowed_packet), which is "
            "too small for MAXIMUM_MANIFEST_SIZE = %" PRId64,
            packet, d->config->max_manifest_size);
}

static void check_clock(const struct doctor *d, struct db *db)
{
    struct fail f = FAIL_INIT;
    int64_t theirs = 0, before = clock_ms();
    if (server_clock_ms(db, &f, &theirs))
        return;
    int64_t now = before + (clock_ms() - before) / 2,
            skew = theirs > now ? theirs - now : now - theirs;
    if (skew < SKEW_WARN_MS)
        return;
    doctor_found(d, skew < SKEW_ERROR_MS ? FINDING_WARNING : FINDING_ERROR,
                 "let both machines take their time from NTP (timedatectl set-ntp true)",
                 "the clocks of this machine and of the database differ by %" PRId64
                 " ms: tokens, leases and expiry go wrong",
                 skew);
}

void check_database(const struct doctor *d)
{
    bool embedded = strs_has(&d->config->embedded, STR("mariadb")), read_only = false;
    const struct config_db *c = &d->config->db;
    struct fail f = FAIL_INIT;
    if (embedded && !d->running)
        return;
    db_library_init();
    CLEANUP(db_freep) struct db *db = db_new(c);
    if (!db)
        return;
    if (db_ping(db, &f)) {
        char where[PATH_MAX + 160], owner[128] = "", mend[4 * PATH_MAX];
        if (c->unix_socket) {
            doctor_describe(c->unix_socket, owner);
            snprintf(where, sizeof(where), "%s (%s)", c->unix_socket, owner);
        } else {
            snprintf(where, sizeof(where), "%s:%d", c->host ? c->host : "localhost", c->port);
        }
        snprintf(mend, sizeof(mend),
                 embedded ? "gantry logs mariadb --dir %s"
                          : "check DB_URI in %s/config/config.yaml, and that the server runs",
                 d->config->dir);
        if (strstr(f.internal, "Too many connections"))
            mend_connections(d, mend, sizeof(mend));
        doctor_found(d, FINDING_FATAL, mend, "the database at %s does not let %s into %s: %s",
                     where, c->user, c->name, f.internal[0] ? f.internal : fail_text(&f));
        return;
    }
    check_schema(d);
    check_connections(d, db);
    check_clock(d, db);
    if (!server_read_only(db, &f, &read_only) && read_only)
        doctor_found(d, FINDING_ERROR, "SET GLOBAL read_only = OFF; or point DB_URI at the primary",
                     "the database is read-only: pushes and sign-ins fail");
}

/* ---- Redis ---- */

void check_redis(const struct doctor *d)
{
    const struct config_redis *c = &d->config->redis;
    char where[PATH_MAX + 160], owner[128], mend[PATH_MAX + 128];
    bool embedded = strs_has(&d->config->embedded, STR("redis"));
    if (embedded && !d->running)
        return;
    CLEANUP(redis_freep) struct redis *r = redis_new(c);
    if (!r || redis_ping(r))
        return;
    if (c->unix_socket) {
        doctor_describe(c->unix_socket, owner);
        snprintf(where, sizeof(where), "%s (%s)", c->unix_socket, owner);
    } else {
        snprintf(where, sizeof(where), "%s:%d", c->host ? c->host : "localhost", c->port);
    }
    snprintf(mend, sizeof(mend),
             embedded ? "gantry logs redis --dir %s"
                      : "check USER_EVENTS_REDIS in %s/config/config.yaml, and that Redis runs",
             d->config->dir);
    doctor_found(d, FINDING_ERROR, mend,
                 "Redis at %s does not answer: the registry works without it, but slower and "
                 "without live events",
                 where);
}

/* ---- the running stack ---- */

void check_services(const struct doctor *d)
{
    struct state s;
    char mend[PATH_MAX + 64];
    if (state_read(d->config->dir, &s))
        return;
    if (s.phase != PHASE_READY)
        doctor_found(d, FINDING_ERROR, NULL, "the stack is not up yet, or did not come up: %s",
                     s.text);
    for (int i = 0; i < s.n; i++) {
        const struct state_service *v = &s.services[i];
        snprintf(mend, sizeof(mend), "gantry logs %s --dir %s", v->name, d->config->dir);
        if (strcmp(v->state, "waiting") == 0 || strcmp(v->state, "starting") == 0)
            doctor_found(d, FINDING_ERROR, mend, "%s does not run (it was started again %d times)",
                         v->name, v->restarts);
        else if (v->restarts > 0)
            doctor_found(d, FINDING_WARNING, mend, "%s died and was started again (%d times)",
                         v->name, v->restarts);
    }
}

void check_answers(const struct doctor *d)
{
    struct fail f = FAIL_INIT;
    char mend[PATH_MAX + 64];
    if (!strs_has(&d->config->embedded, STR("nginx")))
        return;
    snprintf(mend, sizeof(mend), "gantry logs --dir %s", d->config->dir);
    if (probe_serves(&f, d->config, 0))
        doctor_found(d, FINDING_ERROR, mend, "the registry does not answer as it should: %s",
                     fail_text(&f));
}
