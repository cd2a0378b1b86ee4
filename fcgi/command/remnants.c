/*
 * remnants.c - programs of a supervisor that died: the kernel has told them to stop (PR_SET_PDEATHSIG), and nothing may start
 * before they are gone, for they hold the port and the database. See supervisor.h.
 */
#include "command/supervisor.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>
#include <time.h>

#define PATIENCE_S 10
#define KILLED_S                                                                                   \
    10 /* a killed process that stays is stuck in the kernel: what starts next will say what it misses */

static int patience_of(const char *name)
{
    for (int i = 0; i < n_services; i++) {
        if (strcmp(services[i].name, name) == 0)
            return services[i].stop_s;
    }
    return PATIENCE_S;
}

static bool is_alive(const struct state_service *v)
{
    return v->pid > 1 && v->ticks && state_ticks(v->pid) == v->ticks;
}

static bool wait_gone(const struct state_service *v, int seconds)
{
    uint64_t end = clock_mono_ns() + (uint64_t)seconds * 1000000000u;
    while (is_alive(v)) {
        struct timespec nap = {.tv_nsec = 20000000};
        if (clock_mono_ns() > end)
            return false;
        nanosleep(&nap, NULL);
    }
    return true;
}

void remnants_end(const char *dir)
{
    struct state old;
    if (state_read(dir, &old))
        return;
    for (int i = 0; i < old.n; i++) {
        if (is_alive(&old.services[i]))
            kill(old.services[i].pid, SIGTERM);
    }
    for (int i = 0; i < old.n; i++) {
        const struct state_service *v = &old.services[i];
        if (wait_gone(v, patience_of(v->name)))
            continue;
        LOG(LOG_WARN, "a program of an earlier supervisor is killed", KV("service", str_z(v->name)),
            KVI("service_pid", v->pid));
        kill(-v->pid, SIGKILL);
        (void)wait_gone(v, KILLED_S);
    }
}
