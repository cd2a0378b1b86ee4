/*
 * namespace.c - see namespace.h.
 */
#include "account/namespace.h"

#include "db/permission.h"
#include "db/repository.h"
#include "db/team.h"

enum err namespace_find(struct worker *w, struct fail *f, struct str name, struct account *ret)
{
    struct account found;
    enum err e = account_by_name(w->db, f, w->arena, name, &found);
    if (e == E_NO_ROW || (e == E_OK && found.kind == ACCOUNT_ROBOT))
        return fail(f, E_NOT_FOUND, "there is no user or organization %.*s", STR_ARG(name));
    if (e)
        return e;
    *ret = found;
    return E_OK;
}

enum err namespace_taken(struct fail *f, struct str name)
{
    if (f)
        fail_clear(f);
    return fail(f, E_CONFLICT, "the name %.*s, or its e-mail address, is taken by another account",
                STR_ARG(name));
}

enum err namespace_end(struct db *db, struct fail *f, const struct account *ns,
                       bool with_repositories)
{
    struct account_locked locked;
    int64_t living = 0;
    bool any = false;
    enum err e = account_lock(db, f, ns->id, &locked);
    if (e)
        return e == E_NO_ROW
                   ? fail(f, E_NOT_FOUND, "%.*s does not exist any more", STR_ARG(ns->name))
                   : e;
    e = repository_count(db, f, ns->id, &living);
    if (e)
        return e;
    if (living && !with_repositories)
        return fail(f, E_CONFLICT,
                    "%.*s still has %lld %s: delete %s first, or all together "
                    "(--with-repositories)",
                    STR_ARG(ns->name), (long long)living,
                    living == 1 ? "repository" : "repositories", living == 1 ? "it" : "them");
    e = account_delete_robots(db, f, ns->id);
    if (e)
        return e;
    e = repository_any(db, f, ns->id, &any);
    if (e)
        return e;
    if (!any)
        return account_delete(db, f, ns->id);
    e = repository_mark_all(db, f, ns->id);
    if (!e)
        e = team_remove_all(db, f, ns->id);
    if (!e)
        e = team_member_remove_all(db, f, ns->id);
    if (!e)
        e = permission_remove_all_of(db, f, ns->id);
    if (!e)
        e = account_retire(db, f, ns->id);
    return e;
}

enum err namespace_purge(struct worker *w, struct fail *f, size_t *ret_dropped)
{
    int64_t *ids;
    size_t n;
    enum err e = account_retired(w->db, f, w->arena, NAMESPACE_PURGE_STEP, &ids, &n);
    if (e)
        return e;
    for (size_t i = 0; i < n; i++) {
        e = account_delete(w->db, f, ids[i]);
        if (e)
            return e;
    }
    *ret_dropped = n;
    return E_OK;
}
