/*
 * t-json.c - JSON of strangers: what is refused, and with which words.
 */
#include "base/json.h"

#include "base/cleanup.h"

#include "unit.h"

#include <stdlib.h>

static enum err parse(struct fail *f, struct str text, json_t **ret)
{
    *f = (struct fail)FAIL_INIT;
    return json_parse(f, E_MANIFEST_INVALID, text, 4096, ret);
}

static void accepted(void **state)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       " \r\n\t{ } ",
                                       "{\"a\":1}",
                                       "{\"a\":{\"b\":1},\"c\":{\"b\":1}}",
                                       "[1.5e300, -0, true, null]",
                                       "[\"\\u0041\\ud83d\\udc33\"]",
                                       "[9223372036854775807, -9223372036854775808]"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CLEANUP(json_drop) json_t *doc = NULL;
        struct fail f;
        if (parse(&f, str_z(good[i]), &doc) != E_OK)
            fail_msg("%s: %s", good[i], fail_text(&f));
        assert_non_null(doc);
    }
}

static void refused(void **state)
{
    static const struct {
        struct str text;
        const char *reason;
    } rows[] = {
        {STR_INIT(""), "empty"},
        {STR_INIT(" "), "not a valid JSON document"},
        {STR_INIT("1"), "not a valid"},
        {STR_INIT("\"a\""), "not a valid"},
        {STR_INIT("null"), "not a valid"},
        {STR_INIT("{\"a\":1,\"a\":2}"), "duplicate"},
        {STR_INIT("{\"x\":[{\"a\":1,\"a\":1}]}"), "duplicate"},
        {STR_INIT("{\"a\":1,\"\\u0061\":2}"), "duplicate"}, /* the same key, spelled otherwise */
        {STR_INIT("{} {}"), "not a valid"},
        {STR_INIT("{}x"), "not a valid"},
        {STR_INIT("{}\0"), "not a valid"},
        {STR_INIT("\xef\xbb\xbf{}"), "not a valid"}, /* a BOM */
        {STR_INIT("[\"\xff\"]"), "not a valid"},
        {STR_INIT("[\"\xc0\x80\"]"), "not a valid"},
        {STR_INIT("[\"\\ud800\"]"), "not a valid"},
        {STR_INIT("[\"\\u0000\"]"), "not a valid"},
        {STR_INIT("[9223372036854775808]"), "too big integer"},
        {STR_INIT("[1e400]"), "not a valid"},
        {STR_INIT("[01]"), "not a valid"},
        {STR_INIT("[1,]"), "not a valid"},
        {STR_INIT("{'a':1}"), "not a valid"},
        {STR_INIT("[NaN]"), "not a valid"},
        {STR_INIT("// x\n{}"), "not a valid"},
        {STR_INIT("{\"a\":\n  1,\n  x}"), "line 3"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *doc = NULL;
        struct fail f;
        if (parse(&f, rows[i].text, &doc) != E_MANIFEST_INVALID || f.err != E_MANIFEST_INVALID ||
            doc || !strstr(f.message, rows[i].reason))
            fail_msg("row %zu: %s", i, f.err ? f.message : "accepted");
    }
}

/* n times open, then n times close. */
static struct str nested(char open, char close, size_t n, char **ret)
{
    char *p = *ret = malloc(2 * n + 1);
    assert_non_null(p);
    memset(p, open, n);
    memset(p + n, close, n);
    return (struct str){p, 2 * n};
}

static void depth_and_size(void **state)
{
    (void)state;
    CLEANUP(ptr_free) char *memory = NULL;
    CLEANUP(ptr_free) char *memory65 = NULL;
    CLEANUP(ptr_free) char *deep = NULL;
    json_t *doc = NULL;
    struct fail f;
    assert_int_equal(parse(&f, nested('[', ']', 64, &memory), &doc), E_OK);
    json_drop(&doc);
    assert_int_equal(parse(&f, nested('[', ']', 65, &memory65), &doc), E_MANIFEST_INVALID);
    assert_non_null(strstr(f.message, "64 levels"));
    assert_int_equal(
        json_parse(&f, E_BAD_REQUEST, nested('[', ']', 1000000, &deep), (size_t)1 << 30, &doc),
        E_BAD_REQUEST);
    char text[4098] = "[]";
    memset(text + 2, ' ', 4095);
    assert_int_equal(parse(&f, (struct str){text, 4096}, &doc), E_OK);
    json_drop(&doc);
    assert_int_equal(parse(&f, (struct str){text, 4097}, &doc), E_MANIFEST_INVALID);
    assert_non_null(strstr(f.message, "4097 bytes"));
}

/* The scan must never see less depth than the parser will: strings and escapes do not hide a
 * bracket. */
static void depth_counts(void **state)
{
    static const struct {
        const char *text;
        size_t depth;
    } rows[] = {
        {"", 0},
        {"1", 0},
        {"[]", 1},
        {"[[],[]]", 2},
        {"{\"a\":[{}]}", 3},
        {"[\"[[[\"]", 1},
        {"[\"\\\"[[\"]", 1},
        {"[\"\\\\\",[]]", 2},
        {"]]][[", 2},
        {"[\"unclosed [[", 1},
        {"[\"\\", 1},
        {"[}[", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (json_depth(str_z(rows[i].text)) != rows[i].depth)
            fail_msg("%s: %zu", rows[i].text, json_depth(str_z(rows[i].text)));
}

static void members(void **state)
{
    (void)state;
    CLEANUP(json_drop) json_t *doc = NULL;
    struct fail f;
    assert_int_equal(parse(&f, STR("{\"s\":\"x\",\"n\":1,\"z\":null,\"e\":\"\"}"), &doc), E_OK);
    assert_true(str_eqz(json_get_str(doc, "s"), "x"));
    assert_null(json_get_str(doc, "n").p);
    assert_null(json_get_str(doc, "z").p);
    assert_null(json_get_str(doc, "missing").p);
    assert_non_null(json_get_str(doc, "e").p);
    assert_int_equal(json_get_str(doc, "e").n, 0);
    assert_null(json_get_str(NULL, "s").p);
    json_t *none = NULL;
    json_drop(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),     cmocka_unit_test(refused), cmocka_unit_test(depth_and_size),
        cmocka_unit_test(depth_counts), cmocka_unit_test(members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
