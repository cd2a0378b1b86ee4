/*
 * health_database.h - does the database answer within 5 seconds?
 */
#ifndef GANTRY_API_HEALTH_DATABASE_H
#define GANTRY_API_HEALTH_DATABASE_H

#include "base/config.h"
#include "base/err.h"

#include <stdbool.h>

/* False: it does not, and the reason is fail_internal()'d in f. */
bool health_database(const struct config_db *config, struct fail *f);

#endif
