/*
 * t-scope.c - the grammar of scopes: what a client may ask for, and what an OAuth token was given.
 */
#include "auth/scope.h"

#include "unit.h"

#define HOST "registry.example:8443"

static void test_good(void **state)
{
    static const struct {
        const char *text, *repository;
        unsigned actions;
    } rows[] = {
        {"repository:acme/web:pull", "acme/web", ACTION_PULL},
        {"repository:acme/web:pull,push", "acme/web", ACTION_PULL | ACTION_PUSH},
        {"repository:acme/web:push,pull,*", "acme/web", ACTION_PULL | ACTION_PUSH | ACTION_ADMIN},
        {"repository:acme/web:*", "acme/web", ACTION_ADMIN},
        {"repository:acme/web:pull,pull", "acme/web", ACTION_PULL},
        {"repository:acme/web:delete", "acme/web", 0},
        {"repository:acme/web:pull,delete", "acme/web", ACTION_PULL},
        {"repository:busybox:pull", "busybox", ACTION_PULL},
        {"repository:a/b/c/d:pull", "a/b/c/d", ACTION_PULL},
        {"repository:" HOST "/acme/web:pull", "acme/web", ACTION_PULL},
        {"repository:" HOST "/busybox:pull", "busybox", ACTION_PULL},
        /* the name is looked at later */
        {"repository:ACME/web:pull", "ACME/web", ACTION_PULL},
        {"repository:acme//web:pull", "acme//web", ACTION_PULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scope scope;
        assert_int_equal(scope_parse(NULL, str_z(rows[i].text), STR(HOST), &scope), E_OK);
        assert_true(scope.is_repository);
        assert_true(str_eqz(scope.repository, rows[i].repository));
        assert_int_equal(scope.actions, rows[i].actions);
    }
}

static void test_catalog(void **state)
{
    struct scope scope;
    (void)state;
    assert_int_equal(scope_parse(NULL, STR("registry:catalog:*"), STR(HOST), &scope), E_OK);
    assert_false(scope.is_repository);
    assert_int_equal(scope.actions, 0);
}

static void test_bad(void **state)
{
    static const char *const rows[] = {
        "",
        ":",
        "::",
        "repository",
        "repository:",
        "repository:acme/web",
        "repository:acme/web:",
        "repository::pull",
        "repository:acme/web:pull,",
        "repository:acme/web:,pull",
        "repository:acme/web:PULL",
        "repository:acme/web:**",
        "repository:acme/web:pull push",
        "repository: acme/web:pull",
        "repository:acme/w\xc3\xa9"
        "b:pull",
        "repository:acme/web%2f:pull",
        "repository:other.example:8443/acme/web:pull",
        "repository:" HOST ":pull",
        "repository(plugin):acme/web:pull",
        "Repository:acme/web:pull",
        "registry:catalog:pull",
        "registry:catalog",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scope scope;
        struct fail f = FAIL_INIT;
        assert_int_equal(scope_parse(&f, str_z(rows[i]), STR(HOST), &scope), E_BAD_REQUEST);
        assert_true(f.message[0]);
    }
}

/* A host without a dot or a colon could be a namespace, and then it is one. */
static void test_host_or_namespace(void **state)
{
    struct scope scope;
    (void)state;
    assert_int_equal(scope_parse(NULL, STR("repository:reg/web:pull"), STR("reg"), &scope), E_OK);
    assert_true(str_eqz(scope.repository, "reg/web"));
    assert_int_equal(
        scope_parse(NULL, STR("repository:localhost/a/web:pull"), STR("localhost"), &scope), E_OK);
    assert_true(str_eqz(scope.repository, "a/web"));
    assert_int_equal(scope_parse(NULL, STR("repository:reg.io.x/web:pull"), STR("reg.io"), &scope),
                     E_OK);
    assert_true(str_eqz(scope.repository, "reg.io.x/web"));
}

static void test_oauth(void **state)
{
    (void)state;
    assert_int_equal(oauth_scopes(STR("")), 0);
    assert_int_equal(oauth_scopes(STR("repo:read")), SCOPE_REPO_READ);
    assert_int_equal(oauth_scopes(STR("repo:write")), SCOPE_REPO_WRITE | SCOPE_REPO_READ);
    assert_int_equal(oauth_scopes(STR("repo:admin")),
                     SCOPE_REPO_ADMIN | SCOPE_REPO_WRITE | SCOPE_REPO_READ);
    assert_int_equal(oauth_scopes(STR("repo:create  user:read nonsense")),
                     SCOPE_REPO_CREATE | SCOPE_USER_READ);
    assert_int_equal(oauth_scopes(STR("repo:readx xrepo:read REPO:READ repo:read,repo:write")), 0);
    assert_int_equal(oauth_scopes(STR("repo:admin repo:create user:admin org:admin super:user")),
                     SCOPE_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),  cmocka_unit_test(test_catalog),
        cmocka_unit_test(test_bad),   cmocka_unit_test(test_host_or_namespace),
        cmocka_unit_test(test_oauth),
    };
    return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
