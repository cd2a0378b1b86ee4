/*
 * pool_worker.c - a worker process: serving threads, a thread that writes gathered audit rows, and
 * a main thread that does nothing but wait for signals. See pool.h.
 *
 * Serving threads block in accept(2). To end, each is woken by SIGUSR1 (installed without
 * SA_RESTART) as long as it waits there; shutdown(2) on the listening socket would do it too, but
 * for all processes that share the socket.
 */
#include "config.h"

#include "program/pool.h"

#include "audit/audit.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "cache/redis.h"
#include "db/db.h"
#include "http/fastcgi.h"
#include "program/program.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* jansson recurses 64 levels at most here (base/json.h); 1 MiB is what its deepest trees need. */
#define STACK        ((size_t)1 << 20)
#define TRIM_EVERY_S 30

struct serving {
    struct fastcgi_thread state;
    struct worker w;
    pthread_t id;
    int listen_fd;
};

struct flushing {
    struct worker w;
    pthread_t id;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* under lock */
};

static void *serve(void *arg)
{
    struct serving *s = arg;
    fastcgi_run(&s->state, &s->w, s->listen_fd);
    return NULL;
}

/* Once a second: audit rows to the database, gauges to the slab. */
static void flush(struct flushing *fl, bool *failing, uint64_t *dropped)
{
    struct fail f = FAIL_INIT;
    uint64_t now = audit_dropped();
    enum err e = audit_flush(&fl->w, &f);

    arena_reset(fl->w.arena);
    if (e && !*failing)
        LOG(LOG_WARN, "audit rows cannot be written now, they are kept and tried again",
            KV("why", str_z(f.internal[0] ? f.internal : err_info(e)->text)));
    else if (!e && *failing)
        LOG(LOG_INFO, "audit rows are written again");
    *failing = e != E_OK;
    metrics_add(METRIC_AUDIT_DROPPED, (int64_t)(now - *dropped));
    *dropped = now;
    metrics_set(METRIC_DB_CONNECTIONS, db_connections());
    metrics_set(METRIC_REDIS_CONNECTIONS, redis_connections());
}

static void *flush_loop(void *arg)
{
    struct flushing *fl = arg;
    bool stop = false, failing = false;
    uint64_t dropped = 0;

    for (unsigned n = 1; !stop; n++) {
        struct timespec until;
        int rc = 0;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += 1;
        pthread_mutex_lock(&fl->lock);
        while (!fl->stop && rc == 0)
            rc = pthread_cond_clockwait(&fl->wake, &fl->lock, CLOCK_MONOTONIC, &until);
        stop = fl->stop;
        pthread_mutex_unlock(&fl->lock);
        flush(fl, &failing, &dropped);
        if (n % TRIM_EVERY_S == 0)
            malloc_trim(0);
    }
    return NULL;
}

static bool start(pthread_t *id, void *(*fn)(void *), void *arg)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    int rc = pthread_create(id, &attr, fn, arg);
    pthread_attr_destroy(&attr);
    if (rc)
        LOG(LOG_ERROR, "cannot start a thread", KV("why", str_z(strerror(rc))));
    return rc == 0;
}

static void flusher_end(struct flushing *fl)
{
    pthread_mutex_lock(&fl->lock);
    fl->stop = true;
    pthread_cond_signal(&fl->wake);
    pthread_mutex_unlock(&fl->lock);
    pthread_join(fl->id, NULL);
}

/* Wakes the threads that wait for a connection until all have ended; false when some are still busy
 * at the deadline. */
static bool drain(struct serving *threads, int n, uint64_t deadline_ns)
{
    struct timespec nap = {.tv_nsec = 5000000};
    sigset_t hurry;
    sigemptyset(&hurry);
    sigaddset(&hurry, SIGTERM);
    fastcgi_stop();
    for (;;) {
        int left = 0;
        for (int i = 0; i < n; i++) {
            if (atomic_load(&threads[i].state.done))
                continue;
            left++;
            if (atomic_load(&threads[i].state.waiting))
                pthread_kill(threads[i].id, SIGUSR1);
        }
        if (left == 0)
            return true;
        if (clock_mono_ns() > deadline_ns) {
            LOG(LOG_WARN, "requests were cut off, they took too long to finish",
                KVI("threads", left));
            return false;
        }
        if (sigtimedwait(&hurry, NULL, &nap) == SIGTERM) { /* a retiring worker whose pool stops */
            uint64_t sooner = clock_mono_ns() + (uint64_t)POOL_STOP_S * 1000000000u;
            deadline_ns = sooner < deadline_ns ? sooner : deadline_ns;
        }
        nap.tv_nsec = nap.tv_nsec < 100000000 ? nap.tv_nsec * 2 : 100000000;
    }
}

/* SIGTERM, SIGQUIT: how long the end may take, in seconds. */
static int wait_for_end(void)
{
    sigset_t set;
    int sig = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGQUIT);
    while (sigwait(&set, &sig) != 0)
        continue;
    return sig == SIGQUIT ? POOL_RETIRE_S : POOL_STOP_S;
}

static enum err workers_init(const struct pool_generation *g, struct fail *f,
                             struct serving *threads, int n, int listen_fd, struct flushing *fl)
{
    enum err e = program_worker_init(&fl->w, f, g->config, g->store, g->keys);
    for (int i = 0; !e && i < n; i++) {
        threads[i].listen_fd = listen_fd;
        e = program_worker_init(&threads[i].w, f, g->config, g->store, g->keys);
    }
    return e;
}

int pool_worker(const struct pool_generation *g, int listen_fd, unsigned slab, pid_t master)
{
    struct fail f = FAIL_INIT;
    struct flushing fl = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    int n = g->size.threads;

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != master) /* it died before the line above */
        return 0;
    metrics_attach(slab);
    struct serving *threads = calloc((size_t)n, sizeof(*threads));
    enum err e = threads ? workers_init(g, &f, threads, n, listen_fd, &fl) : E_NO_MEMORY;
    if (e || !start(&fl.id, flush_loop, &fl)) {
        LOG(LOG_WARN, "a worker cannot start",
            KV("why", str_z(e ? err_info(e)->text : "no thread")));
        free(threads);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        if (!start(&threads[i].id, serve, &threads[i]))
            _exit(1); /* the master tries again */
    }
    uint64_t limit = (uint64_t)wait_for_end() * 1000000000u;
    bool all = drain(threads, n, clock_mono_ns() + limit);
    flusher_end(&fl);
    if (!all)
        _exit(1); /* nothing a thread uses may be taken away under it */
    for (int i = 0; i < n; i++) {
        pthread_join(threads[i].id, NULL);
        program_worker_done(&threads[i].w);
    }
    program_worker_done(&fl.w);
    free(threads);
    return 0;
}
