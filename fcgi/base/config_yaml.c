/*
 * config_yaml.c - see config_yaml.h. Events of libyaml become nodes on a stack as deep as the file
 * may nest.
 */
#include "base/config_yaml.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <yaml.h>

struct builder {
    struct arena *arena;
    struct config_notes *notes;
    struct node *stack[CONFIG_DEPTH_MAX]; /* open lists and mappings */
    struct node *key[CONFIG_DEPTH_MAX];   /* the key whose value comes next, in a mapping */
    size_t depth;
    struct node *root;
    bool stop;
};

void config_note(struct config_notes *notes, bool fatal, const char *fmt, ...)
{
    va_list ap;
    if (notes->n > CONFIG_NOTES_MAX)
        return;
    struct config_note *v = realloc(notes->v, (notes->n + 1) * sizeof(*v));
    if (!v)
        return; /* config_load() runs out of memory as well, and says so */
    notes->v = v;
    struct config_note *note = &v[notes->n++];
    note->fatal = fatal;
    if (notes->n > CONFIG_NOTES_MAX) {
        note->fatal = true;
        snprintf(note->text, sizeof(note->text),
                 "there is more than these %d notes; mend them first", CONFIG_NOTES_MAX);
        return;
    }
    va_start(ap, fmt);
    vsnprintf(note->text, sizeof(note->text), fmt, ap);
    va_end(ap);
}

bool node_is_null(const struct node *n)
{
    return n->kind == NODE_SCALAR && !n->quoted &&
           (n->text.n == 0 || str_eqz(n->text, "~") || str_eqz(n->text, "null") ||
            str_eqz(n->text, "Null") || str_eqz(n->text, "NULL"));
}

const struct node *node_get(const struct node *map, struct str key)
{
    for (const struct node *n = map->first; n; n = n->next) {
        if (str_eq(n->key, key))
            return n;
    }
    return NULL;
}

static struct node *refuse(struct builder *b, unsigned line, const char *what)
{
    config_note(b->notes, true, "line %u: %s", line, what);
    b->stop = true;
    return NULL;
}

static struct node *node_new(struct builder *b, enum node_kind kind, unsigned line)
{
    struct node *n = arena_alloc(b->arena, sizeof(*n));
    if (!n)
        return refuse(b, line, "out of memory");
    n->kind = kind;
    n->line = line;
    return n;
}

/* A value of a mapping takes the key before it; a key that stood already is told, and its first
 * value stays. */
static void member_add(struct builder *b, struct node *parent, struct node *n)
{
    if (parent->kind == NODE_MAP) {
        n->key = b->key[b->depth - 1]->text;
        b->key[b->depth - 1] = NULL;
        const struct node *before = node_get(parent, n->key);
        if (before) {
            config_note(b->notes, true,
                        "%.*s: stands twice, in line %u and in line %u; remove one of them",
                        STR_ARG(str_head(n->key, 100)), before->line, n->line);
            return;
        }
    }
    if (parent->n == CONFIG_MEMBERS_MAX) {
        refuse(b, n->line, "a list or mapping has more than 4096 members");
        return;
    }
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
    parent->n++;
}

/* Puts a finished scalar, or a list or mapping just opened, where it belongs. */
static void node_place(struct builder *b, struct node *n)
{
    if (b->depth == 0) {
        b->root = n;
        return;
    }
    struct node *parent = b->stack[b->depth - 1];
    if (parent->kind == NODE_MAP && !b->key[b->depth - 1]) {
        if (n->kind == NODE_SCALAR && n->text.n)
            b->key[b->depth - 1] = n;
        else
            refuse(b, n->line, "a key must be plain text");
        return;
    }
    member_add(b, parent, n);
}

static void node_open(struct builder *b, enum node_kind kind, unsigned line)
{
    struct node *n = node_new(b, kind, line);
    if (!n)
        return;
    node_place(b, n);
    if (b->stop)
        return;
    if (b->depth == CONFIG_DEPTH_MAX) {
        refuse(b, line, "nested deeper than 16 levels");
        return;
    }
    b->key[b->depth] = NULL;
    b->stack[b->depth++] = n;
}

static void scalar_add(struct builder *b, const yaml_event_t *event, unsigned line)
{
    struct node *n = node_new(b, NODE_SCALAR, line);
    if (!n)
        return;
    n->text = arena_str(
        b->arena, (struct str){(const char *)event->data.scalar.value, event->data.scalar.length});
    n->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (!n->text.p)
        refuse(b, line, "out of memory");
    else if (memchr(n->text.p, '\0', n->text.n))
        refuse(b, line, "a NUL byte in a value");
    else
        node_place(b, n);
}

static bool has_tag(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.tag != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.tag != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.tag != NULL;
    default:
        return false;
    }
}

static void event_take(struct builder *b, const yaml_event_t *event)
{
    unsigned line = (unsigned)event->start_mark.line + 1;
    if (has_tag(event)) {
        refuse(b, line, "tags (!...) are not accepted; write the value plainly");
        return;
    }
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->root)
            refuse(b, line, "a second document begins; one is accepted");
        break;
    case YAML_ALIAS_EVENT:
        refuse(b, line, "aliases (*name) are not accepted; write the value out");
        break;
    case YAML_SCALAR_EVENT:
        scalar_add(b, event, line);
        break;
    case YAML_SEQUENCE_START_EVENT:
        node_open(b, NODE_LIST, line);
        break;
    case YAML_MAPPING_START_EVENT:
        node_open(b, NODE_MAP, line);
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        break;
    default:
        break;
    }
}

static void parser_done(yaml_parser_t *parser)
{
    yaml_parser_delete(parser);
}

struct node *config_yaml_parse(struct arena *a, struct str text, struct config_notes *notes)
{
    struct builder b = {.arena = a, .notes = notes};
    CLEANUP(parser_done) yaml_parser_t parser = {.error = YAML_NO_ERROR};
    bool end = false;

    if (!yaml_parser_initialize(&parser)) {
        config_note(notes, true, "out of memory");
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n ? text.p : ""), text.n);
    while (!end && !b.stop) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            size_t line =
                parser.problem_mark.line ? parser.problem_mark.line : parser.context_mark.line;
            config_note(notes, true, "line %zu: not valid YAML: %s", line + 1,
                        parser.problem ? parser.problem : "unreadable");
            return NULL;
        }
        event_take(&b, &event);
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    return b.stop ? NULL : b.root;
}
