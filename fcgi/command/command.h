/*
 * command.h - the operator's command `gantry WORD ... --dir DIR`: one row a word (commands.def),
 * one function each.
 *
 * A command prints results to standard output and what went wrong to standard error, as `gantry:
 * what: why; what to do`. Exit status: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef GANTRY_COMMAND_COMMAND_H
#define GANTRY_COMMAND_COMMAND_H

#include "base/config.h"
#include "base/err.h"
#include "base/worker.h"

#include <stdbool.h>
#include <stddef.h>

struct command_line {
    const char *dir; /* of --dir, or the default */
    bool help;       /* only the usage is asked for: to standard output, status 0 (verbs.h) */
    int argc;        /* words after the command, options of main removed */
    char **argv;
};

typedef int (*command_fn)(const struct command_line *line);

enum command_who {
    CALLER,
    OWNER,
};

struct command {
    const char *word;
    command_fn fn;
    enum command_who who;
    const char *arguments; /* NULL: its verbs know (verbs.h) */
    const char *help;
};

/* All rows, in the order of the help. */
const struct command *command_rows(size_t *ret_n);

/* main() of gantry behind the initialisation: finds the row, becomes whom it asks for, runs it. */
int command_main(int argc, char **argv);

/*
 * Takes options out of the words: "--host NAME" or "--host=NAME" into *value, "--no-trust" into
 * *flag; what is no option goes into rest (room for line->argc), "--" ends them. 0, or 2 after
 * saying which option is wrong.
 */
struct command_option {
    const char *name;   /* "--host" */
    const char **value; /* one of the two */
    bool *flag;
};
int command_options(const struct command_line *line, const char *word,
                    const struct command_option *options, size_t n, const char **rest,
                    int *ret_rest);

/* config.yaml with its warnings printed; on failure every error, and 1 is returned. */
int command_config_load(const char *dir, struct config **ret);

/* Everything a command needs to work on the database and the store: config, db, store, keys, arena.
 */
enum err command_worker_init(const char *dir, struct fail *f, struct worker *ret) MUST_CHECK;
void command_worker_done(struct worker *w);

/* Prints "gantry: <doing>: <text>" with the internal part, if any; returns 1. */
int command_failed(const char *doing, const struct fail *f);
/* Prints the usage of a row; returns 2. */
int command_usage(const char *name);

#define COMMAND(word, fn, who, arguments, help) int fn(const struct command_line *line);
#include "command/commands.def"
#undef COMMAND

#endif
