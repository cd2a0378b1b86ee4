/*
 * doctor_files.c - checks of directories, certificates, the store and the disk (checks.def).
 *
 * Whether something can be read or written is found out by doing it: modes, groups, ACLs, read-only mounts and security
 * modules all have their say in that, and nothing else does.
 */
#include "command/doctor.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/certificate.h"
#include "command/files.h"
#include "command/render.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DAY_S         86400
#define LOW_PERCENT   10
#define CLOCK_SLACK_S 300

/* The first directory above the path that does not let us through, or the path itself. */
static void obstacle(const char *path, char *out)
{
    snprintf(out, PATH_MAX, "%s", path);
    for (char *slash = strchr(out + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (access(out, X_OK) != 0)
            return;
        *slash = '/';
    }
}

static void cannot(const struct doctor *d, enum severity severity, const char *path,
                   const char *what, int why)
{
    char where[PATH_MAX], owner[128], mend[2 * PATH_MAX + 128];
    obstacle(path, where);
    doctor_describe(where, owner);
    size_t dir = strlen(d->config->dir);
    bool ours = strncmp(where, d->config->dir, dir) == 0 && (where[dir] == '/' || !where[dir]);
    if (!ours && strcmp(where, path) != 0)
        snprintf(mend, sizeof(mend), "chmod o+x %s", where);
    else
        snprintf(mend, sizeof(mend), "chown %s %s && chmod u+rwX %s", d->owner->name, where, where);
    doctor_found(d, severity, why == EROFS || why == ENOSPC ? NULL : mend,
                 "%s cannot be %s by the user %s: %s (%s: %s)", path, what, d->owner->name,
                 strerror(why), where, owner);
}

/* Makes and removes a file. */
static bool can_write(const char *dir, int *ret_errno)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/.doctor-%d", dir, (int)getpid());
    if (n < 0 || (size_t)n >= sizeof(path)) {
        *ret_errno = ENAMETOOLONG;
        return false;
    }
    CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    *ret_errno = errno;
    if (fd >= 0)
        unlink(path);
    return fd >= 0;
}

/* Fatal when it is not. */
static bool readable(const struct doctor *d, const char *path)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        return true;
    int why = errno;
    char mend[PATH_MAX + 64];
    if (why == ENOENT) {
        snprintf(mend, sizeof(mend),
                 "put your certificate and key there, or make one: gantry init --dir %s",
                 d->config->dir);
        doctor_found(d, FINDING_FATAL, mend, "%s does not exist", path);
        return false;
    }
    cannot(d, FINDING_FATAL, path, "read", why);
    return false;
}

void check_directories(const struct doctor *d)
{
    static const char *const names[] = {"run", "log", "mysql", "redis", "nginx"};
    (void)readable(d, d->config->path); /* root may have read it, which proves nothing */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_MAX];
        struct fail f = FAIL_INIT;
        int why;
        config_path(d->config, names[i], path);
        if (dir_make(&f, path, 0750))
            doctor_found(d, FINDING_FATAL, NULL, "%s", fail_text(&f));
        else if (!can_write(path, &why))
            cannot(d, FINDING_FATAL, path, "written", why);
    }
}

/* ---- TLS ---- */

static void check_times(const struct doctor *d, const char *cert,
                        const struct certificate_info *info)
{
    int64_t now = clock_s(), left = info->not_after_s - now;
    char when[CLOCK_TEXT], owner[128], mend[2 * PATH_MAX + 128];
    doctor_describe(cert, owner);
    clock_rfc3339(info->not_after_s * 1000, when);
    if (info->own_ca)
        snprintf(mend, sizeof(mend), "gantry init --dir %s && gantry restart --dir %s",
                 d->config->dir, d->config->dir);
    else
        snprintf(mend, sizeof(mend),
                 "get a new certificate and put it at %s, then: gantry restart --dir %s", cert,
                 d->config->dir);
    /* Our own is made anew at every start: it does not keep the stack from starting. */
    if (left <= 0)
        doctor_found(d, info->own_ca ? FINDING_ERROR : FINDING_FATAL, mend,
                     "the certificate %s (%s) has expired (%s)", cert, owner, when);
    else if (left < (int64_t)CERTIFICATE_RENEW_DAYS * DAY_S)
        doctor_found(d, FINDING_WARNING, mend,
                     "the certificate %s (%s) expires in %" PRId64 " days (%s)", cert, owner,
                     left / DAY_S, when);
    if (info->not_before_s > now + CLOCK_SLACK_S) {
        clock_rfc3339(info->not_before_s * 1000, when);
        doctor_found(d, FINDING_FATAL, "set this machine's clock, or get the right certificate",
                     "the certificate %s (%s) is valid only from %s on", cert, owner, when);
    }
}

