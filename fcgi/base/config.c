/*
 * config.c - see config.h. The file becomes a tree (config_yaml.c); each row of settings.def takes
 * its value or its default from there (config_values.c, config_services.c); then the values are
 * held against each other. Everything that is wrong is noted before config_load() gives up.
 */
#include "base/config.h"

#include "base/cleanup.h"
#include "base/config_values.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

enum setting_type {
    TYPE_STRING,
    TYPE_BOOL,
    TYPE_INT,
    TYPE_DURATION,
    TYPE_SIZE,
    TYPE_STRINGS,
    TYPE_CIDRS,
    TYPE_CUSTOM,
};

struct setting {
    const char *key;
    enum setting_type type;
    size_t at;            /* of the field in struct config */
    const char *fallback; /* NULL: the key is required */
    int64_t min, max;
};

static const struct setting settings[] = {
#define SETTING(key, type, field, fallback, min, max, when, doc)                                   \
    {#key, TYPE_##type, offsetof(struct config, field), fallback, min, max},
#include "base/settings.def"
#undef SETTING
};
#define N_SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* A row's type must be the field's: read_setting() writes through its offset. */
#define FIELD_STRING(c, f)   char **f##_check = &(c)->f
#define FIELD_BOOL(c, f)     bool *f##_check = &(c)->f
#define FIELD_INT(c, f)      int64_t *f##_check = &(c)->f
#define FIELD_DURATION(c, f) int64_t *f##_check = &(c)->f
#define FIELD_SIZE(c, f)     int64_t *f##_check = &(c)->f
#define FIELD_STRINGS(c, f)  struct strs *f##_check = &(c)->f
#define FIELD_CIDRS(c, f)    struct cidrs *f##_check = &(c)->f
#define FIELD_CUSTOM(c, f)   const void *f##_check = &(c)->f
static inline void fields_agree(struct config *c)
{
#define SETTING(key, type, field, fallback, min, max, when, doc)                                   \
    FIELD_##type(c, field);                                                                        \
    (void)field##_check;
#include "base/settings.def"
#undef SETTING
}

static bool is_secret(const char *key)
{
    return str_ends(str_z(key), STR("SECRET_KEY")) || strcmp(key, "DB_URI") == 0;
}

/* Rows of type CUSTOM, told apart by where they are kept. */
static bool read_custom(const struct reading *r, size_t at, const struct node *n, struct config *c)
{
    void *field = (char *)c + at;
    switch (at) {
    case offsetof(struct config, db):
        return value_db(r, n, field);
    case offsetof(struct config, redis):
    case offsetof(struct config, redis_buildlogs):
        return value_redis(r, n, field);
    case offsetof(struct config, storage):
        return value_storage(r, n, &c->storage, &c->n_storage);
    default:
        return value_pool(r, n, field);
    }
}

static bool read_setting(const struct reading *r, const struct setting *s, const struct node *n,
                         struct config *c)
{
    void *field = (char *)c + s->at;
    switch (s->type) {
    case TYPE_STRING:
        return value_string(r, n, field);
    case TYPE_BOOL:
        return value_bool(r, n, field);
    case TYPE_INT:
        return value_int(r, n, field);
    case TYPE_DURATION:
        return value_duration(r, n, field);
    case TYPE_SIZE:
        return value_size(r, n, field);
    case TYPE_STRINGS:
        return value_strings(r, n, field);
    case TYPE_CIDRS:
        return value_cidrs(r, n, field);
    case TYPE_CUSTOM:
        return read_custom(r, s->at, n, c);
    }
    return false;
}

/* The default as a node: lists are words with blanks between them. NULL: out of memory. */
static struct node *default_node(struct arena *a, const struct setting *s)
{
    struct node *n = arena_alloc(a, sizeof(*n));
    struct str rest = str_z(s->fallback);
    if (!n)
        return NULL;
    n->text = rest;
    if (s->type != TYPE_STRINGS && s->type != TYPE_CIDRS)
        return n;
    n->kind = NODE_LIST;
    while (rest.n) {
        struct node *item = arena_alloc(a, sizeof(*item));
        if (!item)
            return NULL;
        str_cut(rest, ' ', &item->text, &rest);
        *(n->last ? &n->last->next : &n->first) = item;
        n->last = item;
        n->n++;
    }
    return n;
}

static bool read_one(struct arena *scratch, struct config_notes *notes, const struct setting *s,
                     const struct node *root, struct config *c)
{
    struct reading r = {.arena = c->arena,
                        .notes = notes,
                        .key = s->key,
                        .secret = is_secret(s->key),
                        .min = s->min,
                        .max = s->max};
    const struct node *n = node_get(root, str_z(s->key));
    if (n && node_is_null(n))
        n = NULL;
    if (!n && !s->fallback)
        return value_wrong(&r, NULL, "is missing; it has no default");
    if (!n)
        n = default_node(scratch, s);
    if (!n)
        return value_wrong(&r, NULL, "out of memory");
    return read_setting(&r, s, n, c);
}

static void warn_unknown(const struct node *root, struct config_notes *notes)
{
    for (const struct node *n = root->first; n; n = n->next) {
        bool known = false;
        for (size_t i = 0; i < N_SETTINGS && !known; i++)
            known = str_eqz(n->key, settings[i].key);
        if (!known)
            config_note(notes, false, "%.*s (line %u) is not known here and is ignored",
                        STR_ARG(str_head(n->key, 100)), n->line);
    }
}

/* ---- values against each other, and words of which only some exist ---- */

static void one_of(struct config_notes *notes, const char *key, const char *value,
                   const char *words)
{
    struct str rest = str_z(words), word;
    while (rest.n) {
        str_cut(rest, ' ', &word, &rest);
        if (str_eqz(word, value))
            return;
    }
    config_note(notes, true, "%s: \"%.80s\": one of these is accepted: %s", key, value, words);
}

static void check_hostname(const char *value, struct config_notes *notes)
{
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    struct str host = str_z(value), port = STR_NONE;
    uint64_t number = 1;
    bool good = true;
    if (str_starts(host, STR("["))) {
        ptrdiff_t end = str_chr(host, ']');
        struct str after = end < 0 ? STR_NONE : str_from(host, (size_t)end + 1);
        good = end > 1 && strspn(value + 1, "0123456789abcdefABCDEF:.") == (size_t)end - 1 &&
               (after.n == 0 || (after.p[0] == ':' && str_u64(str_from(after, 1), &number)));
    } else {
        bool has_port = str_cut(host, ':', &host, &port);
        good = host.n > 0 && strspn(value, rest) == host.n && (!has_port || str_u64(port, &number));
    }
    if (!good || number < 1 || number > 65535)
        config_note(
            notes, true,
            "SERVER_HOSTNAME: \"%.80s\": host or host:port is expected, without scheme and path",
            value);
}

static bool storage_known(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->n_storage; i++) {
        if (strcmp(c->storage[i].name, name) == 0)
            return true;
    }
    return false;
}

