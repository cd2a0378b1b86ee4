/*
 * t-role.c - access/role.c: from facts to a role. One row a rule of Quay's model; every row names
 * the rule.
 */
#include "access/role.h"

#include "unit.h"

/* Two settings that most rows do not care about: anonymous access on, full access off, as by
 * default. */
#define USER .kind = CALLER_USER, .via = VIA_PASSWORD, .scopes = SCOPE_ALL, .anonymous_access = true
#define ROBOT                                                                                      \
    .kind = CALLER_ROBOT, .via = VIA_ROBOT_TOKEN, .scopes = SCOPE_ALL, .anonymous_access = true
#define ANONYMOUS .kind = CALLER_ANONYMOUS, .via = VIA_NONE, .anonymous_access = true
#define OAUTH(s)                                                                                   \
    .kind = CALLER_USER, .via = VIA_OAUTH_TOKEN, .scopes = (s), .anonymous_access = true
#define TOKEN(a)                                                                                   \
    .kind = CALLER_USER, .via = VIA_REGISTRY_TOKEN, .scopes = SCOPE_ALL, .actions = (a),           \
    .anonymous_access = true

struct row {
    const char *rule;
    struct role_facts facts;
    enum repo_role role;
    bool may_create;
};

static const struct row rows[] = {
    {"nothing known, nothing granted", {.kind = CALLER_ANONYMOUS}, ROLE_NONE, false},
    {"a stranger", {USER}, ROLE_NONE, false},
    {"a direct grant", {USER, .direct = ROLE_READ}, ROLE_READ, false},
    {"write", {USER, .direct = ROLE_WRITE}, ROLE_WRITE, false},
    {"admin of a repository creates none", {USER, .direct = ROLE_ADMIN}, ROLE_ADMIN, false},
    {"a team's grant", {USER, .team = ROLE_WRITE, .org = TEAM_MEMBER}, ROLE_WRITE, false},
    {"the better of both", {USER, .direct = ROLE_READ, .team = ROLE_ADMIN}, ROLE_ADMIN, false},
    {"the better of both, turned",
     {USER, .direct = ROLE_ADMIN, .team = ROLE_READ},
     ROLE_ADMIN,
     false},
    {"a member has no role by that", {USER, .org = TEAM_MEMBER}, ROLE_NONE, false},
    {"nor has a creator, who may create", {USER, .org = TEAM_CREATOR}, ROLE_NONE, true},
    {"an organization's admin", {USER, .org = TEAM_ADMIN}, ROLE_ADMIN, true},
    {"the own namespace", {USER, .own_namespace = true}, ROLE_ADMIN, true},

    {"a robot has its grants", {ROBOT, .direct = ROLE_WRITE}, ROLE_WRITE, false},
    {"a robot has its teams", {ROBOT, .team = ROLE_READ, .org = TEAM_CREATOR}, ROLE_READ, true},
    {"a robot in an admin team", {ROBOT, .org = TEAM_ADMIN}, ROLE_ADMIN, true},
    {"a robot owns no namespace", {ROBOT, .own_namespace = true}, ROLE_NONE, false},
    {"a robot is no superuser",
     {ROBOT, .superuser = true, .superusers_full_access = true},
     ROLE_NONE,
     false},

    {"a superuser without the setting", {USER, .superuser = true}, ROLE_NONE, false},
    {"a superuser with it",
     {USER, .superuser = true, .superusers_full_access = true},
     ROLE_ADMIN,
     true},
    {"the setting alone gives nothing", {USER, .superusers_full_access = true}, ROLE_NONE, false},
    {"an auditor reads all", {USER, .readonly_superuser = true}, ROLE_READ, false},
    {"and only reads, also what is its own",
     {USER, .readonly_superuser = true, .own_namespace = true, .org = TEAM_ADMIN},
     ROLE_READ,
     false},
    {"and beats the superuser",
     {USER, .readonly_superuser = true, .superuser = true, .superusers_full_access = true},
     ROLE_READ,
     false},

    {"public, anonymous", {ANONYMOUS, .is_public = true}, ROLE_READ, false},
    {"private, anonymous", {ANONYMOUS}, ROLE_NONE, false},
    {"public, anonymous access off",
     {.kind = CALLER_ANONYMOUS, .via = VIA_NONE, .is_public = true},
     ROLE_NONE,
     false},
    {"public, anonymous access off, signed in",
     {.kind = CALLER_USER, .via = VIA_PASSWORD, .scopes = SCOPE_ALL, .is_public = true},
     ROLE_READ,
     false},
    {"public takes nothing away",
     {USER, .is_public = true, .direct = ROLE_ADMIN},
     ROLE_ADMIN,
     false},
    {"anonymous facts of somebody else count for nothing",
     {ANONYMOUS, .direct = ROLE_ADMIN, .own_namespace = true, .superuser = true,
      .superusers_full_access = true},
     ROLE_NONE,
     false},

    {"scope repo:read caps", {OAUTH(SCOPE_REPO_READ), .direct = ROLE_ADMIN}, ROLE_READ, false},
    {"scope repo:write caps", {OAUTH(SCOPE_REPO_WRITE), .direct = ROLE_ADMIN}, ROLE_WRITE, false},
    {"scope repo:admin gives no role",
     {OAUTH(SCOPE_REPO_ADMIN), .direct = ROLE_READ},
     ROLE_READ,
     false},
    {"scopes without repo", {OAUTH(SCOPE_USER_READ), .own_namespace = true}, ROLE_NONE, false},
    {"and yet public is public", {OAUTH(SCOPE_USER_READ), .is_public = true}, ROLE_READ, false},
    {"repo:create creates in the own namespace",
     {OAUTH(SCOPE_REPO_CREATE), .own_namespace = true},
     ROLE_NONE,
     true},
    {"repo:admin does not create",
     {OAUTH(SCOPE_REPO_ADMIN), .own_namespace = true},
     ROLE_ADMIN,
     false},
    {"org:admin creates", {OAUTH(SCOPE_ORG_ADMIN), .org = TEAM_CREATOR}, ROLE_NONE, true},
    {"a scope does not make a creator",
     {OAUTH(SCOPE_REPO_CREATE), .org = TEAM_MEMBER},
     ROLE_NONE,
     false},
    {"full access is capped too",
     {OAUTH(SCOPE_REPO_READ), .superuser = true, .superusers_full_access = true},
     ROLE_READ,
     false},

    {"token: pull", {TOKEN(ACTION_PULL)}, ROLE_READ, false},
    {"token: push", {TOKEN(ACTION_PUSH)}, ROLE_WRITE, false},
    {"token: pull and push", {TOKEN(ACTION_PULL | ACTION_PUSH)}, ROLE_WRITE, false},
    {"token: everything", {TOKEN(ACTION_ADMIN)}, ROLE_ADMIN, false},
    {"token: nothing", {TOKEN(0)}, ROLE_NONE, false},
    {"a token's rights are its grants, not its subject's",
     {TOKEN(ACTION_PULL), .direct = ROLE_ADMIN, .own_namespace = true, .org = TEAM_ADMIN,
      .superuser = true, .superusers_full_access = true},
     ROLE_READ,
     false},
    {"a token without the grant reads what is public",
     {TOKEN(0), .is_public = true},
     ROLE_READ,
     false},
    {"not when anonymous access is off",
     {.kind = CALLER_USER, .via = VIA_REGISTRY_TOKEN, .scopes = SCOPE_ALL, .is_public = true},
     ROLE_NONE,
     false},
    {"an anonymous token",
     {.kind = CALLER_ANONYMOUS, .via = VIA_REGISTRY_TOKEN, .actions = ACTION_PULL},
     ROLE_READ,
     false},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum repo_role role = role_on_repository(&rows[i].facts);
        bool may = role_may_create(&rows[i].facts);
        if (role != rows[i].role || may != rows[i].may_create)
            fail_msg("%s: role %s%s", rows[i].rule, repo_role_name(role),
                     may ? ", may create" : "");
    }
}

