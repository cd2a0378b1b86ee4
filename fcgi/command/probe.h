/*
 * probe.h - one HTTPS request to our own nginx, as a client would make it: does the registry really answer?
 */
#ifndef GANTRY_COMMAND_PROBE_H
#define GANTRY_COMMAND_PROBE_H

#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"

/*
 * GET path from 127.0.0.1:GANTRY_LISTEN_PORT under the name of SERVER_HOSTNAME. With a certificate of our own CA the connection
 * must verify; another certificate is taken as it is. *ret_status: the HTTP status; the body is appended to *ret_body.
 * E_SYSTEM says what failed.
 */
enum err probe_get(struct fail *f, const struct config *c, const char *path, int *ret_status,
                   struct buf *ret_body) MUST_CHECK;

/* What `gantry up` promises: /v2/ challenges, /health/instance is 200. Tries again for up to `seconds`. */
enum err probe_serves(struct fail *f, const struct config *c, int seconds) MUST_CHECK;

#endif
