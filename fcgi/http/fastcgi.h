/*
 * fastcgi.h - one thread's FastCGI loop: accept, read, gate, write. fastcgi.c is the only place with fcgiapp.h.
 */
#ifndef GANTRY_HTTP_FASTCGI_H
#define GANTRY_HTTP_FASTCGI_H

#include "base/worker.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What the process's main thread and one serving thread tell each other. */
struct fastcgi_thread {
    atomic_bool waiting; /* inside accept: a signal makes it look at whether it shall stop */
    atomic_bool done;    /* the loop has ended */
};

/* Once per process before threads; installs libfcgi's signal handlers, so set your own afterwards. False: it failed. */
bool fastcgi_init(void);

/*
 * Serves connections of listen_fd until fastcgi_stop() was called; the request being served is finished. After
 * fastcgi_stop() the thread must be woken by a signal whose handler is installed without SA_RESTART, again and again while
 * it says waiting: the signal may arrive before the system call does.
 */
void fastcgi_run(struct fastcgi_thread *t, struct worker *w, int listen_fd);

/* Every loop of this process shall end. */
void fastcgi_stop(void);

#endif
