/*
 * log.c - see log.h. Formats on the stack and writes once, so that lines of several processes do not mix.
 *
 * Rotation: when GANTRY_LOG_FILE names the file that standard error is, and that file has been renamed, the next line (at most
 * one look a second) opens the name again. So whoever rotates only renames, and no process has to be told.
 */
#include "base/log.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE 4096

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static enum log_level min_level = LOG_INFO;
static _Thread_local const struct log_kv *tail;
static _Thread_local size_t tail_n;

struct line {
    char p[LINE];
    size_t n;
};

static void put(struct line *l, const char *p, size_t n)
{
    size_t room = LINE - 1 - l->n;
    n = n < room ? n : room;
    memcpy(l->p + l->n, p, n);
    l->n += n;
}

static void put_value(struct line *l, struct str v)
{
    static const char digits[] = "0123456789abcdef";
    bool plain = v.n > 0;
    for (size_t i = 0; i < v.n && plain; i++)
        plain = v.p[i] > ' ' && v.p[i] < 0x7f && v.p[i] != '"' && v.p[i] != '=' && v.p[i] != '\\';
    if (plain) {
        put(l, v.p, v.n);
        return;
    }
    put(l, "\"", 1);
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c == '"' || c == '\\') {
            char two[2] = {'\\', (char)c};
            put(l, two, 2);
        } else if (c == '\n') {
            put(l, "\\n", 2);
        } else if (c < 0x20 || c == 0x7f) {
            char four[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
            put(l, four, 4);
        } else {
            put(l, (const char *)&c, 1);
        }
    }
    put(l, "\"", 1);
}

static void put_kvs(struct line *l, const struct log_kv *kv, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!kv[i].key)
            continue;
        put(l, " ", 1);
        put(l, kv[i].key, strlen(kv[i].key));
        put(l, "=", 1);
        if (kv[i].is_number) {
            char num[24];
            int len = snprintf(num, sizeof(num), "%lld", (long long)kv[i].number);
            put(l, num, len > 0 ? (size_t)len : 0);
        } else {
            put_value(l, kv[i].value);
        }
    }
}

/* ---- rotation ---- */

#define LOOK_EVERY_NS ((uint64_t)1000000000)

static const char *followed(void)
{
    static _Atomic(const char *) path;
    static atomic_int known; /* 0 not looked yet, 1 follow, 2 do not */
    if (atomic_load(&known) == 0) {
        const char *name = getenv("GANTRY_LOG_FILE");
        struct stat here, there;
        bool same = name && fstat(STDERR_FILENO, &here) == 0 && stat(name, &there) == 0 &&
                    here.st_dev == there.st_dev && here.st_ino == there.st_ino;
        atomic_store(&path, name);
        atomic_store(&known, same ? 1 : 2);
    }
    return atomic_load(&known) == 1 ? atomic_load(&path) : NULL;
}

static void follow_rotation(void)
{
    static _Atomic uint64_t looked_ns;
    uint64_t now = clock_mono_ns(), last = atomic_load(&looked_ns);
    struct stat here, there;
    if (now - last < LOOK_EVERY_NS || !atomic_compare_exchange_strong(&looked_ns, &last, now))
        return;
    const char *path = followed();
    if (!path || fstat(STDERR_FILENO, &here) != 0)
        return;
    if (stat(path, &there) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino)
        return;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return; /* the old file still takes the lines */
    dup2(fd, STDERR_FILENO);
    close(fd);
}

void log_write(enum log_level level, const char *message, const struct log_kv *kv, size_t n)
{
    struct line l = {.n = 0};
    char now[CLOCK_TEXT], head[96];

    if (level < min_level)
        return;
    follow_rotation();
    clock_rfc3339(clock_ms(), now);
    int len = snprintf(head, sizeof(head), "time=%s level=%s pid=%d", now, level_names[level & 3],
                       (int)getpid());
    put(&l, head, len > 0 ? (size_t)len : 0);
    put_kvs(&l, tail, tail_n);
    put(&l, " msg=", 5);
    put_value(&l, str_z(message));
    put_kvs(&l, kv, n);
    l.p[l.n++] = '\n';
    ssize_t written = write(STDERR_FILENO, l.p, l.n);
    (void)written; /* a log that cannot be written has nowhere to complain */
}

void log_set_level(enum log_level level)
{
    min_level = level;
}

bool log_set_level_named(const char *name)
{
    for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            min_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_set_tail(const struct log_kv *kv, size_t n)
{
    tail = kv;
    tail_n = kv ? n : 0;
}
