/*
 * render.h - the configuration files of the embedded programs, made from config.yaml and the
 * templates.
 *
 * They are written anew at every start and reload; whoever edits them loses. nginx's is tried with
 * `nginx -t` under another name before it takes the place of the one in use.
 */
#ifndef GANTRY_COMMAND_RENDER_H
#define GANTRY_COMMAND_RENDER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/err.h"

/* The text of nginx.conf. */
enum err render_nginx_text(struct fail *f, const struct config *c, struct arena *a,
                           struct buf *out) MUST_CHECK;

/* DIR/nginx/nginx.conf and html/index.html; tried with the nginx at `program`. */
enum err render_nginx(struct fail *f, const struct config *c, const char *program) MUST_CHECK;
/* DIR/run/mariadb.cnf and DIR/run/mariadb-init.sql (0600: it holds the password). */
enum err render_mariadb(struct fail *f, const struct config *c) MUST_CHECK;
/* DIR/redis/redis.conf. */
enum err render_redis(struct fail *f, const struct config *c) MUST_CHECK;

/* Connections to the database that the pools and the worker may hold at once. */
int render_db_connections(const struct config *c);

/* The host of SERVER_HOSTNAME without port and brackets; out: 256 bytes. */
void render_host(const struct config *c, char *out);

/* The local storage that nginx serves: the first of DISTRIBUTED_STORAGE_PREFERENCE. */
const struct config_storage *render_storage(const struct config *c);

#endif
