/*
 * user.c - `gantry user ...`: the people of the registry.
 */
#include "account/user.h"

#include "base/arena.h"
#include "base/config.h"
#include "command/verbs.h"

#include <openssl/crypto.h>
#include <stdio.h>

/* A random password is shown now or never. */
static void show_password(const struct session *s, struct str name, const char *password,
                          bool random)
{
    static const char *const columns[] = {"user", "password"};
    table_object(s->json, columns,
                 (const struct cell[]){cell_text(name), cell_text(str_z(password))},
                 random ? 2 : 1);
}

static enum err add(struct session *s)
{
    char password[VERB_PASSWORD_MAX];
    struct account user;
    bool random;
    enum err e = verbs_password(s, password, &random);
    if (e)
        return e;
    e = user_create(&s->w, &s->f, &verbs_operator, s->args[0], str_z(s->email), str_z(password),
                    &user);
    if (!e)
        show_password(s, user.name, password, random);
    OPENSSL_cleanse(password, sizeof(password));
    return e;
}

static enum err passwd(struct session *s)
{
    char password[VERB_PASSWORD_MAX];
    struct account user;
    bool random;
    enum err e = user_find(&s->w, &s->f, s->args[0], &user);
    if (!e)
        e = verbs_password(s, password, &random);
    if (e)
        return e;
    e = user_set_password(&s->w, &s->f, &verbs_operator, &user, str_z(password));
    if (!e)
        show_password(s, user.name, password, random);
    OPENSSL_cleanse(password, sizeof(password));
    return e;
}

static enum err set_enabled(struct session *s, bool enabled)
{
    struct account user;
    enum err e = user_find(&s->w, &s->f, s->args[0], &user);
    return e ? e : user_set_enabled(&s->w, &s->f, &verbs_operator, &user, enabled);
}

static enum err enable(struct session *s)
{
    return set_enabled(s, true);
}

static enum err disable(struct session *s)
{
    return set_enabled(s, false);
}

static enum err delete_user(struct session *s)
{
    struct account user;
    enum err e = user_find(&s->w, &s->f, s->args[0], &user);
    return e ? e : user_delete(&s->w, &s->f, &verbs_operator, &user, s->with_repositories);
}

static struct str role_of(const struct config *config, struct str name)
{
    if (strs_has(&config->readonly_super_users, name))
        return STR("read-only superuser");
    return strs_has(&config->super_users, name) ? STR("superuser") : STR("user");
}

static enum err list(struct session *s)
{
    static const char *const columns[] = {"name",    "role",          "enabled",
                                          "created", "last_accessed", "email"};
    char after[256] = "";
    struct account_list page;
    struct table t;
    enum err e;
    table_init(&t, s->json, columns, 6);
    do {
        arena_reset(s->w.arena);
        e = account_list(s->w.db, &s->f, s->w.arena, ACCOUNT_USER, str_z(after), PAGE, &page);
        if (e)
            break;
        for (size_t i = 0; i < page.n; i++) {
            const struct account *u = &page.v[i];
            table_row(&t, (const struct cell[]){
                              cell_text(u->name), cell_text(role_of(s->w.config, u->name)),
                              cell_bool(u->enabled), cell_time(u->created_ms),
                              cell_time(u->last_accessed_ms), cell_text(u->email)});
        }
        table_flush(&t);
        if (page.n)
            snprintf(after, sizeof(after), "%.*s", STR_ARG(page.v[page.n - 1].name));
    } while (page.n == PAGE);
    if (!table_end(&t) && !e)
        e = fail_internal(&s->f, E_NO_MEMORY, "no memory for a page of the list");
    return e;
}

int command_user(const struct command_line *line)
{
    static const struct verb verbs[] = {
        {"add", 1, 1, OPT_EMAIL | OPT_PASSWORD_STDIN | OPT_JSON,
         "NAME [--email E] [--password-stdin] [--json]", add},
        {"list", 0, 0, OPT_JSON, "[--json]", list},
        {"passwd", 1, 1, OPT_PASSWORD_STDIN | OPT_JSON, "NAME [--password-stdin] [--json]", passwd},
        {"enable", 1, 1, 0, "NAME", enable},
        {"disable", 1, 1, 0, "NAME", disable},
        {"delete", 1, 1, OPT_WITH_REPOSITORIES, "NAME [--with-repositories]", delete_user},
    };
    return verbs_run(line, "user", verbs, sizeof(verbs) / sizeof(verbs[0]),
                     "Without --password-stdin a random password is made and printed, once. A "
                     "superuser is a user whose name\nstands in SUPER_USERS of config.yaml.");
}
