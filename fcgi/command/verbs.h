/*
 * verbs.h - what the commands of accounts have in common: `gantry user add ...` is a word (user) and a verb (add).
 *
 * A word's verbs are a table; verbs_run() finds the row, takes its options, counts its arguments, opens what is needed to
 * work (command_worker_init()), runs it and says what went wrong.
 */
#ifndef GANTRY_COMMAND_VERBS_H
#define GANTRY_COMMAND_VERBS_H

#include "base/worker.h"
#include "command/command.h"
#include "command/table.h"
#include "db/account.h"

#define VERB_ARGS_MAX 3
#define PAGE          500 /* rows of a list asked for at a time */

/* Options. A verb names those that it takes. */
enum {
    OPT_JSON = 1 << 0,
    OPT_PASSWORD_STDIN = 1 << 1,
    OPT_EMAIL = 1 << 2,
    OPT_OWNER = 1 << 3,
    OPT_ROLE = 1 << 4,
    OPT_DESCRIPTION = 1 << 5,
    OPT_PUBLIC = 1 << 6,
    OPT_TEAM = 1 << 7,
    OPT_WITH_REPOSITORIES = 1 << 8,
    OPT_APP = 1 << 9,
    OPT_OAUTH = 1 << 10,
    OPT_SCOPE = 1 << 11,
    OPT_EXPIRES = 1 << 12,
};

struct session {
    struct worker w;
    struct fail f;
    struct str args[VERB_ARGS_MAX];
    int n_args;
    /* NULL and false unless given */
    const char *email, *owner, *role, *description, *scope, *expires;
    bool json, password_stdin, is_public, team, with_repositories, app, oauth;
    bool wrong_usage; /* exit status 2 instead of 1 */
};

struct verb {
    const char *name;
    int min, max; /* arguments */
    unsigned options;
    const char *arguments; /* as in the usage */
    enum err (*run)(struct session *s);
};

/* note: printed below the usage, or NULL. Returns the exit status. */
int verbs_run(const struct command_line *line, const char *word, const struct verb *verbs, size_t n,
              const char *note);

/* For `run`: an option is missing or no value that it can have; the message says which. */
enum err verbs_misused(struct session *s, const char *fmt, ...) PRINTF(2, 3) MUST_CHECK;

/* The operator: performer 0, no address. */
extern const struct actor verbs_operator;

/*
 * A password into out (with a NUL): the first line of standard input with --password-stdin, else a random one, which
 * *ret_random tells.
 */
#define VERB_PASSWORD_MAX 1024
enum err verbs_password(struct session *s, char out[static VERB_PASSWORD_MAX],
                        bool *ret_random) MUST_CHECK;

#endif
