/*
 * reference.c - see reference.h.
 *
 * Hand-written matchers instead of regular expressions: one pass, no allocation, and each broken
 * rule has a sentence of its own. The rules are those of distribution-spec "Pulling manifests", cut
 * down to Quay's for the namespace.
 */
#include "registry/reference.h"

#define NAME_MAX_BYTES 255
#define NAMESPACE_MIN  2
#define TAG_MAX        128
#define SHOWN_MAX      64

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Text of strangers for a message: what is not printable ASCII becomes '?', what is long is cut. */
static const char *shown(struct str s, char out[static SHOWN_MAX + 4])
{
    size_t n = s.n < SHOWN_MAX ? s.n : SHOWN_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] > ' ' && s.p[i] < 0x7f && s.p[i] != '"' ? s.p[i] : '?';
    memcpy(out + n, s.n > n ? "..." : "", s.n > n ? 4 : 1);
    return out;
}

/*
 * [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*; NULL when it holds, else the rule that is broken. single: only
 * one separator at a time, as Quay demands of namespaces.
 */
static const char *component_fault(struct str s, bool single)
{
    size_t i = 0;
    if (s.n == 0)
        return "a part between slashes is empty";
    while (i < s.n) {
        size_t start = i;
        while (i < s.n && is_alnum(s.p[i]))
            i++;
        if (i < s.n && s.p[i] >= 'A' && s.p[i] <= 'Z')
            return "only lower-case letters are allowed";
        if (i < s.n && s.p[i] != '.' && s.p[i] != '_' && s.p[i] != '-')
            return "only a-z, 0-9, '.', '_' and '-' are allowed";
        if (i == start)
            return "every part must begin with a letter or a digit";
        if (i == s.n)
            return NULL;
        char separator = s.p[i];
        start = i;
        while (i < s.n && s.p[i] == separator)
            i++;
        if (i == s.n)
            return "every part must end with a letter or a digit";
        size_t run = i - start;
        size_t most = single || separator == '.' ? 1 : separator == '_' ? 2 : run;
        if (run > most || s.p[i] == '.' || s.p[i] == '_' || s.p[i] == '-')
            return single ? "'.', '_' and '-' must stand singly in a namespace"
                          : "'.', '_', '__' or a run of '-' may stand between letters and digits, "
                            "but not be mixed or repeated";
    }
    return NULL;
}

bool namespace_valid(struct str s)
{
    return s.n >= NAMESPACE_MIN && s.n <= NAME_MAX_BYTES && !component_fault(s, true);
}

enum err repo_name_parse(struct fail *f, struct str full, struct str library, bool extended,
                         struct repo_name *ret)
{
    struct repo_name r = {.namespace_name = library, .name = full};
    const char *fault = NULL;
    char name[SHOWN_MAX + 4];

    if (full.n == 0)
        return fail(f, E_NAME_INVALID, "the repository name is empty");
    if (full.n > NAME_MAX_BYTES)
        return fail(f, E_NAME_INVALID,
                    "the repository name \"%s\" has %zu bytes, at most %d are allowed",
                    shown(full, name), full.n, NAME_MAX_BYTES);
    if (str_cut(full, '/', &r.namespace_name, &r.name)) {
        /* one that is too short to exist (NAMESPACE_MIN) is no bad name: it is unknown */
        fault = component_fault(r.namespace_name, true);
    } else {
        r.namespace_name = library;
        r.name = full;
    }
    if (!fault && !extended && str_chr(r.name, '/') >= 0)
        fault = "nested names (more than one '/') are switched off here "
                "(FEATURE_EXTENDED_REPOSITORY_NAMES)";
    bool more = true;
    for (struct str part, rest = r.name; !fault && more;) {
        more = str_cut(rest, '/', &part, &rest);
        fault = component_fault(part, false);
    }
    if (fault)
        return fail(f, E_NAME_INVALID, "the repository name \"%s\" is not valid: %s",
                    shown(full, name), fault);
    *ret = r;
    return E_OK;
}

static const char *tag_fault(struct str s)
{
    if (s.n == 0)
        return "it is empty";
    if (s.n > TAG_MAX)
        return "it is longer than 128 characters";
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool word = is_alnum(c) || (c >= 'A' && c <= 'Z') || c == '_';
        if (!word && c != '.' && c != '-')
            return "only A-Z, a-z, 0-9, '_', '.' and '-' are allowed";
        if (!word && i == 0)
            return "it must not begin with '.' or '-'";
    }
    return NULL;
}

bool tag_valid(struct str s)
{
    return !tag_fault(s);
}

enum err reference_parse(struct fail *f, struct str text, struct reference *ret)
{
    struct reference r = {.is_digest = str_chr(text, ':') >= 0};
    if (r.is_digest) {
        enum err e = digest_parse(f, text, &r.digest);
        if (e)
            return e;
    } else {
        char name[SHOWN_MAX + 4];
        const char *fault = tag_fault(text);
        if (fault)
            return fail(f, E_TAG_INVALID, "\"%s\" is neither a digest nor a valid tag: %s",
                        shown(text, name), fault);
        r.tag = text;
    }
    *ret = r;
    return E_OK;
}
