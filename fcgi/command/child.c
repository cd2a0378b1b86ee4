/*
 * child.c - processes of the supervisor: starting them, and hearing of their end. See supervisor.h.
 *
 * Every child leads a session of its own (a Ctrl-C at `gantry up --foreground` is for the supervisor alone), gets its log as both
 * outputs, a scrubbed environment, and no capability but nginx, which may need the one for low ports.
 */
#define _GNU_SOURCE /* execvpe's relatives, prctl */
#include "command/supervisor.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "command/files.h"
#include "command/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HEALTHY_NS     ((uint64_t)30 * 1000000000u)
#define BACKOFF_MIN_MS 100u
#define BACKOFF_MAX_MS 30000u
#define ENV_MAX        64

extern char **environ;

/* What a service may see of our environment: where programs are, and switches of sanitizers and ours. */
static bool passes(const char *variable)
{
    static const char *const prefixes[] = {
        "PATH=",         "TZ=",           "GANTRY_DATADIR=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=",
        "TSAN_OPTIONS=", "LSAN_OPTIONS=", "LIBFCGI_",        "MALLOC_",       "LLVM_PROFILE_FILE=",
        "GCOV_"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

struct environment {
    char home[PATH_MAX + 8], log[PATH_MAX + 20], listen_pid[32];
    char *v[ENV_MAX];
};

static void environment_fill(struct environment *e, const char *dir, const char *log_path,
                             bool has_socket)
{
    static char lang[] = "LANG=C.UTF-8", listen_fds[] = "LISTEN_FDS=1";
    size_t n = 0;
    for (char **p = environ; *p && n < ENV_MAX - 6; p++) {
        if (passes(*p))
            e->v[n++] = *p;
    }
    snprintf(e->home, sizeof(e->home), "HOME=%s", dir);
    snprintf(e->log, sizeof(e->log), "GANTRY_LOG_FILE=%s", log_path);
    e->v[n++] = e->home;
    e->v[n++] = e->log;
    e->v[n++] = lang;
    if (has_socket) {
        snprintf(e->listen_pid, sizeof(e->listen_pid), "LISTEN_PID=%d", (int)getpid());
        e->v[n++] = e->listen_pid;
        e->v[n++] = listen_fds;
    }
    e->v[n] = NULL;
}

/* In the child, up to exec. What goes wrong is said in its log. */
__attribute__((noreturn)) static void become(const struct supervisor *s, const char *const *argv,
                                             const char *log_name, int listen_fd, bool binds,
                                             pid_t parent)
{
    char log_path[PATH_MAX];
    struct environment env;
    struct fail f = FAIL_INIT;
    sigset_t none;
    sigemptyset(&none);
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before the line above */
        _exit(1);
    if (path_join(&f, s->dir, "log", log_path))
        _exit(1);
    size_t n = strlen(log_path);
    snprintf(log_path + n, sizeof(log_path) - n, "/%s.log", log_name);
    int out = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (out < 0 || null < 0) {
        LOG(LOG_ERROR, "a log cannot be opened", KV("path", str_z(log_path)),
            KV("why", str_z(strerror(errno))));
        _exit(1);
    }
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (listen_fd >= 0 && listen_fd != 3)
        dup2(listen_fd, 3);
    else if (listen_fd == 3)
        fcntl(3, F_SETFD, 0);
    environment_fill(&env, s->dir, log_path, listen_fd >= 0);
    if (!binds)
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); /* no set-user-id program makes more of it */
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* exec takes char *const[] and does not write to it. */
    union {
        const char *const *in;
        char *const *out;
    } args = {.in = argv};
    execve(argv[0], args.out, env.v);
    LOG(LOG_ERROR, "a program cannot be executed", KV("path", str_z(argv[0])),
        KV("why", str_z(strerror(errno))));
    _exit(127);
}

bool child_alive(const struct child *c)
{
    return c->state == CHILD_STARTING || c->state == CHILD_RUNNING || c->state == CHILD_STOPPING;
}

static void wait_then_again(struct child *c, unsigned delay_ms)
{
    c->state = CHILD_WAITING;
    c->pid = 0;
    c->due_ns = clock_mono_ns() + (uint64_t)delay_ms * 1000000u;
}

static off_t log_size(const struct supervisor *s, const char *name)
{
    char relative[64], path[PATH_MAX];
    struct fail ignored = FAIL_INIT;
    snprintf(relative, sizeof(relative), "log/%s.log", name);
    return path_join(&ignored, s->dir, relative, path) ? 0 : file_size(path);
}

/* ---- what nginx has read ---- */

/*
 * A number that changes when a file that nginx reads at its start is replaced; 0 when that cannot be told. Of what the file
 * system says of them, not of their bytes: one is a key.
 */
static uint64_t nginx_files(const struct supervisor *s)
{
    static const char *const names[] = {"nginx/nginx.conf", "config/ssl.cert", "config/ssl.key"};
    bool tls = strcmp(s->config->url_scheme, "https") == 0;
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < (tls ? sizeof(names) / sizeof(names[0]) : 1); i++) {
        char path[PATH_MAX];
        struct fail ignored = FAIL_INIT;
        struct stat st;
        if (path_join(&ignored, s->dir, names[i], path) || stat(path, &st) != 0)
            return 0;
        const uint64_t facts[] = {(uint64_t)st.st_dev,          (uint64_t)st.st_ino,
                                  (uint64_t)st.st_size,         (uint64_t)st.st_mtim.tv_sec,
                                  (uint64_t)st.st_mtim.tv_nsec, (uint64_t)st.st_ctim.tv_sec,
                                  (uint64_t)st.st_ctim.tv_nsec};
        for (size_t k = 0; k < sizeof(facts) / sizeof(facts[0]); k++)
            h = (h ^ facts[k]) * 1099511628211u;
    }
    return h ? h : 1;
}

