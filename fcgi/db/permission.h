/*
 * permission.h - rows of rights: grants on repositories and default permissions. Roles are the
 * numbers of enum repo_role and enum team_role (access/access.h); what follows from them is decided
 * there.
 */
#ifndef GANTRY_DB_PERMISSION_H
#define GANTRY_DB_PERMISSION_H

#include "base/arena.h"
#include "db/account.h"
#include "db/db.h"

/* What the tables say of one account and one repository; 0 where they say nothing. */
struct permission_facts {
    int direct; /* repository role granted to the account */
    int team;   /* the best repository role granted to one of its teams */
    int org;    /* its best team role in the namespace */
};

/* One query. repository_id 0 asks for the team role alone. */
enum err permission_facts(struct db *db, struct fail *f, int64_t account_id, int64_t repository_id,
                          int64_t namespace_id, struct permission_facts *ret) MUST_CHECK;

enum err permission_set_account(struct db *db, struct fail *f, int64_t repository_id,
                                int64_t account_id, int role) MUST_CHECK;
enum err permission_set_team(struct db *db, struct fail *f, int64_t repository_id, int64_t team_id,
                             int role) MUST_CHECK;
/* E_NO_ROW when there was no grant. */
enum err permission_remove_account(struct db *db, struct fail *f, int64_t repository_id,
                                   int64_t account_id) MUST_CHECK;
enum err permission_remove_team(struct db *db, struct fail *f, int64_t repository_id,
                                int64_t team_id) MUST_CHECK;
/* Every grant of an account, and every default permission that names it. */
enum err permission_remove_all_of(struct db *db, struct fail *f, int64_t account_id) MUST_CHECK;

struct permission {
    struct str name; /* of the account or the team */
    bool is_team;
    bool is_robot;
    int role;
};

struct permission_list {
    struct permission *v;
    size_t n;
};

/* Accounts first, then teams, by name. */
enum err permission_list(struct db *db, struct fail *f, struct arena *a, int64_t repository_id,
                         struct permission_list *ret) MUST_CHECK;

/* ---- default permissions ---- */

struct prototype {
    struct str uuid;
    struct str activating; /* a user's name; p NULL: whoever creates */
    struct str delegate;   /* a user's, a robot's or a team's name */
    bool delegate_is_team;
    bool delegate_is_robot;
    int role;
};

struct prototype_list {
    struct prototype *v;
    size_t n;
};

/* One that applies to a creation: exactly one of account_id and team_id is not 0. */
struct prototype_match {
    bool specific; /* made for this creator */
    int64_t account_id;
    int64_t team_id;
    int role;
};

struct prototype_matches {
    struct prototype_match *v;
    size_t n;
};

enum err prototype_rows(struct db *db, struct fail *f, struct arena *a, int64_t organization_id,
                        struct prototype_list *ret) MUST_CHECK;
/* Specific ones first. creator_id 0: nobody in particular. */
enum err prototype_matching(struct db *db, struct fail *f, struct arena *a, int64_t organization_id,
                            int64_t creator_id, struct prototype_matches *ret) MUST_CHECK;
/* Ids of 0 become NULL. */
enum err prototype_insert(struct db *db, struct fail *f, struct str uuid, int64_t organization_id,
                          int64_t activating_id, int64_t delegate_account_id,
                          int64_t delegate_team_id, int role) MUST_CHECK;
/* E_NO_ROW when there is none. */
enum err prototype_update_role(struct db *db, struct fail *f, int64_t organization_id,
                               struct str uuid, int role) MUST_CHECK;
enum err prototype_remove(struct db *db, struct fail *f, int64_t organization_id,
                          struct str uuid) MUST_CHECK;

#endif
