/*
 * fuzz-digest.c - text of strangers as a digest: what is accepted has exactly one spelling, and the database's form
 * gives it back.
 */
#include "registry/digest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct fail f = FAIL_INIT;
    struct digest d, again;
    char out[DIGEST_TEXT_MAX];

    if (digest_parse(&f, text, &d) == E_OK) {
        digest_format(&d, out);
        if (!str_eqz(text, out) || !digest_from_db(digest_db(&d), &again) || !digest_eq(&d, &again))
            abort();
    } else if (f.err != E_DIGEST_INVALID || !f.message[0]) {
        abort();
    }
    if (digest_from_db(text, &d)) {
        digest_format(&d, out);
        if (!str_eq(digest_db(&d), text) || digest_parse(&f, str_z(out), &again) ||
            !digest_eq(&d, &again))
            abort();
    }
    return 0;
}
