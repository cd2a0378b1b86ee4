/*
 * pool.c - the master of a pool, see pool.h.
 *
 * One thread, no requests: it sleeps in sigtimedwait() until a signal or the time of a restart.
 * Everything it waits for is a signal (a child's end, stop, reload), all of them blocked, so
 * nothing happens between its lines.
 *
 * Invariant: children[i] has the metrics slab i, and a slab has one living process at most.
 */
#include "program/pool.h"

#include "auth/keyring.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/fastcgi.h"
#include "http/metrics_requests.h"
#include "program/program.h"
#include "program/routes.h"
#include "storage/store.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define CHILDREN 128
/* A worker that lived shorter than this failed at its start: the next one waits, longer each time.
 */
#define HEALTHY_NS     ((uint64_t)10 * 1000000000u)
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

enum child_state {
    EMPTY = 0,
    RUNNING,
    RETIRING, /* of an old generation, or the pool stops: not replaced */
    WAITING,  /* died; started again at due_ns */
};

struct child {
    enum child_state state;
    pid_t pid;
    uint64_t started_ns, due_ns;
    unsigned failures; /* short lives in a row */
};

struct master {
    const char *dir, *pool;
    char socket_path[PATH_MAX];
    struct pool_generation generation;
    int listen_fd, lock_fd;
    bool inherited; /* the socket is kept by whoever started us */
    struct child children[CHILDREN];
    bool stopping;
    uint64_t kill_ns; /* stopping: when patience ends */
};

enum { IN_MASTER = -1 };

/* ---- a generation ---- */

static void generation_done(struct pool_generation *g)
{
    keyring_freep(&g->keys);
    store_closep(&g->store);
    config_freep(&g->config);
}

static bool pool_size(const struct config *c, const char *pool, struct config_pool *ret)
{
    if (strcmp(pool, "registry") == 0)
        *ret = c->pool_registry;
    else if (strcmp(pool, "upload") == 0)
        *ret = c->pool_upload;
    else if (strcmp(pool, "api") == 0)
        *ret = c->pool_api;
    else
        return false;
    return true;
}

/* What is fatal at the start is a warning when an older configuration goes on to serve. */
static void log_notes(const struct config_notes *notes, bool serving)
{
    for (size_t i = 0; i < notes->n; i++)
        LOG(notes->v[i].fatal && !serving ? LOG_ERROR : LOG_WARN, "config.yaml",
            KV("note", str_z(notes->v[i].text)));
}

static enum err generation_load(struct fail *f, const char *dir, const char *pool, bool serving,
                                struct pool_generation *ret)
{
    struct pool_generation g = {.config = NULL};
    struct config_notes notes = {.n = 0};
    enum err e = config_load(f, dir, &notes, &g.config);

    log_notes(&notes, serving);
    config_notes_done(&notes);
    if (!e && !pool_size(g.config, pool, &g.size))
        e = fail(f, E_CONFIG, "there is no pool \"%s\": registry, upload and api exist", pool);
    if (!e && (g.size.processes < 1 || g.size.processes > CHILDREN / 2 || g.size.threads < 1))
        e = fail(f, E_CONFIG, "a pool of %dx%d cannot be made (1 to %d processes)",
                 g.size.processes, g.size.threads, CHILDREN / 2);
    if (!e)
        e = store_open(g.config, f, &g.store);
    if (!e && !(g.keys = keyring_new()))
        e = fail_internal(f, E_NO_MEMORY, "no memory for the key ring");
    if (e) {
        generation_done(&g);
        return e;
    }
    *ret = g;
    return E_OK;
}

/* ---- children ---- */

/* IN_MASTER, or in the child: its exit status. */
static int child_start(struct master *m, struct child *c)
{
    pid_t master = getpid();
    pid_t pid = fork();

    if (pid == 0) {
        close(m->lock_fd);
        return pool_worker(&m->generation, m->listen_fd, (unsigned)(c - m->children), master);
    }
    c->started_ns = clock_mono_ns();
    if (pid < 0) {
        LOG(LOG_WARN, "cannot fork a worker, trying again", KV("why", str_z(strerror(errno))));
        c->state = WAITING;
        c->due_ns = c->started_ns + (uint64_t)BACKOFF_MAX_MS * 1000000u;
        return IN_MASTER;
    }
    c->pid = pid;
    c->state = RUNNING;
    return IN_MASTER;
}

