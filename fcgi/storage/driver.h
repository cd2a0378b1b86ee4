/*
 * driver.h - what a place for blobs must be able to do. store.c checks names and dispatches; each
 * function keeps the promise that store.h makes for the function of its name.
 *
 * uuid and body_path arrive NUL-terminated and checked; `self` is what open() made.
 */
#ifndef GANTRY_STORAGE_DRIVER_H
#define GANTRY_STORAGE_DRIVER_H

#include "storage/store.h"

struct store_driver {
    const char *name; /* in DISTRIBUTED_STORAGE_CONFIG */
    enum err (*open)(const struct config_storage *config, struct fail *f, void **ret);
    void (*close)(void *self);
    enum err (*free_space)(void *self, struct fail *f, uint64_t *ret);
    enum err (*lock)(void *self, struct fail *f, const char *uuid, int *ret_lock);
    enum err (*body_size)(void *self, struct fail *f, const char *body_path, uint64_t *ret);
    /* body_path NULL: no bytes */
    enum err (*append)(void *self, struct fail *f, const char *uuid, uint64_t offset,
                       const char *body_path, const struct store_sink *sink, uint64_t *ret_added);
    enum err (*reread)(void *self, struct fail *f, const char *uuid, uint64_t size,
                       const struct store_sink *sink);
    enum err (*commit)(void *self, struct fail *f, const char *uuid, uint64_t size,
                       const struct digest *d);
    enum err (*abort)(void *self, struct fail *f, const char *uuid);
    enum err (*stat)(void *self, struct fail *f, const struct digest *d, uint64_t *ret_size);
    enum err (*sweep)(void *self, struct fail *f, int64_t before_ms,
                      bool (*keep)(void *ctx, struct str uuid), void *ctx, uint64_t *ret_removed);
};

/* "sha256/ab/ab..." */
#define STORE_ADDRESS_MAX 144
void store_address(const struct digest *d, char out[static STORE_ADDRESS_MAX]);

extern const struct store_driver store_driver_local;

#endif
