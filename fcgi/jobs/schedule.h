/*
 * schedule.h - the jobs of jobs.def, each when it is due, each by one process of the fleet.
 *
 * A job is a function that works in steps. Before each step it asks job_continue(), which keeps its lease alive and says
 * when to end early: the process is to stop, or the lease was lost. It may be cut off at any point and begun again,
 * also while another process still believes to run it.
 */
#ifndef GANTRY_JOBS_SCHEDULE_H
#define GANTRY_JOBS_SCHEDULE_H

#include "base/err.h"
#include "base/worker.h"
#include "db/lease.h"

struct job {
    struct worker *w; /* the arena is the job's: it may reset it between steps */
    const struct schedule *schedule;
    struct lease lease;
    uint64_t renewed_ns;
    bool cut; /* job_continue() has said no */
};

typedef enum err (*job_fn)(struct job *job, struct fail *f);

bool job_continue(struct job *job);

/* How the schedule sleeps: up to ms (0: looks only); true when the process is to stop. */
typedef bool (*schedule_wait_fn)(void *ctx, int64_t ms);

struct schedule {
    struct worker *w;
    schedule_wait_fn wait;
    void *ctx;
    struct str owner; /* of the leases: "host pid 123" */
};

/* Runs until wait() says stop. Failures are logged here and tried again; it never gives up. */
void schedule_run(const struct schedule *s);

/* Runs what is due now, once, and returns; *ret_wait_ms is until something is due again. For tests and schedule_run(). */
enum err schedule_step(const struct schedule *s, struct fail *f, int64_t *ret_wait_ms) MUST_CHECK;

#define JOB(name, period_s, fn) enum err fn(struct job *job, struct fail *f) MUST_CHECK;
#include "jobs/jobs.def"
#undef JOB

#endif
