/*
 * t-account.c - account/ on a real database: users, organizations, teams, robots, tokens, grants, and what of them is
 * written to the audit log. Repositories are t-repository.c's.
 */
#include "auth/password.h"
#include "auth/secret.h"
#include "base/clock.h"
#include "base/random.h"
#include "db/token.h"

#include <pthread.h>
#include <stdio.h>

#include "accounts.h"

static int set_up(void **state)
{
    (void)state;
    people_start("t_account");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    people_stop();
    return 0;
}

static enum err create(const char *name, const char *email, const char *password)
{
    struct fail f = FAIL_INIT;
    struct account out;
    enum err e = user_create(&w, &f, &nobody, str_z(name), str_z(email), str_z(password), &out);
    assert_int_equal(f.err, e);
    return e;
}

static void test_user(void **state)
{
    struct fail f = FAIL_INIT;
    struct account user, again;
    int64_t rows = audited("user_create");
    bool right = false;
    (void)state;
    assert_ok(
        user_create(&w, &f, &nobody, STR("ann"), STR("ann@example"), STR("pass-word-1"), &user),
        &f);
    assert_ok(user_find(&w, &f, STR("ann"), &again), &f);
    assert_int_equal(again.id, user.id);
    assert_true(str_eq(again.email, STR("ann@example")));
    assert_true(str_eq(again.uuid, user.uuid));
    assert_true(again.enabled);
    assert_int_equal(again.removed_tag_expiration_s, 1209600);
    assert_int_equal(audited("user_create"), rows + 1);
    assert_string_equal(audited_last("user_create"),
                        "{\"username\":\"ann\",\"email\":\"ann@example\"}\n");
    assert_int_equal(
        number(
            "SELECT COUNT(*) FROM %s.log_entry WHERE performer_id IS NOT NULL OR ip IS NOT NULL"),
        0);

    assert_int_equal(create("ann", NULL, "pass-word-1"), E_CONFLICT);
    assert_int_equal(create("ann2", "ann@example", "pass-word-1"), E_CONFLICT);
    assert_int_equal(create("Ann", NULL, "pass-word-1"), E_BAD_REQUEST);
    assert_int_equal(create("ann3", NULL, "short"), E_BAD_REQUEST);
    assert_int_equal(create("ann3", "no address", "pass-word-1"), E_BAD_REQUEST);
    assert_int_equal(audited("user_create"), rows + 1);

    assert_ok(account_login_failed(w.db, &f, user.id, 5, 0), &f);
    assert_ok(user_set_password(&w, &f, &nobody, &user, STR("another-pass-2")), &f);
    assert_ok(user_find(&w, &f, STR("ann"), &again), &f);
    assert_int_equal(again.invalid_login_attempts, 0);
    assert_ok(
        password_verify(&f, again.password_hash, STR("another-pass-2"), PASSWORD_ANY_CROWD, &right),
        &f);
    assert_true(right);
    assert_ok(
        password_verify(&f, again.password_hash, STR("pass-word-1"), PASSWORD_ANY_CROWD, &right),
        &f);
    assert_false(right);
    assert_int_equal(audited("user_change_password"), 1);
    assert_int_equal(user_set_password(&w, NULL, &nobody, &user, STR("short")), E_BAD_REQUEST);

    assert_ok(user_set_enabled(&w, &f, &nobody, &again, true), &f);
    assert_int_equal(audited("user_enable"), 0); /* it was */
    assert_ok(user_set_enabled(&w, &f, &nobody, &again, false), &f);
    assert_ok(user_find(&w, &f, STR("ann"), &again), &f);
    assert_false(again.enabled);
    assert_ok(user_set_enabled(&w, &f, &nobody, &again, true), &f);
    assert_int_equal(audited("user_disable"), 1);
    assert_int_equal(audited("user_enable"), 1);

    assert_err(user_find(&w, &f, STR("nobody"), &again), E_NOT_FOUND, &f);
}

