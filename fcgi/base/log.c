/*
 * log.c - see log.h. Formats on the stack and writes once, so that lines of several processes do not mix.
 */
#include "base/log.h"

#include "base/clock.h"

#include <stdio.h>
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

void log_write(enum log_level level, const char *message, const struct log_kv *kv, size_t n)
{
    struct line l = {.n = 0};
    char now[CLOCK_TEXT], head[96];

    if (level < min_level)
        return;
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
