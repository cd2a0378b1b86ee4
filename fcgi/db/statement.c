/*
 * statement.c - named statements: the table, what is prepared of it on a connection, and one
 * execution.
 *
 * A statement is prepared when it is first used on a connection and kept: preparing each time costs
 * three times as much as executing. PREPARED_MAX bounds what a connection keeps (least recently
 * used goes), because the server bounds the sum over all connections. A failure that says "nothing
 * ran" (a lost connection before the statement left, a handle that the server forgot, no room for
 * another one) is mended here by trying again; a SELECT is also run again when the connection was
 * lost under it; a change is not, outside db_tx(), because it may have been done.
 */
#include "db/internal.h"

#include <stdlib.h>

static const struct stmt_row table[STMT_COUNT + 1] = {
#define STMT(id, param_types, result_types, text)                                                  \
    [STMT_##id] = {.name = #id, .params = param_types, .results = result_types, .sql = text},
#include "db/statements.def"
#undef STMT
};

const struct stmt_row *stmt_row(enum stmt stmt)
{
    return &table[stmt];
}

/* ---- the cache ---- */

static void prepared_free(struct prepared *p)
{
    if (!p)
        return;
    if (p->handle)
        mysql_stmt_close(p->handle);
    free(p->params);
    free(p->results);
    free(p->lengths);
    free(p->nulls);
    free(p->errors);
    free(p->ints);
    free(p);
}

static void forget(struct db *db, size_t stmt)
{
    if (!db->prepared[stmt])
        return;
    prepared_free(db->prepared[stmt]);
    db->prepared[stmt] = NULL;
    db->n_prepared--;
}

void statements_forget(struct db *db)
{
    for (size_t i = 0; i < STMT_COUNT; i++)
        forget(db, i);
}

/* Ends the least recently used ones until at most `keep` are left. */
static void evict(struct db *db, size_t keep)
{
    while (db->n_prepared > keep) {
        size_t oldest = STMT_COUNT;
        for (size_t i = 0; i < STMT_COUNT; i++) {
            if (db->prepared[i] &&
                (oldest == STMT_COUNT || db->prepared[i]->used < db->prepared[oldest]->used))
                oldest = i;
        }
        forget(db, oldest);
    }
}

/* Where results of the row's types go: integers into ints, of the rest only the length is learnt.
 */
static void bind_results(struct prepared *p, const char *types)
{
    for (size_t c = 0; types[c]; c++) {
        MYSQL_BIND *b = &p->results[c];
        b->length = &p->lengths[c];
        b->is_null = &p->nulls[c];
        b->error = &p->errors[c];
        if (types[c] == 'i') {
            b->buffer_type = MYSQL_TYPE_LONGLONG;
            b->buffer = &p->ints[c];
            b->buffer_length = sizeof(p->ints[c]);
        } else {
            b->buffer_type = MYSQL_TYPE_BLOB;
        }
    }
}

static struct prepared *prepared_new(const struct stmt_row *row)
{
    size_t n_params = strlen(row->params), n_results = strlen(row->results);
    size_t most = (n_params > n_results ? n_params : n_results) + 1;
    struct prepared *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->params = calloc(n_params + 1, sizeof(*p->params));
    p->results = calloc(n_results + 1, sizeof(*p->results));
    p->lengths = calloc(most, sizeof(*p->lengths));
    p->nulls = calloc(most, sizeof(*p->nulls));
    p->errors = calloc(most, sizeof(*p->errors));
    p->ints = calloc(most, sizeof(*p->ints));
    if (!p->params || !p->results || !p->lengths || !p->nulls || !p->errors || !p->ints) {
        prepared_free(p);
        return NULL;
    }
    bind_results(p, row->results);
    return p;
}

/* ---- one execution ---- */

static void outcome_of(struct outcome *out, MYSQL_STMT *handle)
{
    out->code = mysql_stmt_errno(handle);
    if (!out->code)
        out->code = CR_UNKNOWN_ERROR;
    snprintf(out->text, sizeof(out->text), "%s", mysql_stmt_error(handle));
}

/* E_INTERNAL: see *out. */
static enum err prepare(struct db *db, enum stmt stmt, struct outcome *out)
{
    const struct stmt_row *row = stmt_row(stmt);
    if (db->prepared[stmt])
        return E_OK;
    evict(db, PREPARED_MAX - 1);
    struct prepared *p = prepared_new(row);
    if (!p)
        return E_NO_MEMORY;
    p->handle = mysql_stmt_init(db->mysql);
    if (!p->handle) {
        prepared_free(p);
        return E_NO_MEMORY;
    }
    if (mysql_stmt_prepare(p->handle, row->sql, strlen(row->sql))) {
        outcome_of(out, p->handle);
        prepared_free(p);
        return E_INTERNAL;
    }
    if (mysql_stmt_param_count(p->handle) != strlen(row->params) ||
        mysql_stmt_field_count(p->handle) != strlen(row->results)) {
        snprintf(out->text, sizeof(out->text), "the row's signature does not fit its SQL");
        out->code = CR_UNKNOWN_ERROR;
        prepared_free(p);
        return E_INTERNAL;
    }
    db->prepared[stmt] = p;
    db->n_prepared++;
    return E_OK;
}

/* The library reads parameters through pointers without const. */
static void *without_const(const void *p)
{
    union {
        const void *from;
        void *to;
    } u = {.from = p};
    return u.to;
}

static void bind_params(struct prepared *p, const struct db_arg *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        MYSQL_BIND *b = &p->params[i];
        *b = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL};
        if (args[i].type == 'i') {
            b->buffer_type = MYSQL_TYPE_LONGLONG;
            b->buffer = without_const(&args[i].i);
        } else if (args[i].type != 'n') {
            p->lengths[i] = args[i].s.n;
            b->buffer_type = args[i].type == 'b' ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
            b->buffer = without_const(args[i].s.n ? args[i].s.p : "");
            b->buffer_length = args[i].s.n;
            b->length = &p->lengths[i];
        }
    }
}