static void test_login_state(void **state)
{
    struct fail f = FAIL_INIT;
    struct account user = make_user("login"), now;
    (void)state;
    assert_ok(account_login_failed(w.db, &f, user.id, 10, 0), &f);
    assert_ok(account_login_failed(w.db, &f, user.id, 20, 0), &f);
    assert_ok(account_by_id(w.db, &f, w.arena, user.id, &now), &f);
    assert_int_equal(now.invalid_login_attempts, 2);
    assert_int_equal(now.last_invalid_login_ms, 20);
    assert_ok(account_login_ok(w.db, &f, user.id), &f);
    assert_ok(account_touch(w.db, &f, user.id, 1000, 900), &f);
    assert_ok(account_touch(w.db, &f, user.id, 1050, 950), &f); /* too soon to be noted */
    assert_ok(account_by_uuid(w.db, &f, w.arena, user.uuid, &now), &f);
    assert_int_equal(now.invalid_login_attempts, 0);
    assert_int_equal(now.last_accessed_ms, 1000);
    assert_ok(account_touch(w.db, &f, user.id, 2000, 1500), &f);
    assert_ok(account_by_id(w.db, &f, w.arena, user.id, &now), &f);
    assert_int_equal(now.last_accessed_ms, 2000);
}

static void test_organization(void **state)
{
    struct fail f = FAIL_INIT;
    struct account olga = make_user("olga"), org = make_org("orga", &olga), robot, out;
    struct team owners;
    int role = 0;
    (void)state;
    assert_int_equal(org.kind, ACCOUNT_ORGANIZATION);
    assert_ok(team_find(&w, &f, &org, STR("owners"), &owners), &f);
    assert_int_equal(owners.role, TEAM_ADMIN);
    assert_ok(team_role_of(w.db, &f, olga.id, org.id, &role), &f);
    assert_int_equal(role, TEAM_ADMIN);
    assert_int_equal(audited("org_create"), 1);

    assert_int_equal(org_create(&w, NULL, &nobody, STR("orga"), STR_NONE, &olga), E_CONFLICT);
    assert_int_equal(org_create(&w, NULL, &nobody, STR("olga"), STR_NONE, &olga), E_CONFLICT);
    assert_int_equal(create("orga", NULL, "pass-word-1"), E_CONFLICT);
    robot = make_robot(&org, "bot");
    assert_int_equal(org_create(&w, NULL, &nobody, STR("orgb"), STR_NONE, &robot), E_BAD_REQUEST);
    assert_int_equal(org_create(&w, NULL, &nobody, STR("orgb"), STR_NONE, &org), E_BAD_REQUEST);
    assert_err(user_find(&w, &f, STR("orga"), &out), E_NOT_FOUND, &f);
    fail_clear(&f);
    assert_err(org_find(&w, &f, STR("olga"), &out), E_NOT_FOUND, &f);
    fail_clear(&f);
    assert_err(namespace_find(&w, &f, STR("orga+bot"), &out), E_NOT_FOUND, &f);
}

