/*
 * verbs.c - see verbs.h.
 */
#include "command/verbs.h"

#include "audit/record.h"
#include "base/random.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSWORD_CHARS 24 /* of 57: 139 bits */

const struct actor verbs_operator = {.account_id = 0};

/* Without 0 O 1 l I: somebody may type it. */
static const char password_alphabet[] = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

static int usage(FILE *to, const char *word, const struct verb *verbs, size_t n, const char *note)
{
    for (size_t i = 0; i < n; i++)
        fprintf(to, "%s gantry %s %s %s%s[--dir DIR]\n", i ? "      " : "Usage:", word,
                verbs[i].name, verbs[i].arguments, verbs[i].arguments[0] ? " " : "");
    if (note)
        fprintf(to, "%s\n", note);
    return to == stdout ? 0 : 2;
}

static int take_options(const struct command_line *line, const char *word, const struct verb *verb,
                        struct session *s, const char **rest, int *ret_rest)
{
    const struct {
        unsigned bit;
        struct command_option option;
    } all[] = {
        {OPT_JSON, {"--json", NULL, &s->json}},
        {OPT_PASSWORD_STDIN, {"--password-stdin", NULL, &s->password_stdin}},
        {OPT_EMAIL, {"--email", &s->email, NULL}},
        {OPT_OWNER, {"--owner", &s->owner, NULL}},
        {OPT_ROLE, {"--role", &s->role, NULL}},
        {OPT_DESCRIPTION, {"--description", &s->description, NULL}},
        {OPT_PUBLIC, {"--public", NULL, &s->is_public}},
        {OPT_TEAM, {"--team", NULL, &s->team}},
        {OPT_WITH_REPOSITORIES, {"--with-repositories", NULL, &s->with_repositories}},
        {OPT_APP, {"--app", NULL, &s->app}},
        {OPT_OAUTH, {"--oauth", NULL, &s->oauth}},
        {OPT_SCOPE, {"--scope", &s->scope, NULL}},
        {OPT_EXPIRES, {"--expires", &s->expires, NULL}},
    };
    struct command_option options[sizeof(all) / sizeof(all[0])];
    size_t n = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (verb->options & all[i].bit)
            options[n++] = all[i].option;
    }
    return command_options(line, word, options, n, rest, ret_rest);
}

static int run(const struct command_line *line, const char *word, const struct verb *verb,
               struct session *s)
{
    char doing[64];
    enum err e;
    snprintf(doing, sizeof(doing), "%s %s", word, verb->name);
    e = command_worker_init(line->dir, &s->f, &s->w);
    if (e)
        return command_failed(doing, &s->f);
    e = verb->run(s);
    if (e && s->f.err == E_OK)
        e = fail(&s->f, e, "%s", err_info(e)->text);
    command_worker_done(&s->w);
    if (e)
        command_failed(doing, &s->f);
    return e ? 1 + s->wrong_usage : 0;
}

int verbs_run(const struct command_line *line, const char *word, const struct verb *verbs, size_t n,
              const char *note)
{
    struct session s = {.f = FAIL_INIT};
    const struct verb *verb = NULL;
    const char **rest;
    int n_rest = 0, status;
    for (size_t i = 0; line->argc && i < n && !verb; i++)
        verb = strcmp(line->argv[0], verbs[i].name) == 0 ? &verbs[i] : NULL;
    if (!verb) {
        if (line->argc)
            fprintf(stderr, "gantry: %s has no verb %s\n", word, line->argv[0]);
        return usage(line->help ? stdout : stderr, word, verbs, n, note);
    }
    struct command_line tail = {.dir = line->dir, .argc = line->argc - 1, .argv = line->argv + 1};
    rest = calloc((size_t)line->argc, sizeof(*rest));
    if (!rest) {
        fprintf(stderr, "gantry: %s: no memory\n", word);
        return 1;
    }
    status = take_options(&tail, word, verb, &s, rest, &n_rest);
    if (status == 0 && (n_rest < verb->min || n_rest > verb->max)) {
        fprintf(stderr, "gantry: %s %s: too %s arguments\n", word, verb->name,
                n_rest < verb->min ? "few" : "many");
        status = usage(stderr, word, verb, 1, note);
    }
    for (int i = 0; status == 0 && i < n_rest; i++)
        s.args[s.n_args++] = str_z(rest[i]);
    if (status == 0)
        status = run(line, word, verb, &s);
    free(rest);
    return status;
}

enum err verbs_misused(struct session *s, const char *fmt, ...)
{
    char text[sizeof(s->f.message)];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    s->wrong_usage = true;
    return fail(&s->f, E_BAD_REQUEST, "%s", text);
}

enum err verbs_password(struct session *s, char out[static VERB_PASSWORD_MAX], bool *ret_random)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    enum err e = E_OK;
    *ret_random = !s->password_stdin;
    if (!s->password_stdin) {
        random_text(password_alphabet, PASSWORD_CHARS, out);
        return E_OK;
    }
    errno = 0;
    n = getline(&line, &size, stdin);
    if (n > 0 && line[n - 1] == '\n')
        n--;
    if (n > 0 && line[n - 1] == '\r')
        n--;
    if (n < 0)
        e = fail(&s->f, E_BAD_REQUEST, "standard input has no password%s%s", errno ? ": " : "",
                 errno ? strerror(errno) : "");
    else if (n >= VERB_PASSWORD_MAX || memchr(line, '\0', (size_t)n))
        e = fail(&s->f, E_BAD_REQUEST,
                 "the first line of standard input is too long for a "
                 "password, or no text");
    if (e == E_OK) {
        memcpy(out, line, (size_t)n);
        out[n] = '\0';
    }
    if (line)
        OPENSSL_cleanse(line, size);
    free(line);
    return e;
}
