/*
 * repository.h - rows of repositories: one accessor a statement. Rules and audit rows are
 * registry/repository.c's.
 *
 * A row marked for deletion (state 3) is not found and not listed.
 */
#ifndef GANTRY_DB_REPOSITORY_H
#define GANTRY_DB_REPOSITORY_H

#include "base/arena.h"
#include "db/db.h"

struct repository_found {
    int64_t namespace_id; /* 0: there is no such namespace */
    bool namespace_is_org;
    bool namespace_enabled;
    int64_t id; /* 0: there is no such repository */
    bool is_public;
    int state;
};

struct repository_item {
    int64_t id;
    struct str namespace_name;
    struct str name;
    bool is_public;
    int state;
    int64_t created_ms;
};

struct repository_items {
    struct repository_item *v;
    size_t n;
};

/* One query for both names. E_OK with zeros when missing. */
enum err repository_find(struct db *db, struct fail *f, struct str namespace_name, struct str name,
                         struct repository_found *ret) MUST_CHECK;

/* E_DUPLICATE when the name is taken. */
enum err repository_insert(struct db *db, struct fail *f, int64_t namespace_id, struct str name,
                           bool is_public, int64_t now_ms, int64_t *ret_id) MUST_CHECK;

/* E_NO_ROW when it is gone (renaming) or unchanged (visibility). */
enum err repository_set_public(struct db *db, struct fail *f, int64_t id,
                               bool is_public) MUST_CHECK;
enum err repository_mark(struct db *db, struct fail *f, int64_t id, struct str new_name) MUST_CHECK;

enum err repository_count(struct db *db, struct fail *f, int64_t namespace_id,
                          int64_t *ret) MUST_CHECK;
/* Whether the namespace still has rows, those marked for deletion included. */
enum err repository_any(struct db *db, struct fail *f, int64_t namespace_id, bool *ret) MUST_CHECK;

/* All of a namespace that is being retired. */
enum err repository_mark_all(struct db *db, struct fail *f, int64_t namespace_id) MUST_CHECK;

/* Lists in the order of (namespace, name), those after the given pair ("" for the first). */
enum err repository_list_all(struct db *db, struct fail *f, struct arena *a,
                             struct str after_namespace, struct str after_name, size_t limit,
                             struct repository_items *ret) MUST_CHECK;
enum err repository_list_namespace(struct db *db, struct fail *f, struct arena *a,
                                   int64_t namespace_id, struct str after_name, size_t limit,
                                   struct repository_items *ret) MUST_CHECK;

/*
 * What an account may read (the catalog): by direct grants, teams, being an organization's admin,
 * its own namespace; `with_public` adds public ones, `everything` all (superusers with full access,
 * read-only superusers). Disabled namespaces are left out. account_id 0: nobody.
 */
enum err repository_list_readable(struct db *db, struct fail *f, struct arena *a,
                                  int64_t account_id, bool with_public, bool everything,
                                  struct str after_namespace, struct str after_name, size_t limit,
                                  struct repository_items *ret) MUST_CHECK;

#endif
