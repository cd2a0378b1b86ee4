/*
 * permission.c - see permission.h.
 */
#include "db/permission.h"

#include "base/cleanup.h"
#include "db/row.h"

enum err permission_facts(struct db *db, struct fail *f, int64_t account_id, int64_t repository_id,
                          int64_t namespace_id, struct permission_facts *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    enum err e = db_one(db, f, STMT_PERMISSION_FACTS,
                        DB_ARGS(arg_int(account_id), arg_int(repository_id), arg_int(account_id),
                                arg_int(repository_id), arg_int(account_id), arg_int(namespace_id)),
                        &rows);
    if (e)
        return e;
    *ret = (struct permission_facts){
        .direct = (int)row_int(&rows, 0),
        .team = (int)row_int(&rows, 1),
        .org = (int)row_int(&rows, 2),
    };
    return E_OK;
}

enum err permission_set_account(struct db *db, struct fail *f, int64_t repository_id,
                                int64_t account_id, int role)
{
    return db_exec(
        db, f, STMT_PERMISSION_SET_ACCOUNT,
        DB_ARGS(arg_int(repository_id), arg_int(account_id), arg_int(role), arg_int(role)), NULL,
        NULL);
}

enum err permission_set_team(struct db *db, struct fail *f, int64_t repository_id, int64_t team_id,
                             int role)
{
    return db_exec(db, f, STMT_PERMISSION_SET_TEAM,
                   DB_ARGS(arg_int(repository_id), arg_int(team_id), arg_int(role), arg_int(role)),
                   NULL, NULL);
}

static enum err exec_one(struct db *db, struct fail *f, enum stmt stmt, const struct db_arg *args,
                         size_t n)
{
    uint64_t affected = 0;
    enum err e = db_exec(db, f, stmt, args, n, &affected, NULL);
    if (e)
        return e;
    return affected ? E_OK : E_NO_ROW;
}

enum err permission_remove_account(struct db *db, struct fail *f, int64_t repository_id,
                                   int64_t account_id)
{
    return exec_one(db, f, STMT_PERMISSION_DELETE_ACCOUNT,
                    DB_ARGS(arg_int(repository_id), arg_int(account_id)));
}

enum err permission_remove_team(struct db *db, struct fail *f, int64_t repository_id,
                                int64_t team_id)
{
    return exec_one(db, f, STMT_PERMISSION_DELETE_TEAM,
                    DB_ARGS(arg_int(repository_id), arg_int(team_id)));
}

enum err permission_remove_all_of(struct db *db, struct fail *f, int64_t account_id)
{
    enum err e =
        db_exec(db, f, STMT_PERMISSION_DELETE_ALL_OF, DB_ARGS(arg_int(account_id)), NULL, NULL);
    if (e)
        return e;
    return db_exec(db, f, STMT_PROTOTYPE_DELETE_ALL_OF,
                   DB_ARGS(arg_int(account_id), arg_int(account_id)), NULL, NULL);
}

enum err permission_list(struct db *db, struct fail *f, struct arena *a, int64_t repository_id,
                         struct permission_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct permission_list out = {.n = 0};
    bool no_memory;
    enum err e = db_query(db, f, STMT_PERMISSION_LIST, DB_ARGS(arg_int(repository_id)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    no_memory = !out.v;
    while (!no_memory && rows_next(&rows)) {
        bool is_team = row_is_null(&rows, 1);
        out.v[out.n++] = (struct permission){
            .name = row_dup(&rows, is_team ? 2 : 1, a, &no_memory),
            .is_team = is_team,
            .is_robot = row_int(&rows, 0) == ACCOUNT_ROBOT,
            .role = (int)row_int(&rows, 3),
        };
    }
    if (no_memory)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of grants");
    *ret = out;
    return E_OK;
}

enum err prototype_rows(struct db *db, struct fail *f, struct arena *a, int64_t organization_id,
                        struct prototype_list *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct prototype_list out = {.n = 0};
    bool no_memory;
    enum err e = db_query(db, f, STMT_PROTOTYPE_LIST, DB_ARGS(arg_int(organization_id)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    no_memory = !out.v;
    while (!no_memory && rows_next(&rows)) {
        bool is_team = row_is_null(&rows, 3);
        out.v[out.n++] = (struct prototype){
            .uuid = row_dup(&rows, 0, a, &no_memory),
            .role = (int)row_int(&rows, 1),
            .activating = row_dup(&rows, 2, a, &no_memory),
            .delegate = row_dup(&rows, is_team ? 5 : 3, a, &no_memory),
            .delegate_is_team = is_team,
            .delegate_is_robot = row_int(&rows, 4) == ACCOUNT_ROBOT,
        };
    }
    if (no_memory)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of default permissions");
    *ret = out;
    return E_OK;
}

enum err prototype_matching(struct db *db, struct fail *f, struct arena *a, int64_t organization_id,
                            int64_t creator_id, struct prototype_matches *ret)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    struct prototype_matches out = {.n = 0};
    enum err e = db_query(db, f, STMT_PROTOTYPE_MATCHING,
                          DB_ARGS(arg_int(organization_id), arg_int(creator_id)), &rows);
    if (e)
        return e;
    out.v = arena_array(a, rows_count(&rows), sizeof(*out.v));
    if (!out.v)
        return fail_internal(f, E_NO_MEMORY, "no memory for a list of default permissions");
    while (rows_next(&rows))
        out.v[out.n++] = (struct prototype_match){
            .specific = !row_is_null(&rows, 0),
            .account_id = row_int(&rows, 1),
            .team_id = row_int(&rows, 2),
            .role = (int)row_int(&rows, 3),
        };
    *ret = out;
    return E_OK;
}

enum err prototype_insert(struct db *db, struct fail *f, struct str uuid, int64_t organization_id,
                          int64_t activating_id, int64_t delegate_account_id,
                          int64_t delegate_team_id, int role)
{
    return db_exec(db, f, STMT_PROTOTYPE_INSERT,
                   DB_ARGS(arg_bytes(uuid), arg_int(organization_id), arg_id(activating_id),
                           arg_id(delegate_account_id), arg_id(delegate_team_id), arg_int(role)),
                   NULL, NULL);
}

enum err prototype_update_role(struct db *db, struct fail *f, int64_t organization_id,
                               struct str uuid, int role)
{
    CLEANUP(rows_done) struct rows rows = ROWS_INIT;
    /* an update to what it is already changes no row: only a look tells it from a missing one */
    enum err e = db_one(db, f, STMT_PROTOTYPE_LOCK,
                        DB_ARGS(arg_int(organization_id), arg_bytes(uuid)), &rows);
    if (e)
        return e;
    return db_exec(db, f, STMT_PROTOTYPE_SET_ROLE,
                   DB_ARGS(arg_int(role), arg_int(organization_id), arg_bytes(uuid)), NULL, NULL);
}

enum err prototype_remove(struct db *db, struct fail *f, int64_t organization_id, struct str uuid)
{
    return exec_one(db, f, STMT_PROTOTYPE_DELETE,
                    DB_ARGS(arg_int(organization_id), arg_bytes(uuid)));
}
