/*
 * team.h - rows of teams and their members: one accessor a statement. Rules stand in
 * account/team.h.
 */
#ifndef GANTRY_DB_TEAM_H
#define GANTRY_DB_TEAM_H

#include "base/arena.h"
#include "db/account.h"
#include "db/db.h"

struct team {
    int64_t id;
    int64_t organization_id;
    struct str name;
    int role; /* enum team_role */
    struct str description;
    int64_t members; /* in lists only */
};

struct team_list {
    struct team *v;
    size_t n;
};

struct team_member {
    int64_t account_id;
    enum account_kind kind;
    struct str name;
};

struct team_members {
    struct team_member *v;
    size_t n;
};

/* E_NO_ROW when there is none (not recorded in f). */
enum err team_by_name(struct db *db, struct fail *f, struct arena *a, int64_t organization_id,
                      struct str name, struct team *ret) MUST_CHECK;
/* In order of names, those after `after`, at most limit. */
enum err team_list(struct db *db, struct fail *f, struct arena *a, int64_t organization_id,
                   struct str after, size_t limit, struct team_list *ret) MUST_CHECK;
enum err team_members(struct db *db, struct fail *f, struct arena *a, int64_t team_id,
                      struct str after, size_t limit, struct team_members *ret) MUST_CHECK;

/* E_DUPLICATE */
enum err team_insert(struct db *db, struct fail *f, int64_t organization_id, struct str name,
                     int role, struct str description, int64_t *ret_id) MUST_CHECK;
enum err team_update_role(struct db *db, struct fail *f, int64_t id, int role) MUST_CHECK;
enum err team_remove(struct db *db, struct fail *f, int64_t id) MUST_CHECK;
enum err team_remove_all(struct db *db, struct fail *f, int64_t organization_id) MUST_CHECK;

/* E_DUPLICATE; E_NO_ROW when it was no member. */
enum err team_member_insert(struct db *db, struct fail *f, int64_t team_id,
                            int64_t account_id) MUST_CHECK;
enum err team_member_remove(struct db *db, struct fail *f, int64_t team_id,
                            int64_t account_id) MUST_CHECK;
/* From every team. */
enum err team_member_remove_all(struct db *db, struct fail *f, int64_t account_id) MUST_CHECK;

enum err team_has_owner(struct db *db, struct fail *f, int64_t organization_id,
                        bool *ret) MUST_CHECK;
/* Organizations (id and name alone) in which the user sits in a team with role admin. */
enum err team_owned_by(struct db *db, struct fail *f, struct arena *a, int64_t account_id,
                       struct account_list *ret) MUST_CHECK;
/* 0: in no team. */
enum err team_role_of(struct db *db, struct fail *f, int64_t account_id, int64_t organization_id,
                      int *ret) MUST_CHECK;

#endif
