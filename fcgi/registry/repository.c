/*
 * repository.c - see repository.h.
 */
#include "registry/repository.h"

#include "base/arena.h"
#include "db/repository.h"

enum err repo_find(struct worker *w, struct fail *f, const struct repo_name *name, struct repo *ret)
{
    struct repository_found found;
    enum err e = repository_find(w->db, f, name->namespace_name, name->name, &found);
    if (e)
        return e;
    struct repo out = {
        .id = found.id,
        .namespace_id = found.namespace_id,
        .namespace_name = arena_str(w->arena, name->namespace_name),
        .name = arena_str(w->arena, name->name),
        .is_public = found.is_public,
        .namespace_enabled = found.namespace_enabled,
        .namespace_is_org = found.namespace_is_org,
        .state = (enum repo_state)found.state,
    };
    if (!out.namespace_name.p || !out.name.p)
        return fail_internal(f, E_NO_MEMORY, "no memory for the names of a repository");
    *ret = out;
    return E_OK;
}
