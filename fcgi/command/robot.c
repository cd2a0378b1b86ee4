/*
 * robot.c - `gantry robot ...` and `gantry token ...`: what signs in without a person.
 */
#include "account/robot.h"

#include "account/namespace.h"
#include "account/token.h"
#include "account/user.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"
#include "command/verbs.h"
#include "db/token.h"

#include <openssl/crypto.h>
#include <stdio.h>

/* ---- gantry robot ---- */

static void show_token(const struct session *s, struct str name, const char *token)
{
    static const char *const columns[] = {"robot", "token"};
    table_object(s->json, columns, (const struct cell[]){cell_text(name), cell_text(str_z(token))},
                 2);
}

/* NS SHORT of the arguments. */
static enum err find_robot(struct session *s, struct account *ret)
{
    const char *name =
        arena_printf(s->w.arena, "%.*s+%.*s", STR_ARG(s->args[0]), STR_ARG(s->args[1]));
    if (!name)
        return fail_internal(&s->f, E_NO_MEMORY, "no memory for a robot's name");
    return robot_find(&s->w, &s->f, str_z(name), ret);
}

static enum err robot_add(struct session *s)
{
    char token[ROBOT_TOKEN_CHARS + 1];
    struct account ns, robot;
    enum err e = namespace_find(&s->w, &s->f, s->args[0], &ns);
    if (!e)
        e = robot_create(&s->w, &s->f, &verbs_operator, &ns, s->args[1], str_z(s->description),
                         &robot, token);
    if (e)
        return e;
    show_token(s, robot.name, token);
    OPENSSL_cleanse(token, sizeof(token));
    return E_OK;
}

static enum err robot_renew(struct session *s)
{
    char token[ROBOT_TOKEN_CHARS + 1];
    struct account robot;
    enum err e = find_robot(s, &robot);
    if (!e)
        e = robot_regenerate(&s->w, &s->f, &verbs_operator, &robot, token);
    if (e)
        return e;
    show_token(s, robot.name, token);
    OPENSSL_cleanse(token, sizeof(token));
    return E_OK;
}

static enum err robot_remove(struct session *s)
{
    struct account robot;
    enum err e = find_robot(s, &robot);
    return e ? e : robot_delete(&s->w, &s->f, &verbs_operator, &robot);
}

static enum err robot_list(struct session *s)
{
    static const char *const columns[] = {"robot", "created", "last_accessed"};
    char after[256] = "";
    struct account ns;
    struct account_list page;
    struct table t;
    enum err e = namespace_find(&s->w, &s->f, s->args[0], &ns);
    if (e)
        return e;
    table_init(&t, s->json, columns, 3);
    do {
        arena_reset(s->w.arena);
        e = account_robots(s->w.db, &s->f, s->w.arena, ns.id, str_z(after), PAGE, &page);
        if (e)
            break;
        for (size_t i = 0; i < page.n; i++)
            table_row(&t, (const struct cell[]){cell_text(page.v[i].name),
                                                cell_time(page.v[i].created_ms),
                                                cell_time(page.v[i].last_accessed_ms)});
        table_flush(&t);
        if (page.n)
            snprintf(after, sizeof(after), "%.*s", STR_ARG(page.v[page.n - 1].name));
    } while (page.n == PAGE);
    if (!table_end(&t) && !e)
        e = fail_internal(&s->f, E_NO_MEMORY, "no memory for a page of the list");
    return e;
}

int command_robot(const struct command_line *line)
{
    static const struct verb verbs[] = {
        {"add", 2, 2, OPT_DESCRIPTION | OPT_JSON, "NS SHORT [--description TEXT] [--json]",
         robot_add},
        {"list", 1, 1, OPT_JSON, "NS [--json]", robot_list},
        {"regenerate", 2, 2, OPT_JSON, "NS SHORT [--json]", robot_renew},
        {"delete", 2, 2, 0, "NS SHORT", robot_remove},
    };
    return verbs_run(line, "robot", verbs, sizeof(verbs) / sizeof(verbs[0]),
                     "NS is a user or an organization. The robot signs in as NS+SHORT with the "
                     "token that `add` prints; it may do\nnothing until `gantry repo grant` or "
                     "`gantry team grant` says so.");
}

/* ---- gantry token ---- */

