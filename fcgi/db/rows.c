/*
 * rows.c - a result, copied whole off the connection.
 *
 * The library can keep a result of its own, but only until its statement is executed again: code
 * that reads rows of tag_list and meanwhile, further down, runs tag_list would read freed memory.
 * So every result is copied into memory of its own while it arrives (unbuffered: one copy, not
 * two), and the connection is free when db_query() returns.
 *
 * Integers are bound, text and bytes are not: the row says how long each is, and then exactly so
 * much is fetched. Nothing is ever cut to a buffer's size.
 */
#include "db/internal.h"

#include <assert.h>
#include <stdlib.h>

struct cell {
    int64_t i; /* an integer, or where the bytes begin in data */
    size_t n;  /* of the bytes */
    bool is_null;
};

struct result {
    const char *types;
    size_t columns, rows, cells_size;
    size_t at; /* 1 is the first row, 0 before it */
    struct cell *cells;
    char *data;
    size_t data_n, data_size;
};

static bool cells_grow(struct result *r)
{
    size_t need = (r->rows + 1) * r->columns;
    if (need <= r->cells_size)
        return true;
    size_t size = r->cells_size ? r->cells_size * 2 : r->columns * 4;
    struct cell *cells = reallocarray(r->cells, size, sizeof(*cells));
    if (!cells)
        return false;
    r->cells = cells;
    r->cells_size = size;
    return true;
}

/* Room for n bytes more. A large first value gets exactly its size. */
static bool data_grow(struct result *r, size_t n)
{
    if (n <= r->data_size - r->data_n)
        return true;
    if (n > SIZE_MAX / 4 || r->data_n > SIZE_MAX / 4)
        return false;
    size_t size = r->data_n + n;
    if (r->data_n && size < r->data_size * 2)
        size = r->data_size * 2;
    if (size < 128)
        size = 128;
    char *data = realloc(r->data, size);
    if (!data)
        return false;
    r->data = data;
    r->data_size = size;
    return true;
}

/* One column of the current row that is text or bytes. */
static bool take_bytes(struct prepared *p, struct result *r, unsigned column, struct cell *cell)
{
    size_t n = p->lengths[column];
    if (!data_grow(r, n + 1))
        return false;
    char *to = r->data + r->data_n;
    if (n) {
        unsigned long length = 0;
        my_bool is_null = 0, error = 0;
        MYSQL_BIND whole = {.buffer_type = MYSQL_TYPE_BLOB,
                            .buffer = to,
                            .buffer_length = n,
                            .length = &length,
                            .is_null = &is_null,
                            .error = &error};
        if (mysql_stmt_fetch_column(p->handle, &whole, column, 0) || length != n)
            return false;
    }
    to[n] = '\0';
    cell->i = (int64_t)r->data_n;
    cell->n = n;
    r->data_n += n + 1;
    return true;
}

static enum err take_row(struct prepared *p, struct result *r, struct outcome *out)
{
    if (!cells_grow(r))
        return E_NO_MEMORY;
    struct cell *cells = r->cells + r->rows * r->columns;
    for (unsigned c = 0; c < r->columns; c++) {
        cells[c] = (struct cell){.is_null = p->nulls[c] != 0};
        if (cells[c].is_null)
            continue;
        if (r->types[c] == 'i') {
            if (p->errors[c]) {
                snprintf(out->text, sizeof(out->text), "column %u does not fit into 64 bits", c);
                return E_INTERNAL;
            }
            cells[c].i = p->ints[c];
        } else if (!take_bytes(p, r, c, &cells[c])) {
            return E_NO_MEMORY;
        }
    }
    r->rows++;
    return E_OK;
}

static void outcome_of(struct outcome *out, MYSQL_STMT *handle)
{
    const char *text = mysql_stmt_error(handle);
    out->code = mysql_stmt_errno(handle);
    if (!out->code) { /* an error among the rows (a deadlock) is left on the connection */
        out->code = mysql_errno(handle->mysql);
        text = mysql_error(handle->mysql);
    }
    if (!out->code)
        out->code = CR_UNKNOWN_ERROR;
    snprintf(out->text, sizeof(out->text), "%s", text);
}

enum err result_read(struct prepared *p, const struct stmt_row *row, struct result **ret,
                     struct outcome *out)
{
    enum err e = E_OK;
    struct result *r = calloc(1, sizeof(*r));
    if (r) {
        r->types = row->results;
        r->columns = strlen(row->results);
        if (mysql_stmt_bind_result(p->handle, p->results)) {
            outcome_of(out, p->handle);
            e = E_INTERNAL;
        }
    } else {
        e = E_NO_MEMORY;
    }
    while (e == E_OK) {
        int got = mysql_stmt_fetch(p->handle);
        if (got == MYSQL_NO_DATA)
            break;
        if (got != 0 && got != MYSQL_DATA_TRUNCATED) {
            outcome_of(out, p->handle);
            e = E_INTERNAL;
        } else {
            e = take_row(p, r, out);
        }
    }
    /* reads away what was not fetched: an unread row would fail every later call on the connection
     */
    mysql_stmt_free_result(p->handle);
    if (e) {
        result_free(r);
        return e;
    }
    *ret = r;
    return E_OK;
}

void result_free(struct result *r)
{
    if (!r)
        return;
    free(r->cells);
    free(r->data);
    free(r);
}

static const struct result *result_of(const struct rows *rows)
{
    return rows->impl;
}

bool rows_next(struct rows *rows)
{
    struct result *r = rows->impl;
    if (!r || r->at >= r->rows)
        return false;
    r->at++;
    return true;
}

size_t rows_count(const struct rows *rows)
{
    const struct result *r = result_of(rows);
    return r ? r->rows : 0;
}

static const struct cell *cell_at(const struct rows *rows, unsigned column)
{
    const struct result *r = result_of(rows);
    assert(r && r->at > 0 && column < r->columns);
    return &r->cells[(r->at - 1) * r->columns + column];
}

int64_t row_int(const struct rows *rows, unsigned column)
{
    const struct cell *cell = cell_at(rows, column);
    assert(result_of(rows)->types[column] == 'i');
    return cell->is_null ? 0 : cell->i;
}

struct str row_str(const struct rows *rows, unsigned column)
{
    const struct cell *cell = cell_at(rows, column);
    assert(result_of(rows)->types[column] != 'i');
    if (cell->is_null)
        return STR_NONE;
    return (struct str){result_of(rows)->data + cell->i, cell->n};
}

bool row_is_null(const struct rows *rows, unsigned column)
{
    return cell_at(rows, column)->is_null;
}

void rows_done(struct rows *rows)
{
    result_free(rows->impl);
    rows->impl = NULL;
    rows->db = NULL;
}
