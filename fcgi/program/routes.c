/*
 * routes.c - see routes.h. The only file that knows handlers by name; a handler without a function
 * does not link.
 */
#include "program/routes.h"

#include "api/handlers.h"
#include "base/cleanup.h"
#include "http/params.h"
#include "http/router.h"
#include "oci/handlers.h"

#include <stdio.h>

static const struct route table[] = {
#define ROUTE(m, p, r, b, h, c, f)                                                                 \
    {.methods = (m),                                                                               \
     .path = (p),                                                                                  \
     .perm = (r),                                                                                  \
     .body = (b),                                                                                  \
     .handler = h,                                                                                 \
     .precheck = c,                                                                                \
     .flags = (f),                                                                                 \
     .name = #h},
#include "oci/routes.def"
#include "api/routes.def"
#undef ROUTE
};
#define N_ROUTES (sizeof(table) / sizeof(table[0]))

void routes_install(void)
{
    router_init(table, N_ROUTES);
}

static const char *perm_name(enum perm p)
{
    static const char *const names[PERM_COUNT] = {
#define PERM(name, who) [PERM_##name] = #name,
#include "access/perms.def"
#undef PERM
    };
    return (unsigned)p < PERM_COUNT ? names[p] : "?";
}

static const char *body_name(enum body_kind b)
{
    static const char *const names[] = {[BODY_NONE] = "none",
                                        [BODY_FORM] = "form",
                                        [BODY_JSON] = "json",
                                        [BODY_MANIFEST] = "manifest",
                                        [BODY_BLOB] = "blob"};
    return names[b];
}

static void put_flags(unsigned flags, struct buf *out)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        {R_OCI, "oci"},     {R_API, "api"},
        {R_PLAIN, "plain"}, {R_CREATE_REPO, "create-repo"},
        {R_GRACE, "grace"}, {R_DELETE_SCOPE, "delete-scope"},
    };
    const char *separator = "";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (flags & names[i].bit) {
            buf_printf(out, "%s%s", separator, names[i].name);
            separator = ",";
        }
    }
}

int routes_print(void)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    for (size_t i = 0; i < N_ROUTES; i++) {
        const struct route *r = &table[i];
        methods_list(r->methods, &out);
        buf_printf(&out, "\t%s\t%s\t%s\t", r->path, perm_name(r->perm), body_name(r->body));
        put_flags(r->flags, &out);
        buf_printf(&out, "\t%s\n", r->name);
    }
    if (buf_err(&out) || fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
        return 1;
    return 0;
}
