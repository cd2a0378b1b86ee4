/*
 * service.h - the programs of the embedded stack: how each is started, when it is ready, how it is stopped.
 *
 * Stages start in order and stop in reverse: 1 what holds state (MariaDB, Redis), then migrations run, 2 pools and worker, 3 nginx.
 */
#ifndef GANTRY_COMMAND_SERVICE_H
#define GANTRY_COMMAND_SERVICE_H

#include "base/config.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVICE_ARGS 8
#define SERVICE_ARG  4096

struct service_command {
    char text[SERVICE_ARGS][SERVICE_ARG];
    const char *argv[SERVICE_ARGS + 1];
    int n;
};

struct service {
    const char *name; /* also of its log file DIR/log/<name>.log */
    int stage;
    int stop_signal, stop_s; /* after stop_s seconds it is killed */
    int start_s;             /* it must be ready within this time */
    bool reloads;            /* understands SIGHUP as "read the configuration again" */
    bool follows_log;        /* opens its log again by itself when it was renamed (base/log.h) */
    bool binds;              /* may need the capability for ports below 1024 */
    bool (*wanted)(const struct config *c);
    enum err (*command)(struct fail *f, const struct config *c, struct service_command *ret);
    bool (*ready)(const struct config *c, pid_t pid); /* NULL: as soon as it runs */
    const char
        *socket; /* below DIR: made by the supervisor, inherited by the service; NULL for none */
};

extern const struct service services[];
extern const int n_services;

/* Makes what the stage-1 programs need: configuration files, an empty database. Slow only the first time. */
enum err service_prepare(struct fail *f, const struct config *c) MUST_CHECK;
/* Whether the embedded MariaDB has never been here. */
bool service_first_time(const struct config *c);

#endif
