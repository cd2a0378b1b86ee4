/*
 * json.h - reading JSON of strangers, on top of jansson.
 *
 * Untrusted text is scanned for size and depth before jansson recurses into it, duplicate keys are refused
 * (parsers that differ are an attack), and errors say where. Output is built with buf_json(), or json_dumps for
 * trees of our own.
 */
#ifndef GANTRY_BASE_JSON_H
#define GANTRY_BASE_JSON_H

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

#define JSON_DEPTH_MAX 64

/* CLEANUP(json_drop) json_t *doc = NULL; */
void json_drop(json_t **j);

/*
 * Parses text of at most max bytes and depth JSON_DEPTH_MAX; duplicate keys, trailing bytes and bad UTF-8 are
 * errors. err is what failure is called (E_MANIFEST_INVALID, E_BAD_REQUEST). *ret is owned by the caller.
 */
enum err json_parse(struct fail *f, enum err err, struct str text, size_t max, json_t **ret) MUST_CHECK;

/* Nesting depth of brackets outside strings; cheap, tolerant of malformed text. */
size_t json_depth(struct str text);

/* The member as a slice (alive as long as obj), or the empty slice when absent or not a string. */
struct str json_get_str(const json_t *obj, const char *key);

#endif
