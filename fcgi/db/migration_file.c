/*
 * migration_file.c - see migration_file.h.
 */
#include "db/migration_file.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILE_MAX_SIZE (4 << 20)
#define VERSION_MAX   9999

static enum err no_memory(struct fail *f)
{
    return fail_internal(f, E_NO_MEMORY, "reading migrations: out of memory");
}

/* ---- cutting ---- */

struct cutter {
    struct str text;
    size_t at;
};

/* The index behind what ends a comment that starts at `at`; text.n when it ends with the text; 0
 * when it never ends. */
static size_t comment_end(struct str text, size_t at)
{
    if (text.p[at] == '/') {
        for (size_t i = at + 2; i + 1 < text.n; i++) {
            if (text.p[i] == '*' && text.p[i + 1] == '/')
                return i + 2;
        }
        return 0;
    }
    for (; at < text.n; at++) {
        if (text.p[at] == '\n')
            return at + 1;
    }
    return text.n;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_comment(struct str text, size_t at)
{
    char c = text.p[at], next = at + 1 < text.n ? text.p[at + 1] : ' ';
    if (c == '#' || (c == '/' && next == '*'))
        return true;
    return c == '-' && next == '-' && (at + 2 >= text.n || is_space(text.p[at + 2]));
}

/* The index behind the closing quote; 0 when there is none. A doubled quote is found as two quoted
 * pieces: the same cut. */
static size_t quote_end(struct str text, size_t at)
{
    char quote = text.p[at];
    for (size_t i = at + 1; i < text.n; i++) {
        if (text.p[i] == '\\' && quote != '`')
            i++;
        else if (text.p[i] == quote)
            return i + 1;
    }
    return 0;
}

/* Past white space, comments and empty statements. False when a comment does not end. */
static bool skip_nothing(struct cutter *c)
{
    while (c->at < c->text.n) {
        if (is_space(c->text.p[c->at]) || c->text.p[c->at] == ';') {
            c->at++;
        } else if (is_comment(c->text, c->at)) {
            size_t end = comment_end(c->text, c->at);
            if (!end)
                return false;
            c->at = end;
        } else {
            break;
        }
    }
    return true;
}

/* The next statement, empty at the end. False when a quote or comment does not end. */
static bool next_statement(struct cutter *c, struct str *ret)
{
    *ret = STR_NONE;
    if (!skip_nothing(c))
        return false;
    size_t start = c->at,
           end = c->at; /* end: behind the last byte that is no comment and no space */
    while (c->at < c->text.n && c->text.p[c->at] != ';') {
        char ch = c->text.p[c->at];
        size_t to = c->at + 1;
        if (ch == '\'' || ch == '"' || ch == '`')
            to = end = quote_end(c->text, c->at);
        else if (is_comment(c->text, c->at))
            to = comment_end(c->text, c->at);
        else if (!is_space(ch))
            end = to;
        if (!to)
            return false;
        c->at = to;
    }
    *ret = (struct str){c->text.p + start, end - start};
    return true;
}

enum err sql_split(struct fail *f, struct arena *a, struct str name, struct str text,
                   struct str **ret, size_t *ret_n)
{
    struct str *list = NULL, one;
    size_t n = 0;
    for (int round = 0; round < 2; round++) { /* count, then keep */
        struct cutter c = {.text = text};
        n = 0;
        for (;;) {
            if (!next_statement(&c, &one))
                return fail(f, E_CONFIG, "%.*s: a quote or comment does not end", STR_ARG(name));
            if (!one.n)
                break;
            if (list)
                list[n] = one;
            n++;
        }
        if (!list && !(list = arena_array(a, n + 1, sizeof(*list))))
            return no_memory(f);
    }
    *ret = list;
    *ret_n = n;
    return E_OK;
}

/* ---- finding and reading ---- */

static bool is_sql(struct str name)
{
    return str_ends(name, STR(".sql"));
}

/* "0001-words.sql": its number; 0 when named otherwise. */
static int version_of(struct str name)
{
    uint64_t version;
    if (name.n < 10 || name.p[4] != '-' || !str_u64(str_head(name, 4), &version))
        return 0;
    return (int)version;
}

static enum err read_file(struct fail *f, struct arena *a, int dir_fd, const char *name,
                          struct str *ret)
{
    CLEANUP(fd_close) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st))
        return fail(f, E_CONFIG, "%s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_SIZE)
        return fail(f, E_CONFIG, "%s: not a regular file of at most 4 MiB", name);
    size_t size = (size_t)st.st_size, got = 0;
    char *text = arena_alloc(a, size + 1);
    if (!text)
        return no_memory(f);
    while (got < size) {
        ssize_t n = read(fd, text + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(f, E_CONFIG, "%s: %s", name, n ? strerror(errno) : "cut while read");
        got += (size_t)n;
    }
    *ret = (struct str){text, size};
    return E_OK;
}

static enum err load_one(struct fail *f, struct arena *a, int dir_fd, const char *name,
                         struct migration *ret)
{
    struct str text;
    enum err e = read_file(f, a, dir_fd, name, &text);
    if (e)
        return e;
    ret->name = arena_str(a, str_z(name));
    if (!ret->name.p)
        return no_memory(f);
    size_t n = 0;
    if (EVP_Q_digest(NULL, "SHA256", NULL, text.p, text.n, ret->checksum, &n) != 1 ||
        n != MIGRATION_CHECKSUM)
        return fail_internal(f, E_INTERNAL, "%s: SHA-256 failed", name);
    return sql_split(f, a, ret->name, text, &ret->statements, &ret->n_statements);
}

static void dir_close(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

/* Reads the directory twice: how many, then which; order of the directory does not matter. */
static enum err count(struct fail *f, const char *path, DIR *dir, int *ret)
{
    int n = 0;
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        struct str name = str_z(d->d_name);
        if (!is_sql(name) || name.p[0] == '.')
            continue;
        if (!version_of(name))
            return fail(f, E_CONFIG, "%s/%s: a migration is named like 0001-words.sql", path,
                        d->d_name);
        n++;
    }
    if (n == 0 || n > VERSION_MAX)
        return fail(f, E_CONFIG, "%s: there are no migrations here", path);
    rewinddir(dir);
    *ret = n;
    return E_OK;
}

enum err migrations_load(struct fail *f, struct arena *a, const char *path, struct migrations *ret)
{
    CLEANUP(dir_close) DIR *dir = opendir(path);
    int n = 0;
    if (!dir)
        return fail(f, E_CONFIG, "%s: %s", path, strerror(errno));
    enum err e = count(f, path, dir, &n);
    if (e)
        return e;
    struct migration *v = arena_array(a, (size_t)n, sizeof(*v));
    if (!v)
        return no_memory(f);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        struct str name = str_z(d->d_name);
        if (!is_sql(name) || name.p[0] == '.')
            continue;
        int version = version_of(name);
        if (version < 1 || version > n || v[version - 1].version)
            return fail(f, E_CONFIG, "%s/%s: numbers must run from 0001 without gaps or repeats",
                        path, d->d_name);
        v[version - 1].version = version;
        e = load_one(f, a, dirfd(dir), d->d_name, &v[version - 1]);
        if (e)
            return e;
    }
    ret->v = v;
    ret->n = (size_t)n;
    return E_OK;
}
