/*
 * team.c - see team.h.
 */
#include "db/team.h"

#include "base/cleanup.h"
#include "db/row.h"

static struct team read_team(const struct rows *rows, struct arena *a, bool *no_memory)
{
    return (struct team){
        .id = row_int(rows, 0),
        .organization_id = row_int(rows, 1),
        .name = row_dup(rows, 2, a, no_memory),
        .role = (int)row_int(rows, 3),
        .description = row_dup(rows, 4, a, no_memory),
    };
}

enum err team_by_name(struct db *db, struct fail *f, struct arena *a, int64_t organization_id,
                      struct str name, struct team *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    bool no_memory = false;
    enum err e =
        db_one(db, f, STMT_TEAM_BY_NAME, DB_ARGS(arg_int(organization_id), arg_bytes(name)), &rows);
    if (e)
        return e;
    *ret = read_team(&rows, a, &no_memory);
    return no_memory ? fail_internal(f, E_NO_MEMORY, "no memory for a row of team") : E_OK;
}

enum err team_list(struct db *db, struct fail *f, struct arena *a, int64_t organization_id,
                   struct str after, size_t limit, struct team_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct team_list out = {.n = 0};
    bool no_memory;
    enum err e = db_query(
        db, f, STMT_TEAM_LIST,
        DB_ARGS(arg_int(organization_id), arg_after(after), arg_int((int64_t)limit)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    no_memory = !out.v;
    while (!no_memory && rows_next(&rows)) {
        out.v[out.n] = read_team(&rows, a, &no_memory);
        out.v[out.n++].members = row_int(&rows, 5);
    }
    if (no_memory)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of teams");
    *ret = out;
    return E_OK;
}

enum err team_members(struct db *db, struct fail *f, struct arena *a, int64_t team_id,
                      struct str after, size_t limit, struct team_members *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct team_members out = {.n = 0};
    bool no_memory;
    enum err e =
        db_query(db, f, STMT_TEAM_MEMBERS,
                 DB_ARGS(arg_int(team_id), arg_after(after), arg_int((int64_t)limit)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    no_memory = !out.v;
    while (!no_memory && rows_next(&rows))
        out.v[out.n++] = (struct team_member){
            .account_id = row_int(&rows, 0),
            .kind = (enum account_kind)row_int(&rows, 1),
            .name = row_dup(&rows, 2, a, &no_memory),
        };
    if (no_memory)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of members");
    *ret = out;
    return E_OK;
}

enum err team_insert(struct db *db, struct fail *f, int64_t organization_id, struct str name,
                     int role, struct str description, int64_t *ret_id)
{
    return db_exec(db, f, STMT_TEAM_INSERT,
                   DB_ARGS(arg_int(organization_id), arg_bytes(name), arg_int(role),
                           arg_str(description.p ? description : STR(""))),
                   NULL, ret_id);
}

enum err team_update_role(struct db *db, struct fail *f, int64_t id, int role)
{
    return db_exec(db, f, STMT_TEAM_SET_ROLE, DB_ARGS(arg_int(role), arg_int(id)), NULL, NULL);
}

enum err team_remove(struct db *db, struct fail *f, int64_t id)
{
    return db_exec(db, f, STMT_TEAM_DELETE, DB_ARGS(arg_int(id)), NULL, NULL);
}

enum err team_remove_all(struct db *db, struct fail *f, int64_t organization_id)
{
    return db_exec(db, f, STMT_TEAM_DELETE_ALL, DB_ARGS(arg_int(organization_id)), NULL, NULL);
}

enum err team_member_insert(struct db *db, struct fail *f, int64_t team_id, int64_t account_id)
{
    return db_exec(db, f, STMT_TEAM_MEMBER_INSERT, DB_ARGS(arg_int(team_id), arg_int(account_id)),
                   NULL, NULL);
}

enum err team_member_remove(struct db *db, struct fail *f, int64_t team_id, int64_t account_id)
{
    uint64_t affected = 0;
    enum err e = db_exec(db, f, STMT_TEAM_MEMBER_DELETE,
                         DB_ARGS(arg_int(team_id), arg_int(account_id)), &affected, NULL);
    if (e)
        return e;
    return affected ? E_OK : E_NO_ROW;
}

enum err team_member_remove_all(struct db *db, struct fail *f, int64_t account_id)
{
    return db_exec(db, f, STMT_TEAM_MEMBER_DELETE_ALL, DB_ARGS(arg_int(account_id)), NULL, NULL);
}

enum err team_has_owner(struct db *db, struct fail *f, int64_t organization_id, bool *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_TEAM_HAS_OWNER, DB_ARGS(arg_int(organization_id)), &rows);
    if (e && e != E_NO_ROW)
        return e;
    *ret = e == E_OK;
    return E_OK;
}

enum err team_owned_by(struct db *db, struct fail *f, struct arena *a, int64_t account_id,
                       struct account_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct account_list out = {.n = 0};
    bool no_memory;
    enum err e = db_query(db, f, STMT_TEAM_OWNED_BY, DB_ARGS(arg_int(account_id)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    no_memory = !out.v;
    while (!no_memory && rows_next(&rows))
        out.v[out.n++] = (struct account){
            .id = row_int(&rows, 0),
            .kind = ACCOUNT_ORGANIZATION,
            .name = row_dup(&rows, 1, a, &no_memory),
        };
    if (no_memory)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of organizations");
    *ret = out;
    return E_OK;
}

enum err team_role_of(struct db *db, struct fail *f, int64_t account_id, int64_t organization_id,
                      int *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_TEAM_ROLE_OF,
                        DB_ARGS(arg_int(account_id), arg_int(organization_id)), &rows);
    if (e)
        return e;
    *ret = (int)row_int(&rows, 0);
    return E_OK;
}
