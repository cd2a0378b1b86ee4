/*
 * t-repository.c - registry/repository.c and the grants on repositories, on a real database: creation with default
 * permissions, many creators at once, visibility, deletion, lists.
 */
#include "db/repository.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "accounts.h"

#define THREADS 8

static struct account alice, bob, carol, acme, ci;
static struct team devs;

static int set_up(void **state)
{
    (void)state;
    people_start("t_repository");
    alice = make_user("alice");
    bob = make_user("bob");
    carol = make_user("carol");
    acme = make_org("acme", &alice);
    devs = make_team(&acme, "devs", TEAM_CREATOR);
    ci = make_robot(&acme, "ci");
    join_team(&acme, &devs, &bob);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    people_stop();
    return 0;
}

/* "alice:admin devs/team:write" */
static const char *grants_of(const struct repo *repo)
{
    static const char *const roles[] = {"none", "read", "write", "admin"};
    struct fail f = FAIL_INIT;
    struct permission_list list;
    const char *out = "";
    assert_ok(permission_list(w.db, &f, w.arena, repo->id, &list), &f);
    for (size_t i = 0; i < list.n; i++)
        out = arena_printf(w.arena, "%s%s%.*s%s:%s", out, *out ? " " : "", STR_ARG(list.v[i].name),
                           list.v[i].is_team ? "/team" : "", roles[list.v[i].role & 3]);
    return out;
}

static void test_create(void **state)
{
    struct fail f = FAIL_INIT;
    struct caller by = caller_user(&alice), gone = by;
    struct repo_name name = full_name("acme", "one"), missing = full_name("nowhere", "one"),
                     of_robot = full_name("acme+ci", "one");
    struct repo repo, found;
    (void)state;
    assert_ok(repo_create(&w, &f, &by, STR("192.0.2.1"), &name, true, &repo), &f);
    assert_string_equal(grants_of(&repo), "alice:admin");
    assert_ok(repo_find(&w, &f, &name, &found), &f);
    assert_int_equal(found.id, repo.id);
    assert_true(found.is_public && found.namespace_is_org && found.namespace_enabled);
    assert_int_equal(found.state, REPO_NORMAL);
    assert_err(repo_create(&w, &f, &by, STR_NONE, &name, true, &repo), E_DUPLICATE, &f);
    assert_non_null(strstr(f.message, "acme/one"));
    assert_int_equal(repo_create(&w, NULL, &by, STR_NONE, &missing, true, &repo), E_NAME_UNKNOWN);
    assert_int_equal(repo_create(&w, NULL, &by, STR_NONE, &of_robot, true, &repo), E_NAME_INVALID);
    gone.account_id = 999999; /* of a token that outlived its account */
    name.name = STR("two");
    assert_int_equal(repo_create(&w, NULL, &gone, STR_NONE, &name, true, &repo), E_DENIED);
    assert_int_equal(number("SELECT COUNT(*) FROM %s.repository"), 1);
    assert_int_equal(audited("create_repo"), 1);
    assert_string_equal(audited_last("create_repo"), "{\"repo\":\"one\",\"namespace\":\"acme\"}\n");

    fail_clear(&f);
    assert_ok(repo_find(&w, &f, &missing, &found), &f);
    assert_int_equal(found.id, 0);
    assert_int_equal(found.namespace_id, 0);
    assert_ok(repo_find(&w, &f, &name, &found), &f);
    assert_int_equal(found.id, 0);
    assert_int_equal(found.namespace_id, acme.id);
    name.namespace_name = STR("acme+ci");
    assert_ok(repo_find(&w, &f, &name, &found), &f);
    assert_int_equal(found.namespace_id, 0);
}

static const char *rule(const struct account *activating, struct grantee delegate,
                        enum repo_role role)
{
    static char uuid[37];
    struct fail f = FAIL_INIT;
    assert_ok(default_create(&w, &f, &nobody, &acme, activating, delegate, role, uuid), &f);
    return uuid;
}