void child_start(struct supervisor *s, struct child *c)
{
    struct service_command cmd;
    struct fail f = FAIL_INIT;
    cmd.n = 0;
    c->started_ns = clock_mono_ns();
    c->since_s = clock_s();
    c->log_from = log_size(s, c->service->name);
    if (c->service->command(&f, s->config, &cmd)) {
        LOG(LOG_ERROR, "a service cannot be started", KV("service", str_z(c->service->name)),
            KV("why", str_z(fail_text(&f))));
        c->last_status = 127 << 8;
        wait_then_again(c, BACKOFF_MAX_MS);
        return;
    }
    if (c->service->binds)
        s->state.nginx_files = nginx_files(s);
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        become(s, cmd.argv, c->service->name, c->listen_fd, c->service->binds, self);
    if (pid < 0) {
        LOG(LOG_ERROR, "no process can be made", KV("service", str_z(c->service->name)),
            KV("why", str_z(strerror(errno))));
        wait_then_again(c, BACKOFF_MAX_MS);
        return;
    }
    c->pid = pid;
    c->state = CHILD_STARTING;
    LOG(LOG_INFO, "service starts", KV("service", str_z(c->service->name)),
        KVI("service_pid", pid));
}

void child_signal(const struct child *c, int sig)
{
    if (!c->pid || !child_alive(c))
        return;
    /* Its whole session when it must go at once: what it forked would go on without it. */
    kill(sig == SIGKILL ? -c->pid : c->pid, sig);
}

/* ---- nginx ---- */

#define NGINX_WORKERS 256
#define RELOAD_S      10

/* The worker processes that accept connections (a retiring one says so in its title); how many. */
static size_t nginx_workers(pid_t master, pid_t *out)
{
    char path[64];
    struct fail ignored = FAIL_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    struct str rest, word;
    size_t n = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)master, (int)master);
    if (file_read(&ignored, path, 65536, &text))
        return 0;
    rest = buf_str(&text);
    while (rest.n && n < NGINX_WORKERS) {
        uint64_t pid = 0;
        CLEANUP(buf_done) struct buf title = BUF_INIT;
        str_cut(rest, ' ', &word, &rest);
        if (!str_u64(word, &pid) || pid > INT32_MAX)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
        if (!file_read(&ignored, path, 65536, &title) && title.n &&
            !strstr(title.p, "shutting down"))
            out[n++] = (pid_t)pid;
    }
    return n;
}

