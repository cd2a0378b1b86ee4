/*
 * t-password.c - yescrypt and bcrypt, what is refused, and that memory never outlives a changed
 * hash.
 */
#include "auth/password.h"

#include "unit.h"

#include <pthread.h>

static bool verify(const char *stored, struct str password)
{
    bool ok = true;
    assert_int_equal(password_verify(NULL, str_z(stored), password, PASSWORD_ANY_CROWD, &ok), E_OK);
    return ok;
}

static void test_yescrypt(void **state)
{
    char hash[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
    struct str password = STR("p\xc3\xa4ss:wo:rd ");
    (void)state;
    assert_int_equal(password_hash(NULL, password, hash), E_OK);
    assert_true(str_starts(str_z(hash), STR("$y$")));
    assert_true(verify(hash, password));
    assert_true(verify(hash, password)); /* from memory */
    assert_false(verify(hash, STR("p\xc3\xa4ss:wo:rd")));
    assert_false(verify(hash, STR("P\xc3\xa4ss:wo:rd ")));
    assert_int_equal(password_hash(NULL, password, again), E_OK);
    assert_string_not_equal(hash, again);
}

/* Imported hashes: bcrypt in the spelling of today and of PHP, the password being "secret". */
static void test_bcrypt(void **state)
{
    static const char hash[] = "$2b$06$abcdefghijklmnopqrstuuxLa0AkDDSrQ9VwNnETzOsObiucpMYgC";
    (void)state;
    assert_true(verify(hash, STR("secret")));
    assert_false(verify(hash, STR("Secret")));
}

static void test_changed_hash(void **state)
{
    char before[PASSWORD_HASH_MAX], after[PASSWORD_HASH_MAX];
    (void)state;
    assert_int_equal(password_hash(NULL, STR("old"), before), E_OK);
    assert_int_equal(password_hash(NULL, STR("new"), after), E_OK);
    assert_true(verify(before, STR("old")));
    assert_false(verify(after, STR("old")));
    assert_true(verify(after, STR("new")));
}

static void test_never_right(void **state)
{
    (void)state;
    assert_false(verify("", STR("x")));
    assert_false(verify("", STR("")));
    assert_false(verify("*0", STR("x")));
    assert_false(verify("!", STR("x")));
    assert_false(verify("x", STR("x")));
    assert_false(verify("$y$", STR("x")));
    assert_false(verify("$2b$99$", STR("x")));
    assert_false(verify("$1$abcdefgh$G9pEzKYtXIFpNCRMdyCFI.", STR("x"))); /* MD5 of old */
}

static void test_acceptable(void **state)
{
    char hash[PASSWORD_HASH_MAX], big[PASSWORD_MAX + 1];
    (void)state;
    memset(big, 'a', sizeof(big));
    assert_int_equal(password_hash(NULL, STR(""), hash), E_BAD_REQUEST);
    assert_int_equal(password_hash(NULL, STR("a\0b"), hash), E_BAD_REQUEST);
    assert_int_equal(password_hash(NULL, STR("\xff"), hash), E_BAD_REQUEST);
    assert_int_equal(password_hash(NULL, (struct str){big, PASSWORD_MAX + 1}, hash), E_BAD_REQUEST);
    assert_int_equal(password_hash(NULL, (struct str){big, PASSWORD_MAX}, hash), E_OK);
    assert_true(verify(hash, (struct str){big, PASSWORD_MAX}));
    assert_false(verify(hash, (struct str){big, PASSWORD_MAX - 1}));
    /* A NUL must not end the comparison. */
    assert_int_equal(password_hash(NULL, STR("abc"), hash), E_OK);
    assert_true(verify(hash, STR("abc")));
    assert_false(verify(hash, STR("abc\0def")));
}

static char shared[PASSWORD_HASH_MAX];

static void *many(void *arg)
{
    int *wrong = arg;
    for (int i = 0; i < 8; i++) {
        bool ok = false;
        struct str password = i % 2 ? STR("right") : STR("wrong");
        if (password_verify(NULL, str_z(shared), password, PASSWORD_ANY_CROWD, &ok) ||
            ok != (i % 2 == 1))
            ++*wrong;
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t threads[8];
    int wrong[8] = {0};
    (void)state;
    assert_int_equal(password_hash(NULL, STR("right"), shared), E_OK);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many, &wrong[i]), 0);
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
}

/* No room in the crowd: refused at once, unless nothing has to be computed. Who was refused takes no place. */
static void test_crowd(void **state)
{
    char hash[PASSWORD_HASH_MAX];
    struct fail f = FAIL_INIT;
    bool ok = false;
    (void)state;
    assert_int_equal(password_hash(NULL, STR("crowded"), hash), E_OK);
    for (int i = 0; i < 1000; i++) {
        fail_clear(&f);
        assert_int_equal(password_verify(&f, str_z(hash), STR("crowded"), 0, &ok), E_TOO_MANY);
    }
    assert_true(f.retry_after_s > 0);
    assert_int_equal(password_verify(NULL, str_z(hash), STR("wrong"), 1, &ok), E_OK);
    assert_false(ok);
    assert_int_equal(password_verify(NULL, str_z(hash), STR("crowded"), 1, &ok), E_OK);
    assert_true(ok);
    ok = false;
    assert_int_equal(password_verify(NULL, str_z(hash), STR("crowded"), 0, &ok), E_OK);
    assert_true(ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yescrypt),     cmocka_unit_test(test_bcrypt),
        cmocka_unit_test(test_changed_hash), cmocka_unit_test(test_never_right),
        cmocka_unit_test(test_acceptable),   cmocka_unit_test(test_threads),
        cmocka_unit_test(test_crowd),
    };
    return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
