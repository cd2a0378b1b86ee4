/*
 * accounts.c - see accounts.h.
 */
#include "accounts.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

struct config config;
struct worker w;
const struct actor nobody = {.account_id = 0};

static struct config_db where;
static char library[] = "library", secret[] = "a secret of the tests, long enough",
            normal[] = "normal";

void people_reset(void)
{
    config = (struct config){
        .db = where,
        .library_namespace = library,
        .database_secret_key = secret,
        .registry_state = normal,
        .anonymous_access = true,
        .extended_names = true,
        .create_private = true,
        .default_tag_expiration_s = 1209600,
    };
}

void people_start(const char *database)
{
    where = database_migrated(database);
    people_reset();
    w = people_worker();
}

void people_stop(void)
{
    people_worker_done(&w);
}

struct worker people_worker(void)
{
    struct worker made = {
        .config = &config, .db = db_new(&config.db), .arena = arena_new((size_t)64 << 20)};
    assert_non_null(made.db);
    assert_non_null(made.arena);
    return made;
}

void people_worker_done(struct worker *worker)
{
    db_freep(&worker->db);
    arena_freep(&worker->arena);
}

struct account make_user(const char *name)
{
    struct fail f = FAIL_INIT;
    struct account out = {.id = 0};
    assert_ok(user_create(&w, &f, &nobody, str_z(name), STR_NONE, STR("pass-word-1"), &out), &f);
    return out;
}

struct account make_org(const char *name, const struct account *owner)
{
    struct fail f = FAIL_INIT;
    struct account out = {.id = 0};
    assert_ok(org_create(&w, &f, &nobody, str_z(name), STR_NONE, owner), &f);
    assert_ok(org_find(&w, &f, str_z(name), &out), &f);
    return out;
}

struct team make_team(const struct account *org, const char *name, enum team_role role)
{
    struct fail f = FAIL_INIT;
    struct team out = {.id = 0};
    assert_ok(team_create(&w, &f, &nobody, org, str_z(name), role, STR_NONE), &f);
    assert_ok(team_find(&w, &f, org, str_z(name), &out), &f);
    return out;
}

struct account make_robot(const struct account *ns, const char *shortname)
{
    struct fail f = FAIL_INIT;
    char token[ROBOT_TOKEN_CHARS + 1];
    struct account out = {.id = 0};
    assert_ok(robot_create(&w, &f, &nobody, ns, str_z(shortname), STR_NONE, &out, token), &f);
    return out;
}

struct repo make_repo(const struct account *creator, const char *ns, const char *name,
                      bool is_public)
{
    struct fail f = FAIL_INIT;
    struct repo_name full = full_name(ns, name);
    struct caller by = creator ? caller_user(creator) : (struct caller){.kind = CALLER_ANONYMOUS};
    struct repo out = {.id = 0};
    assert_ok(repo_create(&w, &f, &by, STR_NONE, &full, is_public, &out), &f);
    return out;
}

void join_team(const struct account *org, const struct team *team, const struct account *member)
{
    struct fail f = FAIL_INIT;
    assert_ok(team_add_member(&w, &f, &nobody, org, team, member), &f);
}

void give(const struct repo *repo, const struct account *who, enum repo_role role)
{
    struct fail f = FAIL_INIT;
    assert_ok(grant_set(&w, &f, &nobody, repo, (struct grantee){.account = who}, role), &f);
}

void give_team(const struct repo *repo, const struct team *team, enum repo_role role)
{
    struct fail f = FAIL_INIT;
    assert_ok(grant_set(&w, &f, &nobody, repo, (struct grantee){.team = team}, role), &f);
}

struct caller caller_user(const struct account *a)
{
    return (struct caller){.kind = CALLER_USER,
                           .via = VIA_PASSWORD,
                           .account_id = a->id,
                           .name = a->name,
                           .scopes = SCOPE_ALL};
}

struct caller caller_robot(const struct account *a)
{
    return (struct caller){.kind = CALLER_ROBOT,
                           .via = VIA_ROBOT_TOKEN,
                           .account_id = a->id,
                           .name = a->name,
                           .namespace_id = a->namespace_id,
                           .scopes = SCOPE_ALL};
}

struct repo_name full_name(const char *ns, const char *name)
{
    return (struct repo_name){.namespace_name = str_z(ns), .name = str_z(name)};
}

static enum log_kind kind_of(const char *name)
{
    for (int i = 1; i < 1000; i++) {
        if (strcmp(log_kind_name((enum log_kind)i), name) == 0)
            return (enum log_kind)i;
    }
    fail_msg("there is no kind %s", name);
    return LOG_KIND_NONE;
}

int64_t audited(const char *kind)
{
    char sql[200];
    snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM %s.log_entry WHERE kind = %d", where.name,
             (int)kind_of(kind));
    return admin_int(sql);
}

const char *audited_last(const char *kind)
{
    static char *text;
    char sql[200];
    free(text);
    snprintf(sql, sizeof(sql),
             "SELECT metadata FROM %s.log_entry WHERE kind = %d ORDER BY id DESC LIMIT 1",
             where.name, (int)kind_of(kind));
    text = admin_text(sql);
    return text;
}

int64_t number(const char *sql)
{
    struct buf b = BUF_INIT;
    int64_t n;
    for (const char *p = sql; *p; p++) {
        if (p[0] == '%' && p[1] == 's') {
            buf_putz(&b, where.name);
            p++;
        } else {
            buf_putc(&b, *p);
        }
    }
    n = admin_int(b.p);
    buf_done(&b);
    return n;
}
