/*
 * socket.c - the listening socket of a pool and the lock of its master, see pool.h.
 *
 * libfcgi could listen by itself, but would take the socket away from a running instance before it
 * knows that it can serve, leave its mode to the umask, and exit when it fails.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "program/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Behind it nginx answers 503. The kernel takes at most net.core.somaxconn, which is 4096 too. */
#define BACKLOG 4096

static enum err failed(struct fail *f, const char *what, const char *path)
{
    return fail(f, E_SYSTEM, "cannot %s %s: %s", what, path, strerror(errno));
}

enum err pool_listen(struct fail *f, const char *path, int *ret_fd)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.new", path);

    if (n < 0 || (size_t)n >= sizeof(addr.sun_path))
        return fail(f, E_SYSTEM,
                    "the path %s is too long for a socket (at most %zu bytes): choose a directory "
                    "with a shorter name",
                    path, sizeof(addr.sun_path) - sizeof(".new"));
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return failed(f, "make the socket", path);
    if (unlink(addr.sun_path) < 0 && errno != ENOENT)
        return failed(f, "replace", addr.sun_path);
    mode_t before = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
    umask(before);
    if (rc < 0)
        return failed(f, "bind the socket", addr.sun_path);
    if (listen(fd, BACKLOG) < 0)
        return failed(f, "listen on", addr.sun_path);
    if (chmod(addr.sun_path, 0660) < 0)
        return failed(f, "set the mode of", addr.sun_path);
    if (rename(addr.sun_path, path) < 0)
        return failed(f, "put in place", path);
    *ret_fd = TAKE_FD(fd);
    return E_OK;
}

int pool_inherited_socket(void)
{
    enum { FIRST = 3 }; /* SD_LISTEN_FDS_START */
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    uint64_t number = 0, count = 0;
    int is_listening = 0;
    socklen_t n = sizeof(is_listening);

    if (!pid || !fds || !str_u64(str_z(pid), &number) || number != (uint64_t)getpid() ||
        !str_u64(str_z(fds), &count) || count < 1)
        return -1;
    if (getsockopt(FIRST, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) < 0 || !is_listening)
        return -1;
    return fcntl(FIRST, F_SETFD, FD_CLOEXEC) < 0 ? -1 : FIRST;
}

enum err pool_lock(struct fail *f, const char *path, int *ret_fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CLEANUP(fd_close) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

    if (fd < 0)
        return failed(f, "open the lock", path);
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        if (errno != EACCES && errno != EAGAIN)
            return failed(f, "lock", path);
        lock.l_type = F_WRLCK;
        if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
            lock.l_pid = 0;
        return fail(f, E_SYSTEM, "the pool is running already, as process %d (lock %s)",
                    (int)lock.l_pid, path);
    }
    *ret_fd = TAKE_FD(fd);
    return E_OK;
}
