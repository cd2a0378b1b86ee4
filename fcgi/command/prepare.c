/*
 * prepare.c - `gantry migrate`, and the two steps that the supervisor runs to their end in processes of their own, so that it
 * stays small: `prepare` (database, first account, certificate) and `renew` (certificate, twice a day). And `gantry nginx`.
 */
#include "command/command.h"

#include "account/user.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "command/certificate.h"
#include "command/files.h"
#include "command/paths.h"
#include "command/render.h"
#include "db/db.h"
#include "db/migrate.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define WAIT_S     30
#define RENEW_MADE 3
#define ADMIN      "admin"

/* ---- migrations ---- */

static void migrate_said(void *ctx, const struct migrate_event *event)
{
    (void)ctx;
    switch (event->kind) {
    case MIGRATE_WAITING:
        printf("waiting for %.*s, who migrates the database now\n", STR_ARG(event->name));
        break;
    case MIGRATE_PENDING:
        printf("%.*s would be applied (from statement %zu of %zu)\n", STR_ARG(event->name),
               event->statement, event->statements);
        break;
    case MIGRATE_FILE:
        printf("applying %.*s (statement %zu of %zu)\n", STR_ARG(event->name), event->statement,
               event->statements);
        break;
    case MIGRATE_FILE_DONE:
        printf("%.*s is applied\n", STR_ARG(event->name));
        break;
    case MIGRATE_RUNNING:
    case MIGRATE_RAN:
        break;
    }
    fflush(stdout);
}

static enum err sql_dir(struct fail *f, char *out)
{
    enum err e = path_data(f, "sql/0001-foundation.sql", out);
    if (!e)
        *strrchr(out, '/') = '\0';
    return e;
}

static enum err migrate(struct fail *f, const struct config *c, bool dry_run)
{
    char dir[PATH_MAX];
    struct migrate_options options = {.dir = dir, .notify = migrate_said, .dry_run = dry_run};
    enum err e = sql_dir(f, dir);
    return e ? e : migrate_run(&c->db, f, &options);
}

int command_migrate(const struct command_line *line)
{
    struct fail f = FAIL_INIT;
    char dir[PATH_MAX];
    struct migrate_status status;
    CLEANUP(config_freep) struct config *config = NULL;
    bool dry_run = line->argc == 1 && strcmp(line->argv[0], "--dry-run") == 0;
    if (line->argc != 0 && !dry_run)
        return command_usage("migrate");
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    enum err e = migrate(&f, config, dry_run);
    if (!e)
        e = sql_dir(&f, dir);
    if (!e)
        e = migrate_status(&config->db, &f, dir, &status);
    if (e)
        return command_failed("migrate", &f);
    printf("The schema of the database is version %d of %d.\n", status.version, status.latest);
    return 0;
}

/* ---- the first account ---- */

/* The superuser that `gantry init` made a password for. Once it exists, it is its owner's: never touched again. */
static enum err make_admin(struct worker *w, struct fail *f, const char *dir)
{
    char path[PATH_MAX];
    struct account account;
    struct fail unknown = FAIL_INIT;
    struct actor operator= {.account_id = 0};
    CLEANUP(buf_done) struct buf password = BUF_INIT;
    enum err e = user_find(w, &unknown, STR(ADMIN), &account);
    if (e != E_NOT_FOUND) {
        if (e)
            *f = unknown;
        return e;
    }
    e = path_join(f, dir, "admin-password", path);
    if (!e)
        e = file_read(f, path, 4096, &password);
    if (e == E_NO_ROW) {
        printf("there is no %s, so the account " ADMIN
               " is not made; `gantry user add` makes accounts\n",
               path);
        return E_OK;
    }
    if (e)
        return e;
    struct str text, rest;
    str_cut(buf_str(&password), '\n', &text, &rest);
    e = user_create(w, f, &operator, STR(ADMIN), STR_NONE, text, &account);
    OPENSSL_cleanse(password.p, password.size);
    if (!e)
        printf("the account " ADMIN " is made\n");
    return e;
}

static enum err wait_for_database(struct fail *f, struct db *db)
{
    uint64_t end = clock_mono_ns() + (uint64_t)WAIT_S * 1000000000u;
    for (;;) {
        struct fail now = FAIL_INIT;
        enum err e = db_ping(db, &now);
        if (!e || clock_mono_ns() > end) {
            if (e)
                *f = now;
            return e;
        }
        struct timespec nap = {.tv_nsec = 50000000};
        nanosleep(&nap, NULL);
    }
}

static enum err renew(struct fail *f, const struct config *c, bool *ret_made)
{
    char host[256];
    *ret_made = false;
    if (c->external_tls)
        return E_OK;
    render_host(c, host);
    return certificate_server(f, c->dir, host, ret_made);
}

int command_prepare(const struct command_line *line)
{
    struct fail f = FAIL_INIT;
    struct worker w;
    bool made;
    if (line->argc)
        return command_usage("prepare");
    enum err e = command_worker_init(line->dir, &f, &w);
    if (e)
        return command_failed("prepare", &f);
    e = wait_for_database(&f, w.db);
    if (!e)
        e = migrate(&f, w.config, false);
    if (!e)
        e = make_admin(&w, &f, line->dir);
    struct fail not_renewed = FAIL_INIT;
    /* One that is not renewed may be good for a while; when it is not, nginx and `doctor` say so. */
    if (!e && renew(&not_renewed, w.config, &made))
        (void)command_failed("the certificate is not renewed", &not_renewed);
    command_worker_done(&w);
    return e ? command_failed("prepare", &f) : 0;
}

/* ---- nginx's configuration, for an nginx that somebody else runs ---- */

static enum err print_nginx(struct fail *f, const struct config *c)
{
    CLEANUP(arena_freep) struct arena *a = arena_new((size_t)4 << 20);
    CLEANUP(buf_done) struct buf text = BUF_INIT;
    if (!a)
        return fail(f, E_NO_MEMORY, "out of memory");
    enum err e = render_nginx_text(f, c, a, &text);
    if (!e)
        fwrite(text.p, 1, text.n, stdout);
    return e;
}

int command_nginx(const struct command_line *line)
{
    struct fail f = FAIL_INIT;
    char program[PATH_MAX];
    CLEANUP(config_freep) struct config *config = NULL;
    bool write = line->argc == 1 && strcmp(line->argv[0], "--write") == 0;
    if (line->argc != 0 && !write)
        return command_usage("nginx");
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    enum err e =
        write ? path_foreign(&f, "nginx", "nginx-light", program) : print_nginx(&f, config);
    if (!e && write)
        e = render_nginx(&f, config, program);
    return e ? command_failed("nginx", &f) : 0;
}

int command_renew(const struct command_line *line)
{
    struct fail f = FAIL_INIT;
    bool made = false;
    CLEANUP(config_freep) struct config *config = NULL;
    if (line->argc)
        return command_usage("renew");
    if (command_config_load(line->dir, &config) != 0)
        return 1;
    if (renew(&f, config, &made))
        return command_failed("renew", &f);
    if (made)
        printf("the certificate of the server was made anew\n");
    return made ? RENEW_MADE : 0;
}
