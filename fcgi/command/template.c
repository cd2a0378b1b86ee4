/*
 * template.c - see template.h.
 */
#include "command/template.h"

#include "base/cleanup.h"
#include "command/files.h"
#include "command/paths.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>

#define TEMPLATE_MAX ((size_t)1 << 20)
#define DEPTH_MAX    4

void template_set(struct template *t, const char *name, struct str value)
{
    assert(t->n < TEMPLATE_VARS);
    struct str copy = arena_str(t->arena, value);
    if (!copy.p) {
        t->err = E_NO_MEMORY;
        return;
    }
    t->vars[t->n].name = name;
    t->vars[t->n++].value = copy;
}

void template_setf(struct template *t, const char *name, const char *fmt, ...)
{
    char text[PATH_MAX + 256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text))
        t->err = E_NO_MEMORY;
    else
        template_set(t, name, (struct str){text, (size_t)n});
}

static bool is_name_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* s starts behind an '@': the length of the name up to the closing '@', or 0. */
static size_t name_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && is_name_char(s.p[n]))
        n++;
    return n < s.n && s.p[n] == '@' ? n : 0;
}

static const struct str *lookup(const struct template *t, struct str name)
{
    for (size_t i = 0; i < t->n; i++) {
        if (str_eqz(name, t->vars[i].name))
            return &t->vars[i].value;
    }
    return NULL;
}

static enum err fill_line(struct fail *f, const struct template *t, const char *where,
                          size_t number, struct str line, struct buf *out)
{
    while (line.n) {
        ptrdiff_t at = str_chr(line, '@');
        if (at < 0) {
            buf_put(out, line);
            break;
        }
        buf_put(out, str_head(line, (size_t)at));
        line = str_from(line, (size_t)at + 1);
        size_t n = name_length(line);
        if (!n) {
            buf_putc(out, '@');
            continue;
        }
        const struct str *value = lookup(t, str_head(line, n));
        if (!value)
            return fail(f, E_CONFIG, "%s line %zu: @%.*s@ has no value", where, number,
                        STR_ARG(str_head(line, n)));
        buf_put(out, *value);
        line = str_from(line, n + 1);
    }
    buf_putc(out, '\n');
    return buf_err(out);
}

static bool vanishes(const struct template *t, struct str line)
{
    struct str s = str_trim(line);
    if (s.n < 3 || s.p[0] != '@')
        return false;
    size_t n = name_length(str_from(s, 1));
    const struct str *value = n && n + 2 == s.n ? lookup(t, str_head(str_from(s, 1), n)) : NULL;
    return value && value->n == 0;
}

static enum err fill(struct fail *f, const struct template *t, const char *where, const char *dir,
                     struct str text, struct buf *out, int depth)
{
    struct str line;
    for (size_t number = 1; text.n; number++) {
        str_cut(text, '\n', &line, &text);
        struct str s = str_trim(line);
        enum err e = E_OK;
        if (str_starts(s, STR("@INCLUDE ")) && str_ends(s, STR("@"))) {
            char name[256], path[PATH_MAX];
            CLEANUP(buf_done) struct buf part = BUF_INIT;
            struct str file =
                str_head(str_from(s, sizeof("@INCLUDE ") - 1), s.n - sizeof("@INCLUDE "));
            snprintf(name, sizeof(name), "%.*s", STR_ARG(file));
            if (depth >= DEPTH_MAX)
                return fail(f, E_CONFIG, "%s line %zu: templates include each other too deeply",
                            where, number);
            e = path_join(f, dir, name, path);
            if (!e)
                e = file_read(f, path, TEMPLATE_MAX, &part);
            if (e == E_NO_ROW)
                return fail(f, E_CONFIG, "%s line %zu: the template %s is missing", where, number,
                            path);
            if (!e)
                e = fill(f, t, name, dir, buf_str(&part), out, depth + 1);
        } else if (!vanishes(t, line)) {
            e = fill_line(f, t, where, number, line, out);
        }
        if (e)
            return e;
    }
    return E_OK;
}

enum err template_fill(struct fail *f, const struct template *t, const char *where, const char *dir,
                       struct str text, struct buf *out)
{
    if (t->err)
        return fail(f, t->err, "%s: out of memory", where);
    return fill(f, t, where, dir, text, out, 0);
}

enum err template_render(struct fail *f, const struct template *t, const char *relative,
                         struct buf *out)
{
    char path[PATH_MAX], dir[PATH_MAX];
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    enum err e = path_data(f, relative, path);
    if (!e)
        e = file_read(f, path, TEMPLATE_MAX, &text);
    if (e == E_NO_ROW)
        return fail(f, E_CONFIG, "the template %s is missing", path);
    if (e)
        return e;
    struct str head, tail;
    str_rcut(str_z(path), '/', &head, &tail);
    snprintf(dir, sizeof(dir), "%.*s", STR_ARG(head));
    return template_fill(f, t, relative, dir, buf_str(&text), out);
}
