/*
 * namespace.h - what users and organizations have in common: a namespace that holds repositories
 * and robots.
 */
#ifndef GANTRY_ACCOUNT_NAMESPACE_H
#define GANTRY_ACCOUNT_NAMESPACE_H

#include "base/worker.h"
#include "db/account.h"

/* A user or an organization by name; E_NOT_FOUND. */
enum err namespace_find(struct worker *w, struct fail *f, struct str name,
                        struct account *ret) MUST_CHECK;

/*
 * Inside a transaction: ends the namespace, its robots, rights and tokens, and marks its
 * repositories for deletion. E_CONFLICT when it has repositories and with_repositories is not set.
 * While collected repositories remain, so does a nameless row (account_retire()); namespace_purge()
 * drops it in the end.
 */
enum err namespace_end(struct db *db, struct fail *f, const struct account *ns,
                       bool with_repositories) MUST_CHECK;

/* Drops at most so many rows of ended namespaces whose repositories have been collected. Any process, any time. */
#define NAMESPACE_PURGE_STEP 100
enum err namespace_purge(struct worker *w, struct fail *f, size_t *ret_dropped) MUST_CHECK;

/* E_CONFLICT for a name that somebody else took in this very moment. */
enum err namespace_taken(struct fail *f, struct str name) MUST_CHECK;

#endif
