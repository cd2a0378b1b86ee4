/*
 * supervisor.c - the life of the stack: start, watch, reload, replace, stop. See supervisor.h.
 */
#define _GNU_SOURCE /* environ */
#include "command/supervisor.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "command/command.h"
#include "command/files.h"
#include "command/paths.h"
#include "command/render.h"
#include "program/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDLE_MS        30000
#define RENEW_EVERY_NS ((uint64_t)12 * 3600 * 1000000000u)
#define PATIENCE       3 /* short lives in a row */
#define RENEW_MADE     3 /* exit status of `gantry renew`: nginx must read certificates again */

/* ---- reload and restart ---- */

static enum err load_config(struct supervisor *s, struct fail *f)
{
    struct config *fresh = NULL;
    CLEANUP(config_notes_done) struct config_notes notes = {NULL, 0};
    enum err e = config_load(f, s->dir, &notes, &fresh);
    for (size_t i = 0; i < notes.n; i++)
        LOG(notes.v[i].fatal ? LOG_ERROR : LOG_WARN, "config.yaml",
            KV("note", str_z(notes.v[i].text)));
    if (e)
        return e;
    config_free(s->config);
    s->config = fresh;
    return E_OK;
}

static void reload(struct supervisor *s)
{
    struct fail f = FAIL_INIT;
    if (load_config(s, &f) || stages_nginx(s, &f)) {
        LOG(LOG_WARN, "the new configuration cannot be used, the old one stays",
            KV("why", str_z(fail_text(&f))));
        return;
    }
    for (int i = 0; i < s->n; i++) {
        struct child *c = &s->children[i];
        if (c->service->binds)
            child_reload_nginx(s, c);
        else if (c->service->reloads)
            child_signal(c, SIGHUP);
    }
    LOG(LOG_INFO, "configuration read anew");
}

/* Executes the program that is installed now; its children stay ours. Returns only when that fails. */
static void execute_anew(struct supervisor *s)
{
    char program[PATH_MAX], fds[STATE_SERVICES * 12] = "", lock[16];
    struct fail f = FAIL_INIT;
    if (path_program(&f, "gantry", program)) {
        LOG(LOG_ERROR, "the supervisor cannot be replaced", KV("why", str_z(fail_text(&f))));
        return;
    }
    stages_phase(s, PHASE_RESTARTING, "%s", "replacing the supervisor");
    for (int i = 0; i < s->n; i++) {
        int fd = s->children[i].listen_fd;
        size_t n = strlen(fds);
        snprintf(fds + n, sizeof(fds) - n, "%s%d", i ? "," : "", fd);
        if (fd >= 0)
            fcntl(fd, F_SETFD, 0);
    }
    fcntl(s->lock_fd, F_SETFD, 0);
    snprintf(lock, sizeof(lock), "%d", s->lock_fd);
    execl(program, program, "supervise", "--dir", s->dir, "--resume", fds, "--lock", lock,
          (char *)NULL);
    LOG(LOG_ERROR, "the supervisor cannot be replaced", KV("why", str_z(strerror(errno))));
    for (int i = 0; i < s->n; i++) {
        if (s->children[i].listen_fd >= 0)
            fcntl(s->children[i].listen_fd, F_SETFD, FD_CLOEXEC);
    }
    fcntl(s->lock_fd, F_SETFD, FD_CLOEXEC);
}

/* A service by the same or a newer program. What connects meanwhile waits in the queue of its socket. */
static enum err replace(struct supervisor *s, struct child *c)
{
    stages_stop_child(c);
    stages_wait_stopped(s);
    if (!c->service->wanted(s->config))
        return E_OK;
    child_start(s, c);
    return stages_wait(s, c->service->stage);
}

