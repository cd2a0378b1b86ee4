/*
 * org.c - `gantry org ...` and `gantry team ...`: organizations, their teams, and who is in them.
 */
#include "access/role.h"
#include "account/organization.h"
#include "account/team.h"
#include "account/user.h"
#include "base/arena.h"
#include "command/verbs.h"

#include <stdio.h>

/* ---- gantry org ---- */

static enum err org_add(struct session *s)
{
    struct account owner;
    enum err e;
    if (!s->owner)
        return verbs_misused(s, "an organization needs an owner: --owner USER");
    e = user_find(&s->w, &s->f, str_z(s->owner), &owner);
    return e ? e : org_create(&s->w, &s->f, &verbs_operator, s->args[0], str_z(s->email), &owner);
}

static enum err org_list(struct session *s)
{
    static const char *const columns[] = {"name", "enabled", "created", "email"};
    char after[256] = "";
    struct account_list page;
    struct table t;
    enum err e;
    table_init(&t, s->json, columns, 4);
    do {
        arena_reset(s->w.arena);
        e = account_list(s->w.db, &s->f, s->w.arena, ACCOUNT_ORGANIZATION, str_z(after), PAGE,
                         &page);
        if (e)
            break;
        for (size_t i = 0; i < page.n; i++) {
            const struct account *o = &page.v[i];
            table_row(&t, (const struct cell[]){cell_text(o->name), cell_bool(o->enabled),
                                                cell_time(o->created_ms), cell_text(o->email)});
        }
        table_flush(&t);
        if (page.n)
            snprintf(after, sizeof(after), "%.*s", STR_ARG(page.v[page.n - 1].name));
    } while (page.n == PAGE);
    if (!table_end(&t) && !e)
        e = fail_internal(&s->f, E_NO_MEMORY, "no memory for a page of the list");
    return e;
}

static enum err org_remove(struct session *s)
{
    struct account org;
    enum err e = org_find(&s->w, &s->f, s->args[0], &org);
    return e ? e : org_delete(&s->w, &s->f, &verbs_operator, &org, s->with_repositories);
}

int command_org(const struct command_line *line)
{
    static const struct verb verbs[] = {
        {"add", 1, 1, OPT_OWNER | OPT_EMAIL, "ORG --owner USER [--email E]", org_add},
        {"list", 0, 0, OPT_JSON, "[--json]", org_list},
        {"delete", 1, 1, OPT_WITH_REPOSITORIES, "ORG [--with-repositories]", org_remove},
    };
    return verbs_run(line, "org", verbs, sizeof(verbs) / sizeof(verbs[0]),
                     "The owner becomes a member of the team \"owners\", whose role is admin.");
}

/* ---- gantry team ---- */

/* ORG and, when there is one, TEAM of the arguments. */
static enum err find(struct session *s, struct account *org, struct team *team)
{
    enum err e = org_find(&s->w, &s->f, s->args[0], org);
    if (e || !team)
        return e;
    return team_find(&s->w, &s->f, org, s->args[1], team);
}

static enum err find_member(struct session *s, struct account *ret)
{
    enum err e = account_by_name(s->w.db, &s->f, s->w.arena, s->args[2], ret);
    if (e == E_NO_ROW)
        return fail(&s->f, E_NOT_FOUND, "there is no user or robot %.*s", STR_ARG(s->args[2]));
    return e;
}

static enum err team_add(struct session *s)
{
    struct account org;
    struct team team;
    enum team_role role;
    enum err e;
    if (!s->role || !team_role_parse(str_z(s->role), &role))
        return verbs_misused(s, "a team needs a role: --role member, creator or admin");
    e = find(s, &org, NULL);
    if (e)
        return e;
    e = team_by_name(s->w.db, &s->f, s->w.arena, org.id, s->args[1], &team);
    if (e == E_OK) /* it is there: give it the role that was asked for */
        return team_set_role(&s->w, &s->f, &verbs_operator, &org, &team, role);
    if (e != E_NO_ROW)
        return e;
    return team_create(&s->w, &s->f, &verbs_operator, &org, s->args[1], role,
                       str_z(s->description));
}

