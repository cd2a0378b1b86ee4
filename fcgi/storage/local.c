/*
 * local.c - the driver for a directory on a disk of this machine (or a mount that behaves like
 * one).
 *
 * All directories are opened once; every path after that is a name relative to one of them, checked
 * by store.c, and no symbolic link is ever followed. The ways of a blob:
 *
 *   nginx writes bodies/0000000042
 *   append at offset 0    link(2) it as uploads/<uuid>: no byte is written again. nginx unlinks its
 * own name when the request ends, so it must not be renamed away. append behind that    one read of
 * the new bytes, one write commit                rename(2) to sha256/ab/ab..., fsync the directory.
 * Not link and unlink: a process killed in between would leave the session's name on the blob's
 * inode, and a later append to the session would write into a stored blob.
 *
 * Directories of the fan-out are made when the store is opened, so that a commit has one directory
 * to sync.
 */
#define _GNU_SOURCE /* F_OFD_SETLK, renameat2, sync_file_range */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "storage/driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define BLOCK        ((size_t)1 << 20)
#define LOCK_WAIT_NS 5000000000u
#define LOCK_NAP_NS  20000000

struct local {
    char *path;
    int root, uploads, bodies;
    int algorithms[DIGEST_SHA512 + 1]; /* by enum digest_algorithm */
};

/* What a failed system call is called. errno is that of the call. */
static enum err failed(struct fail *f, const char *doing, const char *name)
{
    int error = errno;
    enum err e = error == ENOSPC || error == EDQUOT ? E_STORAGE_FULL : E_STORAGE;
    return fail_internal(f, e, "storage: %s %s: %s", doing, name, strerror(error));
}

/* ---- opening ---- */

/* Makes PATH/name unless it is there. When root makes it (the operator's command), it belongs to
 * whom PATH belongs. */
static enum err make_directory(struct fail *f, int at, const char *name, const struct stat *owner)
{
    if (mkdirat(at, name, 0750) == 0) {
        if (geteuid() == 0 &&
            fchownat(at, name, owner->st_uid, owner->st_gid, AT_SYMLINK_NOFOLLOW) != 0)
            return failed(f, "cannot give away the directory", name);
        return E_OK;
    }
    return errno == EEXIST ? E_OK : failed(f, "cannot make the directory", name);
}

static enum err open_directory(struct fail *f, int at, const char *name, int *ret)
{
    *ret = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *ret < 0 ? failed(f, "cannot open the directory", name) : E_OK;
}

static enum err open_room(struct fail *f, struct local *l, const struct stat *owner,
                          const char *name, int *ret)
{
    enum err e = make_directory(f, l->root, name, owner);
    return e ? e : open_directory(f, l->root, name, ret);
}

static enum err open_fan_out(struct fail *f, struct local *l, const struct stat *owner,
                             enum digest_algorithm algorithm, const char *name)
{
    enum err e = open_room(f, l, owner, name, &l->algorithms[algorithm]);
    for (unsigned i = 0; i < 256 && !e; i++) {
        char part[3];
        snprintf(part, sizeof(part), "%02x", i);
        e = make_directory(f, l->algorithms[algorithm], part, owner);
    }
    if (!e && fsync(l->algorithms[algorithm]) != 0)
        e = failed(f, "cannot sync the directory", name);
    return e;
}

static void local_close(void *self)
{
    struct local *l = self;
    if (!l)
        return;
    fd_close(&l->root);
    fd_close(&l->uploads);
    fd_close(&l->bodies);
    fd_close(&l->algorithms[DIGEST_SHA256]);
    fd_close(&l->algorithms[DIGEST_SHA512]);
    free(l->path);
    free(l);
}