static int generation_start(struct master *m)
{
    int left = m->generation.size.processes, status = IN_MASTER;
    for (size_t i = 0; i < CHILDREN && left > 0 && status == IN_MASTER; i++) {
        struct child *c = &m->children[i];
        if (c->state != EMPTY)
            continue;
        *c = (struct child){.state = EMPTY};
        status = child_start(m, c);
        left--;
    }
    if (left > 0 && status == IN_MASTER)
        LOG(LOG_WARN, "too many workers of old configurations are still busy",
            KVI("missing", left));
    metrics_pool_size((int64_t)m->generation.size.processes * m->generation.size.threads);
    return status;
}

/* Marks and signals every child that serves; those waiting for a restart are forgotten. */
static void retire_all(struct master *m, int sig)
{
    for (size_t i = 0; i < CHILDREN; i++) {
        struct child *c = &m->children[i];
        if (c->state == WAITING)
            c->state = EMPTY;
        if (c->state == RUNNING)
            c->state = RETIRING;
        if (c->state == RETIRING)
            kill(c->pid, sig);
    }
}

static void child_died(struct child *c, int status)
{
    uint64_t now = clock_mono_ns();
    char why[64];
    unsigned delay_ms = BACKOFF_MIN_MS;

    if (WIFSIGNALED(status))
        snprintf(why, sizeof(why), "signal %d", WTERMSIG(status));
    else
        snprintf(why, sizeof(why), "exit status %d", WEXITSTATUS(status));
    c->failures = now - c->started_ns < HEALTHY_NS ? c->failures + 1 : 0;
    for (unsigned i = 1; i < c->failures && delay_ms < BACKOFF_MAX_MS; i++)
        delay_ms *= 2;
    delay_ms = delay_ms < BACKOFF_MAX_MS ? delay_ms : BACKOFF_MAX_MS;
    c->state = WAITING;
    c->due_ns = now + (uint64_t)delay_ms * 1000000u;
    LOG(LOG_WARN, "a worker died, its requests are lost; starting another", KVI("worker", c->pid),
        KV("why", str_z(why)), KVI("in_ms", delay_ms));
}

static void reap(struct master *m)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < CHILDREN; i++) {
            struct child *c = &m->children[i];
            if (c->pid != pid || (c->state != RUNNING && c->state != RETIRING))
                continue;
            if (c->state == RUNNING)
                child_died(c, status);
            else
                c->state = EMPTY;
            metrics_clear_gauges((unsigned)i);
            break;
        }
    }
}

static size_t count_alive(const struct master *m)
{
    size_t n = 0;
    for (size_t i = 0; i < CHILDREN; i++)
        n += m->children[i].state == RUNNING || m->children[i].state == RETIRING;
    return n;
}

/* ---- signals ---- */

static int restart_due(struct master *m)
{
    uint64_t now = clock_mono_ns();
    int status = IN_MASTER;
    for (size_t i = 0; i < CHILDREN && status == IN_MASTER; i++) {
        if (m->children[i].state == WAITING && m->children[i].due_ns <= now)
            status = child_start(m, &m->children[i]);
    }
    return status;
}

/* Until the next thing that happens by time alone; a day when there is none. */
static struct timespec next_due(const struct master *m)
{
    uint64_t now = clock_mono_ns(), due = now + (uint64_t)86400 * 1000000000u;
    for (size_t i = 0; i < CHILDREN; i++) {
        if (m->children[i].state == WAITING && m->children[i].due_ns < due)
            due = m->children[i].due_ns;
    }
    if (m->stopping && m->kill_ns < due)
        due = m->kill_ns;
    uint64_t wait = due > now ? due - now : 0;
    return (struct timespec){.tv_sec = (time_t)(wait / 1000000000u),
                             .tv_nsec = (long)(wait % 1000000000u)};
}

static int reload(struct master *m)
{
    struct pool_generation fresh;
    struct fail f = FAIL_INIT;
    enum err e = generation_load(&f, m->dir, m->pool, true, &fresh);
    if (e) {
        LOG(LOG_WARN, "the new configuration cannot be used, the old one stays",
            KV("why", str_z(f.internal[0] ? f.internal : fail_text(&f))));
        return IN_MASTER;
    }
    retire_all(m, SIGQUIT);
    generation_done(&m->generation); /* the old workers have copies */
    m->generation = fresh;
    LOG(LOG_INFO, "configuration read anew", KV("pool", str_z(m->pool)));
    return generation_start(m);
}

static void begin_stop(struct master *m)
{
    if (m->stopping)
        return;
    m->stopping = true;
    m->kill_ns = clock_mono_ns() + (uint64_t)(POOL_STOP_S + 2) * 1000000000u;
    retire_all(m, SIGTERM);
}