/* Nobody gains by a fact that is taken away: more of any fact never lowers a role (but for the
 * auditor's cap). */
static void test_monotonic(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1u << 9; bits++) {
        struct role_facts low = {
            .kind = bits & 1 ? CALLER_ROBOT : CALLER_USER,
            .via = VIA_PASSWORD,
            .scopes = SCOPE_ALL,
            .superuser = bits & 2,
            .superusers_full_access = bits & 4,
            .direct = bits >> 3 & 3,
            .team = bits >> 5 & 3,
            .org = bits >> 7 & 3,
        };
        struct role_facts high = low;
        high.is_public = true;
        high.anonymous_access = true;
        assert_true(role_on_repository(&high) >= role_on_repository(&low));
        low.scopes = SCOPE_REPO_READ;
        assert_true(role_on_repository(&low) <= ROLE_READ);
        low.scopes = 0;
        assert_int_equal(role_on_repository(&low), ROLE_NONE);
    }
}

static void test_grants(void **state)
{
    static const struct grant grants[] = {
        {STR_INIT("acme/web"), ACTION_PULL},
        {STR_INIT("acme/web/front"), ACTION_PUSH},
        {STR_INIT("busybox"), ACTION_PULL | ACTION_PUSH},
        {STR_INIT("library/alpine"), ACTION_PULL},
        {STR_INIT("acme/web"), ACTION_PUSH},
        {STR_INIT("a/b/c"), ACTION_ADMIN},
    };
    static const struct {
        const char *ns, *name;
        unsigned actions;
    } cases[] = {
        {"acme", "web", ACTION_PULL | ACTION_PUSH}, /* two entries add up */
        {"acme", "web/front", ACTION_PUSH},
        {"acme", "we", 0},
        {"acme", "web2", 0},
        {"acm", "e/web", 0},
        {"library", "busybox", ACTION_PULL | ACTION_PUSH},
        {"acme", "busybox", 0}, /* one part means library, nobody else */
        {"busybox", "", 0},
        {"library", "alpine", ACTION_PULL},
        {"a", "b/c", ACTION_ADMIN},
        {"a/b", "c", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned actions = grants_for(grants, sizeof(grants) / sizeof(grants[0]), STR("library"),
                                      str_z(cases[i].ns), str_z(cases[i].name));
        if (actions != cases[i].actions)
            fail_msg("%s/%s: %u, not %u", cases[i].ns, cases[i].name, actions, cases[i].actions);
    }
    assert_int_equal(grants_for(NULL, 0, STR("library"), STR("acme"), STR("web")), 0);
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i <= 3; i++) {
        enum repo_role repo = ROLE_NONE;
        enum team_role team = TEAM_NONE;
        bool named = i > 0;
        assert_int_equal(repo_role_parse(str_z(repo_role_name((enum repo_role)i)), &repo), named);
        assert_int_equal(repo, i);
        assert_int_equal(team_role_parse(str_z(team_role_name((enum team_role)i)), &team), named);
        assert_int_equal(team, i);
    }
    enum repo_role repo;
    assert_false(repo_role_parse(STR("Admin"), &repo));
    assert_false(repo_role_parse(STR(""), &repo));
    assert_string_equal(repo_role_name((enum repo_role)9), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_monotonic),
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
