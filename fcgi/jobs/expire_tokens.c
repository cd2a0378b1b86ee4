/*
 * expire_tokens.c - app tokens and OAuth tokens go a day after they ran out: until then a person can see why a
 * login stopped working.
 */
#include "base/clock.h"
#include "base/log.h"
#include "db/token.h"
#include "jobs/schedule.h"

#define SHOWN_MS (INT64_C(86400) * 1000)
#define STEP     500

typedef enum err (*remove_fn)(struct db *db, struct fail *f, int64_t before_ms, size_t limit,
                              uint64_t *ret_removed);

static enum err remove_all(struct job *job, struct fail *f, remove_fn fn, uint64_t *total)
{
    uint64_t n = STEP;
    int64_t before_ms = clock_ms() - SHOWN_MS;
    while (n == STEP && job_continue(job)) {
        enum err e = fn(job->w->db, f, before_ms, STEP, &n);
        if (e)
            return e;
        *total += n;
    }
    return E_OK;
}

enum err job_expire_tokens(struct job *job, struct fail *f)
{
    uint64_t total = 0;
    enum err e = remove_all(job, f, app_token_delete_expired, &total);
    if (e == E_OK)
        e = remove_all(job, f, oauth_token_delete_expired, &total);
    if (total)
        LOG(LOG_INFO, "expired tokens removed", KVI("n", total));
    return e;
}
