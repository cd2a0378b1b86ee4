/*
 * json.c - see json.h.
 */
#include "base/json.h"

void json_drop(json_t **j)
{
    json_decref(*j);
    *j = NULL;
}

size_t json_depth(struct str text)
{
    size_t depth = 0, max = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
            max = depth > max ? depth : max;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return max;
}

enum err json_parse(struct fail *f, enum err err, struct str text, size_t max, json_t **ret)
{
    json_error_t where;
    if (text.n > max)
        return fail(f, err, "the JSON document has %zu bytes, at most %zu are accepted", text.n,
                    max);
    if (text.n == 0)
        return fail(f, err, "the body is empty, a JSON document is expected");
    if (json_depth(text) > JSON_DEPTH_MAX)
        return fail(f, err, "the JSON document is nested deeper than %d levels", JSON_DEPTH_MAX);
    json_t *doc = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &where);
    if (!doc)
        return fail(f, err, "not a valid JSON document: %s, line %d, column %d", where.text,
                    where.line, where.column);
    *ret = doc;
    return E_OK;
}

struct str json_get_str(const json_t *obj, const char *key)
{
    const json_t *v = json_object_get(obj, key);
    if (!json_is_string(v))
        return STR_NONE;
    return (struct str){json_string_value(v), json_string_length(v)};
}
