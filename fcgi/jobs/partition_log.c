/*
 * partition_log.c - the audit log has its partitions before their months begin.
 */
#include "base/clock.h"
#include "base/log.h"
#include "db/partition.h"
#include "jobs/schedule.h"

#define MONTHS_AHEAD 3

enum err job_partition_log(struct job *job, struct fail *f)
{
    int made = 0;
    enum err e = partition_ahead(job->w->db, f, clock_ms(), MONTHS_AHEAD, &made);
    if (e == E_OK && made)
        LOG(LOG_INFO, "partitions of the audit log made", KVI("n", made));
    return e;
}
