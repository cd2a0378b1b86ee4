/*
 * run.c - see run.h.
 */
#define _GNU_SOURCE /* pipe2 */
#include "command/run.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX ((size_t)64 << 10)

extern char **environ;

static enum err spawn(struct fail *f, const char *const *argv, int out, pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return fail(f, E_NO_MEMORY, "out of memory");
    if (posix_spawnattr_init(&attr) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return fail(f, E_NO_MEMORY, "out of memory");
    }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    /* posix_spawn takes char *const[] and does not write to it. */
    union {
        const char *const *in;
        char *const *out;
    } args = {.in = argv};
    int failed = posix_spawn(ret, argv[0], &actions, &attr, args.out, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return failed ? fail(f, E_SYSTEM, "%s cannot be started: %s", argv[0], strerror(failed)) : E_OK;
}

enum err run_program(struct fail *f, const char *const *argv, struct buf *ret_said, int *ret_status)
{
    int ends[2], status = 0;
    pid_t pid = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fail(f, E_SYSTEM, "no pipe can be made: %s", strerror(errno));
    CLEANUP(fd_close) int from = ends[0];
    CLEANUP(fd_close) int to = ends[1];
    enum err e = spawn(f, argv, to, &pid);
    if (e)
        return e;
    close(TAKE_FD(to));
    for (size_t total = 0;;) {
        char chunk[4096];
        ssize_t n = read(from, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (total < SAID_MAX)
            buf_put(ret_said, (struct str){chunk, (size_t)n});
        total += (size_t)n;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return E_OK;
}
