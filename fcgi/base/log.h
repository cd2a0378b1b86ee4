/*
 * log.h - the operator's log: one logfmt line to standard error per event.
 *
 *     time=2026-... level=warn pid=12 [req=... user=... repo=...] msg="..." key=value ...
 *
 * Only programs and the top of a request or job write; libraries return errors. Values are escaped here; secrets
 * are never passed in. The request tail is set per thread by the worker, so that every line carries it.
 *
 *     LOG(LOG_WARN, "worker died", KVI("worker", pid), KV("why", str_z(text)));
 */
#ifndef GANTRY_BASE_LOG_H
#define GANTRY_BASE_LOG_H

#include "base/str.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR,
};

struct log_kv {
    const char *key;
    struct str value;
    int64_t number;
    bool is_number;
};

#define KV(k, v) ((struct log_kv){.key = (k), .value = (v)})
#define KVI(k, v) ((struct log_kv){.key = (k), .number = (int64_t)(v), .is_number = true})

#define LOG(level, message, ...)                                                             \
    log_write((level), (message), (const struct log_kv[]){{.key = NULL}, ##__VA_ARGS__},      \
              sizeof((const struct log_kv[]){{.key = NULL}, ##__VA_ARGS__}) / sizeof(struct log_kv))

/* Keys of NULL are skipped. A line is one write(2), cut at 4096 bytes. Safe from any thread. */
void log_write(enum log_level level, const char *message, const struct log_kv *kv, size_t n);

/* Lines below this level are dropped. At start only. */
void log_set_level(enum log_level level);
/* By its name, as in GANTRY_LOG_LEVEL; false and unchanged when there is none such. */
bool log_set_level_named(const char *name);

/* This thread's tail, or NULL. The array must live until it is taken back. */
void log_set_tail(const struct log_kv *kv, size_t n);

#endif
