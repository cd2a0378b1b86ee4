/*
 * catalog.c - see catalog.h.
 */
#include "registry/catalog.h"

#include "access/role.h"
#include "base/config.h"

enum err catalog_list(struct worker *w, struct fail *f, const struct caller *c, struct str after,
                      size_t limit, struct repository_items *ret, bool *ret_more)
{
    bool may_read = c->account_id && role_of_scopes(c->scopes) >= ROLE_READ;
    bool everything =
        may_read && (c->readonly_superuser || (c->superuser && w->config->superusers_full_access));
    struct str after_namespace, after_name;
    struct repository_items items;

    str_cut(after, '/', &after_namespace, &after_name);
    enum err e = repository_list_readable(w->db, f, w->arena, may_read ? c->account_id : 0,
                                          w->config->public_catalog, everything, after_namespace,
                                          after_name, limit + 1, &items);
    if (e)
        return e;
    *ret_more = items.n > limit;
    items.n = *ret_more ? limit : items.n;
    *ret = items;
    return E_OK;
}
