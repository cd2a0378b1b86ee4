/*
 * command.h - the operator's command `gantry WORD ... --dir DIR`: one row a word (commands.def), one function each.
 *
 * A command prints results to standard output and what went wrong to standard error, as `gantry: what: why; what to do`.
 * Exit status: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef GANTRY_COMMAND_COMMAND_H
#define GANTRY_COMMAND_COMMAND_H

#include "base/err.h"
#include "base/worker.h"

struct command_line {
    const char *dir;   /* of --dir, or the default */
    int argc;          /* words after the command, options of main removed */
    char **argv;
};

typedef int (*command_fn)(const struct command_line *line);

/* Everything a command needs to work on the database and the store: config, db, store, keys, arena. */
enum err command_worker_init(const char *dir, struct fail *f, struct worker *ret) MUST_CHECK;
void command_worker_done(struct worker *w);

/* Prints "gantry: <doing>: <text>" with the internal part, if any; returns 1. */
int command_failed(const char *doing, const struct fail *f);
/* Prints the usage of a row; returns 2. */
int command_usage(const char *name);

#endif
