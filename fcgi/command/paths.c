/*
 * paths.c - see paths.h.
 */
#include "command/paths.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "command/files.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef GANTRY_SBINDIR
#define GANTRY_SBINDIR GANTRY_BINDIR
#endif

/* The directory of the running program. */
static enum err own_dir(struct fail *f, char *out)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (n <= 0)
        return fail(f, E_SYSTEM, "/proc/self/exe cannot be read: %s", strerror(errno));
    out[n] = '\0';
    char *slash = strrchr(out, '/');
    if (slash && slash != out)
        *slash = '\0';
    return E_OK;
}

static bool is_program(const char *dir, const char *name, char *out)
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return n > 0 && n < PATH_MAX && access(out, X_OK) == 0;
}

enum err path_program(struct fail *f, const char *name, char *out)
{
    char dir[PATH_MAX];
    enum err e = own_dir(f, dir);
    if (e)
        return e;
    if (is_program(dir, name, out) || is_program(GANTRY_SBINDIR, name, out) ||
        is_program(GANTRY_LIBEXECDIR, name, out) || is_program(GANTRY_BINDIR, name, out))
        return E_OK;
    return fail(
        f, E_SYSTEM,
        "the program %s is missing: it is neither in %s nor in %s; build or install all of Gantry",
        name, dir, GANTRY_SBINDIR);
}

enum err path_foreign(struct fail *f, const char *name, const char *package, char *out)
{
    const char *env = getenv("PATH");
    struct str rest = str_z(env ? env : ""), dir;
    char text[PATH_MAX];
    while (rest.n) {
        str_cut(rest, ':', &dir, &rest);
        int n = snprintf(text, sizeof(text), "%.*s", STR_ARG(dir));
        if (dir.n && dir.p[0] == '/' && n > 0 && (size_t)n < sizeof(text) &&
            is_program(text, name, out))
            return E_OK;
    }
    static const char *const more[] = {"/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin",
                                       "/usr/bin"};
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (is_program(more[i], name, out))
            return E_OK;
    }
    return fail(f, E_SYSTEM, "the program %s is missing; install it: apt-get install %s", name,
                package);
}

/* The source directory, when the program runs from a build tree. */
static bool source_dir(char *out)
{
    char own[PATH_MAX], mark[PATH_MAX];
    struct fail ignored = FAIL_INIT;
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (own_dir(&ignored, own) || path_join(&ignored, own, "uninstalled", mark) ||
        file_read(&ignored, mark, PATH_MAX, &text))
        return false;
    while (text.n && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == ' '))
        text.n--;
    if (!text.n || text.n >= PATH_MAX || text.p[0] != '/')
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return true;
}

enum err path_data(struct fail *f, const char *relative, char *out)
{
    char source[PATH_MAX];
    const char *env = getenv("GANTRY_DATADIR");
    const char *dir = GANTRY_PKGDATADIR;
    if (env && env[0] == '/')
        dir = env;
    else if (source_dir(source))
        dir = source;
    enum err e = path_join(f, dir, relative, out);
    if (e)
        return e;
    if (!file_exists(out))
        return fail(f, E_SYSTEM,
                    "the data file %s is missing; install Gantry, or set GANTRY_DATADIR to its "
                    "source directory",
                    out);
    return E_OK;
}

enum err path_default_dir(struct fail *f, char *out)
{
    const char *env = getenv("GANTRY_DIR");
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (env && env[0])
        return path_check_dir(f, env, out);
    if (geteuid() == 0)
        return path_check_dir(f, "/var/lib/gantry", out);
    char dir[PATH_MAX];
    int n = -1;
    if (state && state[0] == '/')
        n = snprintf(dir, sizeof(dir), "%s/gantry", state);
    else if (home && home[0] == '/')
        n = snprintf(dir, sizeof(dir), "%s/.local/state/gantry", home);
    if (n < 0 || (size_t)n >= sizeof(dir))
        return fail(f, E_CONFIG, "HOME is not set; say --dir DIR");
    return path_check_dir(f, dir, out);
}

enum err path_check_dir(struct fail *f, const char *dir, char *out)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._+-";
    char cwd[PATH_MAX];
    int n;
    if (dir[0] == '/') {
        n = snprintf(out, PATH_MAX, "%s", dir);
    } else {
        if (!getcwd(cwd, sizeof(cwd)))
            return fail(f, E_SYSTEM, "the current directory is not known: %s", strerror(errno));
        n = snprintf(out, PATH_MAX, "%s/%s", cwd, dir);
    }
    while (n > 1 && n < PATH_MAX && out[n - 1] == '/')
        out[--n] = '\0';
    /* The longest socket is run/registry.sock and its temporary name while it is made. */
    if (n <= 1 || (size_t)n + sizeof("/run/registry.sock.new-1234567") >
                      sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return fail(f, E_CONFIG,
                    "the directory %s does not do: a socket below it may have at most 107 "
                    "characters; choose a shorter --dir",
                    dir);
    if (strspn(out, plain) != (size_t)n)
        return fail(f, E_CONFIG,
                    "the directory %s does not do: only letters, digits and / . _ + - can stand in "
                    "it, because its name goes into "
                    "configuration files",
                    dir);
    if (strstr(out, "/../") || strstr(out, "/./") || strstr(out, "//"))
        return fail(f, E_CONFIG, "the directory %s does not do: write it without //, . and ..",
                    dir);
    return E_OK;
}