/* Until the pool has stopped (IN_MASTER); in a child: its exit status. */
static int watch(struct master *m, const sigset_t *set)
{
    int status = IN_MASTER;
    while (status == IN_MASTER) {
        struct timespec wait = next_due(m);
        int sig = sigtimedwait(set, NULL, &wait);
        reap(m); /* whatever woke us: signals of one kind are not counted */
        if (sig == SIGTERM || sig == SIGINT)
            begin_stop(m);
        if (m->stopping) {
            if (count_alive(m) == 0)
                return IN_MASTER;
            if (clock_mono_ns() >= m->kill_ns) {
                LOG(LOG_WARN, "workers did not end in time and are killed");
                retire_all(m, SIGKILL);
                m->kill_ns += (uint64_t)POOL_STOP_S * 1000000000u;
            }
            continue;
        }
        status = sig == SIGHUP ? reload(m) : restart_due(m);
    }
    return status;
}

static void woken(int sig)
{
    (void)sig; /* accept(2) returns EINTR, which is all it is for */
}

/* After libfcgi has installed its own handlers. Everything is blocked but what wakes serving
 * threads. */
static void signals_init(sigset_t *ret)
{
    struct sigaction wake = {.sa_handler = woken}, plain = {.sa_handler = SIG_DFL};
    sigaction(SIGUSR1, &wake, NULL);
    sigaction(SIGTERM, &plain, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    sigaddset(ret, SIGHUP);
    sigaddset(ret, SIGQUIT);
    sigaddset(ret, SIGCHLD);
    sigprocmask(SIG_BLOCK, ret, NULL);
    sigdelset(ret, SIGQUIT); /* for workers only */
}

/* ---- start ---- */

static enum err master_init(struct master *m, struct fail *f)
{
    char path[PATH_MAX], relative[64];
    enum err e = generation_load(f, m->dir, m->pool, false, &m->generation);
    if (e)
        return e;
    const struct config *c = m->generation.config;
    log_set_level_named(c->log_level);
    config_path(c, "run", path);
    if (mkdir(path, 0750) < 0 && errno != EEXIST)
        return fail(f, E_SYSTEM, "cannot make the directory %s: %s", path, strerror(errno));
    snprintf(relative, sizeof(relative), "run/%s.lock", m->pool);
    config_path(c, relative, path);
    e = pool_lock(f, path, &m->lock_fd);
    if (e)
        return e;
    routes_install();
    snprintf(relative, sizeof(relative), "run/metrics-%s", m->pool);
    config_path(c, relative, path);
    e = metrics_create(f, path, m->pool, metrics_requests_words(), metrics_requests_layout());
    if (e)
        return e;
    if (!fastcgi_init())
        return fail(f, E_SYSTEM, "libfcgi cannot start");
    snprintf(relative, sizeof(relative), "run/%s.sock", m->pool);
    config_path(c, relative, m->socket_path);
    m->listen_fd = pool_inherited_socket();
    m->inherited = m->listen_fd >= 0;
    return m->inherited ? E_OK : pool_listen(f, m->socket_path, &m->listen_fd);
}

int pool_main(const char *dir, const char *pool)
{
    struct master m = {.dir = dir, .pool = pool, .listen_fd = -1, .lock_fd = -1};
    struct fail f = FAIL_INIT;
    sigset_t set;
    int status;
    enum err e = master_init(&m, &f);

    if (e) {
        LOG(LOG_ERROR, "the pool cannot start", KV("pool", str_z(pool)),
            KV("why", str_z(f.internal[0] ? f.internal : fail_text(&f))));
        generation_done(&m.generation);
        fd_close(&m.lock_fd);
        return 1;
    }
    signals_init(&set);
    LOG(LOG_INFO, "pool starts", KV("pool", str_z(pool)),
        KVI("processes", m.generation.size.processes), KVI("threads", m.generation.size.threads));
    status = generation_start(&m);
    if (status == IN_MASTER)
        status = watch(&m, &set);
    if (status == IN_MASTER) {
        metrics_pool_size(0);
        if (!m.inherited)
            unlink(m.socket_path); /* ours: the lock is held */
        LOG(LOG_INFO, "pool stopped", KV("pool", str_z(pool)));
        fd_close(&m.lock_fd);
        status = 0;
    }
    fd_close(&m.listen_fd);
    generation_done(&m.generation);
    return status;
}
