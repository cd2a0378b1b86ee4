/*
 * row.h - what the accessors of db/ share when they turn a row into a struct.
 *
 * Slices of a row die with rows_done(); what a struct keeps is copied into the arena. Running out
 * of memory is latched in a flag that the accessor looks at once per row.
 */
#ifndef GANTRY_DB_ROW_H
#define GANTRY_DB_ROW_H

#include "base/arena.h"
#include "db/db.h"

/* The column's bytes in the arena; NULL stays the slice without a pointer. Sets *no_memory past the
 * arena's limit. */
static inline struct str row_dup(const struct rows *rows, unsigned column, struct arena *arena,
                                 bool *no_memory)
{
    struct str s;
    if (row_is_null(rows, column))
        return STR_NONE;
    s = arena_str(arena, row_str(rows, column));
    *no_memory = *no_memory || !s.p;
    return s;
}

/* NULL when the slice has no pointer. */
static inline struct db_arg arg_bytes_or_null(struct str s)
{
    return s.p ? arg_bytes(s) : arg_null();
}

/* The key after which a list goes on: a slice that is never NULL, because NULL compares with
 * nothing. */
static inline struct db_arg arg_after(struct str s)
{
    return arg_bytes(s.n ? s : STR(""));
}

#endif
