/*
 * identity.h - whose files these are, and becoming that user for good.
 *
 * DIR belongs to the user as whom everything runs. Root never touches anything inside DIR itself:
 * it becomes the owner first (in a child, or for good), so that a link planted there gains nobody
 * anything.
 */
#ifndef GANTRY_COMMAND_IDENTITY_H
#define GANTRY_COMMAND_IDENTITY_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct identity {
    uid_t uid;
    gid_t gid;
    char name[64];
};

enum err identity_of_user(struct fail *f, const char *name, struct identity *ret) MUST_CHECK;
/* E_NO_ROW (not recorded) when the path does not exist. */
enum err identity_of_dir(struct fail *f, const char *dir, struct identity *ret) MUST_CHECK;
/* A system account without shell or password, made when it is missing; root only. */
enum err identity_make_user(struct fail *f, const char *name, struct identity *ret) MUST_CHECK;

/*
 * Becomes the user, without a way back. bind_low keeps the capability to bind ports below 1024,
 * also across exec (ambient). Nothing to do when it is us already.
 */
enum err identity_assume(struct fail *f, const struct identity *id, bool bind_low) MUST_CHECK;

/* Runs fn in a child that is the user, and waits; *ret_status is what fn returned. */
enum err identity_run(struct fail *f, const struct identity *id, int (*fn)(void *ctx), void *ctx,
                      int *ret_status) MUST_CHECK;

#endif
