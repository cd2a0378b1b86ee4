/*
 * rotate.c - logs of the embedded stack stay below a size: DIR/log/NAME.log, then NAME.log.1 to .4. See supervisor.h.
 *
 * Programs of ours open their log again by themselves (base/log.c) and nginx when told (USR1), so theirs are renamed. MariaDB and
 * Redis keep their file open and write little: theirs are copied and emptied.
 */
#include "command/supervisor.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "command/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOG_MAX  ((off_t)16 << 20)
#define LOG_KEEP 4

static bool is_large(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > LOG_MAX;
}

/* NAME.1 becomes NAME.2 and so on; the oldest goes. */
static void shift(const char *path)
{
    char from[PATH_MAX + 8], to[PATH_MAX + 8];
    for (int i = LOG_KEEP - 1; i >= 1; i--) {
        snprintf(from, sizeof(from), "%s.%d", path, i);
        snprintf(to, sizeof(to), "%s.%d", path, i + 1);
        rename(from, to);
    }
}

static void move(const char *path)
{
    char to[PATH_MAX + 8];
    shift(path);
    snprintf(to, sizeof(to), "%s.1", path);
    if (rename(path, to) != 0)
        LOG(LOG_WARN, "a log cannot be renamed", KV("path", str_z(path)),
            KV("why", str_z(strerror(errno))));
}

static void copy_and_empty(const char *path)
{
    char to[PATH_MAX + 8];
    shift(path);
    snprintf(to, sizeof(to), "%s.1", path);
    CLEANUP(fd_close) int in = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    CLEANUP(fd_close) int out =
        open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    char chunk[16384];
    ssize_t n = -1;
    while (in >= 0 && out >= 0 && (n = read(in, chunk, sizeof(chunk))) > 0) {
        if (write(out, chunk, (size_t)n) != n) {
            n = -1;
            break;
        }
    }
    if (n != 0 || ftruncate(in, 0) != 0)
        LOG(LOG_WARN, "a log cannot be copied", KV("path", str_z(path)),
            KV("why", str_z(strerror(errno))));
}

static bool log_path(const struct supervisor *s, const char *name, char *out)
{
    struct fail ignored = FAIL_INIT;
    char relative[64];
    snprintf(relative, sizeof(relative), "log/%s.log", name);
    return path_join(&ignored, s->dir, relative, out) == E_OK;
}

void rotate_logs(const struct supervisor *s)
{
    static const char *const ours[] = {"gantry", "prepare", "renew"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (log_path(s, ours[i], path) && is_large(path))
            move(path);
    }
    for (int i = 0; i < s->n; i++) {
        const struct child *c = &s->children[i];
        bool is_nginx = c->service->binds,
             large = log_path(s, c->service->name, path) && is_large(path);
        if (large && (c->service->follows_log || is_nginx))
            move(path);
        else if (large)
            copy_and_empty(path);
        if (!is_nginx)
            continue;
        if (log_path(s, "access", path) && is_large(path)) {
            move(path);
            large = true;
        }
        if (large)
            child_signal(c, SIGUSR1);
    }
}