static void check_locations(const struct config *c, const char *key, const struct strs *names,
                            struct config_notes *notes)
{
    for (size_t i = 0; i < names->n; i++) {
        if (!storage_known(c, names->v[i]))
            config_note(notes, true,
                        "%s: \"%.80s\": DISTRIBUTED_STORAGE_CONFIG has no storage of this name",
                        key, names->v[i]);
    }
}

static void check_expirations(const struct config *c, struct config_notes *notes)
{
    bool found = false;
    for (size_t i = 0; i < c->tag_expiration_options.n; i++) {
        int64_t s;
        const char *text = c->tag_expiration_options.v[i];
        if (!config_duration(str_z(text), &s))
            config_note(notes, true,
                        "TAG_EXPIRATION_OPTIONS: \"%.80s\": a duration is expected, as in 2w",
                        text);
        else
            found = found || s == c->default_tag_expiration_s;
    }
    if (!found)
        config_note(notes, true,
                    "DEFAULT_TAG_EXPIRATION: its value must be one of TAG_EXPIRATION_OPTIONS");
}

/* [a-z0-9]+([._-][a-z0-9]+)*: the rule of registry/reference.h, which this room cannot ask. */
static bool is_namespace(const char *z)
{
    bool separator = true;
    for (; *z; z++) {
        bool plain = (*z >= 'a' && *z <= 'z') || (*z >= '0' && *z <= '9');
        if (!plain && (separator || !strchr("._-", *z)))
            return false;
        separator = !plain;
    }
    return !separator;
}

static void check_together(const struct config *c, struct config_notes *notes)
{
    check_hostname(c->server_hostname, notes);
    one_of(notes, "PREFERRED_URL_SCHEME", c->url_scheme, "http https");
    one_of(notes, "AUTHENTICATION_TYPE", c->authentication_type, "Database");
    one_of(notes, "REGISTRY_STATE", c->registry_state, "normal readonly");
    one_of(notes, "GANTRY_LOG_LEVEL", c->log_level, "debug info warn error");
    for (size_t i = 0; i < c->embedded.n; i++)
        one_of(notes, "GANTRY_EMBEDDED", c->embedded.v[i], "mariadb redis nginx");
    if (!is_namespace(c->library_namespace))
        config_note(notes, true,
                    "LIBRARY_NAMESPACE: \"%.80s\": lower-case letters and digits, with single . _ "
                    "- between them",
                    c->library_namespace);
    check_locations(c, "DISTRIBUTED_STORAGE_PREFERENCE", &c->storage_preference, notes);
    check_locations(c, "DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS", &c->storage_default_locations,
                    notes);
    check_expirations(c, notes);
}

