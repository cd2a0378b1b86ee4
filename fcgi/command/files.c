/*
 * files.c - see files.h.
 */
#include "command/files.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err path_join(struct fail *f, const char *dir, const char *relative, char *out)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, relative);
    if (n < 0 || n >= PATH_MAX)
        return fail(f, E_SYSTEM, "the path %s/%s is too long", dir, relative);
    return E_OK;
}

enum err file_read(struct fail *f, const char *path, size_t max, struct buf *ret)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return E_NO_ROW;
    if (fd < 0)
        return fail(f, E_SYSTEM, "%s cannot be read: %s", path, strerror(errno));
    for (size_t total = 0;;) {
        char *room = buf_room(ret, 4096);
        if (!room)
            return fail(f, E_NO_MEMORY, "%s cannot be read: out of memory", path);
        ssize_t n = read(fd, room, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(f, E_SYSTEM, "%s cannot be read: %s", path, strerror(errno));
        if (n == 0)
            return E_OK;
        buf_grown(ret, (size_t)n);
        total += (size_t)n;
        if (total > max)
            return fail(f, E_SYSTEM, "%s is larger than %zu bytes", path, max);
    }
}

void file_tail(const char *path, off_t since, size_t max, struct buf *ret)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *room = buf_room(ret, max);
    if (!room)
        return;
    buf_grown(ret, 0); /* ends it with a NUL, whatever comes */
    if (fd < 0 || fstat(fd, &st) != 0)
        return;
    since = since <= st.st_size ? since : 0; /* it was rotated meanwhile */
    off_t from = st.st_size - since > (off_t)max ? st.st_size - (off_t)max : since;
    ssize_t n = pread(fd, room, max, from);
    if (n <= 0)
        return;
    size_t skip = 0;
    if (from > since) {
        const char *line = memchr(room, '\n', (size_t)n);
        skip = line ? (size_t)(line + 1 - room) : 0;
        memmove(room, room + skip, (size_t)n - skip);
    }
    buf_grown(ret, (size_t)n - skip);
}

off_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static enum err write_all(struct fail *f, int fd, const char *path, struct str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(f, E_SYSTEM, "%s cannot be written: %s", path, strerror(errno));
        text = str_from(text, (size_t)n);
    }
    if (fsync(fd) != 0)
        return fail(f, E_SYSTEM, "%s cannot be written: %s", path, strerror(errno));
    return E_OK;
}

enum err file_write(struct fail *f, const char *path, struct str text, mode_t mode)
{
    char temp[PATH_MAX];
    int n = snprintf(temp, sizeof(temp), "%s.new-%d", path, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof(temp))
        return fail(f, E_SYSTEM, "the path %s is too long", path);
    unlink(temp);
    CLEANUP(fd_close) int fd =
        open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return fail(f, E_SYSTEM, "%s cannot be made: %s", path, strerror(errno));
    enum err e = write_all(f, fd, path, text);
    if (!e && fchmod(fd, mode) != 0)
        e = fail(f, E_SYSTEM, "the mode of %s cannot be set: %s", path, strerror(errno));
    if (!e && rename(temp, path) != 0)
        e = fail(f, E_SYSTEM, "%s cannot be replaced: %s", path, strerror(errno));
    if (e)
        unlink(temp);
    return e;
}

enum err file_update(struct fail *f, const char *path, struct str text, mode_t mode,
                     bool *ret_changed)
{
    CLEANUP(buf_done) struct buf old = BUF_INIT;
    struct fail ignored = FAIL_INIT;
    if (!file_read(&ignored, path, text.n + 1, &old) && str_eq(buf_str(&old), text)) {
        *ret_changed = false;
        return E_OK;
    }
    enum err e = file_write(f, path, text, mode);
    if (e)
        return e;
    *ret_changed = true;
    return E_OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

enum err dir_make(struct fail *f, const char *path, mode_t mode)
{
    struct stat st;
    if (mkdir(path, mode) == 0) {
        if (chmod(path, mode) != 0) /* whatever the umask says */
            return fail(f, E_SYSTEM, "the mode of %s cannot be set: %s", path, strerror(errno));
        return E_OK;
    }
    if (errno != EEXIST)
        return fail(f, E_SYSTEM, "the directory %s cannot be made: %s", path, strerror(errno));
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return fail(f, E_SYSTEM, "%s is in the way: it is not a directory", path);
    return E_OK;
}

enum err dir_make_all(struct fail *f, const char *path, mode_t mode)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof(part))
        return fail(f, E_SYSTEM, "the path %s is too long", path);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i < n; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        enum err e = dir_make(f, part, 0755);
        if (e)
            return e;
        part[i] = '/';
    }
    return dir_make(f, path, mode);
}
