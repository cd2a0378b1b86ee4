/*
 * t-err.c - failures: the first one stays, the client's text and the log's text are apart, every
 * row can be rendered.
 */
#include "base/err.h"

#include "base/log.h"

#include "unit.h" /* whose fail() is a macro: ours is called as (fail)() */

static void first_stays(void **state)
{
    (void)state;
    struct fail f = FAIL_INIT;
    assert_int_equal((fail)(&f, E_BLOB_UNKNOWN, "blob %d", 1), E_BLOB_UNKNOWN);
    assert_int_equal((fail)(&f, E_INTERNAL, "second"), E_INTERNAL);
    assert_int_equal(fail_internal(&f, E_DB_DOWN, "third"), E_DB_DOWN);
    assert_int_equal(f.err, E_BLOB_UNKNOWN);
    assert_string_equal(fail_text(&f), "blob 1");
    assert_string_equal(f.internal, "");
    fail_clear(&f);
    assert_int_equal(f.err, E_OK);
    fail_internal(&f, E_DB_DOWN, "socket /secret");
    assert_string_equal(fail_text(&f), err_info(E_DB_DOWN)->text);
    assert_string_equal(f.internal, "socket /secret");
    assert_int_equal((fail)(NULL, E_DENIED, "nobody listens"), E_DENIED);
}

static void cut(void **state)
{
    (void)state;
    struct fail f = FAIL_INIT;
    (fail)(&f, E_DENIED, "%1000d", 1);
    assert_int_equal(strlen(f.message), sizeof(f.message) - 1);
    fail_detail(&f, "{\"a\":1}");
    assert_string_equal(f.detail, "{\"a\":1}");
    char big[600];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    fail_detail(&f, big); /* half of a JSON value would be none */
    assert_string_equal(f.detail, "{\"a\":1}");
}

static void every_row(void **state)
{
    (void)state;
    for (int e = 1; e < E_COUNT; e++) {
        const struct err_info *i = err_info((enum err)e);
        assert_true(i->status >= 400 && i->status <= 507);
        assert_true(i->oci[0] && i->quay[0] && i->text[0] && i->id[0]);
        assert_in_range(i->level, LOG_DEBUG, LOG_ERROR);
        if (i->level == LOG_ERROR)
            assert_true(i->status >= 500); /* what a client did is never an error of ours */
    }
    assert_int_equal(err_info(E_OK)->status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_stays),
        cmocka_unit_test(cut),
        cmocka_unit_test(every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
