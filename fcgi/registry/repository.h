/*
 * repository.h - repositories as rows: find, create, delete. No HTTP, and no rights: callers have asked access/.
 */
#ifndef GANTRY_REGISTRY_REPOSITORY_H
#define GANTRY_REGISTRY_REPOSITORY_H

#include "auth/caller.h"
#include "base/err.h"
#include "base/worker.h"
#include "registry/reference.h"

enum repo_state {
    REPO_NORMAL = 0,
    REPO_READ_ONLY = 1,
    REPO_MIRROR = 2,
    REPO_MARKED_FOR_DELETION = 3,
};

struct repo {
    int64_t id;              /* 0: there is no such repository */
    int64_t namespace_id;    /* 0: there is no such namespace */
    struct str namespace_name; /* arena */
    struct str name;
    bool is_public;
    bool namespace_enabled;
    bool namespace_is_org;
    enum repo_state state;
};

/*
 * One indexed query. E_OK with ret->id = 0 when missing (marked for deletion counts as missing); the fields of the namespace
 * are filled when that exists, else namespace_id = 0.
 */
enum err repo_find(struct worker *w, struct fail *f, const struct repo_name *name, struct repo *ret) MUST_CHECK;

/*
 * Creates it (E_DUPLICATE when it exists), gives the creator admin, applies the organization's default permissions,
 * writes the audit row create_repo, all in one transaction. The namespace must exist unless CREATE_NAMESPACE_ON_PUSH,
 * then it becomes an organization of the caller's.
 */
enum err repo_create(struct worker *w, struct fail *f, const struct caller *creator, struct str remote_addr,
                     const struct repo_name *name, bool is_public, struct repo *ret) MUST_CHECK;

/* repo_find(), and repo_create() when missing; two callers at once both succeed. */
enum err repo_find_or_create(struct worker *w, struct fail *f, const struct caller *creator, struct str remote_addr,
                             const struct repo_name *name, struct repo *ret) MUST_CHECK;

/* Audit row change_repo_visibility; nothing is written when it is so already. E_NAME_UNKNOWN when it is gone. */
enum err repo_set_public(struct worker *w, struct fail *f, const struct caller *by, struct str remote_addr,
                         const struct repo *repo, bool is_public) MUST_CHECK;

/* Gone at once for everybody (renamed and marked); its rows and bytes are collected later. E_NAME_UNKNOWN when it was gone. */
enum err repo_delete(struct worker *w, struct fail *f, const struct caller *by, struct str remote_addr,
                     const struct repo *repo) MUST_CHECK;

#endif
