/*
 * catalog.h - the repositories that a caller may read, in the order of (namespace, name).
 */
#ifndef GANTRY_REGISTRY_CATALOG_H
#define GANTRY_REGISTRY_CATALOG_H

#include "auth/caller.h"
#include "base/worker.h"
#include "db/repository.h"

/*
 * Those after the given full name ("" for the first), at most limit; *ret_more: there are others behind them. Public ones
 * of others are listed with FEATURE_PUBLIC_CATALOG only. Rights are the account's, capped by OAuth scopes.
 */
enum err catalog_list(struct worker *w, struct fail *f, const struct caller *c, struct str after,
                      size_t limit, struct repository_items *ret, bool *ret_more) MUST_CHECK;

#endif