static void test_prototypes(void **state)
{
    struct fail f = FAIL_INIT;
    struct grantee to_carol = {.account = &carol}, to_team = {.team = &devs},
                   to_bob = {.account = &bob};
    struct prototype_list list;
    struct team foreign = {.id = 1, .organization_id = alice.id, .name = STR_INIT("x")};
    char uuid[37], any[37];
    struct repo repo;
    (void)state;
    snprintf(any, sizeof(any), "%s", rule(NULL, to_carol, ROLE_READ)); /* for whoever creates */
    rule(&bob, to_carol, ROLE_WRITE);                                  /* beats it when bob does */
    rule(NULL, to_team, ROLE_WRITE);
    rule(NULL, to_bob, ROLE_READ); /* passed over when bob creates */
    snprintf(uuid, sizeof(uuid), "%s", rule(&alice, (struct grantee){.account = &ci}, ROLE_WRITE));

    repo = make_repo(&bob, "acme", "by-bob", false);
    assert_string_equal(grants_of(&repo), "bob:admin carol:write devs/team:write");
    repo = make_repo(&alice, "acme", "by-alice", false);
    assert_string_equal(grants_of(&repo),
                        "acme+ci:write alice:admin bob:read carol:read devs/team:write");
    repo = make_repo(NULL, "acme", "by-nobody", false);
    assert_string_equal(grants_of(&repo), "bob:read carol:read devs/team:write");
    repo = make_repo(&bob, "bob", "own", false);
    assert_string_equal(grants_of(&repo), "bob:admin");

    assert_ok(prototype_rows(w.db, &f, w.arena, acme.id, &list), &f);
    assert_int_equal(list.n, 5);
    assert_ok(default_set_role(&w, &f, &nobody, &acme, str_z(any), ROLE_ADMIN), &f);
    assert_ok(default_set_role(&w, &f, &nobody, &acme, str_z(any), ROLE_ADMIN), &f);
    assert_ok(default_delete(&w, &f, &nobody, &acme, str_z(uuid)), &f);
    assert_err(default_delete(&w, &f, &nobody, &acme, str_z(uuid)), E_NOT_FOUND, &f);
    assert_int_equal(default_set_role(&w, NULL, &nobody, &acme, str_z(uuid), ROLE_READ),
                     E_NOT_FOUND);
    repo = make_repo(&alice, "acme", "after", false);
    assert_string_equal(grants_of(&repo), "alice:admin bob:read carol:admin devs/team:write");
    assert_int_equal(audited("create_prototype_permission"), 5);
    assert_int_equal(audited("delete_prototype_permission"), 1);
    assert_int_equal(default_create(&w, NULL, &nobody, &bob, NULL, to_carol, ROLE_READ, uuid),
                     E_BAD_REQUEST);
    assert_int_equal(default_create(&w, NULL, &nobody, &acme, NULL,
                                    (struct grantee){.team = &foreign}, ROLE_READ, uuid),
                     E_BAD_REQUEST);
    admin_run("DELETE FROM t_repository.permission_prototype");
}

static void test_grants(void **state)
{
    struct fail f = FAIL_INIT;
    struct repo repo = make_repo(NULL, "acme", "granted", false),
                own = make_repo(NULL, "bob", "granted", false);
    struct grantee to_bob = {.account = &bob}, to_team = {.team = &devs};
    (void)state;
    give(&repo, &bob, ROLE_READ);
    give(&repo, &bob, ROLE_WRITE); /* in its place */
    give(&repo, &bob, ROLE_WRITE);
    give_team(&repo, &devs, ROLE_READ);
    give_team(&repo, &devs, ROLE_ADMIN);
    assert_string_equal(grants_of(&repo), "bob:write devs/team:admin");
    assert_string_equal(
        audited_last("change_repo_permission"),
        "{\"team\":\"devs\",\"repo\":\"granted\",\"namespace\":\"acme\",\"role\":\"admin\"}\n");
    assert_int_equal(grant_set(&w, NULL, &nobody, &own, to_team, ROLE_READ), E_BAD_REQUEST);
    assert_int_equal(
        grant_set(&w, NULL, &nobody, &repo, (struct grantee){.account = &acme}, ROLE_READ),
        E_BAD_REQUEST);
    assert_ok(grant_revoke(&w, &f, &nobody, &repo, to_bob), &f);
    assert_ok(grant_revoke(&w, &f, &nobody, &repo, to_team), &f);
    assert_string_equal(grants_of(&repo), "");
    assert_err(grant_revoke(&w, &f, &nobody, &repo, to_bob), E_NOT_FOUND, &f);
    assert_int_equal(grant_revoke(&w, NULL, &nobody, &repo, to_team), E_NOT_FOUND);
    assert_int_equal(audited("delete_repo_permission"), 2);
}

