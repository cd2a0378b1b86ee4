/*
 * template.h - configuration files made from templates of the data directory.
 *
 * @NAME@ (capitals, digits, _) becomes the value of NAME; a name without a value is an error, so a
 * template cannot silently lose a setting. A line that holds nothing but a name whose value is
 * empty disappears. A line "@INCLUDE file@" becomes that file of the same directory, filled in
 * likewise. Everything else is copied.
 */
#ifndef GANTRY_COMMAND_TEMPLATE_H
#define GANTRY_COMMAND_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define TEMPLATE_VARS 64

struct template
{
    struct arena *arena;
    struct {
        const char *name;
        struct str value;
    } vars[TEMPLATE_VARS];
    size_t n;
    enum err err; /* latched by template_set: E_NO_MEMORY */
};

/* The value is copied. name is a literal. */
void template_set(struct template *t, const char *name, struct str value);
void template_setf(struct template *t, const char *name, const char *fmt, ...) PRINTF(3, 4);

/* Fills in the text; `where` names it in errors, `dir` is where its includes lie. */
enum err template_fill(struct fail *f, const struct template *t, const char *where, const char *dir,
                       struct str text, struct buf *out) MUST_CHECK;
/* Fills in a data file: "nginx/gantry.conf.in". */
enum err template_render(struct fail *f, const struct template *t, const char *relative,
                         struct buf *out) MUST_CHECK;

#endif