static enum err team_print_list(struct session *s)
{
    static const char *const columns[] = {"team", "role", "members", "description"};
    char after[256] = "";
    struct account org;
    struct team_list page;
    struct table t;
    enum err e = find(s, &org, NULL);
    if (e)
        return e;
    table_init(&t, s->json, columns, 4);
    do {
        arena_reset(s->w.arena);
        e = team_list(s->w.db, &s->f, s->w.arena, org.id, str_z(after), PAGE, &page);
        if (e)
            break;
        for (size_t i = 0; i < page.n; i++) {
            const struct team *row = &page.v[i];
            table_row(&t, (const struct cell[]){
                              cell_text(row->name),
                              cell_text(str_z(team_role_name((enum team_role)row->role))),
                              cell_number(row->members), cell_text(row->description)});
        }
        table_flush(&t);
        if (page.n)
            snprintf(after, sizeof(after), "%.*s", STR_ARG(page.v[page.n - 1].name));
    } while (page.n == PAGE);
    if (!table_end(&t) && !e)
        e = fail_internal(&s->f, E_NO_MEMORY, "no memory for a page of the list");
    return e;
}

static enum err team_print_members(struct session *s)
{
    static const char *const columns[] = {"member", "kind"};
    char after[256] = "";
    struct account org;
    struct team team;
    struct team_members page;
    struct table t;
    enum err e = find(s, &org, &team);
    if (e)
        return e;
    table_init(&t, s->json, columns, 2);
    do {
        arena_reset(s->w.arena);
        e = team_members(s->w.db, &s->f, s->w.arena, team.id, str_z(after), PAGE, &page);
        if (e)
            break;
        for (size_t i = 0; i < page.n; i++)
            table_row(&t,
                      (const struct cell[]){
                          cell_text(page.v[i].name),
                          cell_text(page.v[i].kind == ACCOUNT_ROBOT ? STR("robot") : STR("user"))});
        table_flush(&t);
        if (page.n)
            snprintf(after, sizeof(after), "%.*s", STR_ARG(page.v[page.n - 1].name));
    } while (page.n == PAGE);
    if (!table_end(&t) && !e)
        e = fail_internal(&s->f, E_NO_MEMORY, "no memory for a page of the list");
    return e;
}

static enum err team_grant(struct session *s)
{
    struct account org, member;
    struct team team;
    enum err e = find(s, &org, &team);
    if (!e)
        e = find_member(s, &member);
    return e ? e : team_add_member(&s->w, &s->f, &verbs_operator, &org, &team, &member);
}

static enum err team_revoke(struct session *s)
{
    struct account org, member;
    struct team team;
    enum err e = find(s, &org, &team);
    if (!e)
        e = find_member(s, &member);
    return e ? e : team_drop_member(&s->w, &s->f, &verbs_operator, &org, &team, &member);
}

static enum err team_remove_named(struct session *s)
{
    struct account org;
    struct team team;
    enum err e = find(s, &org, &team);
    return e ? e : team_delete(&s->w, &s->f, &verbs_operator, &org, &team);
}

int command_team(const struct command_line *line)
{
    static const struct verb verbs[] = {
        {"add", 2, 2, OPT_ROLE | OPT_DESCRIPTION,
         "ORG TEAM --role member|creator|admin [--description TEXT]", team_add},
        {"list", 1, 1, OPT_JSON, "ORG [--json]", team_print_list},
        {"members", 2, 2, OPT_JSON, "ORG TEAM [--json]", team_print_members},
        {"grant", 3, 3, 0, "ORG TEAM MEMBER", team_grant},
        {"revoke", 3, 3, 0, "ORG TEAM MEMBER", team_revoke},
        {"delete", 2, 2, 0, "ORG TEAM", team_remove_named},
    };
    return verbs_run(line, "team", verbs, sizeof(verbs) / sizeof(verbs[0]),
                     "An admin team rules the organization; a creator team makes repositories; a "
                     "member team has what it is granted.\n`team add` of a team that exists "
                     "changes its role. Members are users and the organization's own robots.");
}