struct execution {
    enum stmt stmt;
    const struct db_arg *args;
    size_t n_args;
    struct result **ret_result; /* NULL: no rows are asked for */
    uint64_t *ret_affected;
    int64_t *ret_id;
};

/* E_INTERNAL: see *out. */
static enum err attempt(struct db *db, const struct execution *x, struct outcome *out)
{
    enum err e = prepare(db, x->stmt, out);
    if (e)
        return e;
    struct prepared *p = db->prepared[x->stmt];
    p->used = ++db->tick;
    bind_params(p, x->args, x->n_args);
    out->executing = true;
    if ((x->n_args && mysql_stmt_bind_param(p->handle, p->params)) ||
        mysql_stmt_execute(p->handle)) {
        outcome_of(out, p->handle);
        return E_INTERNAL;
    }
    if (x->ret_result) {
        e = result_read(p, stmt_row(x->stmt), x->ret_result, out);
        if (e)
            return e;
    } else {
        if (x->ret_affected)
            *x->ret_affected = mysql_stmt_affected_rows(p->handle);
        if (x->ret_id)
            *x->ret_id = (int64_t)mysql_stmt_insert_id(p->handle);
    }
    db_answered(db);
    return E_OK;
}

/* ---- what to do about a failure ---- */

#define TRIES_MAX 4

/* Whether the statement may simply be tried again; mends what can be mended before it. */
static bool mend(struct db *db, const struct execution *x, enum trouble trouble, bool executing,
                 unsigned tries)
{
    if (tries >= TRIES_MAX)
        return false;
    switch (trouble) {
    case TROUBLE_STALE:
        forget(db, x->stmt);
        return tries <= 2;
    case TROUBLE_CROWDED:
        if (!db->n_prepared)
            return false;
        evict(db, db->n_prepared / 2);
        return true;
    case TROUBLE_UNSENT:
        return db->tx != TX_STARTED && tries <= 2;
    case TROUBLE_LOST:
        return db->tx != TX_STARTED && tries <= 2 && (!executing || x->ret_result);
    case TROUBLE_RERUN:
        if (db->tx == TX_STARTED)
            return false;
        db_pause(tries);
        return true;
    default:
        return false;
    }
}

static enum err busy(struct fail *f, const char *name, const struct outcome *out)
{
    if (f && !f->err)
        f->retry_after_s = 1;
    return fail_internal(f, E_BUSY, "statement %s: %u %s", name, out->code, out->text);
}

