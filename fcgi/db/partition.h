/*
 * partition.h - the audit log's partitions, one a month, made before they are needed.
 */
#ifndef GANTRY_DB_PARTITION_H
#define GANTRY_DB_PARTITION_H

#include "db/db.h"

/*
 * Makes what is missing of the partitions of now's month and the `months` after it (UTC). *ret_made says how many. Run
 * under a lease: two at once would get in each other's way. An interrupted run is mended by the next.
 */
enum err partition_ahead(struct db *db, struct fail *f, int64_t now_ms, int months, int *ret_made) MUST_CHECK;

#endif
