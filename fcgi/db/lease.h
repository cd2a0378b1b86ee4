/*
 * lease.h - work that one process of the fleet does at a time, and when it is due again.
 *
 * A lease is a row of table lease. It is free when its time has run out, so a process that dies gives it back by
 * doing nothing. Holding one is holding its version: take, renew and release swap the version they know for the next one, and
 * fail (*ret false) when somebody else was there in between. Work under a lease must bear to be cut off and begun again.
 */
#ifndef GANTRY_DB_LEASE_H
#define GANTRY_DB_LEASE_H

#include "db/db.h"

struct lease {
    struct str name;
    int64_t wait_ms; /* until it is free and due; 0 or less: now */
    int64_t version;
};

/* Makes the row when it is missing. */
enum err lease_declare(struct db *db, struct fail *f, struct str name) MUST_CHECK;

/* All rows, in the arena. One query tells a process what is due and how long it may sleep. */
enum err lease_list(struct db *db, struct fail *f, struct arena *a, struct lease **ret, size_t *ret_n) MUST_CHECK;

/* owner is a text for the operator's eye. */
enum err lease_take(struct db *db, struct fail *f, struct lease *l, struct str owner, int64_t for_ms, bool *ret) MUST_CHECK;
enum err lease_renew(struct db *db, struct fail *f, struct lease *l, int64_t for_ms, bool *ret) MUST_CHECK;
/* Gives it back; the work is due again in again_ms. */
enum err lease_release(struct db *db, struct fail *f, struct lease *l, int64_t again_ms, bool *ret) MUST_CHECK;

#endif
