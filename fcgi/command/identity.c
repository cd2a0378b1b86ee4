/*
 * identity.c - see identity.h.
 */
#define _GNU_SOURCE /* setresuid */
#include "command/identity.h"

#include "command/files.h"
#include "command/paths.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void from_passwd(const struct passwd *pw, struct identity *ret)
{
    ret->uid = pw->pw_uid;
    ret->gid = pw->pw_gid;
    snprintf(ret->name, sizeof(ret->name), "%s", pw->pw_name);
}

enum err identity_of_user(struct fail *f, const char *name, struct identity *ret)
{
    errno = 0;
    const struct passwd *pw = getpwnam(name);
    if (!pw)
        return fail(f, E_SYSTEM, "there is no user %s on this machine", name);
    from_passwd(pw, ret);
    return E_OK;
}

enum err identity_of_dir(struct fail *f, const char *dir, struct identity *ret)
{
    struct stat st;
    if (stat(dir, &st) != 0) {
        if (errno == ENOENT)
            return E_NO_ROW;
        return fail(f, E_SYSTEM, "%s cannot be reached: %s", dir, strerror(errno));
    }
    const struct passwd *pw = getpwuid(st.st_uid);
    if (pw) {
        from_passwd(pw, ret);
        return E_OK;
    }
    ret->uid = st.st_uid;
    ret->gid = st.st_gid;
    snprintf(ret->name, sizeof(ret->name), "%u", (unsigned)st.st_uid);
    return E_OK;
}

enum err identity_make_user(struct fail *f, const char *name, struct identity *ret)
{
    char program[PATH_MAX];
    int status = -1;
    const struct passwd *pw = getpwnam(name);
    if (pw) {
        from_passwd(pw, ret);
        return E_OK;
    }
    enum err e = path_foreign(f, "useradd", "passwd", program);
    if (e)
        return e;
    pid_t pid = fork();
    if (pid < 0)
        return fail(f, E_SYSTEM, "no process can be made: %s", strerror(errno));
    if (pid == 0) {
        execl(program, "useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
              "/nonexistent", "--shell", "/usr/sbin/nologin", "--comment",
              "Gantry container registry", name, (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return fail(f, E_SYSTEM,
                    "the system user %s cannot be made (useradd failed, see above); make it, or "
                    "name an existing one with "
                    "--user",
                    name);
    return identity_of_user(f, name, ret);
}

/* Only CAP_NET_BIND_SERVICE, or nothing, in every set. */
static bool keep_capability(bool bind_low)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{0}, {0}};
    unsigned bit = bind_low ? 1u << CAP_NET_BIND_SERVICE : 0;
    data[0].effective = data[0].permitted = data[0].inheritable = bit;
    if (syscall(SYS_capset, &header, data) != 0)
        return false;
    return !bind_low ||
           prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) == 0;
}

enum err identity_assume(struct fail *f, const struct identity *id, bool bind_low)
{
    if (geteuid() == id->uid)
        return E_OK;
    if (geteuid() != 0)
        return fail(f, E_SYSTEM,
                    "this belongs to the user %s: run the command as %s or as root (sudo)",
                    id->name, id->name);
    if (bind_low && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return fail(f, E_SYSTEM, "capabilities cannot be kept: %s", strerror(errno));
    if (initgroups(id->name, id->gid) != 0 && setgroups(1, &id->gid) != 0)
        return fail(f, E_SYSTEM, "the groups of %s cannot be taken: %s", id->name, strerror(errno));
    if (setresgid(id->gid, id->gid, id->gid) != 0 || setresuid(id->uid, id->uid, id->uid) != 0)
        return fail(f, E_SYSTEM, "root cannot become %s: %s", id->name, strerror(errno));
    if (id->uid != 0 && !keep_capability(bind_low))
        return fail(f, E_SYSTEM, "capabilities cannot be dropped: %s", strerror(errno));
    if (id->uid != 0 && setuid(0) == 0)
        return fail(f, E_SYSTEM, "root was not given up");
    return E_OK;
}

enum err identity_run(struct fail *f, const struct identity *id, int (*fn)(void *ctx), void *ctx,
                      int *ret_status)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return fail(f, E_SYSTEM, "no process can be made: %s", strerror(errno));
    if (pid == 0) {
        struct fail inner = FAIL_INIT;
        int code = 1;
        if (identity_assume(&inner, id, false))
            fprintf(stderr, "gantry: %s\n", fail_text(&inner));
        else
            code = fn(ctx);
        fflush(NULL);
        _exit(code);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    return E_OK;
}