static enum err open_all(struct fail *f, struct local *l)
{
    struct stat owner;
    if (mkdir(l->path, 0750) != 0 && errno != EEXIST)
        return failed(f, "cannot make the directory", l->path);
    l->root =
        open(l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* the operator may link this one */
    if (l->root < 0)
        return failed(f, "cannot open the directory", l->path);
    if (fstat(l->root, &owner) != 0)
        return failed(f, "cannot look at", l->path);
    enum err e = open_room(f, l, &owner, "uploads", &l->uploads);
    if (!e)
        e = open_room(f, l, &owner, "bodies", &l->bodies);
    if (!e)
        e = open_fan_out(f, l, &owner, DIGEST_SHA256, "sha256");
    if (!e)
        e = open_fan_out(f, l, &owner, DIGEST_SHA512, "sha512");
    if (!e && fsync(l->root) != 0)
        e = failed(f, "cannot sync the directory", l->path);
    return e;
}

static enum err local_open(const struct config_storage *config, struct fail *f, void **ret)
{
    struct local *l = malloc(sizeof(*l));
    if (l) {
        *l = (struct local){.root = -1, .uploads = -1, .bodies = -1, .algorithms = {-1, -1, -1}};
        l->path = strdup(config->path);
    }
    if (!l || !l->path) {
        free(l);
        return fail(f, E_NO_MEMORY, "out of memory while opening the storage");
    }
    enum err e = open_all(f, l);
    if (e) {
        /* At start the reader is the operator: the cause is the message. */
        char why[sizeof(f->internal)] = "";
        if (f) {
            memcpy(why, f->internal, sizeof(why));
            fail_clear(f);
        }
        fail(f, e,
             "%s; storage_path of \"%s\" is %s: it must be a directory that user %d can write", why,
             config->name, config->path, (int)geteuid());
        local_close(l);
        return e;
    }
    *ret = l;
    return E_OK;
}

static enum err local_free_space(void *self, struct fail *f, uint64_t *ret)
{
    const struct local *l = self;
    struct statvfs v;
    if (fstatvfs(l->root, &v) != 0)
        return failed(f, "cannot read the free space of", l->path);
    *ret = (uint64_t)v.f_bavail * v.f_frsize;
    return E_OK;
}

/* ---- sessions ---- */

/*
 * One file for all locks, a byte of it for each session: no lock files to clean up. Two sessions
 * that meet on one byte wait for each other, that is all.
 */
static enum err local_lock(void *self, struct fail *f, const char *uuid, int *ret_lock)
{
    const struct local *l = self;
    uint64_t at = 14695981039346656037u; /* FNV-1a */
    for (const char *p = uuid; *p; p++)
        at = (at ^ (unsigned char)*p) * 1099511628211u;

