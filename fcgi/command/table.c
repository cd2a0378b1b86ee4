/*
 * table.c - see table.h. Text of strangers is printed without control characters: a terminal obeys them.
 */
#include "command/table.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

void table_init(struct table *t, bool json, const char *const *columns, size_t n_columns)
{
    assert(n_columns <= TABLE_COLUMNS_MAX);
    *t = (struct table){.json = json, .columns = columns, .n_columns = n_columns};
    for (size_t i = 0; i < n_columns; i++)
        t->width[i] = strlen(columns[i]);
}

void table_row(struct table *t, const struct cell *cells)
{
    if (t->n_cells + t->n_columns > t->size) {
        size_t size = t->size ? 2 * t->size : 64 * TABLE_COLUMNS_MAX;
        struct cell *grown = reallocarray(t->cells, size, sizeof(*grown));
        if (!grown) {
            t->out_of_memory = true;
            return;
        }
        t->cells = grown;
        t->size = size;
    }
    memcpy(t->cells + t->n_cells, cells, t->n_columns * sizeof(*cells));
    t->n_cells += t->n_columns;
}

static void put_text(struct buf *b, const struct cell *c)
{
    char time[CLOCK_TEXT];
    switch (c->kind) {
    case CELL_TEXT:
        if (!c->text.n)
            buf_putc(b, '-');
        for (size_t i = 0; i < c->text.n; i++) {
            unsigned char ch = (unsigned char)c->text.p[i];
            buf_putc(b, ch < 0x20 || ch == 0x7f ? '?' : (char)ch);
        }
        break;
    case CELL_NUMBER:
        buf_printf(b, "%lld", (long long)c->number);
        break;
    case CELL_BOOL:
        buf_putz(b, c->number ? "yes" : "no");
        break;
    case CELL_TIME:
        if (c->number) {
            clock_rfc3339(c->number, time);
            buf_putz(b, time);
        } else {
            buf_putz(b, "never");
        }
        break;
    }
}

static void put_json(struct buf *b, const struct cell *c)
{
    char time[CLOCK_TEXT];
    if (c->kind == CELL_TEXT && c->text.p) {
        buf_json(b, c->text);
    } else if (c->kind == CELL_NUMBER) {
        buf_printf(b, "%lld", (long long)c->number);
    } else if (c->kind == CELL_BOOL) {
        buf_putz(b, c->number ? "true" : "false");
    } else if (c->kind == CELL_TIME && c->number) {
        clock_rfc3339(c->number, time);
        buf_json(b, str_z(time));
    } else {
        buf_putz(b, "null");
    }
}

static void put_json_object(struct buf *b, const char *const *columns, const struct cell *cells,
                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_putz(b, i ? ", " : "{");
        buf_json(b, str_z(columns[i]));
        buf_putz(b, ": ");
        put_json(b, &cells[i]);
    }
    buf_putc(b, '}');
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static size_t text_width(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static bool print(const struct buf *b)
{
    if (buf_err(b))
        return false;
    fwrite(b->p, 1, b->n, stdout);
    return true;
}

static void flush_json(struct table *t, struct buf *b)
{
    for (size_t i = 0; i < t->n_cells; i += t->n_columns) {
        buf_putz(b, t->started ? ",\n " : "[");
        t->started = true;
        put_json_object(b, t->columns, t->cells + i, t->n_columns);
    }
}

/* One cell, padded unless it is the last of its line. */
static void put_cell(const struct table *t, struct buf *line, struct str text, size_t column)
{
    buf_put(line, text);
    if (column + 1 == t->n_columns) {
        buf_putc(line, '\n');
        return;
    }
    for (size_t pad = text_width(text); pad < t->width[column] + 2; pad++)
        buf_putc(line, ' ');
}

static void flush_text(struct table *t, struct buf *b)
{
    CLEANUP(buf_done) struct buf one = BUF_INIT;
    for (size_t i = 0; i < t->n_cells; i++) {
        size_t *width = &t->width[i % t->n_columns];
        buf_reset(&one);
        put_text(&one, &t->cells[i]);
        if (text_width(buf_str(&one)) > *width)
            *width = text_width(buf_str(&one));
    }
    for (size_t i = 0; !t->started && i < t->n_columns; i++) {
        buf_reset(&one);
        for (const char *p = t->columns[i]; *p; p++)
            buf_putc(&one, *p == '_' ? ' ' : (char)toupper((unsigned char)*p));
        put_cell(t, b, buf_str(&one), i);
    }
    t->started = true;
    for (size_t i = 0; i < t->n_cells; i++) {
        buf_reset(&one);
        put_text(&one, &t->cells[i]);
        put_cell(t, b, buf_str(&one), i % t->n_columns);
    }
}

void table_flush(struct table *t)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    if (!t->n_cells)
        return;
    if (t->json)
        flush_json(t, &b);
    else
        flush_text(t, &b);
    t->out_of_memory = !print(&b) || t->out_of_memory;
    t->n_cells = 0;
}

bool table_end(struct table *t)
{
    table_flush(t);
    if (t->json)
        fputs(t->started ? "]\n" : "[]\n", stdout);
    free(t->cells);
    t->cells = NULL;
    t->size = 0;
    return !t->out_of_memory;
}

void table_object(bool json, const char *const *columns, const struct cell *cells, size_t n)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    if (json) {
        put_json_object(&b, columns, cells, n);
        buf_putc(&b, '\n');
    } else {
        for (size_t i = 0; i < n; i++) {
            buf_printf(&b, "%s: ", columns[i]);
            put_text(&b, &cells[i]);
            buf_putc(&b, '\n');
        }
    }
    print(&b);
}
