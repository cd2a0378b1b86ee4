/*
 * state.h - what the supervisor tells others: the lock that says it lives, and DIR/run/state that says what it does.
 *
 * The lock is the truth (the kernel drops it with the process); the file is a note that may be old. The supervisor writes
 * it at every change, commands read it.
 */
#ifndef GANTRY_COMMAND_STATE_H
#define GANTRY_COMMAND_STATE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define STATE_SERVICES 16
#define STATE_TEXT     8192

enum phase {
    PHASE_STARTING,
    PHASE_READY,
    PHASE_RESTARTING,
    PHASE_STOPPING,
    PHASE_FAILED, /* text says why */
};

struct state_service {
    char name[32];
    char state[16]; /* running, starting, waiting, stopped */
    pid_t pid;      /* 0: none */
    uint64_t
        ticks; /* its start time (/proc/PID/stat), so that a pid used again is not taken for it */
    int64_t since_s;
    int restarts;
};

struct state {
    pid_t pid;
    int generation; /* one more for every restart that ended, in whatever way */
    enum phase phase;
    int64_t since_s;
    char text[STATE_TEXT]; /* progress, or why it failed; may have several lines */
    struct state_service services[STATE_SERVICES];
    int n;
    uint64_t nginx_files; /* those that the running nginx has read (child.c); 0: not known */
};

/* The supervisor that holds the lock now, or 0. */
pid_t state_holder(const char *dir);
/* Takes the lock; *ret_fd keeps it. E_CONFLICT when somebody has it. */
enum err state_lock(struct fail *f, const char *dir, int *ret_fd) MUST_CHECK;

enum err state_write(struct fail *f, const char *dir, const struct state *s) MUST_CHECK;
/* E_NO_ROW when there is none, or none that makes sense. */
enum err state_read(const char *dir, struct state *ret) MUST_CHECK;

/* Start time of a living process, 0 when there is none. */
uint64_t state_ticks(pid_t pid);

#endif
