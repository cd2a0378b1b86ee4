/*
 * t-buf.c - the growing string: its limit, its latch, and what each escaper lets through.
 */
#include "base/buf.h"

#include "base/cleanup.h"
#include "base/json.h"

#include "unit.h"

#define EXPECT(b, z) assert_true(str_eqz(buf_str(&(b)), (z)))

static void empty(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_int_equal(buf_str(&b).n, 0);
    assert_int_equal(buf_err(&b), E_OK);
    buf_done(&b);
    buf_done(&b); /* twice is harmless */
    buf_put(&b, STR_NONE);
    assert_string_equal(b.p, "");
    buf_done(&b);
}

static void growing(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (int i = 0; i < 5000; i++) {
        buf_printf(&b, "%04d", i);
        assert_int_equal(strlen(b.p), b.n);
    }
    assert_int_equal(b.n, 20000);
    assert_memory_equal(b.p + 4 * 4321, "4321", 4);
    buf_reset(&b);
    assert_string_equal(b.p, "");
    buf_put(&b, STR("a\0b"));
    assert_int_equal(b.n, 3);
}

static void limit_is_latched(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = {.limit = 8};
    buf_putz(&b, "1234567"); /* seven, and the NUL */
    assert_int_equal(buf_err(&b), E_OK);
    buf_putc(&b, '8');
    assert_int_equal(buf_err(&b), E_NO_MEMORY);
    buf_put(&b, STR_NONE);
    buf_printf(&b, "x");
    buf_json(&b, STR("x"));
    EXPECT(b, "1234567");
    assert_null(buf_room(&b, 0));
    buf_reset(&b);
    assert_int_equal(buf_err(&b), E_OK);
    buf_putz(&b, "ok");
    EXPECT(b, "ok");
    assert_null(buf_room(&b, SIZE_MAX));
    assert_int_equal(buf_err(&b), E_NO_MEMORY);
}

static void room(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    char *to = buf_room(&b, 10);
    assert_non_null(to);
    memcpy(to, "abc", 3);
    buf_grown(&b, 3);
    EXPECT(b, "abc");
    assert_string_equal(b.p, "abc");
}

/* Whatever goes in: what comes out is JSON that reads back as the same text. */
static void json_reads_back(void **state)
{
    (void)state;
    for (unsigned hi = 0; hi < 256; hi++) {
        for (unsigned lo = 1; lo < 256; lo++) {
            CLEANUP(buf_done) struct buf b = BUF_INIT;
            CLEANUP(json_drop) json_t *doc = NULL;
            char text[4] = {hi ? (char)hi : (char)lo, hi ? (char)lo : 'x', 'x', '\0'};
            buf_putc(&b, '[');
            buf_json(&b, str_z(text));
            buf_putc(&b, ']');
            assert_int_equal(json_parse(NULL, E_BAD_REQUEST, buf_str(&b), 100, &doc), E_OK);
            if (str_is_utf8(str_z(text)))
                assert_string_equal(json_string_value(json_array_get(doc, 0)), text);
        }
    }
}

static void json_exactly(void **state)
{
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {STR_INIT(""), "\"\""},
        {STR_INIT("a\"b\\c/d"), "\"a\\\"b\\\\c/d\""},
        {STR_INIT("\n\t\x01\x1f\x7f"), "\"\\u000a\\u0009\\u0001\\u001f\\u007f\""},
        {STR_INIT("a\0b"), "\"a\\u0000b\""},
        {STR_INIT("\xc3\xa4"), "\"\xc3\xa4\""},
        {STR_INIT("\xc3"), "\"\\ufffd\""},
        {STR_INIT("\xc3\"x"), "\"\\ufffd\\\"x\""}, /* a broken sequence swallows nothing */
        {STR_INIT("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
        {STR_INIT("\xf0\x9f\x90\xb3"), "\"\xf0\x9f\x90\xb3\""},
        {STR_INIT("\xf0\x9f\x90"), "\"\\ufffd\\ufffd\\ufffd\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT;
        buf_json(&b, rows[i].in);
        assert_string_equal(b.p, rows[i].out);
    }
}

static void urls(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    buf_url(&b, STR("aZ09-._~ /?&=+%#\xc3\0"));
    assert_string_equal(b.p, "aZ09-._~%20%2F%3F%26%3D%2B%25%23%C3%00");
}

static void quoted_strings(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    buf_quoted(&b, STR("a\"b\\c\r\nX-Evil: 1\0\x7f\xc3\xa4"));
    assert_string_equal(b.p, "\"a\\\"b\\\\cX-Evil: 1\xc3\xa4\"");
}

/* RFC 4648 section 10, without padding, and the two letters that differ. */
static void base64url(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT;
        buf_putz(&b, "");
        buf_base64url(&b, (const uint8_t *)rows[i].in, strlen(rows[i].in));
        assert_string_equal(b.p, rows[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(growing),
        cmocka_unit_test(limit_is_latched),
        cmocka_unit_test(room),
        cmocka_unit_test(json_reads_back),
        cmocka_unit_test(json_exactly),
        cmocka_unit_test(urls),
        cmocka_unit_test(quoted_strings),
        cmocka_unit_test(base64url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