static void test_team(void **state)
{
    struct fail f = FAIL_INIT;
    struct account tom = make_user("tom"), ted = make_user("ted"), org = make_org("teams", &tom);
    struct account other = make_org("other-teams", &ted), mine = make_robot(&org, "bot");
    struct account foreign = make_robot(&other, "bot");
    struct team owners, devs = make_team(&org, "devs", TEAM_MEMBER);
    struct team_list teams;
    struct team_members members;
    (void)state;
    assert_ok(team_find(&w, &f, &org, STR("owners"), &owners), &f);
    assert_int_equal(team_create(&w, NULL, &nobody, &org, STR("devs"), TEAM_ADMIN, STR_NONE),
                     E_CONFLICT);
    assert_int_equal(team_create(&w, NULL, &nobody, &org, STR("De vs"), TEAM_ADMIN, STR_NONE),
                     E_BAD_REQUEST);

    join_team(&org, &devs, &ted);
    join_team(&org, &devs, &ted); /* already there: fine, and no second row */
    join_team(&org, &devs, &mine);
    assert_int_equal(audited("org_add_team_member"), 2);
    assert_string_equal(audited_last("org_add_team_member"),
                        "{\"member\":\"teams+bot\",\"team\":\"devs\"}\n");
    assert_int_equal(team_add_member(&w, NULL, &nobody, &org, &devs, &foreign), E_BAD_REQUEST);
    assert_int_equal(team_add_member(&w, NULL, &nobody, &org, &devs, &other), E_BAD_REQUEST);
    assert_ok(team_members(w.db, &f, w.arena, devs.id, STR_NONE, 10, &members), &f);
    assert_int_equal(members.n, 2);
    assert_true(str_eqz(members.v[0].name, "teams+bot") || str_eqz(members.v[0].name, "ted"));
    assert_ok(team_list(w.db, &f, w.arena, org.id, STR_NONE, 10, &teams), &f);
    assert_int_equal(teams.n, 2);
    assert_true(str_eqz(teams.v[0].name, "devs"));
    assert_int_equal(teams.v[0].members, 2);
    assert_ok(team_list(w.db, &f, w.arena, org.id, STR("devs"), 10, &teams), &f);
    assert_int_equal(teams.n, 1);

    /* the last owner stays, by whatever way it would go */
    assert_err(team_drop_member(&w, &f, &nobody, &org, &owners, &tom), E_CONFLICT, &f);
    assert_non_null(strstr(f.message, "owner"));
    assert_int_equal(team_set_role(&w, NULL, &nobody, &org, &owners, TEAM_MEMBER), E_CONFLICT);
    assert_int_equal(team_delete(&w, NULL, &nobody, &org, &owners), E_CONFLICT);
    assert_int_equal(user_delete(&w, NULL, &nobody, &tom, true), E_CONFLICT);
    join_team(&org, &owners, &mine); /* a robot is no owner */
    assert_int_equal(team_drop_member(&w, NULL, &nobody, &org, &owners, &tom), E_CONFLICT);
    assert_int_equal(number("SELECT COUNT(*) FROM %s.team_member m JOIN %s.account a ON a.id = "
                            "m.account_id WHERE a.name = 'tom'"),
                     1);

    fail_clear(&f);
    assert_ok(team_set_role(&w, &f, &nobody, &org, &devs, TEAM_ADMIN), &f); /* ted is one now */
    assert_ok(team_find(&w, &f, &org, STR("devs"), &devs), &f);
    assert_ok(team_drop_member(&w, &f, &nobody, &org, &owners, &tom), &f);
    assert_err(team_drop_member(&w, &f, &nobody, &org, &owners, &tom), E_NOT_FOUND, &f);
    assert_ok(team_delete(&w, NULL, &nobody, &org, &owners), NULL);
    assert_int_equal(team_delete(&w, NULL, &nobody, &org, &devs), E_CONFLICT);
    assert_int_equal(audited("org_remove_team_member"), 1);
    assert_int_equal(audited("org_set_team_role"), 1);
    assert_int_equal(audited("org_delete_team"), 1);
}

/* Two owners drop each other: one of them must stay. */
struct leaver {
    pthread_t thread;
    pthread_barrier_t *start;
    const struct account *org, *who;
    const struct team *owners;
    enum err e;
};

static void *leave(void *p)
{
    struct leaver *l = p;
    struct fail f = FAIL_INIT;
    struct worker own = people_worker();
    pthread_barrier_wait(l->start);
    l->e = team_drop_member(&own, &f, &nobody, l->org, l->owners, l->who);
    people_worker_done(&own);
    return NULL;
}

