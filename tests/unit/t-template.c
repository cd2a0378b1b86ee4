/*
 * t-template.c - templates: what is filled in, what must not be, and includes.
 */
#include "base/cleanup.h"
#include "command/files.h"
#include "command/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

static char dir[] = "/tmp/t-template-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char path[PATH_MAX];
    static const char *const names[] = {"part.in", "loop.in"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

static enum err fill(const char *text, struct fail *f, struct buf *out)
{
    CLEANUP(arena_freep) struct arena *a = arena_new(1 << 20);
    struct template t = {.arena = a};
    template_set(&t, "DIR", STR("/var/x"));
    template_set(&t, "EMPTY", STR(""));
    template_setf(&t, "PORT_2", "%d", 8443);
    return template_fill(f, &t, "test", dir, str_z(text), out);
}

static void filled(const char *text, const char *expected)
{
    struct fail f = FAIL_INIT;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    assert_int_equal(fill(text, &f, &out), E_OK);
    assert_string_equal(out.p ? out.p : "", expected);
}

static void test_values(void **state)
{
    (void)state;
    filled("", "");
    filled("plain\n", "plain\n");
    filled("no newline", "no newline\n");
    filled("a @DIR@/b\n", "a /var/x/b\n");
    filled("@DIR@@PORT_2@\n", "/var/x8443\n");
    filled("@PORT_2@@'localhost'\n", "8443@'localhost'\n");
    filled("x [@EMPTY@]\n", "x []\n");
}

static void test_not_values(void **state)
{
    (void)state;
    filled("error_page 401 = @named;\n", "error_page 401 = @named;\n");
    filled("user@DIR\n", "user@DIR\n");
    filled("@\n@@\n@@@\n", "@\n@@\n@@@\n");
    filled("@Dir@ @dir@ @A B@\n", "@Dir@ @dir@ @A B@\n");
}

static void test_vanishing_lines(void **state)
{
    (void)state;
    filled("a\n  @EMPTY@\nb\n", "a\nb\n");
    filled("a\n  @EMPTY@;\nb\n", "a\n  ;\nb\n");
    filled("a\n\nb\n", "a\n\nb\n");
}

static void test_unknown(void **state)
{
    struct fail f = FAIL_INIT;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    (void)state;
    assert_int_equal(fill("a\nb @MISSING@ c\n", &f, &out), E_CONFIG);
    assert_non_null(strstr(f.message, "test line 2: @MISSING@"));
}

static void write_part(const char *name, const char *text)
{
    char path[PATH_MAX];
    struct fail f = FAIL_INIT;
    assert_int_equal(path_join(&f, dir, name, path), E_OK);
    assert_int_equal(file_write(&f, path, str_z(text), 0600), E_OK);
}

static void test_include(void **state)
{
    struct fail f = FAIL_INIT;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    (void)state;
    write_part("part.in", "in @DIR@\n");
    filled("a\n@INCLUDE part.in@\nb\n", "a\nin /var/x\nb\n");
    write_part("loop.in", "@INCLUDE loop.in@\n");
    assert_int_equal(fill("@INCLUDE loop.in@\n", &f, &out), E_CONFIG);
    fail_clear(&f);
    assert_int_equal(fill("@INCLUDE nothing.in@\n", &f, &out), E_CONFIG);
    assert_non_null(strstr(f.message, "nothing.in is missing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),          cmocka_unit_test(test_not_values),
        cmocka_unit_test(test_vanishing_lines), cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_include),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
