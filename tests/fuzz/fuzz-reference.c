/*
 * fuzz-reference.c - names and references of strangers: what is accepted is made of its parts and of allowed bytes only,
 * and what is refused says why in printable words.
 */
#include "registry/reference.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_message(const struct fail *f)
{
    check(f->message[0] != '\0');
    for (const char *p = f->message; *p; p++)
        check(*p >= ' ' && *p < 0x7f);
}

static void check_name(struct str text, bool extended)
{
    struct fail f = FAIL_INIT;
    struct repo_name r;
    if (repo_name_parse(&f, text, STR("library"), extended, &r)) {
        check(f.err == E_NAME_INVALID);
        check_message(&f);
        return;
    }
    check(text.n <= 255 && r.namespace_name.n > 0 && r.name.n > 0);
    check(extended || str_chr(r.name, '/') < 0);
    for (size_t i = 0; i < text.n; i++)
        check(strchr("abcdefghijklmnopqrstuvwxyz0123456789._-/", text.p[i]) && text.p[i]);
    if (str_chr(text, '/') >= 0)
        check(r.namespace_name.p == text.p && r.namespace_name.n + 1 + r.name.n == text.n);
    else
        check(str_eq(r.name, text) && str_eqz(r.namespace_name, "library"));
    /* neither a path nor a reference can be smuggled in a name */
    for (size_t i = 1; i < text.n; i++)
        check(text.p[i] != text.p[i - 1] || (text.p[i] != '.' && text.p[i] != '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct fail f = FAIL_INIT;
    struct reference r;

    check_name(text, true);
    check_name(text, false);
    if (reference_parse(&f, text, &r)) {
        check(f.err == E_DIGEST_INVALID || f.err == E_TAG_INVALID);
        check_message(&f);
    } else if (r.is_digest) {
        char again[DIGEST_TEXT_MAX];
        digest_format(&r.digest, again);
        check(str_eqz(text, again));
    } else {
        check(str_eq(r.tag, text) && tag_valid(text) && text.n >= 1 && text.n <= 128);
    }
    return 0;
}
