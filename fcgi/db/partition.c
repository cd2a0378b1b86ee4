/*
 * partition.c - see partition.h.
 *
 * The one place besides migrations where SQL text is made at run time: a partition's name and bound
 * cannot be parameters. Everything that varies in the text is a number computed here.
 *
 * Rows that came before their partition lie in p_rest; REORGANIZE moves them where they belong,
 * which is cheap as long as p_rest is all but empty: so partitions are made months ahead.
 */
#include "db/partition.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "db/internal.h"
#include "db/log_entry.h"

#include <time.h>

/* Months since year 0, so that adding months is addition. */
static int64_t month_of(int64_t ms)
{
    time_t t = (time_t)(ms / 1000);
    struct tm tm = {0};
    gmtime_r(&t, &tm);
    return ((int64_t)tm.tm_year + 1900) * 12 + tm.tm_mon;
}

static int64_t month_start_ms(int64_t month)
{
    struct tm tm = {.tm_year = (int)(month / 12 - 1900), .tm_mon = (int)(month % 12), .tm_mday = 1};
    return (int64_t)timegm(&tm) * 1000;
}

enum err partition_ahead(struct db *db, struct fail *f, int64_t now_ms, int months, int *ret_made)
{
    CLEANUP(buf_done) struct buf sql = BUF_INIT;
    int64_t until_ms;
    int made = 0;
    enum err e = log_entry_partitioned_until(db, f, &until_ms);
    if (e)
        return e;
    buf_putz(&sql, "ALTER TABLE log_entry REORGANIZE PARTITION p_rest INTO (");
    for (int64_t m = month_of(now_ms); m <= month_of(now_ms) + months; m++) {
        long long bound = month_start_ms(m + 1);
        if (bound <= until_ms)
            continue;
        buf_printf(&sql, "PARTITION p%04d%02d VALUES LESS THAN (%lld), ", (int)(m / 12),
                   (int)(m % 12 + 1), bound);
        made++;
    }
    buf_putz(&sql, "PARTITION p_rest VALUES LESS THAN MAXVALUE)");
    if (buf_err(&sql))
        return fail_internal(f, E_NO_MEMORY, "out of memory");
    if (made) {
        e = db_run_text(db, f, buf_str(&sql), NULL);
        if (e)
            return e;
    }
    *ret_made = made;
    return E_OK;
}
