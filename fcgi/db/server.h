/*
 * server.h - facts about the database server, for doctor, health and metrics. One value an accessor, one round trip each.
 */
#ifndef GANTRY_DB_SERVER_H
#define GANTRY_DB_SERVER_H

#include "db/db.h"

/* "10.11.19-MariaDB-0+deb12u1"; in the arena. */
enum err server_version(struct db *db, struct fail *f, struct arena *a, struct str *ret) MUST_CHECK;

/* Connections the server admits, and how many there are now (ours and others'). */
enum err server_max_connections(struct db *db, struct fail *f, int64_t *ret) MUST_CHECK;
enum err server_threads_connected(struct db *db, struct fail *f, int64_t *ret) MUST_CHECK;

/* Bytes: a manifest must fit into one packet. */
enum err server_max_allowed_packet(struct db *db, struct fail *f, int64_t *ret) MUST_CHECK;

enum err server_read_only(struct db *db, struct fail *f, bool *ret) MUST_CHECK;

/* Of our own session; in the arena. */
enum err server_sql_mode(struct db *db, struct fail *f, struct arena *a, struct str *ret) MUST_CHECK;

/* The last complete migration (db/migrate.h), 0 when there is none; what a program asks before it serves. */
enum err server_schema_version(struct db *db, struct fail *f, int64_t *ret) MUST_CHECK;

/* The server's wall clock, milliseconds since the epoch. */
enum err server_clock_ms(struct db *db, struct fail *f, int64_t *ret) MUST_CHECK;

#endif
