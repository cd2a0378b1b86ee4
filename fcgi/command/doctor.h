/*
 * doctor.h - what is wrong with this registry, before it starts and while it runs.
 *
 * A check is a row of checks.def and a function that adds findings: what is wrong, with path, owner and mode as they are, and
 * the command that mends it. Checks run in a child that is the owner of DIR (what root could read proves nothing), but for
 * the few that need root's eyes. Fatal findings keep `gantry up` from starting, with the same words.
 */
#ifndef GANTRY_COMMAND_DOCTOR_H
#define GANTRY_COMMAND_DOCTOR_H

#include "base/config.h"
#include "base/err.h"
#include "command/identity.h"

#include <stdbool.h>

enum severity {
    FINDING_WARNING, /* works, but should be looked at */
    FINDING_ERROR,   /* something does not work */
    FINDING_FATAL,   /* nothing would work: no start */
};

struct doctor {
    const struct config *config;
    const struct identity *owner;
    bool running; /* the supervisor runs: MariaDB, Redis and nginx of our own can be asked */
    bool restart; /* it runs, but is looked at as before a start: the port may be our own nginx's */
    int out;      /* where findings go */
    const char *check;
};

/* what: the whole sentence; mend: a command or advice, may be NULL. */
void doctor_found(const struct doctor *d, enum severity severity, const char *mend, const char *fmt,
                  ...) PRINTF(4, 5);

/* "owner root:root, mode 0600", for messages; "missing" when it is. out: 128 bytes. */
void doctor_describe(const char *path, char *out);

enum check_when {
    CHECK_ALWAYS,
    CHECK_RUNNING, /* only while the stack runs */
};
enum check_who {
    AS_OWNER,
    AS_ROOT, /* as whoever called */
};

/*
 * The checks of `gantry up`, and of `gantry restart` before it touches what runs: prints fatal findings and answers 1 when
 * there are any; others are left to `doctor`.
 */
int doctor_before_start(const struct config *config, const struct identity *owner);
int doctor_before_restart(const struct config *config, const struct identity *owner);

#define CHECK(name, fn, when, who) void fn(const struct doctor *d);
#include "command/checks.def"
#undef CHECK

#endif