static enum err replace_all(struct supervisor *s)
{
    struct fail f = FAIL_INIT;
    if (service_prepare(&f, s->config))
        return stages_blame_fail(&s->state, "mariadb", &f);
    if (stages_sockets(s, &f))
        return stages_blame_fail(&s->state, "sockets", &f);
    enum err e = stages_prepare(s);
    for (int i = 0; i < s->n && !e; i++) {
        struct child *c = &s->children[i];
        if (c->service->stage != 2)
            continue;
        stages_phase(s, PHASE_RESTARTING, "restarting %s", c->service->name);
        e = replace(s, c);
    }
    if (!e && stages_nginx(s, &f))
        e = stages_blame_fail(&s->state, "nginx", &f);
    if (e)
        return e;
    for (int i = 0; i < s->n; i++) {
        struct child *c = &s->children[i];
        if (e)
            break;
        if (c->service->binds && c->state == CHILD_RUNNING && c->service->wanted(s->config))
            e = child_reload_nginx(s, c) ? E_OK
                                         : stages_blame(s, &s->state, c->service->name, c->log_from,
                                                        "it has not taken the new configuration");
        else if (c->service->stage != 2 && c->service->wanted(s->config) != (c->state != CHILD_OFF))
            e = replace(s, c);
    }
    return e;
}

/* After execute_anew(): whatever fails, the services that run go on. */
static void restart(struct supervisor *s)
{
    stages_phase(s, PHASE_RESTARTING, "%s", "preparing the database");
    s->want_restart = false;
    enum err e = replace_all(s);
    s->state.generation++;
    if (e == E_OK)
        stages_phase(s, PHASE_READY, "%s", "");
    else {
        s->state.phase = PHASE_FAILED;
        stages_tell(s);
    }
}

/* ---- watching ---- */

/* A pool that dies again and again: its clients had better hear 503 at once than wait in a queue. */
static void refuse_clients(struct supervisor *s, struct child *c)
{
    char path[PATH_MAX];
    struct fail ignored = FAIL_INIT;
    if (c->listen_fd < 0 || c->failures < PATIENCE)
        return;
    if (!path_join(&ignored, s->dir, c->service->socket, path))
        unlink(path);
    close(TAKE_FD(c->listen_fd));
}

static void restart_due(struct supervisor *s)
{
    uint64_t now = clock_mono_ns();
    struct fail f = FAIL_INIT;
    for (int i = 0; i < s->n; i++) {
        struct child *c = &s->children[i];
        if (c->state != CHILD_WAITING)
            continue;
        refuse_clients(s, c);
        if (c->due_ns > now)
            continue;
        if (stages_sockets(s, &f))
            LOG(LOG_ERROR, "a socket cannot be made", KV("why", str_z(fail_text(&f))));
        child_start(s, c);
    }
}

/* Milliseconds until something has to be done by time alone. */
static int next_due(const struct supervisor *s)
{
    uint64_t now = clock_mono_ns(), wait = (uint64_t)IDLE_MS * 1000000u;
    for (int i = 0; i < s->n; i++) {
        const struct child *c = &s->children[i];
        uint64_t w = wait;
        if (c->state == CHILD_STARTING)
            w = 100u * 1000000u;
        else if (c->state == CHILD_WAITING)
            w = c->due_ns > now ? c->due_ns - now : 0;
        wait = w < wait ? w : wait;
    }
    return (int)(wait / 1000000u) + 1;
}

/* A number that changes when anything that `tell` writes does. */
static uint64_t fingerprint(const struct supervisor *s)
{
    uint64_t h = 1469598103934665603u;
    for (int i = 0; i < s->n; i++) {
        h = (h ^ (uint64_t)s->children[i].pid) * 1099511628211u;
        h = (h ^ (uint64_t)s->children[i].state) * 1099511628211u;
    }
    return h;
}

static void watch(struct supervisor *s)
{
    uint64_t renewed_ns = clock_mono_ns(), rotated_ns = renewed_ns, told = fingerprint(s);
    while (!s->want_stop) {
        supervisor_pump(s, next_due(s));
        stages_note_ready(s);
        if (s->want_stop)
            break;
        if (s->want_restart) {
            s->want_restart = false;
            struct fail f = FAIL_INIT;
            if (load_config(s, &f)) {
                stages_blame_fail(&s->state, "config", &f);
                s->state.generation++;
                s->state.phase = PHASE_FAILED;
                stages_tell(s);
            } else {
                execute_anew(s);
                restart(s); /* with the old program, when the new one could not be executed */
            }
        }
        if (s->want_reload) {
            s->want_reload = false;
            reload(s);
        }
        restart_due(s);
        uint64_t now = clock_mono_ns();
        if (now - rotated_ns >= (uint64_t)IDLE_MS * 1000000u) {
            rotate_logs(s);
            rotated_ns = now;
        }
        if (now - renewed_ns >= RENEW_EVERY_NS) {
            renewed_ns = now;
            if (supervisor_step(s, "renew") == RENEW_MADE)
                s->want_reload = true;
        }
        if (fingerprint(s) != told) {
            stages_tell(s);
            told = fingerprint(s);
        }
    }
}

