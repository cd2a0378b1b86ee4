/*
 * sweep_uploads.c - uploads that nobody continues, and files that a killed process left behind.
 *
 * First the sessions idle for longer than GANTRY_UPLOAD_EXPIRATION: under the session's lock, so that a request that
 * just continues it wins; the row before the file, so that a cut between them leaves only a file. Then the files that
 * have no row: session files and nginx's body files. A file is left alone for FILE_AGE_MS after its last change,
 * which is long past the time between a file and its row, and between nginx's last byte and the handler's answer.
 */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "db/sweep.h"
#include "jobs/schedule.h"
#include "storage/store.h"

#define FILE_AGE_MS (INT64_C(3600) * 1000)
#define STEP        100

/* *ret_removed grows by one when it is gone. */
static enum err remove_session(struct job *job, struct fail *f, struct str uuid, int64_t before_ms,
                               uint64_t *ret_removed)
{
    CLEANUP(fd_close) int lock = -1;
    struct fail busy = FAIL_INIT;
    bool idle;
    enum err e = store_lock(job->w->store, &busy, uuid, &lock);
    if (e == E_UPLOAD_BUSY)
        return E_OK;
    if (e != E_OK && e != E_NO_ROW) {
        *f = busy;
        return e;
    }
    e = sweep_upload_delete(job->w->db, f, uuid, before_ms, &idle);
    if (e || !idle)
        return e;
    ++*ret_removed;
    return store_abort(job->w->store, f, uuid);
}

static enum err remove_idle(struct job *job, struct fail *f, uint64_t *ret_removed)
{
    int64_t before_ms = clock_ms() - job->w->config->upload_expiration_s * 1000;
    uint64_t step = 1;
    while (step && job_continue(job)) {
        struct str *uuids;
        size_t n;
        arena_reset(job->w->arena);
        enum err e = sweep_idle_uploads(job->w->db, f, job->w->arena, before_ms, STEP, &uuids, &n);
        step = 0;
        for (size_t i = 0; e == E_OK && i < n && job_continue(job); i++)
            e = remove_session(job, f, uuids[i], before_ms, &step);
        *ret_removed += step;
        if (e)
            return e;
    }
    return E_OK;
}

/* When it cannot be known whether a file is wanted, it stays. */
static bool has_row(void *ctx, struct str uuid)
{
    struct job *job = ctx;
    struct fail ignored = FAIL_INIT;
    bool exists;
    if (!job_continue(job))
        return true;
    return sweep_upload_exists(job->w->db, &ignored, uuid, &exists) != E_OK || exists;
}

enum err job_sweep_uploads(struct job *job, struct fail *f)
{
    uint64_t sessions = 0, files = 0;
    enum err e = remove_idle(job, f, &sessions);
    if (e == E_OK && job_continue(job))
        e = store_sweep(job->w->store, f, clock_ms() - FILE_AGE_MS, has_row, job, &files);
    if (sessions || files)
        LOG(LOG_INFO, "uploads swept", KVI("sessions", sessions), KVI("files", files));
    return e;
}