static void test_public_and_delete(void **state)
{
    struct fail f = FAIL_INIT;
    struct caller by = caller_user(&alice);
    struct repo_name name = full_name("acme", "gone");
    struct repo repo = make_repo(&alice, "acme", "gone", false), found, again;
    (void)state;
    assert_ok(repo_set_public(&w, &f, &by, STR_NONE, &repo, true), &f);
    assert_ok(repo_set_public(&w, &f, &by, STR_NONE, &repo, true), &f); /* no change, no row */
    assert_int_equal(audited("change_repo_visibility"), 1);
    assert_string_equal(audited_last("change_repo_visibility"),
                        "{\"repo\":\"gone\",\"namespace\":\"acme\",\"visibility\":\"public\"}\n");
    assert_ok(repo_find(&w, &f, &name, &found), &f);
    assert_true(found.is_public);

    assert_ok(repo_delete(&w, &f, &by, STR("192.0.2.1"), &repo), &f);
    assert_ok(repo_find(&w, &f, &name, &found), &f);
    assert_int_equal(found.id, 0);
    assert_int_equal(number("SELECT state FROM %s.repository WHERE LENGTH(name) = 36"),
                     REPO_MARKED_FOR_DELETION);
    char *renamed = admin_text("SELECT name FROM t_repository.repository WHERE LENGTH(name) = 36");
    struct repo_name by_uuid = {.namespace_name = STR("acme"),
                                .name = str_head(str_z(renamed), 36)};
    assert_ok(repo_find(&w, &f, &by_uuid, &found), &f);
    assert_int_equal(found.id, 0); /* not under its new name either */
    free(renamed);
    assert_err(repo_delete(&w, &f, &by, STR_NONE, &repo), E_NAME_UNKNOWN, &f);
    assert_int_equal(repo_set_public(&w, NULL, &by, STR_NONE, &repo, false), E_NAME_UNKNOWN);
    assert_int_equal(audited("delete_repo"), 1);
    again = make_repo(&alice, "acme", "gone", false); /* the name is free */
    assert_true(again.id != repo.id);
    assert_int_equal(repo_delete(&w, NULL, &by, STR_NONE, &repo), E_NAME_UNKNOWN);
    fail_clear(&f);
    assert_ok(repo_find(&w, &f, &name, &found), &f);
    assert_int_equal(found.id, again.id);
}

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    const char *ns, *name;
    enum err e;
    int64_t id;
};

static void *race(void *p)
{
    struct racer *r = p;
    struct fail f = FAIL_INIT;
    struct worker own = people_worker();
    struct caller by = caller_user(&bob);
    struct repo_name name = full_name(r->ns, r->name);
    struct repo repo = {.id = 0};
    pthread_barrier_wait(r->start);
    r->e = repo_find_or_create(&own, &f, &by, STR_NONE, &name, &repo);
    if (r->e)
        print_error("%s: %s %s\n", err_info(r->e)->id, f.message, f.internal);
    r->id = repo.id;
    people_worker_done(&own);
    return NULL;
}

static void many_at_once(const char *ns, const char *name)
{
    pthread_barrier_t start;
    struct racer racers[THREADS];
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){.start = &start, .ns = ns, .name = name};
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(racers[i].thread, NULL);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(racers[i].e, E_OK);
        assert_true(racers[i].id > 0);
        assert_int_equal(racers[i].id, racers[0].id);
    }
}

static void test_race(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        char name[20], ns[20];
        int64_t rows = audited("create_repo"), orgs = audited("org_create");
        snprintf(name, sizeof(name), "race%d", round);
        snprintf(ns, sizeof(ns), "race-ns%d", round);
        many_at_once("acme", name);
        assert_int_equal(audited("create_repo"), rows + 1);
        config.create_namespace = true;
        many_at_once(ns, "app");
        people_reset();
        assert_int_equal(audited("create_repo"), rows + 2);
        assert_int_equal(audited("org_create"), orgs + 1);
    }
}

