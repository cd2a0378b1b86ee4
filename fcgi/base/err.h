/*
 * err.h - how functions say that something went wrong.
 *
 * A function that can fail returns enum err, E_OK being 0, and must be checked. Where the cause is known,
 * it is told once: `return fail(f, E_BLOB_UNKNOWN, "blob %s is not in %s", ...)`. Callers pass the error up
 * unchanged: `e = g(); if (e) return e;`. Only the top (the gate of a request, a job's runner, main of a
 * command) renders and logs it. The ids, their HTTP status, codes and log level are rows of errors.def.
 *
 * What the text says is for the person at the other end: what happened, why, what to do. Text that is for the
 * operator alone (an SQL error, an errno, a path) goes to fail_internal(): it is logged, never rendered.
 */
#ifndef GANTRY_BASE_ERR_H
#define GANTRY_BASE_ERR_H

#include <stdarg.h>

enum err {
#define ERROR(id, status, oci, quay, level, text) E_##id,
#include "base/errors.def"
#undef ERROR
    E_COUNT
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

struct fail {
    enum err err;
    char message[512];     /* for the client; empty: the row's own text */
    char internal[512];    /* for the log only */
    char detail[512];      /* a JSON value for OCI "detail"; empty: {} */
    int retry_after_s;     /* > 0: Retry-After */
};

#define FAIL_INIT {.err = E_OK}

/* Records and returns err. f may be NULL. The first failure recorded stays until fail_clear(). */
enum err fail(struct fail *f, enum err err, const char *fmt, ...) PRINTF(3, 4);

/* As fail(), but the text goes to the log alone; the client sees the row's own text. */
enum err fail_internal(struct fail *f, enum err err, const char *fmt, ...) PRINTF(3, 4);

/* Adds a JSON value (already encoded, at most 511 bytes) as the OCI detail of the failure. */
void fail_detail(struct fail *f, const char *json);

void fail_clear(struct fail *f);

/* One row of errors.def. */
struct err_info {
    const char *id;      /* "BLOB_UNKNOWN" */
    int status;          /* HTTP status */
    const char *oci;     /* code under /v2/ */
    const char *quay;    /* error_type under /api/ */
    int level;           /* enum log_level, as an int: base/log.h */
    const char *text;    /* said when fail() gave no text */
};

const struct err_info *err_info(enum err err);

/* What to show a person: f's message, or the row's text. Never empty. */
const char *fail_text(const struct fail *f);

#endif
