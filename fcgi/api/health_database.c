/*
 * health_database.c - see health_database.h.
 *
 * A server that hangs (rather than refuses) holds a connection's reader for much longer than 5 s,
 * so the question is put by a thread of its own on a connection of its own, and whoever waits stops
 * waiting. The thread ends when the connection gives up; until then no more than WAITING_MAX of its
 * kind are started.
 *
 * struct question is owned by both sides; the one that leaves last frees it. It has its own copy of
 * the settings, because the thread may outlive the configuration.
 */
#include "config.h"

#include "api/health_database.h"

#include "db/db.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_S  5
#define WAITING_MAX 4
#define STACK       ((size_t)512 << 10)

struct question {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done, asker_left;
    enum err e;
    char why[512];
    struct config_db config;
};

static atomic_int waiting;

static void question_free(struct question *q)
{
    free(q->config.host);
    free(q->config.user);
    free(q->config.password);
    free(q->config.name);
    free(q->config.unix_socket);
    free(q->config.ssl_ca);
    free(q);
}

static bool copy(const char *from, char **to)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

static struct question *question_new(const struct config_db *c)
{
    struct question *q = calloc(1, sizeof(*q));
    if (!q)
        return NULL;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->answered, NULL);
    q->config.port = c->port;
    if (copy(c->host, &q->config.host) && copy(c->user, &q->config.user) &&
        copy(c->password, &q->config.password) && copy(c->name, &q->config.name) &&
        copy(c->unix_socket, &q->config.unix_socket) && copy(c->ssl_ca, &q->config.ssl_ca))
        return q;
    question_free(q);
    return NULL;
}

static void *ask(void *arg)
{
    struct question *q = arg;
    struct fail f = FAIL_INIT;
    struct db *db = db_new(&q->config);
    enum err e = db ? db_ping(db, &f) : E_NO_MEMORY;
    bool alone;

    db_freep(&db);
    pthread_mutex_lock(&q->lock);
    q->e = e;
    snprintf(q->why, sizeof(q->why), "%s", f.internal);
    q->done = true;
    alone = q->asker_left;
    pthread_cond_signal(&q->answered);
    pthread_mutex_unlock(&q->lock);
    atomic_fetch_sub(&waiting, 1);
    if (alone)
        question_free(q);
    return NULL;
}

static bool begin(struct question *q)
{
    pthread_attr_t attr;
    pthread_t id;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&id, &attr, ask, q);
    pthread_attr_destroy(&attr);
    return rc == 0;
}

bool health_database(const struct config_db *config, struct fail *f)
{
    struct timespec until;
    struct question *q;
    bool done, well;
    int rc = 0;

    if (atomic_fetch_add(&waiting, 1) >= WAITING_MAX) {
        atomic_fetch_sub(&waiting, 1);
        fail_internal(f, E_DB_DOWN, "database: earlier checks still wait for its answer");
        return false;
    }
    q = question_new(config);
    if (!q || !begin(q)) {
        atomic_fetch_sub(&waiting, 1);
        if (q)
            question_free(q);
        fail_internal(f, E_NO_MEMORY, "database: no memory to ask it");
        return false;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&q->lock);
    while (!q->done && rc == 0)
        rc = pthread_cond_clockwait(&q->answered, &q->lock, CLOCK_MONOTONIC, &until);
    done = q->done;
    well = done && q->e == E_OK;
    if (!done)
        fail_internal(f, E_DB_DOWN, "database: no answer within %d s", PATIENCE_S);
    else if (!well)
        fail_internal(f, E_DB_DOWN, "database: %s", q->why);
    q->asker_left = true;
    pthread_mutex_unlock(&q->lock);
    if (done)
        question_free(q);
    return well;
}