/* "acme/x acme/y" */
static const char *names(const struct repository_items *page)
{
    const char *out = "";
    for (size_t i = 0; i < page->n; i++)
        out = arena_printf(w.arena, "%s%s%.*s/%.*s", out, *out ? " " : "",
                           STR_ARG(page->v[i].namespace_name), STR_ARG(page->v[i].name));
    return out;
}

static void test_lists(void **state)
{
    struct fail f = FAIL_INIT;
    struct account lea = make_user("lea"), lee = make_user("lee"), org = make_org("lists", &lea);
    struct team readers = make_team(&org, "readers", TEAM_MEMBER);
    struct repository_items page;
    struct repo b;
    (void)state;
    admin_run("DELETE FROM t_repository.repository");
    make_repo(NULL, "lists", "a", false);
    b = make_repo(NULL, "lists", "b", false);
    make_repo(NULL, "lists", "c", true);
    make_repo(NULL, "lea", "own", false);
    make_repo(NULL, "lee", "own", false);
    give_team(&b, &readers, ROLE_READ);
    join_team(&org, &readers, &lee);

    assert_ok(repository_list_all(w.db, &f, w.arena, STR_NONE, STR_NONE, 10, &page), &f);
    assert_string_equal(names(&page), "lea/own lee/own lists/a lists/b lists/c");
    assert_ok(repository_list_all(w.db, &f, w.arena, STR_NONE, STR_NONE, 2, &page), &f);
    assert_string_equal(names(&page), "lea/own lee/own");
    assert_ok(repository_list_all(w.db, &f, w.arena, STR("lee"), STR("own"), 2, &page), &f);
    assert_string_equal(names(&page), "lists/a lists/b");
    assert_ok(repository_list_all(w.db, &f, w.arena, STR("lists"), STR("b"), 2, &page), &f);
    assert_string_equal(names(&page), "lists/c");
    assert_ok(repository_list_namespace(w.db, &f, w.arena, org.id, STR("a"), 10, &page), &f);
    assert_string_equal(names(&page), "lists/b lists/c");

    /* the catalog: what somebody may read */
    assert_ok(repository_list_readable(w.db, &f, w.arena, lee.id, false, false, STR_NONE, STR_NONE,
                                       10, &page),
              &f);
    assert_string_equal(names(&page), "lee/own lists/b");
    assert_ok(repository_list_readable(w.db, &f, w.arena, lee.id, true, false, STR("lee"),
                                       STR("own"), 10, &page),
              &f);
    assert_string_equal(names(&page), "lists/b lists/c");
    assert_ok(repository_list_readable(w.db, &f, w.arena, lea.id, false, false, STR_NONE, STR_NONE,
                                       10, &page),
              &f);
    assert_string_equal(names(&page), "lea/own lists/a lists/b lists/c");
    assert_ok(
        repository_list_readable(w.db, &f, w.arena, 0, true, false, STR_NONE, STR_NONE, 10, &page),
        &f);
    assert_string_equal(names(&page), "lists/c");
    assert_ok(
        repository_list_readable(w.db, &f, w.arena, 0, false, true, STR_NONE, STR_NONE, 3, &page),
        &f);
    assert_string_equal(names(&page), "lea/own lee/own lists/a");
    assert_ok(user_set_enabled(&w, &f, &nobody, &lee, false), &f);
    assert_ok(repository_list_readable(w.db, &f, w.arena, lee.id, false, false, STR_NONE, STR_NONE,
                                       10, &page),
              &f);
    assert_string_equal(names(&page), "lists/b");
    assert_ok(repo_delete(&w, &f, &(struct caller){.kind = CALLER_ANONYMOUS}, STR_NONE, &b), &f);
    assert_ok(repository_list_readable(w.db, &f, w.arena, lea.id, false, false, STR_NONE, STR_NONE,
                                       10, &page),
              &f);
    assert_string_equal(names(&page), "lea/own lists/a lists/c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create), cmocka_unit_test(test_prototypes),
        cmocka_unit_test(test_grants), cmocka_unit_test(test_public_and_delete),
        cmocka_unit_test(test_race),   cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests_name("db-repository", tests, set_up, tear_down);
}
