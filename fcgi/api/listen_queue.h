/*
 * listen_queue.h - how many connections wait on a listening unix socket until somebody accepts them.
 */
#ifndef GANTRY_API_LISTEN_QUEUE_H
#define GANTRY_API_LISTEN_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

/* False: no such socket, or the kernel does not tell (sock_diag(7) is not there or not allowed). */
bool listen_queue(const char *path, uint32_t *ret_depth);

#endif