/* ---- the file ---- */

/* The tree of a file of 1 MiB takes a few dozen times its size. */
#define ARENA_BYTES ((size_t)256 << 20)

/* The whole file in the arena, or STR_NONE with a note. */
static struct str file_read(struct arena *a, const char *path, struct config_notes *notes)
{
    CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t n = 0;
    if (fd < 0 || fstat(fd, &st) != 0) {
        config_note(notes, true, "%.300s: cannot be read: %s; `gantry init` makes one", path,
                    strerror(errno));
        return STR_NONE;
    }
    if (!S_ISREG(st.st_mode)) {
        config_note(notes, true, "%.300s: is not a file", path);
        return STR_NONE;
    }
    char *text = arena_alloc(a, CONFIG_BYTES_MAX + 1);
    if (!text) {
        config_note(notes, true, "out of memory");
        return STR_NONE;
    }
    while (n <= CONFIG_BYTES_MAX) {
        ssize_t got = read(fd, text + n, CONFIG_BYTES_MAX + 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            config_note(notes, true, "%.300s: cannot be read: %s", path, strerror(errno));
            return STR_NONE;
        }
        if (got == 0)
            return (struct str){text, n};
        n += (size_t)got;
    }
    config_note(notes, true, "%.300s: is larger than 1 MiB", path);
    return STR_NONE;
}

static bool any_fatal(const struct config_notes *notes)
{
    for (size_t i = 0; i < notes->n; i++) {
        if (notes->v[i].fatal)
            return true;
    }
    return false;
}

static void read_all(struct config *c, struct config_notes *notes)
{
    /* the text and its tree go when the values are taken: only those stay in memory */
    CLEANUP(arena_freep) struct arena *scratch = arena_new(ARENA_BYTES);
    bool good = true;
    if (!scratch) {
        config_note(notes, true, "out of memory");
        return;
    }
    struct str text = file_read(scratch, c->path, notes);
    if (!text.p)
        return;
    const struct node *root = config_yaml_parse(scratch, text, notes);
    if (!root || root->kind != NODE_MAP) {
        if (!any_fatal(notes))
            config_note(notes, true,
                        "the file is empty or no mapping; lines of `KEY: value` are expected");
        return;
    }
    warn_unknown(root, notes);
    for (size_t i = 0; i < N_SETTINGS; i++)
        good = read_one(scratch, notes, &settings[i], root, c) && good;
    if (good)
        check_together(c, notes);
}

static struct config *config_new(const char *dir)
{
    struct arena *a = arena_new(ARENA_BYTES);
    struct config *c = a ? calloc(1, sizeof(*c)) : NULL;
    char real[PATH_MAX];
    if (!c) {
        arena_free(a);
        return NULL;
    }
    c->arena = a;
    c->dir = arena_strdup(a, str_z(realpath(dir, real) ? real : dir));
    c->path = c->dir ? arena_printf(a, "%s/config/config.yaml", c->dir) : NULL;
    if (!c->path)
        config_freep(&c);
    return c;
}

enum err config_load(struct fail *f, const char *dir, struct config_notes *ret_notes,
                     struct config **ret)
{
    *ret_notes = (struct config_notes){.n = 0};
    CLEANUP(config_freep) struct config *c = config_new(dir);
    if (!c)
        return fail_internal(f, E_NO_MEMORY, "out of memory while the configuration is read");
    fields_agree(c);
    read_all(c, ret_notes);
    if (any_fatal(ret_notes)) {
        size_t fatal = 0, first = ret_notes->n;
        for (size_t i = ret_notes->n; i > 0; i--) {
            if (ret_notes->v[i - 1].fatal) {
                fatal++;
                first = i - 1;
            }
        }
        return fail(f, E_CONFIG, "%s: %zu error%s; the first: %.300s", c->path, fatal,
                    fatal == 1 ? "" : "s", ret_notes->v[first].text);
    }
    *ret = TAKE_PTR(c);
    return E_OK;
}

void config_notes_done(struct config_notes *notes)
{
    free(notes->v);
    *notes = (struct config_notes){.n = 0};
}

void config_free(struct config *c)
{
    if (!c)
        return;
    arena_free(c->arena);
    free(c);
}

void config_freep(struct config **c)
{
    config_free(*c);
    *c = NULL;
}

void config_path(const struct config *c, const char *relative, char *out)
{
    snprintf(out, PATH_MAX, "%s/%s", c->dir, relative);
}

bool strs_has(const struct strs *list, struct str s)
{
    for (size_t i = 0; i < list->n; i++) {
        if (str_eqz(s, list->v[i]))
            return true;
    }
    return false;
}
