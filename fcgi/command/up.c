/*
 * up.c - `gantry up`, `stop`, `restart`, `status` and `logs`: talking to the supervisor (supervisor.h) by signals and its state.
 *
 * `up` returns when the registry answers through nginx, or says which part did not start and why.
 */
#define _GNU_SOURCE /* execvp's relatives */
#include "command/command.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/doctor.h"
#include "command/files.h"
#include "command/identity.h"
#include "command/paths.h"
#include "command/probe.h"
#include "command/state.h"
#include "command/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS    20
#define UP_S       420
#define STOP_S     240
#define PROBE_S    20
#define LOW_PORTS  1024
#define STATUS_OFF 3

static void nap(void)
{
    struct timespec t = {.tv_nsec = (long)POLL_MS * 1000000};
    nanosleep(&t, NULL);
}

static uint64_t deadline(int seconds)
{
    return clock_mono_ns() + (uint64_t)seconds * 1000000000u;
}

/* ---- up ---- */

/* Becomes the supervisor. Only an error comes back. */
static int supervise(const char *dir, const struct identity *owner, bool bind_low, bool detach)
{
    char program[PATH_MAX], log_path[PATH_MAX];
    struct fail f = FAIL_INIT;
    enum err e = identity_assume(&f, owner, bind_low);
    if (!e)
        e = path_program(&f, "gantry", program);
    if (!e)
        e = path_join(&f, dir, "log/gantry.log", log_path);
    if (e)
        return command_failed("up", &f);
    if (detach) {
        int out = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (out < 0 || null < 0) {
            fprintf(stderr, "gantry: up: %s cannot be opened: %s\n", log_path, strerror(errno));
            return 1;
        }
        setsid();
        dup2(null, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
        setenv("GANTRY_LOG_FILE", log_path, 1);
    }
    if (chdir("/") != 0)
        return 1;
    execl(program, program, "supervise", "--dir", dir, (char *)NULL);
    fprintf(stderr, "gantry: up: %s cannot be executed: %s\n", program, strerror(errno));
    return 1;
}

/* Each step once. What has an end of line is the reason of a failure on its way: the next state says it. */
static void tell_progress(const struct state *s, char told[static STATE_TEXT])
{
    if (!s->text[0] || strchr(s->text, '\n') || strcmp(told, s->text) == 0)
        return;
    memcpy(told, s->text, STATE_TEXT);
    printf("  %s ...\n", told);
    fflush(stdout);
}

/* Tells progress until the supervisor `pid` is done with its start; 0 when it serves. */
static int follow_start(const char *dir, pid_t pid)
{
    char told[STATE_TEXT] = "", path[PATH_MAX];
    struct state s;
    struct fail ignored = FAIL_INIT;
    uint64_t end = deadline(UP_S);
    while (clock_mono_ns() < end) {
        bool gone = waitpid(pid, NULL, WNOHANG) != 0;
        bool known = !state_read(dir, &s) && s.pid == pid;
        if (known && s.phase == PHASE_READY)
            return 0;
        if (known && s.phase == PHASE_FAILED) {
            fprintf(stderr, "gantry: up: %s", s.text);
            return 1;
        }
        if (known && s.phase == PHASE_STARTING)
            tell_progress(&s, told);
        if (gone) {
            CLEANUP(buf_done) struct buf tail = BUF_INIT;
            if (!path_join(&ignored, dir, "log/gantry.log", path))
                file_tail(path, 0, 1024, &tail);
            fprintf(stderr, "gantry: up: the supervisor ended; the end of %s:\n%.*s", path,
                    STR_ARG(buf_str(&tail)));
            return 1;
        }
        nap();
    }
    fprintf(stderr,
            "gantry: up: the stack is not ready after %d seconds; `gantry logs --dir %s` shows "
            "what it does\n",
            UP_S, dir);
    return 1;
}

static int self_check(const char *dir, const struct config *c)
{
    struct fail f = FAIL_INIT;
    if (!strs_has(&c->embedded, STR("nginx"))) {
        printf("The pools of %s run; nginx is not ours.\n", dir);
        return 0;
    }
    if (probe_serves(&f, c, PROBE_S)) {
        fprintf(stderr,
                "gantry: up: the stack runs but does not serve: %s\n"
                "`gantry doctor --dir %s` looks for the cause, `gantry logs --dir %s` shows the "
                "logs.\n",
                fail_text(&f), dir, dir);
        return 1;
    }
    printf("Serving at %s://%s\n", c->url_scheme, c->server_hostname);
    return 0;
}

static int end_remnants(void *ctx)
{
    remnants_end(*(const char **)ctx);
    return 0;
}

int command_up(const struct command_line *line)
{
    bool foreground = false;
    const struct command_option options[] = {{"--foreground", NULL, &foreground}};
    CLEANUP(ptr_free) const char **rest = calloc((size_t)line->argc + 1, sizeof(*rest));
    CLEANUP(config_freep) struct config *config = NULL;
    struct fail f = FAIL_INIT;
    struct identity owner;
    int n_rest = 0;
    int status = rest ? command_options(line, "up", options, 1, rest, &n_rest) : 1;
    if (status || n_rest)
        return status ? status : command_usage("up");
    enum err e = identity_of_dir(&f, line->dir, &owner);
    if (e == E_NO_ROW) {
        fprintf(stderr, "gantry: up: %s does not exist; `gantry init --dir %s` makes it\n",
                line->dir, line->dir);
        return 1;
    }
    if (e)
        return command_failed("up", &f);
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    pid_t holder = state_holder(line->dir);
    if (holder) {
        printf("%s is up already (supervisor %d).\n", line->dir, (int)holder);
        return foreground ? 1 : self_check(line->dir, config);
    }
    const char *dir = line->dir;
    if (identity_run(&f, &owner, end_remnants, &dir, &status))
        return command_failed("up", &f);
    if (doctor_before_start(config, &owner) != 0)
        return 1;
    bool bind_low = config->listen_port < LOW_PORTS;
    if (foreground)
        return supervise(line->dir, &owner, bind_low, false);
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        fprintf(stderr, "gantry: up: no process can be made: %s\n", strerror(errno));
        return 1;
    }
    if (pid == 0)
        _exit(supervise(line->dir, &owner, bind_low, true));
    status = follow_start(line->dir, pid);
    return status ? status : self_check(line->dir, config);
}

