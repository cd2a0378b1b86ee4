/*
 * stages.c - starting and stopping the services in their order, and telling about it; see supervisor.h.
 */
#include "command/supervisor.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "command/files.h"
#include "command/paths.h"
#include "command/render.h"
#include "program/pool.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS  15
#define TAIL     2048
#define NS_PER_S ((uint64_t)1000000000u)

/* ---- telling ---- */

void stages_tell(struct supervisor *s)
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

void stages_phase(struct supervisor *s, enum phase p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->state.text, sizeof(s->state.text), fmt, ap);
    va_end(ap);
    s->state.phase = p;
    s->state.since_s = clock_s();
    stages_tell(s);
}

/* What went wrong with a program, with the end of its log. */
enum err stages_blame(const struct supervisor *s, struct state *state, const char *name,
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

enum err stages_blame_fail(struct state *state, const char *name, const struct fail *f)
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

void stages_note_ready(struct supervisor *s)
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
    return stages_blame(s, state, c->service->name, c->log_from, what);
}

/* Until every service of the stage is ready. E_BUSY: we were told to stop. */
enum err stages_wait(struct supervisor *s, int stage)
{
    for (;;) {
        bool all = true;
        stages_note_ready(s);
        for (int i = 0; i < s->n; i++) {
            struct child *c = &s->children[i];
            if (c->service->stage != stage || c->state == CHILD_OFF || c->state == CHILD_RUNNING)
                continue;
            if (c->state == CHILD_WAITING)
                return died_early(s, c, &s->state);
            if (clock_mono_ns() - c->started_ns > (uint64_t)c->service->start_s * NS_PER_S)
                return stages_blame(s, &s->state, c->service->name, c->log_from,
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

enum err stages_sockets(struct supervisor *s, struct fail *f)
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

enum err stages_nginx(const struct supervisor *s, struct fail *f)
{
    char program[PATH_MAX];
    if (!strs_has(&s->config->embedded, STR("nginx")))
        return E_OK;
    enum err e = path_foreign(f, "nginx", "nginx-light", program);
    return e ? e : render_nginx(f, s->config, program);
}

/* Migrations, the first account, certificates. */
enum err stages_prepare(struct supervisor *s)
{
    int status = supervisor_step(s, "prepare");
    if (status == 0)
        return E_OK;
    return s->want_stop ? E_BUSY
                        : stages_blame(s, &s->state, "prepare", s->step_log_from,
                                       "what comes before the start failed");
}

enum err stages_start(struct supervisor *s)
{
    struct fail f = FAIL_INIT;
    if (service_first_time(s->config))
        stages_phase(s, PHASE_STARTING, "making the database (this is done once)");
    if (service_prepare(&f, s->config))
        return stages_blame_fail(&s->state, "mariadb", &f);
    if (stages_sockets(s, &f))
        return stages_blame_fail(&s->state, "sockets", &f);
    start_stage(s, 1);
    stages_phase(s, PHASE_STARTING, "starting the database");
    enum err e = stages_wait(s, 1);
    if (e)
        return e;
    stages_phase(s, PHASE_STARTING, "preparing the database");
    e = stages_prepare(s);
    if (e)
        return e;
    start_stage(s, 2);
    stages_phase(s, PHASE_STARTING, "starting the registry");
    if (stages_nginx(s, &f))
        return stages_blame_fail(&s->state, "nginx", &f);
    e = stages_wait(s, 2);
    if (e)
        return e;
    start_stage(s, 3);
    e = stages_wait(s, 3);
    if (!e)
        stages_phase(s, PHASE_READY, "%s", "");
    return e;
}

/* ---- stopping ---- */

void stages_stop_child(struct child *c)
{
    if (child_alive(c)) {
        c->state = CHILD_STOPPING;
        c->due_ns = clock_mono_ns() + (uint64_t)c->service->stop_s * NS_PER_S;
        child_signal(c, c->service->stop_signal);
    } else {
        c->state = CHILD_OFF;
    }
}

/* Until every stopping service has ended; those that take too long are killed. */
void stages_wait_stopped(struct supervisor *s)
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

void stages_stop(struct supervisor *s)
{
    for (int stage = 3; stage >= 1; stage--) {
        for (int i = 0; i < s->n; i++) {
            if (s->children[i].service->stage == stage)
                stages_stop_child(&s->children[i]);
        }
        stages_tell(s);
        stages_wait_stopped(s);
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
