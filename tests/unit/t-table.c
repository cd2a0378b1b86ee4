/*
 * t-table.c - command/table.c: what people and programs read of a list.
 */
#include "command/table.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const columns[] = {"name", "last_seen", "count", "ok"};
static char printed[8192];

static void row_of(struct cell *row, const char *name, int64_t seen, int64_t count, bool ok)
{
    row[0] = cell_text(str_z(name));
    row[1] = cell_time(seen);
    row[2] = cell_number(count);
    row[3] = cell_bool(ok);
}

/* Standard output into a file and back, around `print`. */
static void capture(void (*print)(bool json), bool json)
{
    FILE *file = tmpfile();
    int kept;
    size_t n;
    assert_non_null(file);
    fflush(stdout);
    kept = dup(1);
    assert_true(kept >= 0 && dup2(fileno(file), 1) == 1);
    print(json);
    fflush(stdout);
    assert_int_equal(dup2(kept, 1), 1);
    close(kept);
    rewind(file);
    n = fread(printed, 1, sizeof(printed) - 1, file);
    printed[n] = '\0';
    fclose(file);
}

static void print_pages(bool json)
{
    struct cell row[4];
    struct table t;
    table_init(&t, json, columns, 4);
    row_of(row, "al", 0, 1, true);
    table_row(&t, row);
    row_of(row, "b\xc3\xa9\x1b[31m\"x", 1500, -20, false);
    table_row(&t, row);
    table_flush(&t);
    row_of(row, "a name that is long", 0, 3, true);
    table_row(&t, row);
    table_flush(&t);
    row_of(row, NULL, 0, 4, true);
    table_row(&t, row);
    if (!table_end(&t))
        abort();
}

static void print_nothing(bool json)
{
    struct table t;
    table_init(&t, json, columns, 4);
    if (!table_end(&t))
        abort();
}

static void print_object(bool json)
{
    struct cell row[4];
    row_of(row, "al", 0, 1, true);
    table_object(json, columns, row, 2);
}

/* Columns line up by characters, control characters are not obeyed, and a later page never gets narrower. */
static void test_text(void **state)
{
    (void)state;
    capture(print_pages, false);
    assert_string_equal(printed, "NAME       LAST SEEN                 COUNT  OK\n"
                                 "al         never                     1      yes\n"
                                 "b\xc3\xa9?[31m\"x  1970-01-01T00:00:01.500Z  -20    no\n"
                                 "a name that is long  never                     3      yes\n"
                                 "-                    never                     4      yes\n");
    capture(print_nothing, false);
    assert_string_equal(printed, "");
    capture(print_object, false);
    assert_string_equal(printed, "name: al\nlast_seen: never\n");
}

static void test_json(void **state)
{
    (void)state;
    capture(print_pages, true);
    assert_string_equal(
        printed,
        "[{\"name\": \"al\", \"last_seen\": null, \"count\": 1, \"ok\": true},\n"
        " {\"name\": \"b\xc3\xa9\\u001b[31m\\\"x\", \"last_seen\": \"1970-01-01T00:00:01.500Z\", "
        "\"count\": -20, \"ok\": false},\n"
        " {\"name\": \"a name that is long\", \"last_seen\": null, \"count\": 3, \"ok\": true},\n"
        " {\"name\": null, \"last_seen\": null, \"count\": 4, \"ok\": true}]\n");
    capture(print_nothing, true);
    assert_string_equal(printed, "[]\n");
    capture(print_object, true);
    assert_string_equal(printed, "{\"name\": \"al\", \"last_seen\": null}\n");
}

static size_t many;
static void print_many(bool json)
{
    static const char *const one[] = {"n"};
    struct table t;
    table_init(&t, json, one, 1);
    for (size_t i = 0; i < many; i++) {
        struct cell c = cell_number((int64_t)i);
        table_row(&t, &c);
    }
    if (!table_end(&t))
        abort();
}

/* Past the room made at first. */
static void test_growth(void **state)
{
    size_t lines = 0;
    (void)state;
    many = 1000;
    capture(print_many, false);
    for (const char *p = printed; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, many + 1);
    assert_non_null(strstr(printed, "\n999\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
