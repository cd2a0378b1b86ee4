/*
 * schedule.c - see schedule.h.
 *
 * Idle, a process asks once for all jobs and sleeps until the first is due, IDLE_MS at most (a job of a
 * newer program, or a period that was changed, shows up then). With the periods of jobs.def that is a handful of
 * queries a minute.
 */
#include "jobs/schedule.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

#define LEASE_MS 120000
#define RENEW_NS (30ull * 1000000000ull)
#define IDLE_MS  30000
#define RETRY_MS 60000 /* after a job failed */
#define DOWN_MS  2000  /* after the schedule itself failed */
#define AGAIN_MS 100   /* least sleep: a lease that others hold is not polled faster */

struct row {
    struct str name;
    int64_t period_ms;
    job_fn fn;
};

static const struct row table[] = {
#define JOB(id, period_s, run)                                                                     \
    {.name = STR_INIT(#id), .period_ms = (period_s)*INT64_C(1000), .fn = (run)},
#include "jobs/jobs.def"
#undef JOB
};
#define JOBS (sizeof(table) / sizeof(table[0]))

static void log_failure(const char *what, struct str job, const struct fail *f, enum err e)
{
    struct fail bare = {.err = e};
    const struct fail *told = f->err ? f : &bare;
    LOG((enum log_level)err_info(e)->level, what, KV("job", job), KV("why", str_z(fail_text(told))),
        KV("detail", str_z(told->internal)));
}

bool job_continue(struct job *job)
{
    if (job->cut)
        return false;
    if (job->schedule->wait(job->schedule->ctx, 0)) {
        job->cut = true;
        return false;
    }
    uint64_t now = clock_mono_ns();
    if (now - job->renewed_ns < RENEW_NS)
        return true;
    struct fail ignored = FAIL_INIT;
    bool kept = false;
    enum err e = lease_renew(job->w->db, &ignored, &job->lease, LEASE_MS, &kept);
    job->cut = e || !kept;
    job->renewed_ns = now;
    return !job->cut;
}

static enum err run_job(const struct schedule *s, struct fail *f, const struct row *row,
                        const struct lease *l)
{
    struct job job = {.w = s->w, .schedule = s, .lease = *l, .renewed_ns = clock_mono_ns()};
    struct fail why = FAIL_INIT;
    bool mine;
    job.lease.name = row->name; /* the list's copy dies with the arena */
    enum err e = lease_take(s->w->db, f, &job.lease, s->owner, LEASE_MS, &mine);
    if (e || !mine)
        return e;
    arena_reset(s->w->arena);
    enum err done = row->fn(&job, &why);
    if (done)
        log_failure("job failed", row->name, &why, done);
    else
        LOG(LOG_DEBUG, "job done", KV("job", row->name),
            KVI("ms", (clock_mono_ns() - job.renewed_ns) / 1000000));
    int64_t again_ms = row->period_ms;
    if (job.cut)
        again_ms = 0; /* another process may go on at once */
    else if (done && again_ms > RETRY_MS)
        again_ms = RETRY_MS;
    return lease_release(s->w->db, f, &job.lease, again_ms, &mine);
}

static const struct lease *lease_of(const struct lease *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(list[i].name, name))
            return &list[i];
    }
    return NULL;
}

/* No job waits longer than its period, no lease lasts longer than LEASE_MS: what seems to was set by a clock that has been
 * put back since, and would keep the job from running until that time comes again. */
static bool from_the_future(const struct row *row, const struct lease *l)
{
    return l->wait_ms > LEASE_MS && l->wait_ms > row->period_ms;
}

/* The job that is due first, in *ret_row; the time until then. Makes the rows of new jobs. */
static enum err first_due(const struct schedule *s, struct fail *f, const struct row **ret_row,
                          struct lease *ret_lease)
{
    struct lease *list;
    size_t n;
    *ret_row = NULL;
    arena_reset(s->w->arena);
    enum err e = lease_list(s->w->db, f, s->w->arena, &list, &n);
    for (size_t i = 0; e == E_OK && i < JOBS; i++) {
        const struct lease *l = lease_of(list, n, table[i].name);
        struct lease fresh = {.name = table[i].name};
        if (!l) {
            e = lease_declare(s->w->db, f, table[i].name);
            l = &fresh;
        } else if (from_the_future(&table[i], l)) {
            fresh.version = l->version;
            l = &fresh;
        }
        if (!*ret_row || l->wait_ms < ret_lease->wait_ms) {
            *ret_row = &table[i];
            *ret_lease = *l;
        }
    }
    return e;
}

enum err schedule_step(const struct schedule *s, struct fail *f, int64_t *ret_wait_ms)
{
    /* each job at most once: one that is due again at once must not keep the caller here */
    for (size_t i = 0; i < JOBS && !s->wait(s->ctx, 0); i++) {
        const struct row *row;
        struct lease lease;
        enum err e = first_due(s, f, &row, &lease);
        if (e)
            return e;
        if (lease.wait_ms > 0) {
            *ret_wait_ms = lease.wait_ms < IDLE_MS ? lease.wait_ms : IDLE_MS;
            return E_OK;
        }
        e = run_job(s, f, row, &lease);
        if (e)
            return e;
    }
    *ret_wait_ms = 0;
    return E_OK;
}

void schedule_run(const struct schedule *s)
{
    bool well = true;
    for (int64_t wait_ms = 0; !s->wait(s->ctx, wait_ms);) {
        struct fail f = FAIL_INIT;
        enum err e = schedule_step(s, &f, &wait_ms);
        if (wait_ms < AGAIN_MS)
            wait_ms = AGAIN_MS;
        if (e) {
            if (well) /* once, not every two seconds of an outage */
                log_failure("jobs are waiting", STR("schedule"), &f, e);
            wait_ms = DOWN_MS;
        } else if (!well) {
            LOG(LOG_INFO, "jobs go on");
        }
        well = e == E_OK;
    }
}
