/*
 * audit.c - see audit.h.
 *
 * The queue of pulls is the process's: a list under a mutex that is held for a few instructions
 * only, never while the database is spoken to. What could not be written goes back to its head, in
 * order, and is written when the database is there again; past QUEUE_MAX rows the oldest go, and
 * are counted.
 */
#include "audit/audit.h"

#include "base/clock.h"
#include "db/log_entry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define QUEUE_MAX 10000
#define BATCH     512 /* rows of one transaction */

static const char *const names[] = {
#define LOG_KIND(id, name) [id] = #name,
#include "audit/log_kinds.def"
#undef LOG_KIND
};

const char *log_kind_name(enum log_kind kind)
{
    size_t n = sizeof(names) / sizeof(names[0]);
    return (size_t)kind < n && names[kind] ? names[kind] : "";
}

static struct log_row row_of(const struct audit_entry *e)
{
    return (struct log_row){.at_ms = clock_ms(),
                            .kind = e->kind,
                            .account_id = e->account_id,
                            .performer_id = e->performer_id,
                            .repository_id = e->repository_id,
                            .ip = e->ip,
                            .metadata = e->metadata.n ? e->metadata : STR("{}")};
}

enum err audit_write(struct db *db, struct fail *f, const struct audit_entry *e)
{
    struct log_row row = row_of(e);
    return log_entry_insert(db, f, &row, 1);
}

/* ---- later ---- */

struct queued {
    struct queued *next;
    struct log_row row; /* its text stands behind the struct */
    char text[];
};

struct list {
    struct queued *first, *last;
    size_t n;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct list queue;
static atomic_uint_fast64_t dropped;

uint64_t audit_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

static void count_dropped(uint64_t n)
{
    atomic_fetch_add_explicit(&dropped, n, memory_order_relaxed);
}

static void list_append(struct list *l, struct queued *q)
{
    q->next = NULL;
    if (l->last)
        l->last->next = q;
    else
        l->first = q;
    l->last = q;
    l->n++;
}

static struct queued *list_take(struct list *l)
{
    struct queued *q = l->first;
    if (!q)
        return NULL;
    l->first = q->next;
    if (!l->first)
        l->last = NULL;
    l->n--;
    return q;
}

/* Under the lock: makes room by dropping the oldest. */
static void queue_trim(void)
{
    uint64_t n = 0;
    while (queue.n > QUEUE_MAX) {
        free(list_take(&queue));
        n++;
    }
    if (n)
        count_dropped(n);
}

void audit_later(const struct audit_entry *e)
{
    struct log_row row = row_of(e);
    struct queued *q = malloc(sizeof(*q) + row.ip.n + row.metadata.n);
    if (!q) {
        count_dropped(1);
        return;
    }
    char *ip = q->text, *metadata = q->text + row.ip.n;
    if (row.ip.n)
        memcpy(ip, row.ip.p, row.ip.n);
    memcpy(metadata, row.metadata.p, row.metadata.n);
    row.ip.p = ip;
    row.metadata.p = metadata;
    q->row = row;
    pthread_mutex_lock(&lock);
    list_append(&queue, q);
    queue_trim();
    pthread_mutex_unlock(&lock);
}

static struct list queue_take(void)
{
    struct list all;
    pthread_mutex_lock(&lock);
    all = queue;
    queue = (struct list){.first = NULL};
    pthread_mutex_unlock(&lock);
    return all;
}

/* What could not be written goes before what came meanwhile. */
static void queue_give_back(struct list *rest)
{
    if (!rest->n)
        return;
    pthread_mutex_lock(&lock);
    rest->last->next = queue.first;
    queue.first = rest->first;
    if (!queue.last)
        queue.last = rest->last;
    queue.n += rest->n;
    queue_trim();
    pthread_mutex_unlock(&lock);
    *rest = (struct list){.first = NULL};
}

struct batch {
    struct log_row rows[BATCH];
    size_t n;
};

static enum err write_batch(struct db *db, struct fail *f, void *ctx)
{
    const struct batch *b = ctx;
    return log_entry_insert(db, f, b->rows, b->n);
}

/* The first rows of the list, at most `most`, by reference. */
static void fill_batch(struct batch *b, const struct list *l, size_t most)
{
    b->n = 0;
    for (const struct queued *q = l->first; q && b->n < most; q = q->next)
        b->rows[b->n++] = q->row;
}

enum err audit_flush(struct worker *w, struct fail *f)
{
    struct list all = queue_take();
    enum err e = E_OK, first = E_OK;
    size_t most = BATCH;
    while (all.n && (e == E_OK || e == E_INTERNAL)) {
        struct batch b;
        fill_batch(&b, &all, most);
        e = db_tx(w->db, first ? NULL : f, write_batch, &b);
        first = first ? first : e;
        if (e == E_INTERNAL && b.n > 1) {
            most = b.n / 2; /* the server refuses one of them: which? */
            continue;
        }
        if (e == E_INTERNAL)
            count_dropped(1); /* a row that it will never take must not block those behind it */
        if (e == E_OK || e == E_INTERNAL) {
            for (size_t i = 0; i < b.n; i++)
                free(list_take(&all));
            most = most * 2 < BATCH ? most * 2 : BATCH;
        }
    }
    queue_give_back(&all);
    return e == E_OK ? first : e;
}
