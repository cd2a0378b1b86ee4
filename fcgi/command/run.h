/*
 * run.h - running another program to its end.
 */
#ifndef GANTRY_COMMAND_RUN_H
#define GANTRY_COMMAND_RUN_H

#include "base/buf.h"
#include "base/err.h"

/*
 * argv[0] is an absolute path. What it writes to either output is appended to *ret_said (at most 64
 * KiB, the rest is read and dropped). *ret_status: its exit status, 128 + the signal that ended it.
 * E_SYSTEM when it cannot be started.
 */
enum err run_program(struct fail *f, const char *const *argv, struct buf *ret_said,
                     int *ret_status) MUST_CHECK;

#endif
