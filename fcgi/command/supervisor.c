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

#define POLL_MS        15
#define IDLE_MS        30000
#define RENEW_EVERY_NS ((uint64_t)12 * 3600 * 1000000000u)
#define TAIL           2048
#define PATIENCE       3 /* short lives in a row */
#define NS_PER_S       ((uint64_t)1000000000u)
#define RENEW_MADE     3 /* exit status of `gantry renew`: nginx must read certificates again */

/* ---- telling ---- */

static void tell(struct supervisor *s)
{
    static const char *const words[] = {"stopped", "starting", "running", "waiting", "stopping"};
    struct fail f = FAIL_INIT;
    s->state.n = s->n;
    for (int i = 0; i < s->n; i++) {
        const struct child *c = &s->children[i];
        struct state_service *v = &s->state.services[i];
        snprintf(v->name, sizeof(v->name), "%s", c->service->name);
        snprintf(v->state, sizeof(v->state), "%s", words[c->state]);
        v->pid = c->pid;
        v->ticks = c->pid ? state_ticks(c->pid) : 0;
        v->since_s = c->since_s;
        v->restarts = c->restarts;
    }
    if (state_write(&f, s->dir, &s->state))
        LOG(LOG_WARN, "the state cannot be written", KV("why", str_z(fail_text(&f))));
}

static void phase(struct supervisor *s, enum phase phase, const char *fmt, ...) PRINTF(3, 4);
static void phase(struct supervisor *s, enum phase p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->state.text, sizeof(s->state.text), fmt, ap);
    va_end(ap);
    s->state.phase = p;
    s->state.since_s = clock_s();
    tell(s);
}

/* What went wrong with a program, with the end of its log. */
static enum err blame(const struct supervisor *s, struct state *state, const char *name,
                      off_t since, const char *what)
{
    char relative[64], path[PATH_MAX];
    struct fail ignored = FAIL_INIT;
    CLEANUP(buf_done) struct buf tail = BUF_INIT;
    snprintf(relative, sizeof(relative), "log/%s.log", name);
    if (!path_join(&ignored, s->dir, relative, path))
        file_tail(path, since, TAIL, &tail);
    LOG(LOG_ERROR, "the stack cannot start", KV("service", str_z(name)), KV("why", str_z(what)));
    snprintf(state->text, sizeof(state->text), "%s: %s\nThe end of %s:\n%.*s", name, what, path,
             STR_ARG(buf_str(&tail)));
    return E_SYSTEM;
}

static enum err blame_fail(struct state *state, const char *name, const struct fail *f)
{
    LOG(LOG_ERROR, "the stack cannot start", KV("service", str_z(name)),
        KV("why", str_z(fail_text(f))));
    snprintf(state->text, sizeof(state->text), "%s: %s\n", name, fail_text(f));
    return E_SYSTEM;
}

/* ---- starting ---- */

static bool is_ready(const struct supervisor *s, const struct child *c)
{
    return c->pid && (!c->service->ready || c->service->ready(s->config, c->pid));
}

static void note_ready(struct supervisor *s)
{
    for (int i = 0; i < s->n; i++) {
        struct child *c = &s->children[i];
        if (c->state == CHILD_STARTING && is_ready(s, c))
            c->state = CHILD_RUNNING;
    }
}

static enum err died_early(const struct supervisor *s, const struct child *c, struct state *state)
{
    char what[96];
    if (WIFSIGNALED(c->last_status))
        snprintf(what, sizeof(what), "it was ended by signal %d before it was ready",
                 WTERMSIG(c->last_status));
    else
        snprintf(what, sizeof(what), "it ended with exit status %d before it was ready",
                 WEXITSTATUS(c->last_status));
    return blame(s, state, c->service->name, c->log_from, what);
}

