/*
 * cleanup.h - what is not memory of an arena is closed by the scope that holds it.
 *
 *     CLEANUP(fd_close) int fd = -1;
 *     CLEANUP(json_drop) json_t *doc = NULL;
 *
 * The function gets a pointer to the variable and must accept the empty value. Passing ownership on is
 * TAKE_PTR(p) or TAKE_FD(fd). A function with a CLEANUP variable has no goto (-Wjump-misses-init).
 */
#ifndef GANTRY_BASE_CLEANUP_H
#define GANTRY_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define TAKE_PTR(p)             \
    __extension__({             \
        __typeof__(p) _t = (p); \
        (p) = NULL;             \
        _t;                     \
    })

#define TAKE_FD(fd)    \
    __extension__({    \
        int _t = (fd); \
        (fd) = -1;     \
        _t;            \
    })

static inline void fd_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* For malloc'ed memory: CLEANUP(ptr_free) char *s = NULL; */
static inline void ptr_free(void *pp)
{
    free(*(void **)pp);
}

#endif
