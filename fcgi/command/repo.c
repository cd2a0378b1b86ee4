/*
 * repo.c - `gantry repo ...`: repositories and who has which role on them.
 */
#include "access/role.h"
#include "account/grant.h"
#include "account/namespace.h"
#include "account/user.h"
#include "base/arena.h"
#include "base/config.h"
#include "command/verbs.h"
#include "db/repository.h"
#include "registry/repository.h"

#include <stdio.h>

/* Nobody in particular: performer 0 in the audit log, no rights of a creator. */
static const struct caller operator_caller = {.kind = CALLER_ANONYMOUS};

static enum err parse(struct session *s, struct repo_name *ret)
{
    return repo_name_parse(&s->f, s->args[0], str_z(s->w.config->library_namespace),
                           s->w.config->extended_names, ret);
}

/* NS/NAME of the arguments. */
static enum err find(struct session *s, struct repo *ret)
{
    struct repo_name name;
    enum err e = parse(s, &name);
    if (!e)
        e = repo_find(&s->w, &s->f, &name, ret);
    if (!e && !ret->id)
        e = fail(&s->f, E_NAME_UNKNOWN, "there is no repository %.*s", STR_ARG(s->args[0]));
    return e;
}

static enum err add(struct session *s)
{
    struct caller creator = operator_caller;
    struct repo_name name;
    struct account owner;
    struct repo repo;
    enum err e = parse(s, &name);
    if (!e && s->owner) {
        e = user_find(&s->w, &s->f, str_z(s->owner), &owner);
        if (!e)
            creator = (struct caller){.kind = CALLER_USER,
                                      .via = VIA_PASSWORD,
                                      .account_id = owner.id,
                                      .name = owner.name,
                                      .scopes = SCOPE_ALL};
    }
    return e ? e : repo_create(&s->w, &s->f, &creator, STR_NONE, &name, s->is_public, &repo);
}

static enum err next_page(struct session *s, const struct account *ns, const char *after_ns,
                          const char *after, struct repository_items *page)
{
    arena_reset(s->w.arena);
    if (ns)
        return repository_list_namespace(s->w.db, &s->f, s->w.arena, ns->id, str_z(after), PAGE,
                                         page);
    return repository_list_all(s->w.db, &s->f, s->w.arena, str_z(after_ns), str_z(after), PAGE,
                               page);
}

static enum err list(struct session *s)
{
    static const char *const columns[] = {"repository", "visibility", "state", "created"};
    static const struct str states[] = {STR_INIT("normal"), STR_INIT("read-only"),
                                        STR_INIT("mirror"), STR_INIT("deleted")};
    char after_ns[256] = "", after[256] = "";
    struct account ns;
    struct repository_items page = {.n = 0};
    struct table t;
    enum err e;
    if (s->n_args) {
        e = namespace_find(&s->w, &s->f, s->args[0], &ns);
        if (e)
            return e;
    }
    table_init(&t, s->json, columns, 4);
    do {
        e = next_page(s, s->n_args ? &ns : NULL, after_ns, after, &page);
        for (size_t i = 0; !e && i < page.n; i++) {
            const struct repository_item *r = &page.v[i];
            const char *full =
                arena_printf(s->w.arena, "%.*s/%.*s", STR_ARG(r->namespace_name), STR_ARG(r->name));
            if (!full)
                e = fail_internal(&s->f, E_NO_MEMORY, "no memory for a repository's name");
            else
                table_row(&t, (const struct cell[]){
                                  cell_text(str_z(full)),
                                  cell_text(r->is_public ? STR("public") : STR("private")),
                                  cell_text(states[r->state & 3]), cell_time(r->created_ms)});
        }
        if (e)
            break;
        table_flush(&t);
        if (page.n) {
            const struct repository_item *last = &page.v[page.n - 1];
            snprintf(after_ns, sizeof(after_ns), "%.*s", STR_ARG(last->namespace_name));
            snprintf(after, sizeof(after), "%.*s", STR_ARG(last->name));
        }
    } while (page.n == PAGE);
    if (!table_end(&t) && !e)
        e = fail_internal(&s->f, E_NO_MEMORY, "no memory for a page of the list");
    return e;
}

static enum err set_public(struct session *s, bool is_public)
{
    struct repo repo;
    enum err e = find(s, &repo);
    return e ? e : repo_set_public(&s->w, &s->f, &operator_caller, STR_NONE, &repo, is_public);
}

