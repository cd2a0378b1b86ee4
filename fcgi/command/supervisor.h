/*
 * supervisor.h - keeps the embedded stack alive: one small process, one thread, no requests.
 *
 * It starts the services in stages, runs `gantry prepare` (migrations, first account) between the first two, starts again what
 * dies (with back-off), and stops everything in reverse order. What it does is told in DIR/run/state (state.h), and
 * in its log. Signals: TERM and INT stop; HUP reads the configuration again; USR2 does that too, and replaces every program
 * of ours by what is installed now, itself included: it executes itself anew and keeps its children.
 *
 * The listening sockets of the pools are made here and inherited by the pools, so that clients of a pool that is being
 * replaced wait in the queue of its socket. Children get SIGTERM from the kernel when the supervisor dies, whatever of.
 */
#ifndef GANTRY_COMMAND_SUPERVISOR_H
#define GANTRY_COMMAND_SUPERVISOR_H

#include "command/service.h"
#include "command/state.h"

#include <signal.h>

enum child_state {
    CHILD_OFF, /* not wanted, or not yet */
    CHILD_STARTING,
    CHILD_RUNNING,
    CHILD_WAITING, /* died; again at due_ns */
    CHILD_STOPPING,
};

struct child {
    const struct service *service;
    enum child_state state;
    pid_t pid;
    int listen_fd; /* of the socket it inherits, -1 for none */
    uint64_t started_ns, due_ns;
    int64_t since_s;
    unsigned failures; /* short lives in a row */
    int restarts, last_status;
    off_t log_from; /* where its log began when it was started */
};

struct supervisor {
    const char *dir;
    struct config *config;
    int lock_fd;
    struct child children[STATE_SERVICES];
    int n;
    struct state state;
    sigset_t signals;
    bool want_stop, want_reload, want_restart;
    pid_t step; /* a program that runs to its end, 0: none */
    int step_status;
    off_t step_log_from;
};

/* ---- stages.c ---- */

/* Writes DIR/run/state; with a phase and its text. */
void stages_tell(struct supervisor *s);
void stages_phase(struct supervisor *s, enum phase phase, const char *fmt, ...) PRINTF(3, 4);
/* Puts into *state why the stack cannot start, with what a program wrote to its log behind `since`; E_SYSTEM. */
enum err stages_blame(const struct supervisor *s, struct state *state, const char *name,
                      off_t since, const char *what) MUST_CHECK;
enum err stages_blame_fail(struct state *state, const char *name, const struct fail *f);

/* Everything, in order. E_BUSY: told to stop meanwhile; E_SYSTEM: blamed. */
enum err stages_start(struct supervisor *s) MUST_CHECK;
void stages_stop(struct supervisor *s);

/* Parts of it: until every service of a stage is ready; listening sockets that are missing; nginx.conf; `gantry prepare`. */
enum err stages_wait(struct supervisor *s, int stage) MUST_CHECK;
enum err stages_sockets(struct supervisor *s, struct fail *f) MUST_CHECK;
enum err stages_nginx(const struct supervisor *s, struct fail *f) MUST_CHECK;
enum err stages_prepare(struct supervisor *s) MUST_CHECK;
/* Services that have become ready are running from now on. */
void stages_note_ready(struct supervisor *s);
/* Tells one to stop; until all that were told have stopped, or were killed. */
void stages_stop_child(struct child *c);
void stages_wait_stopped(struct supervisor *s);

/* ---- child.c ---- */

/* Starts it; failing to fork makes it wait like one that died. */
void child_start(struct supervisor *s, struct child *c);
void child_signal(const struct child *c, int sig);
/* SIGHUP, and waits until no worker of the old configuration accepts connections any more; nothing when nginx has read
 * what is there. */
bool child_reload_nginx(struct supervisor *s, const struct child *c);
/* Sleeps at most ms, or until a signal: notes wishes, and what became of children. */
void supervisor_pump(struct supervisor *s, int ms);
/* Runs `gantry word` to its end, its output into DIR/log/<word>.log; exit status, or -1. */
int supervisor_step(struct supervisor *s, const char *word);
bool child_alive(const struct child *c);

/* ---- remnants.c ---- */

/* Returns when the programs of an earlier supervisor of DIR are gone. As the owner of DIR: the state is their word. */
void remnants_end(const char *dir);

/* ---- rotate.c ---- */

/* Renames logs that have grown large; nginx is told. */
void rotate_logs(const struct supervisor *s);

#endif
