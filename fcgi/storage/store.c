/*
 * store.c - see store.h: picks the driver, checks names before they become paths, dispatches.
 */
#include "storage/driver.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

struct store {
    const struct store_driver *driver;
    void *self;
    struct str location;
};

static const struct store_driver *const drivers[] = {&store_driver_local};

/* The location that is first in DISTRIBUTED_STORAGE_PREFERENCE, else the first there is. */
static const struct config_storage *preferred(const struct config *config)
{
    for (size_t p = 0; p < config->storage_preference.n; p++) {
        for (size_t i = 0; i < config->n_storage; i++) {
            if (strcmp(config->storage[i].name, config->storage_preference.v[p]) == 0)
                return &config->storage[i];
        }
    }
    return config->n_storage ? &config->storage[0] : NULL;
}

enum err store_open(const struct config *config, struct fail *f, struct store **ret)
{
    const struct config_storage *where = preferred(config);
    const struct store_driver *driver = NULL;
    void *self = NULL;

    if (!where)
        return fail(f, E_CONFIG, "DISTRIBUTED_STORAGE_CONFIG names no storage");
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        if (strcmp(drivers[i]->name, where->driver) == 0)
            driver = drivers[i];
    }
    if (!driver)
        return fail(f, E_CONFIG,
                    "DISTRIBUTED_STORAGE_CONFIG: storage \"%s\" wants the driver %s, which does "
                    "not exist here; use LocalStorage",
                    where->name, where->driver);
    enum err e = driver->open(where, f, &self);
    if (e)
        return e;
    struct store *s = malloc(sizeof(*s));
    if (!s) {
        driver->close(self);
        return fail(f, E_NO_MEMORY, "out of memory while opening the storage");
    }
    *s = (struct store){.driver = driver, .self = self, .location = str_z(where->name)};
    *ret = s;
    return E_OK;
}

void store_close(struct store *s)
{
    if (s) {
        s->driver->close(s->self);
        free(s);
    }
}

void store_closep(struct store **s)
{
    store_close(*s);
    *s = NULL;
}

struct str store_location(const struct store *s)
{
    return s->location;
}

/* What random_uuid() makes, and nothing else, becomes a file name. */
static enum err uuid_name(struct fail *f, struct str uuid, char out[static UUID_TEXT])
{
    bool good = uuid.n == UUID_TEXT - 1;
    for (size_t i = 0; good && i < uuid.n; i++) {
        char c = uuid.p[i];
        if (i == 8 || i == 13 || i == 18 || i == 23)
            good = c == '-';
        else
            good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    if (!good)
        return fail(f, E_UPLOAD_UNKNOWN, "the upload's name is not one that this registry gave");
    memcpy(out, uuid.p, uuid.n);
    out[uuid.n] = '\0';
    return E_OK;
}

/* *ret_path is out, or NULL when there is no body. */
static enum err body_name(struct fail *f, struct str path, char out[static PATH_MAX],
                          const char **ret_path)
{
    *ret_path = NULL;
    if (path.n == 0)
        return E_OK;
    if (path.n >= PATH_MAX || memchr(path.p, '\0', path.n))
        return fail_internal(f, E_INTERNAL, "the body file's path is too long or not text");
    memcpy(out, path.p, path.n);
    out[path.n] = '\0';
    *ret_path = out;
    return E_OK;
}

enum err store_free_space(struct store *s, struct fail *f, uint64_t *ret)
{
    return s->driver->free_space(s->self, f, ret);
}

enum err store_lock(struct store *s, struct fail *f, struct str uuid, int *ret_lock)
{
    char name[UUID_TEXT];
    enum err e = uuid_name(f, uuid, name);
    return e ? e : s->driver->lock(s->self, f, name, ret_lock);
}

enum err store_body_size(struct store *s, struct fail *f, struct str body_path, uint64_t *ret)
{
    char buffer[PATH_MAX];
    const char *path;
    enum err e = body_name(f, body_path, buffer, &path);
    if (e)
        return e;
    if (!path) {
        *ret = 0;
        return E_OK;
    }
    return s->driver->body_size(s->self, f, path, ret);
}

enum err store_append(struct store *s, struct fail *f, struct str uuid, uint64_t offset,
                      struct str body_path, const struct store_sink *sink, uint64_t *ret_added)
{
    char name[UUID_TEXT], buffer[PATH_MAX];
    const char *path;
    enum err e = uuid_name(f, uuid, name);
    if (e)
        return e;
    e = body_name(f, body_path, buffer, &path);
    if (e)
        return e;
    return s->driver->append(s->self, f, name, offset, path, sink, ret_added);
}

enum err store_reread(struct store *s, struct fail *f, struct str uuid, uint64_t size,
                      const struct store_sink *sink)
{
    char name[UUID_TEXT];
    enum err e = uuid_name(f, uuid, name);
    return e ? e : s->driver->reread(s->self, f, name, size, sink);
}

enum err store_commit(struct store *s, struct fail *f, struct str uuid, uint64_t size,
                      const struct digest *d)
{
    char name[UUID_TEXT];
    enum err e = uuid_name(f, uuid, name);
    return e ? e : s->driver->commit(s->self, f, name, size, d);
}

enum err store_abort(struct store *s, struct fail *f, struct str uuid)
{
    char name[UUID_TEXT];
    enum err e = uuid_name(f, uuid, name);
    return e ? e : s->driver->abort(s->self, f, name);
}

enum err store_stat(struct store *s, struct fail *f, const struct digest *d, uint64_t *ret_size)
{
    return s->driver->stat(s->self, f, d, ret_size);
}

void store_address(const struct digest *d, char out[static STORE_ADDRESS_MAX])
{
    char text[DIGEST_TEXT_MAX];
    struct str algorithm, hex;
    digest_format(d, text);
    str_cut(str_z(text), ':', &algorithm, &hex);
    snprintf(out, STORE_ADDRESS_MAX, "%.*s/%.2s/%s", STR_ARG(algorithm), hex.p, hex.p);
}

void store_accel_path(const struct store *s, const struct digest *d,
                      char out[static STORE_ACCEL_MAX])
{
    char address[STORE_ADDRESS_MAX];
    (void)s;
    store_address(d, address);
    snprintf(out, STORE_ACCEL_MAX, "/_blobs/%s", address);
}

enum err store_sweep(struct store *s, struct fail *f, int64_t before_ms,
                     bool (*keep)(void *ctx, struct str uuid), void *ctx, uint64_t *ret_removed)
{
    return s->driver->sweep(s->self, f, before_ms, keep, ctx, ret_removed);
}
