/*
 * command.c - see command.h.
 */
#include "command/command.h"

#include "base/cleanup.h"
#include "command/identity.h"
#include "command/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct command rows[] = {
#define COMMAND(word, fn, who, arguments, help) {word, fn, who, arguments, help},
#include "command/commands.def"
#undef COMMAND
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

const struct command *command_rows(size_t *ret_n)
{
    *ret_n = N_ROWS;
    return rows;
}

static const struct command *find(const char *word)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        if (strcmp(rows[i].word, word) == 0)
            return &rows[i];
    }
    return NULL;
}

int command_failed(const char *doing, const struct fail *f)
{
    fprintf(stderr, "gantry: %s: %s\n", doing, fail_text(f));
    if (f->internal[0])
        fprintf(stderr, "gantry: %s: cause: %s\n", doing, f->internal);
    return 1;
}

int command_usage(const char *name)
{
    const struct command *row = find(name);
    if (row && !row->arguments)
        fprintf(stderr, "`gantry help %s` shows the arguments\n", name);
    else
        fprintf(stderr, "Usage: gantry %s %s%s[--dir DIR]\n", name, row ? row->arguments : "",
                row && row->arguments[0] ? " " : "");
    return 2;
}

static int help(void)
{
    printf("Usage: gantry COMMAND ... [--dir DIR]\n\n"
           "The operator's command of the Gantry container registry. DIR holds everything of one "
           "registry; without --dir it is\n"
           "$GANTRY_DIR, /var/lib/gantry for root, ~/.local/state/gantry otherwise.\n\n");
    for (size_t i = 0; i < N_ROWS; i++) {
        if (rows[i].help)
            printf("  %-8s %s\n", rows[i].word, rows[i].help);
    }
    printf("\n`gantry help COMMAND` shows the arguments of a command; gantry(1) explains them.\n");
    return 0;
}

static int help_on(const char *word)
{
    const struct command *row = find(word);
    if (!row || !row->help) {
        fprintf(stderr, "gantry: there is no command %s; `gantry help` lists them\n", word);
        return 2;
    }
    printf("gantry %s: %s\n", row->word, row->help);
    if (!row->arguments) {
        const struct command_line line = {.help = true};
        return row->fn(&line);
    }
    printf("Usage: gantry %s %s%s[--dir DIR]\n", row->word, row->arguments,
           row->arguments[0] ? " " : "");
    return 0;
}

int command_options(const struct command_line *line, const char *word,
                    const struct command_option *options, size_t n, const char **rest,
                    int *ret_rest)
{
    int n_rest = 0;
    bool ended = false;
    for (int i = 0; i < line->argc; i++) {
        const char *arg = line->argv[i];
        const struct command_option *found = NULL;
        struct str name, value;
        if (ended || arg[0] != '-' || arg[1] == '\0') {
            rest[n_rest++] = arg;
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            ended = true;
            continue;
        }
        bool has_value = str_cut(str_z(arg), '=', &name, &value);
        for (size_t k = 0; k < n && !found; k++)
            found = str_eqz(name, options[k].name) ? &options[k] : NULL;
        if (!found) {
            fprintf(stderr, "gantry: %s has no option %.*s\n", word, STR_ARG(name));
            return command_usage(word);
        }
        if (found->flag && !has_value) {
            *found->flag = true;
        } else if (found->value && has_value) {
            *found->value = arg + name.n + 1;
        } else if (found->value && i + 1 < line->argc) {
            *found->value = line->argv[++i];
        } else {
            fprintf(stderr, "gantry: the option %s %s\n", found->name,
                    found->flag ? "takes no value" : "needs a value");
            return command_usage(word);
        }
    }
    *ret_rest = n_rest;
    return 0;
}

int command_config_load(const char *dir, struct config **ret)
{
    struct fail f = FAIL_INIT;
    CLEANUP(config_notes_done) struct config_notes notes = {NULL, 0};
    enum err e = config_load(&f, dir, &notes, ret);
    for (size_t i = 0; i < notes.n; i++)
        fprintf(stderr, "gantry: config: %s%s\n",
                notes.v[i].fatal ? "" : "warning: ", notes.v[i].text);
    return e ? command_failed("config", &f) : 0;
}

/* Takes --dir out of argv, wherever it stands before "--"; the others move up. */
static bool take_dir(int *argc, char **argv, const char **ret_dir)
{
    int to = 1;
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < *argc)
                argv[to++] = argv[i++];
            break;
        }
        if (strncmp(argv[i], "--dir=", 6) == 0) {
            *ret_dir = argv[i] + 6;
        } else if (strcmp(argv[i], "--dir") == 0) {
            if (++i >= *argc)
                return false;
            *ret_dir = argv[i];
        } else {
            argv[to++] = argv[i];
        }
    }
    *argc = to;
    return true;
}

static int become_owner(const char *dir)
{
    struct fail f = FAIL_INIT;
    struct identity owner;
    enum err e = identity_of_dir(&f, dir, &owner);
    if (e == E_NO_ROW) {
        fprintf(stderr, "gantry: %s does not exist; `gantry init --dir %s` makes it\n", dir, dir);
        return 1;
    }
    if (!e)
        e = identity_assume(&f, &owner, false);
    return e ? command_failed(dir, &f) : 0;
}

int command_main(int argc, char **argv)
{
    struct fail f = FAIL_INIT;
    const char *given = NULL;
    char dir[PATH_MAX];
    if (!take_dir(&argc, argv, &given)) {
        fprintf(stderr, "gantry: the option --dir needs a value\n");
        return 2;
    }
    if (argc < 2) {
        help();
        return 2;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        printf("gantry %s\n", GANTRY_VERSION);
        return 0;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return argc > 2 ? help_on(argv[2]) : help();
    const struct command *row = find(word);
    if (!row) {
        fprintf(stderr, "gantry: there is no command %s; `gantry help` lists them\n", word);
        return 2;
    }
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return help_on(word);
    }
    enum err e = given ? path_check_dir(&f, given, dir) : path_default_dir(&f, dir);
    if (e)
        return command_failed("--dir", &f);
    if (row->who == OWNER && become_owner(dir) != 0)
        return 1;
    struct command_line line = {.dir = dir, .argc = argc - 2, .argv = argv + 2};
    int status = row->fn(&line);
    if (fflush(stdout) != 0 && status == 0) {
        fprintf(stderr, "gantry: the output cannot be written: %s\n", strerror(errno));
        status = 1;
    }
    return status;
}

int command_config(const struct command_line *line)
{
    CLEANUP(config_freep) struct config *config = NULL;
    if (line->argc != 1 || strcmp(line->argv[0], "check") != 0)
        return command_usage("config");
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    printf("%s is in order.\n", config->path);
    return 0;
}
