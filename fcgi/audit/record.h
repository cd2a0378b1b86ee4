/*
 * record.h - an audit row from names and values, for the changes of registry/ and account/.
 *
 * Called inside the transaction that makes the change, so that no change is without its row and no
 * row without its change.
 */
#ifndef GANTRY_AUDIT_RECORD_H
#define GANTRY_AUDIT_RECORD_H

#include "audit/audit.h"

/* Who does it. All zero: the operator on the machine. */
struct actor {
    int64_t account_id;
    struct str ip;
};

static inline struct actor actor_of(const struct caller *c, struct str remote_addr)
{
    return (struct actor){.account_id = c->account_id, .ip = remote_addr};
}

/* One member of the metadata; left out when the value has no pointer. */
struct record_field {
    const char *key;
    struct str value;
};

#define RECORD_FIELDS(...)                                                                         \
    (const struct record_field[]){__VA_ARGS__},                                                    \
        sizeof((const struct record_field[]){__VA_ARGS__}) / sizeof(struct record_field)

/* namespace_id, repository_id: 0 when none is concerned. */
enum err record_write(struct db *db, struct fail *f, const struct actor *by, enum log_kind kind,
                      int64_t namespace_id, int64_t repository_id,
                      const struct record_field *fields, size_t n) MUST_CHECK;

#endif
