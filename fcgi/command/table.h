/*
 * table.h - what the commands of accounts print: columns for people, JSON for programs.
 *
 * A list comes in pages, so that a registry with many repositories needs no more memory than a page: rows are added, a page is
 * flushed, and the columns never get narrower from one page to the next.
 */
#ifndef GANTRY_COMMAND_TABLE_H
#define GANTRY_COMMAND_TABLE_H

#include "base/str.h"

#define TABLE_COLUMNS_MAX 8

enum cell_kind {
    CELL_TEXT,
    CELL_NUMBER,
    CELL_BOOL, /* "yes", "no" */
    CELL_TIME, /* milliseconds since the epoch; 0: never */
};

struct cell {
    enum cell_kind kind;
    struct str text; /* must live until the page is flushed; p NULL: none */
    int64_t number;
};

static inline struct cell cell_text(struct str s)
{
    return (struct cell){.kind = CELL_TEXT, .text = s};
}
static inline struct cell cell_number(int64_t n)
{
    return (struct cell){.kind = CELL_NUMBER, .number = n};
}
static inline struct cell cell_bool(bool b)
{
    return (struct cell){.kind = CELL_BOOL, .number = b};
}
static inline struct cell cell_time(int64_t ms)
{
    return (struct cell){.kind = CELL_TIME, .number = ms};
}

struct table {
    bool json;
    const char *const *columns; /* names of the members; in capitals the headings */
    size_t n_columns;
    struct cell *cells; /* of the page */
    size_t n_cells, size;
    size_t width[TABLE_COLUMNS_MAX];
    bool started, out_of_memory;
};

void table_init(struct table *t, bool json, const char *const *columns, size_t n_columns);
/* n_columns cells. */
void table_row(struct table *t, const struct cell *cells);
void table_flush(struct table *t);
/* Prints what is left and the end; false when memory ran out on the way. */
bool table_end(struct table *t);

/* One thing: "name: value" lines, or a JSON object. */
void table_object(bool json, const char *const *columns, const struct cell *cells, size_t n);

#endif