/* ---- stop ---- */

int command_stop(const struct command_line *line)
{
    uint64_t end = deadline(STOP_S);
    pid_t pid = state_holder(line->dir);
    if (line->argc)
        return command_usage("stop");
    if (!pid) {
        printf("%s is not up.\n", line->dir);
        return 0;
    }
    uint64_t ticks = state_ticks(pid);
    if (kill(pid, SIGTERM) != 0 && errno != ESRCH) {
        fprintf(stderr, "gantry: stop: the supervisor %d cannot be told: %s\n", (int)pid,
                strerror(errno));
        return 1;
    }
    /* the kernel takes the lock back a moment before the process is gone */
    while (state_holder(line->dir) == pid || (ticks && state_ticks(pid) == ticks)) {
        if (clock_mono_ns() > end) {
            fprintf(stderr,
                    "gantry: stop: the supervisor %d still runs after %d seconds; `gantry status` "
                    "shows what it waits for\n",
                    (int)pid, STOP_S);
            return 1;
        }
        nap();
    }
    printf("%s is stopped.\n", line->dir);
    return 0;
}

/* ---- restart ---- */

int command_restart(const struct command_line *line)
{
    CLEANUP(config_freep) struct config *config = NULL;
    struct state before, now;
    struct identity owner;
    struct fail f = FAIL_INIT;
    char told[STATE_TEXT] = "";
    uint64_t end = deadline(UP_S);
    if (line->argc)
        return command_usage("restart");
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    pid_t pid = state_holder(line->dir);
    if (!pid || state_read(line->dir, &before))
        return command_up(line);
    if (identity_of_dir(&f, line->dir, &owner))
        return command_failed("restart", &f);
    if (doctor_before_restart(config, &owner) != 0)
        return 1;
    if (kill(pid, SIGUSR2) != 0) {
        fprintf(stderr, "gantry: restart: the supervisor %d cannot be told: %s\n", (int)pid,
                strerror(errno));
        return 1;
    }
    while (clock_mono_ns() < end) {
        if (!state_holder(line->dir)) {
            fprintf(stderr,
                    "gantry: restart: the supervisor has ended; `gantry logs --dir %s` shows why, "
                    "`gantry up` starts anew\n",
                    line->dir);
            return 1;
        }
        if (!state_read(line->dir, &now)) {
            if (now.phase == PHASE_RESTARTING)
                tell_progress(&now, told);
            if (now.generation != before.generation && now.phase == PHASE_FAILED) {
                fprintf(stderr, "gantry: restart: %s", now.text);
                return 1;
            }
            if (now.generation != before.generation && now.phase == PHASE_READY)
                return self_check(line->dir, config);
        }
        nap();
    }
    fprintf(
        stderr,
        "gantry: restart: not finished after %d seconds; `gantry status` shows what it waits for\n",
        UP_S);
    return 1;
}