/* Until every service of the stage is ready. E_BUSY: we were told to stop. */
static enum err wait_stage(struct supervisor *s, int stage)
{
    for (;;) {
        bool all = true;
        note_ready(s);
        for (int i = 0; i < s->n; i++) {
            struct child *c = &s->children[i];
            if (c->service->stage != stage || c->state == CHILD_OFF || c->state == CHILD_RUNNING)
                continue;
            if (c->state == CHILD_WAITING)
                return died_early(s, c, &s->state);
            if (clock_mono_ns() - c->started_ns > (uint64_t)c->service->start_s * NS_PER_S)
                return blame(s, &s->state, c->service->name, c->log_from,
                             "it is not ready in time");
            all = false;
        }
        if (all)
            return E_OK;
        if (s->want_stop)
            return E_BUSY;
        supervisor_pump(s, POLL_MS);
    }
}

static void start_stage(struct supervisor *s, int stage)
{
    for (int i = 0; i < s->n; i++) {
        struct child *c = &s->children[i];
        if (c->service->stage == stage && c->state == CHILD_OFF && c->service->wanted(s->config))
            child_start(s, c);
    }
}

static enum err make_sockets(struct supervisor *s, struct fail *f)
{
    for (int i = 0; i < s->n; i++) {
        struct child *c = &s->children[i];
        char path[PATH_MAX];
        if (!c->service->socket || c->listen_fd >= 0)
            continue;
        enum err e = path_join(f, s->dir, c->service->socket, path);
        if (!e)
            e = pool_listen(f, path, &c->listen_fd);
        if (e)
            return e;
    }
    return E_OK;
}

static enum err write_nginx(const struct supervisor *s, struct fail *f)
{
    char program[PATH_MAX];
    if (!strs_has(&s->config->embedded, STR("nginx")))
        return E_OK;
    enum err e = path_foreign(f, "nginx", "nginx-light", program);
    return e ? e : render_nginx(f, s->config, program);
}

/* Migrations, the first account, certificates. */
static enum err prepare(struct supervisor *s)
{
    int status = supervisor_step(s, "prepare");
    if (status == 0)
        return E_OK;
    return s->want_stop ? E_BUSY
                        : blame(s, &s->state, "prepare", s->step_log_from,
                                "what comes before the start failed");
}

static enum err start_all(struct supervisor *s)
{
    struct fail f = FAIL_INIT;
    if (service_first_time(s->config))
        phase(s, PHASE_STARTING, "making the database (this is done once)");
    if (service_prepare(&f, s->config))
        return blame_fail(&s->state, "mariadb", &f);
    if (make_sockets(s, &f))
        return blame_fail(&s->state, "sockets", &f);
    start_stage(s, 1);
    phase(s, PHASE_STARTING, "starting the database");
    enum err e = wait_stage(s, 1);
    if (e)
        return e;
    phase(s, PHASE_STARTING, "preparing the database");
    e = prepare(s);
    if (e)
        return e;
    start_stage(s, 2);
    phase(s, PHASE_STARTING, "starting the registry");
    if (write_nginx(s, &f))
        return blame_fail(&s->state, "nginx", &f);
    e = wait_stage(s, 2);
    if (e)
        return e;
    start_stage(s, 3);
    e = wait_stage(s, 3);
    if (!e)
        phase(s, PHASE_READY, "%s", "");
    return e;
}

/* ---- stopping ---- */

static void stop_child(struct supervisor *s, struct child *c)
{
    (void)s;
    if (child_alive(c)) {
        c->state = CHILD_STOPPING;
        c->due_ns = clock_mono_ns() + (uint64_t)c->service->stop_s * NS_PER_S;
        child_signal(c, c->service->stop_signal);
    } else {
        c->state = CHILD_OFF;
    }
}

/* Until every stopping service has ended; those that take too long are killed. */
static void wait_stopped(struct supervisor *s)
{
    for (;;) {
        bool any = false;
        for (int i = 0; i < s->n; i++) {
            struct child *c = &s->children[i];
            if (c->state != CHILD_STOPPING)
                continue;
            any = true;
            if (clock_mono_ns() > c->due_ns) {
                LOG(LOG_WARN, "a service did not stop in time and is killed",
                    KV("service", str_z(c->service->name)));
                child_signal(c, SIGKILL);
                c->due_ns += 5 * NS_PER_S;
            }
        }
        if (!any)
            return;
        supervisor_pump(s, POLL_MS);
    }
}