static void test_last_owner_race(void **state)
{
    struct account a = make_user("race-a"), b = make_user("race-b");
    (void)state;
    for (int round = 0; round < 10; round++) {
        char name[20];
        snprintf(name, sizeof(name), "race%d", round);
        struct fail f = FAIL_INIT;
        struct account org = make_org(name, &a);
        struct team owners;
        pthread_barrier_t start;
        assert_ok(team_find(&w, &f, &org, STR("owners"), &owners), &f);
        join_team(&org, &owners, &b);
        pthread_barrier_init(&start, NULL, 2);
        struct leaver l[2] = {{.start = &start, .org = &org, .who = &a, .owners = &owners},
                              {.start = &start, .org = &org, .who = &b, .owners = &owners}};
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&l[i].thread, NULL, leave, &l[i]), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(l[i].thread, NULL);
        pthread_barrier_destroy(&start);
        assert_true((l[0].e == E_OK && l[1].e == E_CONFLICT) ||
                    (l[1].e == E_OK && l[0].e == E_CONFLICT));
    }
}

static void check_secret(int64_t account_id, const char *token)
{
    struct fail f = FAIL_INIT;
    struct robot_token row;
    struct buf opened = BUF_INIT;
    uint8_t hash[SECRET_HASH];
    char purpose[64];
    assert_ok(robot_token_get(w.db, &f, w.arena, account_id, &row), &f);
    assert_ok(secret_hash(&f, str_z(token), hash), &f);
    assert_true(str_eq(row.hash, (struct str){(const char *)hash, sizeof(hash)}));
    snprintf(purpose, sizeof(purpose), PURPOSE_ROBOT_TOKEN, (long long)account_id);
    assert_ok(secret_decrypt(&config, &f, str_z(purpose), row.sealed, &opened), &f);
    assert_true(str_eqz(buf_str(&opened), token));
    secret_done(&opened);
}

static void test_robot(void **state)
{
    struct fail f = FAIL_INIT;
    struct account rob = make_user("rob"), bot, found;
    struct account_list list;
    char token[ROBOT_TOKEN_CHARS + 1], renewed[ROBOT_TOKEN_CHARS + 1];
    int64_t made = audited("create_robot");
    (void)state;
    assert_ok(robot_create(&w, &f, &nobody, &rob, STR("ci"), STR("builds"), &bot, token), &f);
    assert_true(str_eqz(bot.name, "rob+ci"));
    assert_int_equal(strlen(token), ROBOT_TOKEN_CHARS);
    assert_int_equal(strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), ROBOT_TOKEN_CHARS);
    check_secret(bot.id, token);
    assert_ok(robot_find(&w, &f, STR("rob+ci"), &found), &f);
    assert_int_equal(found.namespace_id, rob.id);
    assert_true(str_eqz(found.namespace_name, "rob"));
    assert_true(found.namespace_enabled);
    assert_string_equal(audited_last("create_robot"),
                        "{\"robot\":\"ci\",\"description\":\"builds\"}\n");

    assert_int_equal(robot_create(&w, NULL, &nobody, &rob, STR("ci"), STR_NONE, &bot, renewed),
                     E_CONFLICT);
    assert_int_equal(robot_create(&w, NULL, &nobody, &rob, STR("C"), STR_NONE, &bot, renewed),
                     E_BAD_REQUEST);
    assert_int_equal(robot_create(&w, NULL, &nobody, &found, STR("ci"), STR_NONE, &bot, renewed),
                     E_BAD_REQUEST);
    check_secret(found.id, token);
    assert_ok(robot_regenerate(&w, &f, &nobody, &found, renewed), &f);
    assert_string_not_equal(token, renewed);
    check_secret(found.id, renewed);

    assert_ok(user_set_enabled(&w, &f, &nobody, &rob, false), &f);
    assert_ok(robot_find(&w, &f, STR("rob+ci"), &found), &f);
    assert_false(found.namespace_enabled);
    assert_ok(account_robots(w.db, &f, w.arena, rob.id, STR_NONE, 10, &list), &f);
    assert_int_equal(list.n, 1);
    assert_ok(robot_delete(&w, &f, &nobody, &found), &f);
    assert_err(robot_find(&w, &f, STR("rob+ci"), &found), E_NOT_FOUND, &f);
    assert_int_equal(robot_regenerate(&w, NULL, &nobody, &found, renewed), E_NOT_FOUND);
    assert_int_equal(
        number("SELECT COUNT(*) FROM %s.robot_token t LEFT JOIN %s.account a ON a.id = "
               "t.account_id WHERE a.id IS NULL"),
        0);
    assert_int_equal(audited("create_robot"), made + 1);
    assert_int_equal(audited("regenerate_robot_token"), 1);
    assert_int_equal(audited("delete_robot"), 1);
}

