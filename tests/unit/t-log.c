/*
 * t-log.c - a log line stays one line, whatever a client put into it.
 */
#include "base/log.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int keep = -1, ends[2];

/* Standard error goes into a pipe between begin() and what(). */
static void begin(void)
{
    assert_int_equal(pipe(ends), 0);
    keep = dup(2);
    dup2(ends[1], 2);
    close(ends[1]);
}

static const char *what(void)
{
    static char out[16384];
    dup2(keep, 2);
    close(keep);
    ssize_t n = read(ends[0], out, sizeof(out) - 1);
    close(ends[0]);
    out[n > 0 ? n : 0] = '\0';
    return out;
}

static void values(void **state)
{
    (void)state;
    begin();
    LOG(LOG_WARN, "worker died", KVI("worker", -12), KV("why", STR("plain")), KV("empty", STR("")),
        KV("odd", STR("a=\"b\" \\c\nlevel=error\r\x01\x7f")));
    const char *line = what();
    assert_non_null(strstr(line, " level=warn pid="));
    assert_non_null(strstr(line, " msg=\"worker died\" worker=-12 why=plain empty=\"\" "
                                 "odd=\"a=\\\"b\\\" \\\\c\\nlevel=error\\x0d\\x01\\x7f\"\n"));
    assert_int_equal(strchr(line, '\n') - line, strlen(line) - 1);
}

static void levels_and_tail(void **state)
{
    static const struct log_kv tail[] = {{.key = "req", .value = STR_INIT("r1")}, {.key = NULL}};
    (void)state;
    begin();
    LOG(LOG_DEBUG, "not shown");
    log_set_tail(tail, 2);
    LOG(LOG_ERROR, "one");
    log_set_tail(NULL, 2);
    LOG(LOG_INFO, "two");
    const char *lines = what();
    assert_null(strstr(lines, "not shown"));
    assert_non_null(strstr(lines, "level=error"));
    assert_non_null(strstr(lines, " req=r1 msg=one\n"));
    assert_null(strstr(strstr(lines, "one\n"), "req="));
}

static void cut(void **state)
{
    (void)state;
    char *big = malloc(10000);
    assert_non_null(big);
    memset(big, '"', 10000); /* each becomes two bytes */
    begin();
    LOG(LOG_INFO, "big", KV("v", ((struct str){big, 10000})), KV("after", STR("x")));
    const char *line = what();
    assert_int_equal(strlen(line), 4096);
    assert_int_equal(line[4095], '\n');
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(levels_and_tail),
        cmocka_unit_test(cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
