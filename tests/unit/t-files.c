/*
 * t-files.c - files replaced as a whole, and the ends of logs.
 */
#include "base/cleanup.h"
#include "command/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

static char dir[] = "/tmp/t-files-XXXXXX";
static char path[PATH_MAX];

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/file", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void put(const char *text)
{
    struct fail f = FAIL_INIT;
    assert_int_equal(file_write(&f, path, str_z(text), 0640), E_OK);
}

static void tail_is(off_t since, size_t max, const char *expected)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    file_tail(path, since, max, &b);
    assert_string_equal(b.p ? b.p : "", expected);
}

static void test_tail(void **state)
{
    (void)state;
    put("one\ntwo\nthree\n");
    tail_is(0, 100, "one\ntwo\nthree\n");
    tail_is(0, 8, "three\n");
    tail_is(0, 10, "three\n"); /* whole lines only */
    tail_is(4, 100, "two\nthree\n");
    tail_is(4, 7, "three\n");
    tail_is(14, 100, "");                    /* nothing new */
    tail_is(1000, 100, "one\ntwo\nthree\n"); /* it was rotated */
    put("");
    tail_is(0, 100, "");
    unlink(path);
    tail_is(0, 100, "");
}

static void test_write(void **state)
{
    struct fail f = FAIL_INIT;
    struct stat st;
    bool changed = false;
    (void)state;
    put("a\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    ino_t before = st.st_ino;
    assert_int_equal(file_update(&f, path, STR("a\n"), 0640, &changed), E_OK);
    assert_false(changed);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_ino, before);
    assert_int_equal(file_update(&f, path, STR("b\n"), 0600, &changed), E_OK);
    assert_true(changed);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(file_size(path), 2);
}

/* A link in the place of the file is replaced, what it points to is not written. */
static void test_link(void **state)
{
    char target[PATH_MAX];
    struct fail f = FAIL_INIT;
    struct stat st;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    (void)state;
    snprintf(target, sizeof(target), "%s/target", dir);
    assert_int_equal(file_write(&f, target, STR("precious"), 0600), E_OK);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
    put("new");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_int_equal(file_read(&f, target, 100, &b), E_OK);
    assert_string_equal(b.p, "precious");
    unlink(target);
}

static void test_read(void **state)
{
    struct fail f = FAIL_INIT;
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    (void)state;
    put("0123456789");
    assert_int_equal(file_read(&f, path, 10, &b), E_OK);
    buf_reset(&b);
    assert_int_equal(file_read(&f, path, 9, &b), E_SYSTEM);
    fail_clear(&f);
    unlink(path);
    assert_int_equal(file_read(&f, path, 10, &b), E_NO_ROW);
}

static void test_dirs(void **state)
{
    char deep[PATH_MAX], part[PATH_MAX];
    struct fail f = FAIL_INIT;
    (void)state;
    snprintf(part, sizeof(part), "%s/x", dir);
    snprintf(deep, sizeof(deep), "%s/x/y", dir);
    assert_int_equal(dir_make_all(&f, deep, 0700), E_OK);
    assert_int_equal(dir_make_all(&f, deep, 0700), E_OK);
    assert_int_equal(rmdir(deep), 0);
    assert_int_equal(rmdir(part), 0);
    put("in the way");
    assert_int_equal(dir_make(&f, path, 0700), E_SYSTEM);
    assert_non_null(strstr(f.message, "not a directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail), cmocka_unit_test(test_write), cmocka_unit_test(test_link),
        cmocka_unit_test(test_read), cmocka_unit_test(test_dirs),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
