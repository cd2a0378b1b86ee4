/*
 * sweep_uploads.c - uploads that nobody continues, and files that a killed process left behind (registry/upload.h).
 */
#include "base/log.h"
#include "jobs/schedule.h"
#include "registry/upload.h"

static bool go_on(void *ctx)
{
    return job_continue(ctx);
}

enum err job_sweep_uploads(struct job *job, struct fail *f)
{
    uint64_t removed = 0;
    enum err e = upload_sweep(job->w, f, go_on, job, &removed);
    if (removed)
        LOG(LOG_INFO, "uploads swept", KVI("removed", removed));
    return e;
}