static enum err give_up(struct db *db, struct fail *f, const char *name, enum trouble trouble,
                        const struct outcome *out)
{
    switch (trouble) {
    case TROUBLE_LOST:
    case TROUBLE_UNSENT:
        if (db->tx == TX_STARTED)
            db->tx = TX_BROKEN;
        return db_down(f, name, out->text);
    case TROUBLE_DOWN:
    case TROUBLE_CROWDED:
        return db_down(f, name, out->text);
    case TROUBLE_RERUN:
        if (db->tx == TX_STARTED)
            db->tx = TX_BROKEN;
        return busy(f, name, out);
    case TROUBLE_INTERRUPTED:
        return busy(f, name, out);
    case TROUBLE_DUPLICATE:
        return E_DUPLICATE;
    case TROUBLE_REFERENCE:
        return fail_internal(f, E_CONFLICT, "statement %s: %u %s", name, out->code, out->text);
    default:
        return fail_internal(f, E_INTERNAL, "statement %s: %u %s", name, out->code, out->text);
    }
}

static enum err check_args(struct fail *f, const struct execution *x)
{
    const struct stmt_row *row;
    if ((unsigned)x->stmt >= STMT_COUNT)
        return fail_internal(f, E_INTERNAL, "there is no statement %u", (unsigned)x->stmt);
    row = stmt_row(x->stmt);
    if (strlen(row->params) != x->n_args)
        return fail_internal(f, E_INTERNAL, "statement %s has %zu parameters, %zu were given",
                             row->name, strlen(row->params), x->n_args);
    for (size_t i = 0; i < x->n_args; i++) {
        if (x->args[i].type != 'n' && x->args[i].type != row->params[i])
            return fail_internal(f, E_INTERNAL, "statement %s: parameter %zu is '%c', not '%c'",
                                 row->name, i, row->params[i], x->args[i].type);
    }
    if ((row->results[0] != '\0') != (x->ret_result != NULL))
        return fail_internal(f, E_INTERNAL, "statement %s %s", row->name,
                             x->ret_result ? "returns no rows" : "returns rows");
    return E_OK;
}

static enum err run(struct db *db, struct fail *f, const struct execution *x)
{
    enum err e = check_args(f, x);
    if (e)
        return e;
    const char *name = stmt_row(x->stmt)->name;
    for (unsigned tries = 1;; tries++) {
        struct outcome out = {.code = 0};
        e = db_ready(db, f);
        if (e)
            return e;
        e = attempt(db, x, &out);
        if (e == E_OK)
            return E_OK;
        if (e == E_NO_MEMORY)
            return fail_internal(f, E_NO_MEMORY, "statement %s: out of memory", name);
        enum trouble trouble = trouble_of(out.code);
        if (trouble == TROUBLE_LOST || trouble == TROUBLE_UNSENT)
            db_drop(db);
        else if (out.code >= CR_MIN_ERROR && out.code <= CR_MAX_ERROR && db->tx != TX_STARTED)
            db_drop(db); /* the library is in a state we do not know */
        if (!mend(db, x, trouble, out.executing, tries))
            return give_up(db, f, name, trouble, &out);
    }
}

enum err db_exec(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args,
                 size_t n_args, uint64_t *ret_affected, int64_t *ret_id)
{
    struct execution x = {.stmt = stmt,
                          .args = args,
                          .n_args = n_args,
                          .ret_affected = ret_affected,
                          .ret_id = ret_id};
    return run(db, f, &x);
}

enum err db_query(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args,
                  size_t n_args, struct rows *ret)
{
    struct result *result = NULL;
    struct execution x = {.stmt = stmt, .args = args, .n_args = n_args, .ret_result = &result};
    enum err e = run(db, f, &x);
    if (e)
        return e;
    rows_done(ret);
    ret->db = db;
    ret->impl = result;
    return E_OK;
}

enum err db_one(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args,
                size_t n_args, struct rows *ret)
{
    enum err e = db_query(db, f, stmt, args, n_args, ret);
    if (e)
        return e;
    return rows_next(ret) ? E_OK : E_NO_ROW;
}