    CLEANUP(fd_close) int fd =
        openat(l->uploads, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(f, "cannot open", "uploads/.lock");
    uint64_t give_up = clock_mono_ns() + LOCK_WAIT_NS;
    for (;;) {
        struct flock lock = {.l_type = F_WRLCK,
                             .l_whence = SEEK_SET,
                             .l_start = (off_t)(at >> 2), /* fits off_t */
                             .l_len = 1};
        if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
            *ret_lock = TAKE_FD(fd);
            return E_OK;
        }
        if (errno != EAGAIN && errno != EACCES && errno != EINTR)
            return failed(f, "cannot lock the session", uuid);
        if (clock_mono_ns() >= give_up)
            return fail(f, E_UPLOAD_BUSY,
                        "another request is still writing to this upload; wait for it to end, then "
                        "ask for the upload's range and go on from there");
        nanosleep(&(struct timespec){.tv_nsec = LOCK_NAP_NS}, NULL);
    }
}

/*
 * Opens nginx's body file. The path comes from nginx alone, and still only its last part is used,
 * inside our own bodies directory: neither a link nor a wrong client_body_temp_path can make us
 * read or keep another file.
 */
static enum err open_body(const struct local *l, struct fail *f, const char *path,
                          const char **ret_name, int *ret)
{
    struct str directory, name;
    char parent[PATH_MAX];
    struct stat theirs, ours, st;

    if (!str_rcut(str_z(path), '/', &directory, &name) || name.n == 0 || name.p[0] == '.' ||
        directory.n >= sizeof(parent))
        return fail_internal(f, E_INTERNAL, "the body file %s is not an absolute path", path);
    memcpy(parent, directory.p, directory.n);
    parent[directory.n] = '\0';
    if (stat(parent, &theirs) != 0 || fstat(l->bodies, &ours) != 0 ||
        theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino)
        return fail_internal(f, E_INTERNAL,
                             "the body file %s is not in %s/bodies: client_body_temp_path of nginx "
                             "and storage_path do not agree",
                             path, l->path);
    *ret = openat(l->bodies, name.p, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*ret < 0)
        return failed(f, "cannot open the body file", path);
    if (fstat(*ret, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(*ret);
        *ret = -1;
        return fail_internal(f, E_INTERNAL, "the body file %s is not a regular file", path);
    }
    *ret_name = name.p;
    return E_OK;
}

static enum err local_body_size(void *self, struct fail *f, const char *body_path, uint64_t *ret)
{
    CLEANUP(fd_close) int body = -1;
    const char *name;
    struct stat st;
    enum err e = open_body(self, f, body_path, &name, &body);
    if (e)
        return e;
    if (fstat(body, &st) != 0)
        return failed(f, "cannot look at", body_path);
    *ret = (uint64_t)st.st_size;
    return E_OK;
}

static enum err write_all(struct fail *f, int fd, const char *name, const char *p, size_t n,
                          uint64_t at)
{
    while (n) {
        ssize_t put = pwrite(fd, p, n, (off_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failed(f, "cannot write to session", name);
        p += put;
        n -= (size_t)put;
        at += (uint64_t)put;
    }
    return E_OK;
}

/*
 * Reads `from` to its end, or `limit` bytes, through sink (may be NULL) and, when to >= 0, writes
 * them there from `at` on. *ret: bytes read.
 */
static enum err pump(struct fail *f, const char *name, int from, uint64_t limit,
                     const struct store_sink *sink, int to, uint64_t at, uint64_t *ret)
{
    CLEANUP(ptr_free) char *block = malloc(BLOCK);
    uint64_t done = 0;
    if (!block)
        return fail(f, E_NO_MEMORY, "out of memory while reading the body; try again");
    posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
    while (done < limit) {
        size_t want = limit - done < BLOCK ? (size_t)(limit - done) : BLOCK;
        ssize_t got = read(from, block, want);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(f, "cannot read for session", name);
        if (got == 0)
            break;
        if (sink)
            sink->update(sink->ctx, block, (size_t)got);
        if (to >= 0) {
            enum err e = write_all(f, to, name, block, (size_t)got, at + done);
            if (e)
                return e;
        }
        done += (uint64_t)got;
    }
    *ret = done;
    return E_OK;
}

static enum err sync_file(struct fail *f, int fd, const char *name)
{
    return fsync(fd) == 0 ? E_OK : failed(f, "cannot sync", name);
}

/* The body becomes the session's file under a second name; *ret_linked is false where the file
 * system cannot do that. */
static enum err link_body(const struct local *l, struct fail *f, const char *uuid,
                          const char *body_name, bool *ret_linked)
{
    *ret_linked = linkat(l->bodies, body_name, l->uploads, uuid, 0) == 0;
    if (*ret_linked || errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP)
        return E_OK;
    return failed(f, "cannot link the body file to session", uuid);
}

static enum err append_first(const struct local *l, struct fail *f, const char *uuid, int body,
                             const char *body_name, const struct store_sink *sink,
                             uint64_t *ret_added)
{
    CLEANUP(fd_close) int copy = -1;
    bool linked = false;
    enum err e = E_OK;

    /* An attempt that came to nothing. Never written into: it may be a file of nginx's that is
     * still there. */
    if (unlinkat(l->uploads, uuid, 0) != 0 && errno != ENOENT)
        return failed(f, "cannot clear session", uuid);
    if (body >= 0) {
        e = link_body(l, f, uuid, body_name, &linked);
        if (e)
            return e;
    }
    if (!linked) {
        copy = openat(l->uploads, uuid, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (copy < 0)
            return failed(f, "cannot make the file of session", uuid);
    }
    *ret_added = 0;
    if (body >= 0) {
        if (linked) /* the disk begins to write while we hash; the fsync below waits for the rest */
            sync_file_range(body, 0, 0, SYNC_FILE_RANGE_WRITE);
        e = pump(f, uuid, body, UINT64_MAX, sink, copy, 0, ret_added);
    }
    if (!e)
        e = sync_file(f, linked ? body : copy, uuid);
    if (e) {
        unlinkat(l->uploads, uuid, 0); /* a full disk gets its space back now */
        return e;
    }
    FAULT("append-before-directory");
    return sync_file(f, l->uploads, "uploads");
}

static enum err append_behind(const struct local *l, struct fail *f, const char *uuid,
                              uint64_t offset, int body, const struct store_sink *sink,
                              uint64_t *ret_added)
{
    struct stat st;
    CLEANUP(fd_close)
    int session = openat(l->uploads, uuid, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (session < 0)
        return errno == ENOENT ? E_NO_ROW : failed(f, "cannot open the file of session", uuid);
    if (fstat(session, &st) != 0)
        return failed(f, "cannot look at the file of session", uuid);
    if ((uint64_t)st.st_size < offset)
        return E_NO_ROW;
    if ((uint64_t)st.st_size > offset && ftruncate(session, (off_t)offset) != 0)
        return failed(f, "cannot cut the file of session", uuid);
    *ret_added = 0;
    if (body < 0)
        return E_OK;
    enum err e = pump(f, uuid, body, UINT64_MAX, sink, session, offset, ret_added);
    if (!e)
        e = sync_file(f, session, uuid);
    if (e) {
        /* A full disk gets its space back now; if that fails too, the next append cuts. */
        int cut = ftruncate(session, (off_t)offset);
        (void)cut;
    }
    return e;
}

static enum err local_append(void *self, struct fail *f, const char *uuid, uint64_t offset,
                             const char *body_path, const struct store_sink *sink,
                             uint64_t *ret_added)
{
    const struct local *l = self;
    CLEANUP(fd_close) int body = -1;
    const char *body_name = NULL;
    if (body_path) {
        enum err e = open_body(l, f, body_path, &body_name, &body);
        if (e)
            return e;
    }
    return offset == 0 ? append_first(l, f, uuid, body, body_name, sink, ret_added)
                       : append_behind(l, f, uuid, offset, body, sink, ret_added);
}

static enum err local_reread(void *self, struct fail *f, const char *uuid, uint64_t size,
                             const struct store_sink *sink)
{
    const struct local *l = self;
    uint64_t done = 0;
    CLEANUP(fd_close)
    int session = openat(l->uploads, uuid, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (session < 0)
        return errno == ENOENT ? E_NO_ROW : failed(f, "cannot open the file of session", uuid);
    enum err e = pump(f, uuid, session, size, sink, -1, 0, &done);
    if (e)
        return e;
    return done == size ? E_OK : E_NO_ROW;
}

static enum err local_abort(void *self, struct fail *f, const char *uuid)
{
    const struct local *l = self;
    if (unlinkat(l->uploads, uuid, 0) != 0 && errno != ENOENT)
        return failed(f, "cannot remove the file of session", uuid);
    return E_OK;
}

/* ---- blobs ---- */

/* Opens the fan-out directory of a digest; *ret_name points into address, behind the last '/'. */
static enum err open_shelf(const struct local *l, struct fail *f, const struct digest *d,
                           char address[static STORE_ADDRESS_MAX], const char **ret_name, int *ret)
{
    int at = l->algorithms[d->raw[0]];
    store_address(d, address);
    char part[3];
    snprintf(part, sizeof(part), "%02x", d->raw[1]);
    *ret_name = strrchr(address, '/') + 1;
    *ret = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*ret < 0 && errno == ENOENT) { /* a restore that left out empty directories */
        struct stat owner;
        if (fstat(l->root, &owner) != 0)
            return failed(f, "cannot look at", l->path);
        enum err e = make_directory(f, at, part, &owner);
        if (e)
            return e;
        if (fsync(at) != 0)
            return failed(f, "cannot sync the directory of", address);
        *ret = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    return *ret < 0 ? failed(f, "cannot open the directory of", address) : E_OK;
}

/* Whether a regular file of that size stands there. */
static bool holds(int shelf, const char *name, uint64_t size)
{
    struct stat st;
    return fstatat(shelf, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
           (uint64_t)st.st_size == size;
}

/* Gives the session's file its address, unless the blob lies there already. */
static enum err move_in(const struct local *l, struct fail *f, const char *uuid, int shelf,
                        const char *name, uint64_t size)
{
    if (renameat2(l->uploads, uuid, shelf, name, RENAME_NOREPLACE) == 0)
        return E_OK;
    if (errno != EEXIST && errno != EINVAL) /* EINVAL: this file system does not know the flag */
        return failed(f, "cannot store the blob", name);
    if (holds(shelf, name, size)) {
        if (unlinkat(l->uploads, uuid, 0) != 0 && errno != ENOENT)
            return failed(f, "cannot remove the file of session", uuid);
        return E_OK;
    }
    if (renameat(l->uploads, uuid, shelf, name) != 0)
        return failed(f, "cannot store the blob", name);
    return E_OK;
}

static enum err local_commit(void *self, struct fail *f, const char *uuid, uint64_t size,
                             const struct digest *d)
{
    const struct local *l = self;
    char address[STORE_ADDRESS_MAX];
    const char *name;
    struct stat st;
    CLEANUP(fd_close) int shelf = -1;
    CLEANUP(fd_close) int session = openat(l->uploads, uuid, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (session < 0 && errno != ENOENT)
        return failed(f, "cannot open the file of session", uuid);
    enum err e = open_shelf(l, f, d, address, &name, &shelf);
    if (e)
        return e;
    if (session < 0) {
        if (!holds(shelf, name, size))
            return E_NO_ROW;
        return sync_file(f, shelf, address);
    }
    if (fstat(session, &st) != 0)
        return failed(f, "cannot look at the file of session", uuid);
    if ((uint64_t)st.st_size < size)
        return E_NO_ROW;
    if ((uint64_t)st.st_size > size) {
        if (ftruncate(session, (off_t)size) != 0)
            return failed(f, "cannot cut the file of session", uuid);
        e = sync_file(f, session, uuid);
        if (e)
            return e;
    }
    FAULT("commit-before-rename");
    e = move_in(l, f, uuid, shelf, name, size);
    if (e)
        return e;
    FAULT("commit-before-directory");
    fchmod(session, 0440); /* a guard against accidents; the bytes are safe without */
    return sync_file(f, shelf, address);
}

static enum err local_stat(void *self, struct fail *f, const struct digest *d, uint64_t *ret_size)
{
    const struct local *l = self;
    char address[STORE_ADDRESS_MAX];
    struct stat st;
    store_address(d, address);
    if (fstatat(l->root, address, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? E_NO_ROW : failed(f, "cannot look at", address);
    if (!S_ISREG(st.st_mode))
        return E_NO_ROW;
    *ret_size = (uint64_t)st.st_size;
    return E_OK;
}

/* ---- the sweep ---- */

static void directory_close(DIR **d)
{
    if (*d)
        closedir(*d);
}

static enum err sweep_room(struct fail *f, int room, const char *what, int64_t before_ms,
                           bool (*keep)(void *ctx, struct str uuid), void *ctx,
                           uint64_t *ret_removed)
{
    CLEANUP(fd_close) int fd = openat(room, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(directory_close) DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (!d)
        return failed(f, "cannot list", what);
    fd = -1; /* the DIR's now */
    while (errno = 0, (entry = readdir(d)) != NULL) {
        struct stat st;
        if (entry->d_name[0] == '.' ||
            fstatat(room, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
            continue;
        if ((int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000 >= before_ms)
            continue;
        if (keep && keep(ctx, str_z(entry->d_name)))
            continue;
        if (unlinkat(room, entry->d_name, 0) == 0)
            ++*ret_removed;
        else if (errno != ENOENT)
            return failed(f, "cannot remove the left-over file", entry->d_name);
    }
    return errno ? failed(f, "cannot list", what) : E_OK;
}

static enum err local_sweep(void *self, struct fail *f, int64_t before_ms,
                            bool (*keep)(void *ctx, struct str uuid), void *ctx,
                            uint64_t *ret_removed)
{
    const struct local *l = self;
    *ret_removed = 0;
    enum err e = sweep_room(f, l->uploads, "uploads", before_ms, keep, ctx, ret_removed);
    return e ? e : sweep_room(f, l->bodies, "bodies", before_ms, NULL, NULL, ret_removed);
}

const struct store_driver store_driver_local = {
    .name = "LocalStorage",
    .open = local_open,
    .close = local_close,
    .free_space = local_free_space,
    .lock = local_lock,
    .body_size = local_body_size,
    .append = local_append,
    .reread = local_reread,
    .commit = local_commit,
    .abort = local_abort,
    .stat = local_stat,
    .sweep = local_sweep,
};
