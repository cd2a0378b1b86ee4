/*
 * files.h - small files and directories of the operator's side: configuration, secrets, generated
 * files.
 *
 * A file is replaced as a whole (temporary name, fsync, rename), so a reader never sees half of it
 * and a crash leaves the old one. Symbolic links at the end of a path are never followed when
 * writing.
 */
#ifndef GANTRY_COMMAND_FILES_H
#define GANTRY_COMMAND_FILES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* "<dir>/<relative>" into out (PATH_MAX bytes); what does not fit is E_SYSTEM. */
enum err path_join(struct fail *f, const char *dir, const char *relative, char *out) MUST_CHECK;

/* Appends at most max bytes; E_NO_ROW (not recorded) when there is no such file. */
enum err file_read(struct fail *f, const char *path, size_t max, struct buf *ret) MUST_CHECK;
/* At most the last max bytes behind offset since, from the start of a line. Nothing when it cannot be read. */
void file_tail(const char *path, off_t since, size_t max, struct buf *ret);
/* 0 when there is none. */
off_t file_size(const char *path);

enum err file_write(struct fail *f, const char *path, struct str text, mode_t mode) MUST_CHECK;
/* As file_write, but an equal file is left alone; *ret_changed says which. */
enum err file_update(struct fail *f, const char *path, struct str text, mode_t mode,
                     bool *ret_changed) MUST_CHECK;
bool file_exists(const char *path);

/* Makes the directory when it is missing; an existing one keeps its mode. */
enum err dir_make(struct fail *f, const char *path, mode_t mode) MUST_CHECK;
/* The same with its parents (0755). */
enum err dir_make_all(struct fail *f, const char *path, mode_t mode) MUST_CHECK;

#endif