/* ---- status ---- */

static void print_age(int64_t since_s)
{
    int64_t s = clock_s() - since_s;
    if (s < 120)
        printf("%llds", (long long)s);
    else if (s < 7200)
        printf("%lldm", (long long)(s / 60));
    else if (s < 172800)
        printf("%lldh", (long long)(s / 3600));
    else
        printf("%lldd", (long long)(s / 86400));
}

int command_status(const struct command_line *line)
{
    static const char *const phases[] = {"starting", "up", "restarting", "stopping",
                                         "up, but its last restart failed"};
    CLEANUP(config_freep) struct config *config = NULL;
    struct state s;
    if (line->argc)
        return command_usage("status");
    pid_t pid = state_holder(line->dir);
    if (!pid || state_read(line->dir, &s)) {
        printf("%s is not up.\n", line->dir);
        return STATUS_OFF;
    }
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    bool all = s.phase == PHASE_READY;
    printf("%s is %s (supervisor %d), for https://%s\n", line->dir, phases[s.phase], (int)pid,
           config->server_hostname);
    if (s.text[0])
        printf("%s%s", s.text, s.text[strlen(s.text) - 1] == '\n' ? "" : "\n");
    printf("%-10s %-9s %8s %6s %9s\n", "SERVICE", "STATE", "PID", "SINCE", "RESTARTS");
    for (int i = 0; i < s.n; i++) {
        const struct state_service *v = &s.services[i];
        bool off = strcmp(v->state, "stopped") == 0;
        printf("%-10s %-9s %8d ", v->name, v->state, (int)v->pid);
        if (off)
            printf("%6s", "-");
        else {
            printf("   ");
            print_age(v->since_s);
        }
        printf(" %9d\n", v->restarts);
        all = all && (off || strcmp(v->state, "running") == 0);
    }
    return all ? 0 : 1;
}

/* ---- logs ---- */

int command_logs(const struct command_line *line)
{
    bool follow = false;
    const struct command_option options[] = {{"-f", NULL, &follow}};
    static const char *const names[] = {"gantry", "prepare", "mariadb", "redis", "registry",
                                        "upload", "api",     "worker",  "nginx"};
    enum { NAMES = sizeof(names) / sizeof(names[0]) };
    char paths[NAMES][PATH_MAX], tail[PATH_MAX];
    const char *argv[NAMES + 6];
    struct fail f = FAIL_INIT;
    int n_rest = 0, n = 0;
    CLEANUP(ptr_free) const char **rest = calloc((size_t)line->argc + 1, sizeof(*rest));
    int status = rest ? command_options(line, "logs", options, 1, rest, &n_rest) : 1;
    if (status || n_rest > 1)
        return status ? status : command_usage("logs");
    if (path_foreign(&f, "tail", "coreutils", tail))
        return command_failed("logs", &f);
    argv[n++] = tail;
    argv[n++] = "-n";
    argv[n++] = n_rest ? "200" : "40";
    if (follow)
        argv[n++] = "-F";
    int first = n;
    for (int i = 0; i < (int)NAMES; i++) {
        char relative[64];
        snprintf(relative, sizeof(relative), "log/%s.log", n_rest ? rest[0] : names[i]);
        if (strchr(relative + 4, '/') || path_join(&f, line->dir, relative, paths[i]) ||
            !file_exists(paths[i]))
            continue;
        argv[n++] = paths[i];
        if (n_rest)
            break;
    }
    argv[n] = NULL;
    if (n == first) {
        fprintf(stderr, "gantry: logs: there is no log %s in %s/log\n", n_rest ? rest[0] : "yet",
                line->dir);
        return 1;
    }
    union {
        const char *const *in;
        char *const *out;
    } args = {.in = argv};
    signal(SIGPIPE, SIG_DFL);
    execv(tail, args.out);
    fprintf(stderr, "gantry: logs: %s cannot be executed: %s\n", tail, strerror(errno));
    return 1;
}
