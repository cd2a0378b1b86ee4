/*
 * purge_namespaces.c - ended namespaces whose last repository was collected lose their row (account/namespace.h).
 */
#include "account/namespace.h"
#include "base/arena.h"
#include "base/log.h"
#include "jobs/schedule.h"

enum err job_purge_namespaces(struct job *job, struct fail *f)
{
    size_t dropped = 1, total = 0;
    enum err e = E_OK;
    while (e == E_OK && dropped && job_continue(job)) {
        arena_reset(job->w->arena);
        e = namespace_purge(job->w, f, &dropped);
        total += e ? 0 : dropped;
    }
    if (total)
        LOG(LOG_INFO, "ended namespaces dropped", KVI("n", total));
    return e;
}
