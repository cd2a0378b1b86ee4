/*
 * config_values.h - what the value of one key may be: a parser for each type of settings.def. For
 * config*.c alone.
 *
 * Each reads a node into the config (memory of its arena), or says what is wrong with key, value
 * and reason. Values of secret keys, and passwords inside of others, are never repeated.
 */
#ifndef GANTRY_BASE_CONFIG_VALUES_H
#define GANTRY_BASE_CONFIG_VALUES_H

#include "base/config_yaml.h"

/* What a parser works on. */
struct reading {
    struct arena *arena;
    struct config_notes *notes;
    const char *key;
    bool secret;      /* never show the value */
    int64_t min, max; /* of the number, or of a text's length; both 0: no bounds */
};

/* Notes "KEY: <value>: <reason>"; always false, so that parsers can return it. n may be NULL. */
bool value_wrong(const struct reading *r, const struct node *n, const char *fmt, ...) PRINTF(3, 4);

bool value_string(const struct reading *r, const struct node *n, char **ret);
bool value_bool(const struct reading *r, const struct node *n, bool *ret);
bool value_int(const struct reading *r, const struct node *n, int64_t *ret);
bool value_duration(const struct reading *r, const struct node *n, int64_t *ret);
bool value_size(const struct reading *r, const struct node *n, int64_t *ret);
bool value_strings(const struct reading *r, const struct node *n, struct strs *ret);
bool value_cidrs(const struct reading *r, const struct node *n, struct cidrs *ret);
bool value_pool(const struct reading *r, const struct node *n, struct config_pool *ret);

/* config_services.c */
bool value_db(const struct reading *r, const struct node *n, struct config_db *ret);
bool value_redis(const struct reading *r, const struct node *n, struct config_redis *ret);
bool value_storage(const struct reading *r, const struct node *n, struct config_storage **ret,
                   size_t *ret_n);

#endif