static void test_tokens(void **state)
{
    struct fail f = FAIL_INIT;
    struct account user = make_user("tokens"), org = make_org("token-org", &user);
    char uuid[UUID_TEXT], token[TOKEN_CHARS + 1], uuid2[UUID_TEXT], token2[TOKEN_CHARS + 1];
    struct app_token app;
    struct oauth_token oauth;
    uint8_t hash[SECRET_HASH];
    (void)state;
    assert_ok(token_create_app(&w, &f, &nobody, &user, STR("laptop"), 0, uuid, token), &f);
    assert_ok(secret_hash(&f, str_z(token), hash), &f);
    assert_ok(
        app_token_by_hash(w.db, &f, w.arena, (struct str){(const char *)hash, sizeof(hash)}, &app),
        &f);
    assert_true(str_eqz(app.uuid, uuid) && str_eqz(app.title, "laptop"));
    assert_int_equal(app.expires_ms, 0);
    assert_ok(token_create_oauth(&w, &f, &nobody, &user, STR("scripts"),
                                 STR("repo:read repo:write"), clock_ms() + 60000, uuid2, token2),
              &f);
    assert_ok(secret_hash(&f, str_z(token2), hash), &f);
    assert_ok(oauth_token_by_hash(w.db, &f, w.arena, (struct str){(const char *)hash, sizeof(hash)},
                                  &oauth),
              &f);
    assert_true(str_eqz(oauth.scope, "repo:read repo:write"));

    assert_int_equal(token_create_app(&w, NULL, &nobody, &user, STR(""), 0, uuid2, token),
                     E_BAD_REQUEST);
    assert_int_equal(token_create_app(&w, NULL, &nobody, &user, STR("x"), 1, uuid2, token),
                     E_BAD_REQUEST);
    assert_int_equal(token_create_app(&w, NULL, &nobody, &org, STR("x"), 0, uuid2, token),
                     E_BAD_REQUEST);
    static const char *const bad[] = {"", " ", "repo:read nonsense", "repo:read,repo:write", "all"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(
            token_create_oauth(&w, NULL, &nobody, &user, STR("x"), str_z(bad[i]), 0, uuid2, token),
            E_BAD_REQUEST);

    assert_ok(token_revoke(&w, &f, &nobody, str_z(uuid)), &f);
    assert_ok(token_revoke(&w, &f, &nobody, oauth.uuid), &f);
    assert_err(token_revoke(&w, &f, &nobody, oauth.uuid), E_NOT_FOUND, &f);
    assert_int_equal(
        number(
            "SELECT (SELECT COUNT(*) FROM %s.app_token) + (SELECT COUNT(*) FROM %s.oauth_token)"),
        0);
    assert_int_equal(audited("create_app_specific_token"), 1);
    assert_int_equal(audited("create_oauth_api_token"), 1);
    assert_int_equal(audited("revoke_app_specific_token"), 1);
    assert_int_equal(audited("revoke_oauth_api_token"), 1);
}

static void test_end(void **state)
{
    struct fail f = FAIL_INIT;
    struct account max = make_user("max"), mia = make_user("mia"), org = make_org("ends", &mia),
                   out;
    struct team devs = make_team(&org, "devs", TEAM_MEMBER);
    struct repo theirs = make_repo(&mia, "ends", "app", true),
                own = make_repo(&max, "max", "app", false);
    size_t dropped = 0;
    (void)state;
    make_robot(&max, "bot");
    join_team(&org, &devs, &max);
    give(&theirs, &max, ROLE_WRITE);

    assert_err(user_delete(&w, &f, &nobody, &max, false), E_CONFLICT, &f);
    assert_non_null(strstr(f.message, "1 repository"));
    fail_clear(&f);
    assert_ok(user_find(&w, &f, STR("max"), &out), &f);
    assert_ok(user_delete(&w, &f, &nobody, &max, true), &f);
    assert_err(user_find(&w, &f, STR("max"), &out), E_NOT_FOUND, &f);
    fail_clear(&f);
    assert_err(robot_find(&w, &f, STR("max+bot"), &out), E_NOT_FOUND, &f);
    fail_clear(&f);
    assert_int_equal(number("SELECT COUNT(*) FROM %s.repository WHERE state = 3 AND name = 'app'"),
                     1);
    assert_int_equal(number("SELECT enabled FROM %s.account WHERE name = uuid"), 0);
    struct permission_list grants;
    assert_ok(permission_list(w.db, &f, w.arena, theirs.id, &grants), &f);
    assert_int_equal(grants.n, 1); /* mia, who made it */
    assert_int_equal(
        number("SELECT COUNT(*) FROM %s.team_member m JOIN %s.account a ON a.id = m.account_id "
               "WHERE a.name = a.uuid"),
        0);

    /* the name is free; the nameless row goes when its repositories have gone */
    max = make_user("max");
    assert_ok(namespace_purge(&w, &f, &dropped), &f);
    assert_int_equal(dropped, 0);
    char sql[120];
    snprintf(sql, sizeof(sql), "DELETE FROM t_account.repository WHERE id = %lld",
             (long long)own.id);
    admin_run(sql);
    assert_ok(namespace_purge(&w, &f, &dropped), &f);
    assert_int_equal(dropped, 1);
    assert_int_equal(number("SELECT COUNT(*) FROM %s.account WHERE name = uuid"), 0);
    assert_ok(user_delete(&w, &f, &nobody, &max, false), &f); /* nothing to keep: gone at once */
    assert_int_equal(number("SELECT COUNT(*) FROM %s.account WHERE name = uuid OR name = 'max'"),
                     0);

    assert_err(org_delete(&w, &f, &nobody, &org, false), E_CONFLICT, &f);
    fail_clear(&f);
    assert_ok(org_delete(&w, &f, &nobody, &org, true), &f);
    assert_err(org_delete(&w, &f, &nobody, &out, true), E_NOT_FOUND, &f);
    assert_int_equal(
        number("SELECT COUNT(*) FROM %s.team WHERE name = 'devs' AND organization_id NOT IN "
               "(SELECT id FROM %s.account WHERE name <> uuid)"),
        0);
    assert_int_equal(audited("user_delete"), 2);
    assert_int_equal(audited("org_delete"), 1);
    fail_clear(&f);
    assert_ok(user_delete(&w, &f, &nobody, &mia, false),
              &f); /* she owned the organization, which is gone */
}

static void test_lists(void **state)
{
    struct fail f = FAIL_INIT;
    struct account_list page;
    char after[64] = "";
    size_t seen = 0;
    (void)state;
    for (int i = 0; i < 7; i++) {
        char name[20];
        snprintf(name, sizeof(name), "zz%d", i);
        make_user(name);
    }
    do {
        assert_ok(account_list(w.db, &f, w.arena, ACCOUNT_USER, str_z(after), 3, &page), &f);
        for (size_t i = 0; i < page.n; i++) {
            assert_true(str_cmp(page.v[i].name, str_z(after)) > 0);
            snprintf(after, sizeof(after), "%.*s", STR_ARG(page.v[i].name));
            seen++;
        }
    } while (page.n == 3);
    assert_int_equal(seen,
                     number("SELECT COUNT(*) FROM %s.account WHERE kind = 1 AND name <> uuid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user),
        cmocka_unit_test(test_login_state),
        cmocka_unit_test(test_organization),
        cmocka_unit_test(test_team),
        cmocka_unit_test(test_last_owner_race),
        cmocka_unit_test(test_robot),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests_name("db-account", tests, set_up, tear_down);
}
