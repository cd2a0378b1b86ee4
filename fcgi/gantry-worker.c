/*
 * gantry-worker.c - the program that does what happens by itself (jobs/): one thread, asleep nearly always.
 *
 *     gantry-worker --dir DIR
 *
 * Any number may run, on any host of the fleet: leases in the database say who does what. SIGTERM and SIGINT end it after the
 * step in hand; SIGHUP reads config.yaml again and uses what may change while running, or says why it keeps the old one.
 *
 * Signals are blocked and fetched where the schedule sleeps or looks; no handler runs.
 */
#include "auth/keyring.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "jobs/schedule.h"
#include "program/program.h"
#include "storage/store.h"

#include "config.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct process {
    const char *dir;
    sigset_t signals;
    struct config *first;    /* connections, store and keys were made from it */
    struct config *reloaded; /* NULL: none yet */
    struct worker w;
    bool stop;
};

static void log_notes(const struct config_notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        LOG(notes->v[i].fatal ? LOG_ERROR : LOG_WARN, "config.yaml",
            KV("why", str_z(notes->v[i].text)));
}

static enum err load(const char *dir, struct fail *f, struct config **ret)
{
    CLEANUP(config_notes_done) struct config_notes notes = {.n = 0};
    enum err e = config_load(f, dir, &notes, ret);
    log_notes(&notes);
    return e;
}

static void reload(struct process *p)
{
    struct fail f = FAIL_INIT;
    struct config *fresh = NULL;
    enum err e = load(p->dir, &f, &fresh);
    if (e) {
        LOG(LOG_ERROR, "config.yaml is not usable, the old settings stay",
            KV("why", str_z(fail_text(&f))));
        return;
    }
    config_free(p->reloaded);
    p->reloaded = fresh;
    p->w.config = fresh;
    LOG(LOG_INFO, "config.yaml was read again");
}

static bool take_signal(struct process *p, int sig)
{
    if (sig == SIGHUP)
        reload(p);
    else
        p->stop = true;
    return p->stop;
}

static bool wait_for_signal(void *ctx, int64_t ms)
{
    struct process *p = ctx;
    const struct timespec none = {0};
    struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    int sig;
    if (!p->stop && ms > 0 && (sig = sigtimedwait(&p->signals, NULL, &limit)) > 0)
        take_signal(p, sig);
    while (!p->stop && (sig = sigtimedwait(&p->signals, NULL, &none)) > 0)
        take_signal(p, sig);
    return p->stop;
}

static void run(struct process *p)
{
    char host[65] = "", owner[128];
    gethostname(host, sizeof(host) - 1);
    snprintf(owner, sizeof(owner), "%s pid %ld", host, (long)getpid());
    const struct schedule s = {
        .w = &p->w, .wait = wait_for_signal, .ctx = p, .owner = str_z(owner)};
    LOG(LOG_INFO, "worker started");
    schedule_run(&s);
    LOG(LOG_INFO, "worker stopped");
}

static enum err start(struct process *p, struct fail *f, struct store **store,
                      struct keyring **keys)
{
    enum err e = load(p->dir, f, &p->first);
    if (e)
        return e;
    log_set_level_named(p->first->log_level);
    e = store_open(p->first, f, store);
    if (e)
        return e;
    *keys = keyring_new();
    if (!*keys)
        return fail_internal(f, E_NO_MEMORY, "out of memory");
    return program_worker_init(&p->w, f, p->first, *store, *keys);
}

static int usage(FILE *to)
{
    fputs("usage: gantry-worker --dir DIR\n"
          "       gantry-worker --version\n"
          "\n"
          "  --dir DIR  the directory that holds config/config.yaml\n",
          to);
    return to == stdout ? EXIT_SUCCESS : 2;
}

static int worker_main(const char *dir)
{
    struct process p = {.dir = dir};
    struct fail f = FAIL_INIT;
    struct store *store = NULL;
    struct keyring *keys = NULL;
    sigemptyset(&p.signals);
    sigaddset(&p.signals, SIGTERM);
    sigaddset(&p.signals, SIGINT);
    sigaddset(&p.signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &p.signals, NULL);
    enum err e = start(&p, &f, &store, &keys);
    if (e)
        LOG(LOG_ERROR, "the worker cannot start", KV("why", str_z(fail_text(&f))),
            KV("detail", str_z(f.internal)));
    else
        run(&p);
    program_worker_done(&p.w);
    keyring_free(keys);
    store_close(store);
    config_free(p.reloaded);
    config_free(p.first);
    return e ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"dir", required_argument, NULL, 'd'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *dir = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd':
            dir = optarg;
            break;
        case 'v':
            puts("gantry-worker " PACKAGE_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            return usage(stdout);
        default:
            return usage(stderr);
        }
    }
    if (!dir || optind != argc)
        return usage(stderr);
    program_init();
    int status = worker_main(dir);
    program_done();
    return status;
}