static enum err make_public(struct session *s)
{
    return set_public(s, true);
}

static enum err make_private(struct session *s)
{
    return set_public(s, false);
}

/* WHO of the arguments: an account, or with --team a team of the repository's organization. */
static enum err find_grantee(struct session *s, const struct repo *repo, struct account *account,
                             struct team *team, struct grantee *ret)
{
    struct str who = s->args[1];
    enum err e;
    if (s->team) {
        e = team_by_name(s->w.db, &s->f, s->w.arena, repo->namespace_id, who, team);
        if (e == E_NO_ROW)
            return fail(&s->f, E_NOT_FOUND, "%.*s has no team %.*s", STR_ARG(repo->namespace_name),
                        STR_ARG(who));
        *ret = (struct grantee){.team = team};
        return e;
    }
    e = account_by_name(s->w.db, &s->f, s->w.arena, who, account);
    if (e == E_NO_ROW)
        return fail(&s->f, E_NOT_FOUND, "there is no user or robot %.*s (for a team, say --team)",
                    STR_ARG(who));
    *ret = (struct grantee){.account = account};
    return e;
}

static enum err grant(struct session *s)
{
    struct repo repo;
    struct account account;
    struct team team;
    struct grantee who;
    enum repo_role role;
    enum err e;
    if (!repo_role_parse(s->args[2], &role))
        return verbs_misused(s, "'%.*s' is no role: there are read, write and admin",
                             STR_ARG(s->args[2]));
    e = find(s, &repo);
    if (!e)
        e = find_grantee(s, &repo, &account, &team, &who);
    return e ? e : grant_set(&s->w, &s->f, &verbs_operator, &repo, who, role);
}

static enum err revoke(struct session *s)
{
    struct repo repo;
    struct account account;
    struct team team;
    struct grantee who;
    enum err e = find(s, &repo);
    if (!e)
        e = find_grantee(s, &repo, &account, &team, &who);
    return e ? e : grant_revoke(&s->w, &s->f, &verbs_operator, &repo, who);
}

static enum err roles(struct session *s)
{
    static const char *const columns[] = {"name", "kind", "role"};
    struct permission_list grants;
    struct repo repo;
    struct table t;
    enum err e = find(s, &repo);
    if (!e)
        e = permission_list(s->w.db, &s->f, s->w.arena, repo.id, &grants);
    if (e)
        return e;
    table_init(&t, s->json, columns, 3);
    for (size_t i = 0; i < grants.n; i++) {
        const struct permission *g = &grants.v[i];
        table_row(&t,
                  (const struct cell[]){cell_text(g->name),
                                        cell_text(g->is_team    ? STR("team")
                                                  : g->is_robot ? STR("robot")
                                                                : STR("user")),
                                        cell_text(str_z(repo_role_name((enum repo_role)g->role)))});
    }
    return table_end(&t) ? E_OK : fail_internal(&s->f, E_NO_MEMORY, "no memory for the list");
}

static enum err delete_repo(struct session *s)
{
    struct repo repo;
    enum err e = find(s, &repo);
    return e ? e : repo_delete(&s->w, &s->f, &operator_caller, STR_NONE, &repo);
}

int command_repo(const struct command_line *line)
{
    static const struct verb verbs[] = {
        {"add", 1, 1, OPT_PUBLIC | OPT_OWNER, "NS/NAME [--public] [--owner USER]", add},
        {"list", 0, 1, OPT_JSON, "[NS] [--json]", list},
        {"public", 1, 1, 0, "NS/NAME", make_public},
        {"private", 1, 1, 0, "NS/NAME", make_private},
        {"grant", 3, 3, OPT_TEAM, "NS/NAME WHO read|write|admin [--team]", grant},
        {"revoke", 2, 2, OPT_TEAM, "NS/NAME WHO [--team]", revoke},
        {"roles", 1, 1, OPT_JSON, "NS/NAME [--json]", roles},
        {"delete", 1, 1, 0, "NS/NAME", delete_repo},
    };
    return verbs_run(line, "repo", verbs, sizeof(verbs) / sizeof(verbs[0]),
                     "WHO is a user, a robot (NS+SHORT), or with --team a team. With --owner that "
                     "user creates the repository and\nbecomes its admin. A deleted repository is "
                     "gone at once; its space is collected later.");
}
