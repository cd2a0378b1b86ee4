/*
 * program.h - what the programs share: putting a struct worker together and taking it apart.
 */
#ifndef GANTRY_PROGRAM_PROGRAM_H
#define GANTRY_PROGRAM_PROGRAM_H

#include "base/config.h"
#include "base/err.h"
#include "base/worker.h"

#define ARENA_LIMIT ((size_t)64 << 20)

/* Once per process, before threads: SIGPIPE ignored, library initialisation (MariaDB, jansson's seed, OpenSSL). */
void program_init(void);
/* At the end of main: what leak checkers would otherwise report (mysql_library_end and the like). */
void program_done(void);

/* A worker for one thread. store and keys are shared and stay the caller's; db and redis connect when first used. */
enum err program_worker_init(struct worker *w, struct fail *f, const struct config *config, struct store *store,
                             struct keyring *keys) MUST_CHECK;
void program_worker_done(struct worker *w);

#endif
