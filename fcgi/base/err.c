/*
 * err.c - see err.h.
 */
#include "base/err.h"

#include "base/log.h"

#include <assert.h>
#include <stdio.h>

static const struct err_info infos[] = {
#define ERROR(id, status, oci, quay, level, text) [E_##id] = {#id, status, oci, quay, level, text},
#include "base/errors.def"
#undef ERROR
};

const struct err_info *err_info(enum err err)
{
    assert((unsigned)err < E_COUNT);
    return &infos[err];
}

enum err fail(struct fail *f, enum err err, const char *fmt, ...)
{
    if (f && f->err == E_OK) {
        va_list ap;
        f->err = err;
        va_start(ap, fmt);
        vsnprintf(f->message, sizeof(f->message), fmt, ap);
        va_end(ap);
    }
    return err;
}

enum err fail_internal(struct fail *f, enum err err, const char *fmt, ...)
{
    if (f && f->err == E_OK) {
        va_list ap;
        f->err = err;
        va_start(ap, fmt);
        vsnprintf(f->internal, sizeof(f->internal), fmt, ap);
        va_end(ap);
    }
    return err;
}

void fail_detail(struct fail *f, const char *json)
{
    if (f && strlen(json) < sizeof(f->detail))
        memcpy(f->detail, json, strlen(json) + 1);
}

void fail_clear(struct fail *f)
{
    *f = (struct fail)FAIL_INIT;
}

const char *fail_text(const struct fail *f)
{
    return f->message[0] ? f->message : err_info(f->err)->text;
}
