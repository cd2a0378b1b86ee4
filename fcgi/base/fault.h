/*
 * fault.h - named places where a drill can kill the process: FAULT("commit-before-rename").
 *
 * Compiled in only with -DGANTRY_FAULTS: then the process whose environment says
 * GANTRY_FAULT=<name> ends there as if by kill -9. Otherwise nothing. A place is named
 * <what>-<before|after>-<step> and stands where a lost process would leave a state that something
 * must be able to mend.
 */
#ifndef GANTRY_BASE_FAULT_H
#define GANTRY_BASE_FAULT_H

#ifdef GANTRY_FAULTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static inline void fault_point(const char *name)
{
    const char *wanted = getenv("GANTRY_FAULT");
    if (wanted && strcmp(wanted, name) == 0)
        raise(SIGKILL);
}
#define FAULT(name) fault_point(name)
#else
#define FAULT(name) ((void)0)
#endif

#endif