static enum err token_add(struct session *s)
{
    static const char *const columns[] = {"uuid", "expires", "sign_in_as", "token"};
    char uuid[UUID_TEXT], token[TOKEN_CHARS + 1];
    struct account user;
    int64_t expires_ms = 0, seconds = 0;
    enum err e;
    struct str title = s->n_args > 1 ? s->args[1] : STR("made by the operator");
    if (s->app == s->oauth)
        return verbs_misused(s, "say which kind: --app, or --oauth --scope SCOPES");
    if (s->expires) {
        if (!config_duration(str_z(s->expires), &seconds) || seconds <= 0 ||
            seconds > INT64_MAX / 2000)
            return verbs_misused(
                s, "--expires %s is no time from now: 12h, 30d or 52w, for example", s->expires);
        expires_ms = clock_ms() + 1000 * seconds;
    }
    e = user_find(&s->w, &s->f, s->args[0], &user);
    if (e)
        return e;
    if (s->app)
        e = token_create_app(&s->w, &s->f, &verbs_operator, &user, title, expires_ms, uuid, token);
    else
        e = token_create_oauth(&s->w, &s->f, &verbs_operator, &user, title, str_z(s->scope),
                               expires_ms, uuid, token);
    if (e)
        return e;
    if (s->oauth && !expires_ms)
        expires_ms = clock_ms() + 1000 * TOKEN_OAUTH_DEFAULT_S;
    table_object(s->json, columns,
                 (const struct cell[]){cell_text(str_z(uuid)), cell_time(expires_ms),
                                       cell_text(s->app ? STR("$app") : STR("$oauthtoken")),
                                       cell_text(str_z(token))},
                 4);
    OPENSSL_cleanse(token, sizeof(token));
    return E_OK;
}

/* What does not fill a page waits for the other kind: one look, one set of columns. */
static enum err list_app(struct session *s, struct table *t, int64_t account_id)
{
    struct app_token_list page;
    int64_t after = 0;
    do {
        enum err e;
        e = app_token_list(s->w.db, &s->f, s->w.arena, account_id, after, PAGE, &page);
        if (e)
            return e;
        for (size_t i = 0; i < page.n; i++) {
            const struct app_token *row = &page.v[i];
            table_row(t, (const struct cell[]){
                             cell_text(row->uuid), cell_text(STR("app")), cell_text(row->title),
                             cell_text(STR_NONE), cell_time(row->created_ms),
                             cell_time(row->expires_ms), cell_time(row->last_accessed_ms)});
            after = row->id;
        }
        if (page.n == PAGE) {
            table_flush(t);
            arena_reset(s->w.arena);
        }
    } while (page.n == PAGE);
    return E_OK;
}

static enum err list_oauth(struct session *s, struct table *t, int64_t account_id)
{
    struct oauth_token_list page;
    int64_t after = 0;
    do {
        enum err e;
        e = oauth_token_list(s->w.db, &s->f, s->w.arena, account_id, after, PAGE, &page);
        if (e)
            return e;
        for (size_t i = 0; i < page.n; i++) {
            const struct oauth_token *row = &page.v[i];
            table_row(t,
                      (const struct cell[]){cell_text(row->uuid), cell_text(STR("oauth")),
                                            cell_text(row->display_name), cell_text(row->scope),
                                            cell_time(row->created_ms), cell_time(row->expires_ms),
                                            cell_time(row->last_accessed_ms)});
            after = row->id;
        }
        if (page.n == PAGE) {
            table_flush(t);
            arena_reset(s->w.arena);
        }
    } while (page.n == PAGE);
    return E_OK;
}

static enum err token_list(struct session *s)
{
    static const char *const columns[] = {"uuid",    "kind",    "title",        "scope",
                                          "created", "expires", "last_accessed"};
    struct account user;
    struct table t;
    enum err e = user_find(&s->w, &s->f, s->args[0], &user);
    if (e)
        return e;
    table_init(&t, s->json, columns, 7);
    e = list_app(s, &t, user.id);
    if (!e)
        e = list_oauth(s, &t, user.id);
    if (!table_end(&t) && !e)
        e = fail_internal(&s->f, E_NO_MEMORY, "no memory for a page of the list");
    return e;
}

static enum err token_remove(struct session *s)
{
    return token_revoke(&s->w, &s->f, &verbs_operator, s->args[0]);
}

int command_token(const struct command_line *line)
{
    static const struct verb verbs[] = {
        {"add", 1, 2, OPT_APP | OPT_OAUTH | OPT_SCOPE | OPT_EXPIRES | OPT_JSON,
         "USER --app [TITLE] | USER --oauth --scope \"repo:read repo:write\" [TITLE] "
         "[--expires 30d] [--json]",
         token_add},
        {"list", 1, 1, OPT_JSON, "USER [--json]", token_list},
        {"revoke", 1, 1, 0, "UUID", token_remove},
    };
    return verbs_run(line, "token", verbs, sizeof(verbs) / sizeof(verbs[0]),
                     "An app token is a password for one machine: user name $app. An OAuth token "
                     "is capped by its scopes: user name\n$oauthtoken, or Bearer under /api/. A "
                     "token is printed once.");
}