void check_tls(const struct doctor *d)
{
    char cert[PATH_MAX], key[PATH_MAX], host[256], mend[PATH_MAX + 64];
    struct certificate_info info = {.pair = false};
    struct fail f = FAIL_INIT;
    if (d->config->external_tls)
        return;
    config_path(d->config, "config/ssl.cert", cert);
    config_path(d->config, "config/ssl.key", key);
    bool both = readable(d, cert);
    both = readable(d, key) && both;
    if (!both)
        return;
    render_host(d->config, host);
    if (certificate_read(&f, d->config->dir, cert, key, host, &info)) {
        char a[128], b[128];
        doctor_describe(cert, a);
        doctor_describe(key, b);
        doctor_found(d, FINDING_FATAL,
                     "put the right file there, in PEM form and without a password",
                     "%s (%s: %s; %s: %s)", fail_text(&f), cert, a, key, b);
        return;
    }
    if (!info.pair) {
        char a[128], b[128];
        doctor_describe(cert, a);
        doctor_describe(key, b);
        if (info.own_ca)
            snprintf(mend, sizeof(mend), "gantry init --dir %s (it makes a new pair)",
                     d->config->dir);
        else
            snprintf(mend, sizeof(mend), "put the key there that %s was made for", cert);
        doctor_found(d, FINDING_FATAL, mend,
                     "the key %s (%s) and the certificate %s (%s) do not belong together", key, b,
                     cert, a);
        return;
    }
    check_times(d, cert, &info);
    if (!info.names_host) {
        snprintf(mend, sizeof(mend),
                 info.own_ca ? "gantry init --dir %s"
                             : "get a certificate for that name, or set SERVER_HOSTNAME in "
                               "%s/config/config.yaml",
                 d->config->dir);
        doctor_found(d, FINDING_WARNING, mend,
                     "the certificate %s is not for %s: clients will refuse it", cert, host);
    }
    struct stat st;
    if (stat(key, &st) == 0 && (st.st_mode & 07) != 0) {
        char owner[128];
        doctor_describe(key, owner);
        snprintf(mend, sizeof(mend), "chmod 600 %s", key);
        doctor_found(d, FINDING_WARNING, mend, "everybody on this machine can use the key %s (%s)",
                     key, owner);
    }
}

/* ---- the store ---- */

/* nginx's body files become blobs by link(2): tried as it is done. */
static void check_link(const struct doctor *d, const char *store, const char *bodies)
{
    char from[PATH_MAX], to[PATH_MAX], a[128], b[128];
    if (snprintf(from, sizeof(from), "%s/.doctor-%d", bodies, (int)getpid()) >= (int)sizeof(from) ||
        snprintf(to, sizeof(to), "%s/.doctor-%d", store, (int)getpid()) >= (int)sizeof(to))
        return;
    CLEANUP(fd_close) int fd = open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        cannot(d, FINDING_FATAL, bodies, "written", errno);
        return;
    }
    int failed = link(from, to) != 0 ? errno : 0;
    unlink(from);
    unlink(to);
    if (!failed)
        return;
    doctor_describe(bodies, a);
    doctor_describe(store, b);
    doctor_found(
        d, FINDING_FATAL,
        "make both parts of one mount: move the mount from bodies/ up to the storage directory",
        "a file of %s (%s) cannot be linked into %s (%s): %s", bodies, a, store, b,
        failed == EXDEV ? "they lie on different file systems or mounts" : strerror(failed));
}

void check_storage(const struct doctor *d)
{
    for (size_t i = 0; i < d->config->n_storage; i++) {
        const char *path = d->config->storage[i].path;
        char bodies[PATH_MAX];
        struct fail f = FAIL_INIT;
        int why;
        if (dir_make(&f, path, 0750)) {
            char where[PATH_MAX], owner[128], mend[5 * PATH_MAX + 128];
            struct str head, tail;
            str_rcut(str_z(path), '/', &head, &tail);
            snprintf(where, sizeof(where), "%.*s", STR_ARG(head));
            doctor_describe(where, owner);
            if (file_exists(path))
                snprintf(mend, sizeof(mend), "mv %s %s.old && mkdir %s && chown %s %s", path, path,
                         path, d->owner->name, path);
            else
                snprintf(mend, sizeof(mend), "mkdir -p %s && chown %s %s", path, d->owner->name,
                         path);
            doctor_found(d, FINDING_FATAL, mend, "the storage %s: %s (%s: %s)",
                         d->config->storage[i].name, fail_text(&f), where, owner);
            continue;
        }
        if (!can_write(path, &why)) {
            cannot(d, FINDING_FATAL, path, "written", why);
            continue;
        }
        if (!path_join(&f, path, "bodies", bodies) && !dir_make(&f, bodies, 0750))
            check_link(d, path, bodies);
        else
            doctor_found(d, FINDING_FATAL, NULL, "%s", fail_text(&f));
    }
}

/* ---- the disk ---- */

static void check_space(const struct doctor *d, const char *path, int64_t min_free)
{
    struct statvfs v;
    if (statvfs(path, &v) != 0 || v.f_blocks == 0)
        return;
    uint64_t free_bytes = (uint64_t)v.f_bavail * v.f_frsize,
             size = (uint64_t)v.f_blocks * v.f_frsize;
    const char *mend = "free space, enlarge the file system, or delete tags that nobody needs";
    char owner[128];
    doctor_describe(path, owner);
    if (min_free > 0 && free_bytes < (uint64_t)min_free)
        doctor_found(
            d, FINDING_ERROR, mend,
            "only %" PRIu64
            " MiB are free for %s (%s): uploads are refused below GANTRY_MIN_FREE_SPACE (%" PRId64
            " MiB)",
            free_bytes >> 20, path, owner, min_free >> 20);
    else if (free_bytes < size / 100 * LOW_PERCENT)
        doctor_found(d, FINDING_WARNING, mend,
                     "%" PRIu64 " of %" PRIu64 " MiB are free for %s (%s)", free_bytes >> 20,
                     size >> 20, path, owner);
    if (v.f_files && v.f_favail < v.f_files / 100)
        doctor_found(d, FINDING_WARNING,
                     "delete small files, or use a file system with more inodes",
                     "the file system of %s has hardly any inodes left (%" PRIu64 ")", path,
                     (uint64_t)v.f_favail);
}

void check_disk(const struct doctor *d)
{
    struct stat dir, store;
    const struct config_storage *storage = render_storage(d->config);
    if (storage)
        check_space(d, storage->path, d->config->min_free_space);
    if (stat(d->config->dir, &dir) == 0 && storage && stat(storage->path, &store) == 0 &&
        dir.st_dev != store.st_dev)
        check_space(d, d->config->dir, 0);
}
