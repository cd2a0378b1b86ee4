/*
 * content_log.h - the audit rows of pushes, pulls and deletions, with Quay's metadata: repo, namespace, tag or
 * manifest_digest, user-agent, and who it was.
 */
#ifndef GANTRY_REGISTRY_CONTENT_LOG_H
#define GANTRY_REGISTRY_CONTENT_LOG_H

#include "audit/audit.h"
#include "registry/repository.h"

/* Who does something to content, and from where. */
struct visitor {
    const struct caller *caller;
    struct str remote_addr;
    struct str user_agent;
};

/* What it is done to: a tag, a digest, or (deleting by digest) both. */
struct content {
    const struct repo *repo;
    struct str tag;              /* p NULL: none */
    const struct digest *digest; /* NULL: not told */
};

/* Inside the transaction that makes the change. */
enum err content_log_write(struct db *db, struct fail *f, const struct visitor *by,
                           enum log_kind kind, const struct content *what) MUST_CHECK;
/* For pulls: gathered, never waits. */
void content_log_later(const struct visitor *by, enum log_kind kind, const struct content *what);

#endif