/* ---- the beginning ---- */

/* The children of the program that executed us. */
static void adopt(struct supervisor *s, const char *fds)
{
    struct state old;
    struct str rest = str_z(fds), word;
    for (int i = 0; i < s->n && rest.n; i++) {
        uint64_t fd = 0;
        str_cut(rest, ',', &word, &rest);
        if (!str_u64(word, &fd) || fd > 65535)
            continue;
        s->children[i].listen_fd = (int)fd;
        fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
    if (state_read(s->dir, &old))
        return;
    s->state.generation = old.generation;
    s->state.nginx_files = old.nginx_files;
    for (int i = 0; i < old.n; i++) {
        for (int k = 0; k < s->n; k++) {
            struct child *c = &s->children[k];
            const struct state_service *v = &old.services[i];
            if (strcmp(c->service->name, v->name) != 0 || !v->pid ||
                state_ticks(v->pid) != v->ticks)
                continue;
            c->pid = v->pid;
            c->state = strcmp(v->state, "starting") == 0 ? CHILD_STARTING : CHILD_RUNNING;
            c->since_s = v->since_s;
            c->started_ns = clock_mono_ns();
            c->restarts = v->restarts;
        }
    }
}

static void init_signals(struct supervisor *s)
{
    static const int sigs[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD};
    sigemptyset(&s->signals);
    for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
        sigaddset(&s->signals, sigs[i]);
    sigprocmask(SIG_SETMASK, &s->signals, NULL);
}

static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int run(struct supervisor *s, bool resumed)
{
    enum err e = E_OK;
    if (resumed) {
        restart(s);
    } else {
        stages_phase(s, PHASE_STARTING, "%s", "");
        e = stages_start(s);
    }
    if (e == E_OK)
        watch(s);
    if (e == E_OK || e == E_BUSY) {
        stages_phase(s, PHASE_STOPPING, "%s", "");
        stages_stop(s);
        stages_tell(s);
        LOG(LOG_INFO, "the stack has stopped");
        return 0;
    }
    CLEANUP(ptr_free) char *why = strdup(s->state.text);
    stages_stop(s);
    stages_phase(s, PHASE_FAILED, "%s", why ? why : "out of memory");
    return 1;
}

int command_supervise(const struct command_line *line)
{
    const char *resume = NULL, *lock = NULL;
    const struct command_option options[] = {{"--resume", &resume, NULL}, {"--lock", &lock, NULL}};
    struct supervisor s = {.dir = line->dir, .lock_fd = -1};
    struct fail f = FAIL_INIT;
    CLEANUP(ptr_free) const char **rest = calloc((size_t)line->argc + 1, sizeof(*rest));
    int n_rest = 0;
    uint64_t lock_fd = 0;
    int status = rest ? command_options(line, "supervise", options, 2, rest, &n_rest) : 1;
    if (status || n_rest)
        return status ? status : command_usage("supervise");
    umask(027);
    init_signals(&s);
    raise_limits();
    s.n = n_services < STATE_SERVICES ? n_services : STATE_SERVICES;
    for (int i = 0; i < s.n; i++)
        s.children[i] = (struct child){.service = &services[i], .listen_fd = -1};
    s.state.pid = getpid();
    if (resume && lock && str_u64(str_z(lock), &lock_fd)) {
        s.lock_fd = (int)lock_fd;
        fcntl(s.lock_fd, F_SETFD, FD_CLOEXEC);
    } else if (state_lock(&f, s.dir, &s.lock_fd)) {
        return command_failed("supervise", &f);
    }
    if (load_config(&s, &f)) {
        stages_blame_fail(&s.state, "config", &f);
        stages_phase(&s, PHASE_FAILED, "config: %s", fail_text(&f));
        return 1;
    }
    if (resume)
        adopt(&s, resume);
    else
        remnants_end(s.dir);
    LOG(LOG_INFO, "supervisor runs", KV("dir", str_z(s.dir)), KV("version", STR(GANTRY_VERSION)));
    status = run(&s, resume != NULL);
    config_free(s.config);
    fd_close(&s.lock_fd);
    return status;
}
