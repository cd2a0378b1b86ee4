/*
 * config_yaml.h - config.yaml as a tree of nodes, before anybody asks what the keys mean. For
 * config*.c alone.
 *
 * libyaml reads; we build a small tree in the config's arena and refuse what makes YAML surprising:
 * aliases (and with them bombs), tags, several documents, duplicate keys, keys that are not plain
 * text, deep nesting, and files too large.
 */
#ifndef GANTRY_BASE_CONFIG_YAML_H
#define GANTRY_BASE_CONFIG_YAML_H

#include "base/arena.h"
#include "base/config.h"

#define CONFIG_BYTES_MAX   ((size_t)1 << 20)
#define CONFIG_DEPTH_MAX   16
#define CONFIG_MEMBERS_MAX 4096 /* of one list or mapping */

enum node_kind {
    NODE_SCALAR,
    NODE_LIST,
    NODE_MAP,
};

struct node {
    enum node_kind kind;
    unsigned line;      /* of the file, from 1 */
    bool quoted;        /* a scalar in quotes or a block: text, never a number or a truth value */
    struct str text;    /* NODE_SCALAR, NUL-terminated */
    struct str key;     /* as a member of a mapping */
    struct node *first; /* members of a list or a mapping, in order */
    struct node *last, *next;
    size_t n;
};

/* What is found goes to notes, fatal ones included; NULL only when there is no tree at all. */
struct node *config_yaml_parse(struct arena *a, struct str text, struct config_notes *notes);

/* `~`, `null`, or nothing at all: as if the key were absent. */
bool node_is_null(const struct node *n);

/* The member of a mapping, or NULL. */
const struct node *node_get(const struct node *map, struct str key);

/* Adds a note; after CONFIG_NOTES_MAX of them only one that says so. */
#define CONFIG_NOTES_MAX 200
void config_note(struct config_notes *notes, bool fatal, const char *fmt, ...) PRINTF(3, 4);

#endif
