/*
 * pool.h - one pool of gantry-fcgi: a master process that answers nothing, and worker processes of several threads.
 *
 * The master reads the configuration, makes DIR/run/<pool>.sock, opens what workers share, and forks late, so that what it
 * has initialised is shared memory. It restarts workers that died (with back-off). SIGTERM and SIGINT stop the
 * pool within POOL_STOP_S; SIGHUP starts a generation of workers with the configuration read anew and retires the old one.
 * Workers never outlive their master by more than POOL_STOP_S.
 */
#ifndef GANTRY_PROGRAM_POOL_H
#define GANTRY_PROGRAM_POOL_H

#include "base/config.h"
#include "base/err.h"

#include <sys/types.h>

#define POOL_STOP_S 30
/* A worker of an old configuration may finish what it is doing: hashing a large blob takes its time. */
#define POOL_RETIRE_S 600

/* Everything one generation of workers has in common; read-only after fork, or locked inside. */
struct pool_generation {
    struct config *config;
    struct store *store;
    struct keyring *keys;
    struct config_pool size;
};

/* The whole life of a master; the exit status. In a worker process it returns too, when that is at its end. */
int pool_main(const char *dir, const char *pool);

/* ---- socket.c ---- */

/* The listening socket DIR/run/<pool>.sock, put in place at once: a former one is replaced. */
enum err pool_listen(struct fail *f, const char *path, int *ret_fd) MUST_CHECK;
/*
 * A listening socket that whoever started us made and keeps (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS), or -1. While a
 * pool is started anew, its clients wait in the queue of that socket and are not refused.
 */
int pool_inherited_socket(void);
/* One master a pool and directory: a lock on DIR/run/<pool>.lock that ends with this process. */
enum err pool_lock(struct fail *f, const char *path, int *ret_fd) MUST_CHECK;

/* ---- pool_worker.c ---- */

/* Life of a worker process; its exit status. SIGTERM: stop within POOL_STOP_S; SIGQUIT: within POOL_RETIRE_S. */
int pool_worker(const struct pool_generation *g, int listen_fd, unsigned slab, pid_t master);

#endif
