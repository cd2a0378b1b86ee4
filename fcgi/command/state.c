/*
 * state.c - see state.h. One line a thing, fields separated by single spaces; the text comes last, behind a line "text".
 */
#include "command/state.h"

#include "base/cleanup.h"
#include "command/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)32 << 10)

static enum err lock_file(struct fail *f, const char *dir, int flags, int *ret_fd)
{
    char path[PATH_MAX];
    enum err e = path_join(f, dir, "run/supervisor.lock", path);
    if (e)
        return e;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0)
        return fail(f, E_SYSTEM, "%s cannot be opened: %s", path, strerror(errno));
    *ret_fd = fd;
    return E_OK;
}

pid_t state_holder(const char *dir)
{
    struct fail ignored = FAIL_INIT;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CLEANUP(fd_close) int fd = -1;
    if (lock_file(&ignored, dir, 0, &fd) || fcntl(fd, F_GETLK, &lock) != 0 ||
        lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid;
}

enum err state_lock(struct fail *f, const char *dir, int *ret_fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CLEANUP(fd_close) int fd = -1;
    enum err e = lock_file(f, dir, O_CREAT, &fd);
    if (e)
        return e;
    if (fcntl(fd, F_SETLK, &lock) != 0)
        return fail(f, E_CONFLICT,
                    "%s is supervised already (pid %d); `gantry stop --dir %s` ends that", dir,
                    (int)state_holder(dir), dir);
    *ret_fd = TAKE_FD(fd);
    return E_OK;
}

enum err state_write(struct fail *f, const char *dir, const struct state *s)
{
    char path[PATH_MAX];
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    buf_printf(&text, "supervisor %d %d %d %lld\n", (int)s->pid, s->generation, (int)s->phase,
               (long long)s->since_s);
    for (int i = 0; i < s->n; i++) {
        const struct state_service *v = &s->services[i];
        buf_printf(&text, "service %s %s %d %llu %lld %d\n", v->name, v->state, (int)v->pid,
                   (unsigned long long)v->ticks, (long long)v->since_s, v->restarts);
    }
    if (s->nginx_files)
        buf_printf(&text, "nginx %llu\n", (unsigned long long)s->nginx_files);
    buf_printf(&text, "text\n%s", s->text);
    enum err e = buf_err(&text) ? fail(f, E_NO_MEMORY, "out of memory")
                                : path_join(f, dir, "run/state", path);
    return e ? e : file_write(f, path, buf_str(&text), 0640);
}

static bool next_int(struct str *s, int64_t *ret)
{
    struct str word;
    uint64_t v = 0;
    str_cut(*s, ' ', &word, s);
    if (!str_u64(word, &v) || v > INT64_MAX)
        return false;
    *ret = (int64_t)v;
    return true;
}

static bool next_word(struct str *s, char *out, size_t size)
{
    struct str word;
    str_cut(*s, ' ', &word, s);
    int n = snprintf(out, size, "%.*s", STR_ARG(word));
    return n > 0 && (size_t)n < size;
}

static bool parse_service(struct str s, struct state_service *v)
{
    int64_t pid = 0, ticks = 0, since = 0, restarts = 0;
    if (!next_word(&s, v->name, sizeof(v->name)) || !next_word(&s, v->state, sizeof(v->state)) ||
        !next_int(&s, &pid) || !next_int(&s, &ticks) || !next_int(&s, &since) ||
        !next_int(&s, &restarts))
        return false;
    v->pid = (pid_t)pid;
    v->ticks = (uint64_t)ticks;
    v->since_s = since;
    v->restarts = (int)restarts;
    return true;
}

enum err state_read(const char *dir, struct state *ret)
{
    char path[PATH_MAX];
    struct fail ignored = FAIL_INIT;
    struct str rest, line;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (path_join(&ignored, dir, "run/state", path) || file_read(&ignored, path, FILE_MAX, &text))
        return E_NO_ROW;
    *ret = (struct state){.pid = 0};
    rest = buf_str(&text);
    while (rest.n) {
        str_cut(rest, '\n', &line, &rest);
        if (str_starts(line, STR("supervisor "))) {
            int64_t pid = 0, generation = 0, phase = 0, since = 0;
            line = str_from(line, sizeof("supervisor ") - 1);
            if (!next_int(&line, &pid) || !next_int(&line, &generation) ||
                !next_int(&line, &phase) || !next_int(&line, &since) || phase > PHASE_FAILED)
                return E_NO_ROW;
            ret->pid = (pid_t)pid;
            ret->generation = (int)generation;
            ret->phase = (enum phase)phase;
            ret->since_s = since;
        } else if (str_starts(line, STR("service ")) && ret->n < STATE_SERVICES) {
            if (!parse_service(str_from(line, sizeof("service ") - 1), &ret->services[ret->n]))
                return E_NO_ROW;
            ret->n++;
        } else if (str_starts(line, STR("nginx "))) {
            if (!str_u64(str_from(line, sizeof("nginx ") - 1), &ret->nginx_files))
                return E_NO_ROW;
        } else if (str_eq(line, STR("text"))) {
            snprintf(ret->text, sizeof(ret->text), "%.*s", STR_ARG(rest));
            break;
        }
    }
    return ret->pid ? E_OK : E_NO_ROW;
}

uint64_t state_ticks(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    /* The name may hold spaces and brackets: fields are counted from its last ')'. Start time is field 22 (proc(5)). */
    const char *at = strrchr(text, ')');
    if (!at || strncmp(at, ") Z", 3) == 0 || strncmp(at, ") X", 3) == 0)
        return 0; /* dead, and only not yet collected by its parent */
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at + 1, NULL, 10) : 0;
}
