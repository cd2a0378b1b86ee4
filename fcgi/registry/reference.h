/*
 * reference.h - names of repositories, and what stands behind them: a tag or a digest.
 *
 * Names follow distribution-spec ("Pulling manifests") and Quay's rules for the namespace part; a one-part name
 * belongs to LIBRARY_NAMESPACE. Slices point into the input.
 */
#ifndef GANTRY_REGISTRY_REFERENCE_H
#define GANTRY_REGISTRY_REFERENCE_H

#include "registry/digest.h"

struct repo_name {
    struct str namespace_name; /* "acme", or the library namespace */
    struct str name;      /* "web/front" */
};

/*
 * E_NAME_INVALID with the rule that is broken. library: the namespace of one-part names. extended: whether the
 * repository part may contain '/'.
 */
enum err repo_name_parse(struct fail *f, struct str full, struct str library, bool extended,
                         struct repo_name *ret) MUST_CHECK;

/* [a-z0-9]+([._-][a-z0-9]+)*, 2 to 255 bytes: users and organizations. */
bool namespace_valid(struct str s);
/* [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127} */
bool tag_valid(struct str s);

struct reference {
    bool is_digest;
    struct str tag;       /* when not is_digest */
    struct digest digest; /* when is_digest */
};

/* With a ':' it must be a digest (E_DIGEST_INVALID), else a tag (E_TAG_INVALID). */
enum err reference_parse(struct fail *f, struct str text, struct reference *ret) MUST_CHECK;

#endif