static void stop_all(struct supervisor *s)
{
    for (int stage = 3; stage >= 1; stage--) {
        for (int i = 0; i < s->n; i++) {
            if (s->children[i].service->stage == stage)
                stop_child(s, &s->children[i]);
        }
        tell(s);
        wait_stopped(s);
    }
    for (int i = 0; i < s->n; i++) {
        char path[PATH_MAX];
        struct fail ignored = FAIL_INIT;
        struct child *c = &s->children[i];
        if (c->listen_fd >= 0 && !path_join(&ignored, s->dir, c->service->socket, path))
            unlink(path);
        fd_close(&c->listen_fd);
        c->listen_fd = -1;
    }
}

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
    if (load_config(s, &f) || write_nginx(s, &f)) {
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
    phase(s, PHASE_RESTARTING, "%s", "replacing the supervisor");
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
    stop_child(s, c);
    wait_stopped(s);
    if (!c->service->wanted(s->config))
        return E_OK;
    child_start(s, c);
    return wait_stage(s, c->service->stage);
}

static enum err replace_all(struct supervisor *s)
{
    struct fail f = FAIL_INIT;
    if (service_prepare(&f, s->config))
        return blame_fail(&s->state, "mariadb", &f);
    if (make_sockets(s, &f))
        return blame_fail(&s->state, "sockets", &f);
    enum err e = prepare(s);
    for (int i = 0; i < s->n && !e; i++) {
        struct child *c = &s->children[i];
        if (c->service->stage != 2)
            continue;
        phase(s, PHASE_RESTARTING, "restarting %s", c->service->name);
        e = replace(s, c);
    }
    if (!e && write_nginx(s, &f))
        e = blame_fail(&s->state, "nginx", &f);
    if (e)
        return e;
    for (int i = 0; i < s->n; i++) {
        struct child *c = &s->children[i];
        if (e)
            break;
        if (c->service->binds && c->state == CHILD_RUNNING && c->service->wanted(s->config))
            e = child_reload_nginx(s, c) ? E_OK
                                         : blame(s, &s->state, c->service->name, c->log_from,
                                                 "it has not taken the new configuration");
        else if (c->service->stage != 2 && c->service->wanted(s->config) != (c->state != CHILD_OFF))
            e = replace(s, c);
    }
    return e;
}

/* After execute_anew(): whatever fails, the services that run go on. */
static void restart(struct supervisor *s)
{
    phase(s, PHASE_RESTARTING, "%s", "preparing the database");
    s->want_restart = false;
    enum err e = replace_all(s);
    s->state.generation++;
    if (e == E_OK)
        phase(s, PHASE_READY, "%s", "");
    else {
        s->state.phase = PHASE_FAILED;
        tell(s);
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
        if (make_sockets(s, &f))
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
        note_ready(s);
        if (s->want_stop)
            break;
        if (s->want_restart) {
            s->want_restart = false;
            struct fail f = FAIL_INIT;
            if (load_config(s, &f)) {
                blame_fail(&s->state, "config", &f);
                s->state.generation++;
                s->state.phase = PHASE_FAILED;
                tell(s);
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
            tell(s);
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
        phase(s, PHASE_STARTING, "%s", "");
        e = start_all(s);
    }
    if (e == E_OK)
        watch(s);
    if (e == E_OK || e == E_BUSY) {
        phase(s, PHASE_STOPPING, "%s", "");
        stop_all(s);
        tell(s);
        LOG(LOG_INFO, "the stack has stopped");
        return 0;
    }
    CLEANUP(ptr_free) char *why = strdup(s->state.text);
    stop_all(s);
    phase(s, PHASE_FAILED, "%s", why ? why : "out of memory");
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
        blame_fail(&s.state, "config", &f);
        phase(&s, PHASE_FAILED, "config: %s", fail_text(&f));
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
