/*
 * paths.h - where things are: the programs, the data files (templates, sql) and the default DIR.
 *
 * A build tree works without being installed: beside the programs lies a file `uninstalled` that
 * names the source directory (made by the makefile, never installed). Programs are first looked for
 * beside the running one, so that a stack started from a build tree never mixes in installed
 * programs.
 */
#ifndef GANTRY_COMMAND_PATHS_H
#define GANTRY_COMMAND_PATHS_H

#include "base/err.h"

/* Our own program: "gantry-fcgi" -> absolute path (PATH_MAX bytes). */
enum err path_program(struct fail *f, const char *name, char *out) MUST_CHECK;
/* Somebody else's: PATH, then the sbin directories, which are not in everybody's PATH. */
enum err path_foreign(struct fail *f, const char *name, const char *package, char *out) MUST_CHECK;
/* A data file: "nginx/gantry.conf.in" -> absolute path. $GANTRY_DATADIR, the source directory of a
 * build tree, pkgdatadir. */
enum err path_data(struct fail *f, const char *relative, char *out) MUST_CHECK;
/* The DIR of commands without --dir: $GANTRY_DIR, /var/lib/gantry for root, else below the home
 * directory. */
enum err path_default_dir(struct fail *f, char *out) MUST_CHECK;
/* An absolute DIR of harmless characters (it goes into several programs' configuration files), not
 * too long for sockets. */
enum err path_check_dir(struct fail *f, const char *dir, char *out) MUST_CHECK;

#endif
