/*
 * doctor.c - runs the checks and shows what they found; see doctor.h.
 */
#define _GNU_SOURCE /* pipe2 */
#include "command/doctor.h"

#include "base/cleanup.h"
#include "command/command.h"
#include "command/state.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* One finding on its way through the pipe: smaller than PIPE_BUF, so writes are whole. */
struct finding {
    enum severity severity;
    char check[32], text[1600], mend[600];
};
_Static_assert(sizeof(struct finding) <= PIPE_BUF, "a finding is one write");

static const struct check {
    const char *name;
    void (*fn)(const struct doctor *d);
    enum check_when when;
    enum check_who who;
} checks[] = {
#define CHECK(name, fn, when, who) {name, fn, when, who},
#include "command/checks.def"
#undef CHECK
};

void doctor_found(const struct doctor *d, enum severity severity, const char *mend, const char *fmt,
                  ...)
{
    struct finding found = {.severity = severity};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(found.text, sizeof(found.text), fmt, ap);
    va_end(ap);
    snprintf(found.check, sizeof(found.check), "%s", d->check);
    snprintf(found.mend, sizeof(found.mend), "%s", mend ? mend : "");
    ssize_t n = write(d->out, &found, sizeof(found));
    if (n != (ssize_t)sizeof(found))
        fprintf(stderr, "gantry: doctor: %s\n", found.text);
}

void doctor_describe(const char *path, char *out)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        snprintf(out, 128, "%s", errno == ENOENT ? "it does not exist" : strerror(errno));
        return;
    }
    const struct passwd *pw = getpwuid(st.st_uid);
    const struct group *gr = getgrgid(st.st_gid);
    char user[32], group[32];
    snprintf(user, sizeof(user), "%u", (unsigned)st.st_uid);
    snprintf(group, sizeof(group), "%u", (unsigned)st.st_gid);
    snprintf(out, 128, "owner %.32s:%.32s, mode %04o", pw ? pw->pw_name : user,
             gr ? gr->gr_name : group, (unsigned)st.st_mode & 07777u);
}

static int run_checks(struct doctor *d, enum check_who who)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (checks[i].who != who || (checks[i].when == CHECK_RUNNING && !d->running))
            continue;
        d->check = checks[i].name;
        checks[i].fn(d);
    }
    return 0;
}

static int run_as_owner(void *ctx)
{
    return run_checks(ctx, AS_OWNER);
}

/* The child that runs all checks; the pipe's end is closed with it. */
static int child(struct doctor *d)
{
    struct fail f = FAIL_INIT;
    int status = 1;
    run_checks(d, AS_ROOT);
    if (identity_run(&f, d->owner, run_as_owner, d, &status)) {
        fprintf(stderr, "gantry: doctor: %s\n", fail_text(&f));
        return 1;
    }
    return status;
}

static void show(const struct finding *found)
{
    static const char *const words[] = {"warning", "error", "fatal"};
    printf("%-8s %s: %s\n", words[found->severity], found->check, found->text);
    if (found->mend[0])
        printf("         mend it: %s\n", found->mend);
}

/* Runs all checks and shows findings of at least `least`; *ret_worst is -1 when there was none. False: it could not be done. */
static bool examine(struct doctor *d, enum severity least, int *ret_worst)
{
    int ends[2], status = 0;
    struct finding found;
    ssize_t n;
    *ret_worst = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    CLEANUP(fd_close) int from = ends[0];
    CLEANUP(fd_close) int to = ends[1];
    d->out = to;
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return false;
    if (pid == 0) {
        status = child(d);
        fflush(NULL);
        _exit(status);
    }
    close(TAKE_FD(to));
    while ((n = read(from, &found, sizeof(found))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof(found))
            break;
        if ((int)found.severity > *ret_worst)
            *ret_worst = (int)found.severity;
        if (found.severity >= least)
            show(&found);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int before(struct doctor *d, const char *word, const char *refusal)
{
    int worst;
    if (!examine(d, FINDING_FATAL, &worst)) {
        fprintf(stderr, "gantry: %s: the checks before it could not be made\n", word);
        return 1;
    }
    if (worst < FINDING_FATAL)
        return 0;
    fflush(stdout);
    fprintf(stderr, "gantry: %s: %s, because of the above; `gantry doctor --dir %s` checks again\n",
            word, refusal, d->config->dir);
    return 1;
}

int doctor_before_start(const struct config *config, const struct identity *owner)
{
    struct doctor d = {.config = config, .owner = owner};
    return before(&d, "up", "not started");
}

int doctor_before_restart(const struct config *config, const struct identity *owner)
{
    struct doctor d = {.config = config, .owner = owner, .restart = true};
    return before(&d, "restart", "what runs goes on as it was");
}

int command_doctor(const struct command_line *line)
{
    CLEANUP(config_freep) struct config *config = NULL;
    struct fail f = FAIL_INIT;
    struct identity owner;
    int worst;
    if (line->argc)
        return command_usage("doctor");
    enum err e = identity_of_dir(&f, line->dir, &owner);
    if (e == E_NO_ROW) {
        fprintf(stderr, "gantry: doctor: %s does not exist; `gantry init --dir %s` makes it\n",
                line->dir, line->dir);
        return 1;
    }
    if (e)
        return command_failed("doctor", &f);
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    struct doctor d = {.config = config, .owner = &owner, .running = state_holder(line->dir) != 0};
    if (!examine(&d, FINDING_WARNING, &worst)) {
        fprintf(stderr, "gantry: doctor: not all checks could be made\n");
        return 1;
    }
    if (!d.running)
        printf("%s is not up: what its own database, Redis and nginx would say is not known.\n",
               line->dir);
    if (worst < 0)
        printf("Nothing is wrong with %s.\n", line->dir);
    return worst >= FINDING_ERROR ? 1 : 0;
}