static bool still_there(const pid_t *before, size_t n_before, const pid_t *now, size_t n_now)
{
    for (size_t i = 0; i < n_before; i++) {
        for (size_t k = 0; k < n_now; k++) {
            if (before[i] == now[k])
                return true;
        }
    }
    return false;
}

bool child_reload_nginx(struct supervisor *s, const struct child *c)
{
    pid_t before[NGINX_WORKERS], now[NGINX_WORKERS];
    uint64_t end = clock_mono_ns() + (uint64_t)RELOAD_S * 1000000000u, files = nginx_files(s);
    if (files && files == s->state.nginx_files)
        return true; /* a reload closes the idle connections of clients: not for nothing */
    size_t n = nginx_workers(c->pid, before);
    child_signal(c, SIGHUP);
    while (n && child_alive(c)) {
        size_t n_now = nginx_workers(c->pid, now);
        if (!still_there(before, n, now, n_now)) {
            s->state.nginx_files = files;
            return true;
        }
        if (clock_mono_ns() > end) {
            LOG(LOG_WARN, "nginx has not taken the new configuration; its log says why",
                KVI("service_pid", c->pid));
            return false;
        }
        supervisor_pump(s, 10);
    }
    return true;
}

static void child_ended(struct child *c, int status)
{
    uint64_t lived = clock_mono_ns() - c->started_ns;
    char why[64];
    unsigned delay_ms = BACKOFF_MIN_MS;
    if (WIFSIGNALED(status))
        snprintf(why, sizeof(why), "signal %d", WTERMSIG(status));
    else
        snprintf(why, sizeof(why), "exit status %d", WEXITSTATUS(status));
    c->last_status = status;
    if (c->state == CHILD_STOPPING) {
        LOG(LOG_INFO, "service stopped", KV("service", str_z(c->service->name)),
            KV("how", str_z(why)));
        c->state = CHILD_OFF;
        c->pid = 0;
        return;
    }
    c->failures = lived < HEALTHY_NS ? c->failures + 1 : 0;
    for (unsigned i = 1; i < c->failures && delay_ms < BACKOFF_MAX_MS; i++)
        delay_ms *= 2;
    delay_ms = delay_ms < BACKOFF_MAX_MS ? delay_ms : BACKOFF_MAX_MS;
    LOG(LOG_WARN, "a service died and will be started again",
        KV("service", str_z(c->service->name)), KVI("service_pid", c->pid), KV("why", str_z(why)),
        KVI("in_ms", delay_ms));
    c->restarts++;
    wait_then_again(c, delay_ms);
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == s->step) {
            s->step = 0;
            s->step_status = status;
            continue;
        }
        for (int i = 0; i < s->n; i++) {
            if (s->children[i].pid == pid && child_alive(&s->children[i])) {
                child_ended(&s->children[i], status);
                break;
            }
        }
    }
}

void supervisor_pump(struct supervisor *s, int ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    int sig = sigtimedwait(&s->signals, NULL, &wait);
    while (sig > 0) {
        s->want_stop |= sig == SIGTERM || sig == SIGINT;
        s->want_reload |= sig == SIGHUP;
        s->want_restart |= sig == SIGUSR2;
        wait = (struct timespec){0};
        sig = sigtimedwait(&s->signals, NULL, &wait);
    }
    reap(s); /* whatever woke us: signals of one kind are not counted */
}

int supervisor_step(struct supervisor *s, const char *word)
{
    char program[PATH_MAX];
    struct fail f = FAIL_INIT;
    if (path_program(&f, "gantry", program)) {
        LOG(LOG_ERROR, "a step cannot be run", KV("step", str_z(word)),
            KV("why", str_z(fail_text(&f))));
        return -1;
    }
    s->step_log_from = log_size(s, word);
    const char *argv[] = {program, word, "--dir", s->dir, NULL};
    pid_t self = getpid(), pid = fork();
    if (pid == 0)
        become(s, argv, word, -1, false, self);
    if (pid < 0)
        return -1;
    s->step = pid;
    while (s->step)
        supervisor_pump(s, 1000);
    return WIFEXITED(s->step_status) ? WEXITSTATUS(s->step_status) : -1;
}
