/*
 * t-sign-in.c - keys and sign-in against a real database, and a real Redis when GANTRY_TEST_REDIS_SOCKET names one.
 *
 * Each test comes from an address of its own, because failures count against addresses. Nothing waits for a clock: rows
 * are made with the times that a test needs.
 */
#include "account/robot.h"
#include "account/token.h"
#include "account/user.h"
#include "auth/authenticate.h"
#include "auth/backoff.h"
#include "auth/claims.h"
#include "auth/jwt.h"
#include "auth/keyring.h"
#include "auth/secret.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/random.h"
#include "db/service_key.h"
#include "db/token.h"
#include "program/program.h"

#include "database.h"

#include <pthread.h>
#include <stdlib.h>

#define HOUR_MS  (INT64_C(3600) * 1000)
#define PASSWORD "p\xc3\xa4ss:w\xc3\xb6rd"

static struct config settings = {
    .server_hostname = (char[]){"registry.example:8443"},
    .token_issuer = (char[]){"quay"},
    .library_namespace = (char[]){"library"},
    .registry_state = (char[]){"normal"},
    .database_secret_key = (char[]){"the-secret-of-this-database-0123"},
    .key_lifetime_min = 120,
    .sign_in_failures = 30,
    .token_lifetime_s = 3600,
    .default_tag_expiration_s = 1209600,
    .app_tokens = true,
    .audit_logins = true,
};
static const struct config *const config = &settings;
static struct worker worker;
static const struct actor machine = {.account_id = 0};
static char run[9];      /* of every name */
static char address[32]; /* of the test that runs */

/* ---- what the tests stand on ---- */

static void new_worker(struct worker *w, const struct config *c, struct keyring *keys)
{
    assert_int_equal(program_worker_init(w, NULL, c, NULL, keys), E_OK);
}

/* A process of its own: other keys in hand, an own connection. */
struct process {
    struct worker w;
    struct keyring *keys;
};

static void process_done(struct process *p)
{
    program_worker_done(&p->w);
    keyring_freep(&p->keys);
}

static void process_new(struct process *p, const struct config *c)
{
    p->keys = keyring_new();
    assert_non_null(p->keys);
    new_worker(&p->w, c, p->keys);
}

static struct str text(const char *fmt, const char *a)
{
    char out[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(out, sizeof(out), fmt, run, a);
#pragma GCC diagnostic pop
    return arena_str(worker.arena, (struct str){out, (size_t)n});
}

static struct account make_user(const char *hint)
{
    struct account a;
    struct fail f = FAIL_INIT;
    enum err e =
        user_create(&worker, &f, &machine, text("u%s%s", hint), STR_NONE, STR(PASSWORD), &a);
    assert_string_equal(e ? fail_text(&f) : "", "");
    return a;
}

static struct str basic(struct str user, struct str password)
{
    static const char map[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct str pair =
        str_z(arena_printf(worker.arena, "%.*s:%.*s", STR_ARG(user), STR_ARG(password)));
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    buf_putz(&out, "Basic ");
    for (size_t i = 0; i < pair.n; i += 3) {
        uint32_t v = (uint32_t)(uint8_t)pair.p[i] << 16;
        v |= i + 1 < pair.n ? (uint32_t)(uint8_t)pair.p[i + 1] << 8 : 0;
        v |= i + 2 < pair.n ? (uint8_t)pair.p[i + 2] : 0;
        buf_putc(&out, map[v >> 18]);
        buf_putc(&out, map[v >> 12 & 63]);
        buf_putc(&out, i + 1 < pair.n ? map[v >> 6 & 63] : '=');
        buf_putc(&out, i + 2 < pair.n ? map[v & 63] : '=');
    }
    return arena_str(worker.arena, buf_str(&out));
}

static enum err sign_in_with(const struct config *c, struct str authorization, bool api,
                             struct fail *f, struct caller *ret)
{
    struct worker w = worker;
    struct auth_input in = {
        .authorization = authorization,
        .remote_addr = str_z(address),
        .user_agent = STR("test/1"),
        .api = api,
    };
    w.config = c;
    *f = (struct fail)FAIL_INIT;
    *ret = (struct caller){.kind = CALLER_ANONYMOUS};
    return authenticate(&w, f, &in, ret);
}

static enum err sign_in(struct str user, struct str password)
{
    struct fail f;
    struct caller c;
    return sign_in_with(config, basic(user, password), false, &f, &c);
}

static int before(void **state)
{
    uint8_t b[3];
    (void)state;
    random_bytes(b, sizeof(b));
    snprintf(address, sizeof(address), "10.%d.%d.%d", b[0], b[1], b[2]);
    return 0;
}

/* ---- keys ---- */

static struct str sign_by(struct worker *w)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    struct fail f = FAIL_INIT;
    enum err e = keyring_sign(w, &f, STR("{\"a\":1}"), &out);
    assert_string_equal(e ? f.internal : "", "");
    assert_int_equal(e, E_OK);
    return arena_str(worker.arena, buf_str(&out));
}

static enum err verify_by(struct worker *w, struct str token)
{
    struct str payload = STR_NONE;
    enum err e = keyring_verify(w, NULL, token, &payload);
    if (!e)
        assert_true(str_eqz(payload, "{\"a\":1}"));
    return e;
}

static struct str kid_of(struct str token)
{
    struct jwt jwt;
    assert_int_equal(jwt_parse(NULL, worker.arena, token, &jwt), E_OK);
    return jwt.kid;
}

/* A key that this process made aside of the keyring, with times of its own; *ret_token: signed by it. */
static void put_key(int64_t retires_ms, int64_t expires_ms, struct str *ret_token)
{
    char kid[KID_MAX + 1];
    CLEANUP(es256_free) EVP_PKEY *key = NULL;
    CLEANUP(buf_done) struct buf jwk = BUF_INIT, token = BUF_INIT;
    assert_int_equal(es256_generate(NULL, &key), E_OK);
    assert_int_equal(jwk_thumbprint(NULL, key, kid), E_OK);
    assert_int_equal(jwk_write(NULL, key, str_z(kid), &jwk), E_OK);
    struct service_key row = {
        .kid = str_z(kid),
        .public_jwk = buf_str(&jwk),
        .private_sealed = STR("x"), /* opens nowhere */
        .created_ms = clock_ms() - 100 * HOUR_MS,
        .retires_ms = retires_ms,
        .expires_ms = expires_ms,
    };
    assert_int_equal(service_key_insert(worker.db, NULL, &row), E_OK);
    assert_int_equal(jwt_sign(NULL, key, str_z(kid), STR("{\"a\":1}"), &token), E_OK);
    *ret_token = arena_str(worker.arena, buf_str(&token));
}

static size_t count_keys(void)
{
    struct service_key_list rows;
    assert_int_equal(service_key_list(worker.db, NULL, worker.arena, clock_ms(), &rows), E_OK);
    return rows.n;
}

static void test_shared_keys(void **state)
{
    CLEANUP(process_done) struct process other = {.keys = NULL};
    struct str token = sign_by(&worker);
    (void)state;
    process_new(&other, config);
    assert_int_equal(verify_by(&worker, token), E_OK);
    assert_int_equal(verify_by(&worker, token), E_OK); /* from memory */
    assert_int_equal(verify_by(&other.w, token), E_OK);
    assert_true(str_eq(kid_of(sign_by(&other.w)), kid_of(token)));
}

/* A key made elsewhere after this process loaded is found when its first token comes. */
static void test_key_made_elsewhere(void **state)
{
    CLEANUP(process_done) struct process here = {.keys = NULL};
    struct str token;
    (void)state;
    process_new(&here, config);
    sign_by(&here.w);
    put_key(clock_ms() + HOUR_MS, clock_ms() + 2 * HOUR_MS, &token);
    assert_int_equal(verify_by(&here.w, token), E_OK);
}

static void test_retired_and_expired(void **state)
{
    CLEANUP(process_done) struct process here = {.keys = NULL};
    struct str retired, expired;
    (void)state;
    put_key(clock_ms() - 1, clock_ms() + HOUR_MS, &retired);
    put_key(clock_ms() - HOUR_MS, clock_ms() - 1, &expired);
    process_new(&here, config);
    assert_int_equal(verify_by(&here.w, retired), E_OK);
    assert_false(str_eq(kid_of(sign_by(&here.w)), kid_of(retired)));
    assert_int_equal(verify_by(&here.w, expired), E_TOKEN_INVALID);
    /* and gone by the next rotation */
    size_t n = count_keys();
    assert_int_equal(keyring_rotate(&here.w, NULL), E_OK);
    assert_int_equal(count_keys(), n);
}

static void test_made_up_kids(void **state)
{
    CLEANUP(process_done) struct process here = {.keys = NULL};
    CLEANUP(es256_free) EVP_PKEY *key = NULL;
    (void)state;
    process_new(&here, config);
    assert_int_equal(es256_generate(NULL, &key), E_OK);
    struct str good = sign_by(&here.w);
    for (int i = 0; i < 50; i++) {
        CLEANUP(buf_done) struct buf token = BUF_INIT;
        assert_int_equal(
            jwt_sign(NULL, key, text("%s%s", i % 2 ? "a" : "b"), STR("{\"a\":1}"), &token), E_OK);
        assert_int_equal(verify_by(&here.w, buf_str(&token)), E_TOKEN_INVALID);
    }
    assert_int_equal(verify_by(&here.w, good), E_OK);
    /* A known kid, another key. */
    CLEANUP(buf_done) struct buf forged = BUF_INIT;
    assert_int_equal(jwt_sign(NULL, key, kid_of(good), STR("{\"a\":1}"), &forged), E_OK);
    assert_int_equal(verify_by(&here.w, buf_str(&forged)), E_TOKEN_INVALID);
}

static void test_rotation(void **state)
{
    struct config longer = *config;
    CLEANUP(process_done) struct process here = {.keys = NULL};
    (void)state;
    process_new(&here, config);
    struct str token = sign_by(&here.w);
    size_t n = count_keys();
    assert_int_equal(keyring_rotate(&here.w, NULL), E_OK);
    assert_int_equal(keyring_rotate(&here.w, NULL), E_OK);
    assert_int_equal(count_keys(), n);
    /* With a life so long that less than a quarter is left of it, the next one is made, and the old one goes on. */
    longer.key_lifetime_min = config->key_lifetime_min * 100;
    here.w.config = &longer;
    assert_int_equal(keyring_rotate(&here.w, NULL), E_OK);
    assert_int_equal(count_keys(), n + 1);
    CLEANUP(process_done) struct process later = {.keys = NULL};
    process_new(&later, config);
    assert_true(str_eq(kid_of(sign_by(&later.w)), kid_of(token)));
    assert_int_equal(verify_by(&later.w, token), E_OK);
}

/* With another DATABASE_SECRET_KEY nothing signed before is lost, and a key that opens is made. */
static void test_other_secret(void **state)
{
    struct config other = *config;
    CLEANUP(process_done) struct process here = {.keys = NULL};
    struct str token = sign_by(&worker);
    (void)state;
    other.database_secret_key = (char[]){"another-secret-of-32-characters!"};
    process_new(&here, &other);
    assert_int_equal(verify_by(&here.w, token), E_OK);
    struct str new_token = sign_by(&here.w);
    assert_false(str_eq(kid_of(new_token), kid_of(token)));
    assert_int_equal(verify_by(&worker, new_token), E_OK);
}

static void test_jwks(void **state)
{
    CLEANUP(buf_done) struct buf all = BUF_INIT, one = BUF_INIT, none = BUF_INIT;
    struct str kid = kid_of(sign_by(&worker));
    (void)state;
    assert_int_equal(keyring_jwks(&worker, NULL, &all), E_OK);
    assert_int_equal(keyring_jwk(&worker, NULL, kid, &one), E_OK);
    assert_non_null(strstr(all.p, one.p));
    assert_true(str_starts(buf_str(&all), STR("{\"keys\":[{")));
    assert_null(strstr(all.p, "\"d\""));
    assert_int_equal(keyring_jwk(&worker, NULL, STR("never-was"), &none), E_NOT_FOUND);
}

static void test_database_down(void **state)
{
    struct config down = *config;
    struct str token = sign_by(&worker);
    (void)state;
    down.db.unix_socket = (char[]){"/nonexistent/socket"};
    CLEANUP(process_done) struct process empty = {.keys = NULL};
    process_new(&empty, &down);
    struct fail f = FAIL_INIT;
    struct str payload;
    assert_int_equal(keyring_verify(&empty.w, &f, token, &payload), E_DB_DOWN);
    assert_int_equal(f.err, E_DB_DOWN);
    /* Loaded keys need no database. */
    struct worker w = empty.w;
    w.keys = worker.keys;
    assert_int_equal(verify_by(&w, token), E_OK);
}

static void *sign_and_verify(void *arg)
{
    struct worker w;
    intptr_t wrong = 0;
    if (program_worker_init(&w, NULL, config, NULL, arg))
        return (void *)1;
    for (int i = 0; i < 100; i++) {
        CLEANUP(buf_done) struct buf token = BUF_INIT;
        struct str payload;
        if (keyring_sign(&w, NULL, STR("{\"a\":1}"), &token) ||
            keyring_verify(&w, NULL, buf_str(&token), &payload) ||
            keyring_verify(&w, NULL, buf_str(&token), &payload) || !str_eqz(payload, "{\"a\":1}"))
            wrong++;
        if (i % 10 == 9) {
            CLEANUP(buf_done) struct buf none = BUF_INIT;
            wrong += keyring_jwk(&w, NULL, STR("never-was"), &none) != E_NOT_FOUND;
        }
        arena_reset(w.arena);
    }
    program_worker_done(&w);
    return (void *)wrong;
}

static void test_threads(void **state)
{
    pthread_t threads[8];
    struct keyring *keys = keyring_new();
    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_and_verify, keys), 0);
    for (int i = 0; i < 8; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    keyring_free(keys);
}

/* ---- users ---- */

static void test_user(void **state)
{
    struct account user = make_user("a");
    struct fail f;
    struct caller c;
    (void)state;
    assert_int_equal(sign_in_with(config, basic(user.name, STR(PASSWORD)), false, &f, &c), E_OK);
    assert_int_equal(c.kind, CALLER_USER);
    assert_int_equal(c.via, VIA_PASSWORD);
    assert_int_equal(c.account_id, user.id);
    assert_true(str_eq(c.name, user.name));
    assert_int_equal(c.scopes, SCOPE_ALL);
    assert_false(c.superuser || c.readonly_superuser);
    assert_int_equal(sign_in(user.name, STR("wrong")), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(user.name, STR("")), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(text("U%s%s", "a"), STR(PASSWORD)), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(text("u%s%s ", "a"), STR(PASSWORD)), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(STR(""), STR("")), E_BAD_CREDENTIALS);
    /* the web's API wants tokens */
    assert_int_equal(sign_in_with(config, basic(user.name, STR(PASSWORD)), true, &f, &c),
                     E_BAD_CREDENTIALS);
}

static void test_superusers(void **state)
{
    struct account user = make_user("s");
    struct config special = *config;
    char *names[] = {arena_strdup(worker.arena, user.name)};
    struct fail f;
    struct caller c;
    (void)state;
    special.super_users = (struct strs){names, 1};
    assert_int_equal(sign_in_with(&special, basic(user.name, STR(PASSWORD)), false, &f, &c), E_OK);
    assert_true(c.superuser && !c.readonly_superuser);
    special.readonly_super_users = (struct strs){names, 1};
    assert_int_equal(sign_in_with(&special, basic(user.name, STR(PASSWORD)), false, &f, &c), E_OK);
    assert_true(!c.superuser && c.readonly_superuser);
}

static void test_disabled_user(void **state)
{
    struct account user = make_user("d");
    struct fail f;
    struct caller c;
    (void)state;
    assert_int_equal(user_set_enabled(&worker, NULL, &machine, &user, false), E_OK);
    assert_int_equal(sign_in_with(config, basic(user.name, STR(PASSWORD)), false, &f, &c),
                     E_BAD_CREDENTIALS);
    assert_non_null(strstr(f.message, "disabled"));
    /* who does not know the password does not hear of it */
    assert_int_equal(sign_in_with(config, basic(user.name, STR("wrong")), false, &f, &c),
                     E_BAD_CREDENTIALS);
    assert_null(strstr(f.message, "disabled"));
}

static void test_backoff(void **state)
{
    struct account user = make_user("b");
    struct str nobody = text("u%s%s", "nobody");
    struct fail f;
    struct caller c;
    (void)state;
    for (int i = 0; i < BACKOFF_FREE; i++) {
        assert_int_equal(sign_in(user.name, STR("wrong")), E_BAD_CREDENTIALS);
        assert_int_equal(sign_in(nobody, STR("wrong")), E_BAD_CREDENTIALS);
    }
    assert_int_equal(account_login_failed(worker.db, NULL, user.id, clock_ms() + 10000, 0), E_OK);
    assert_int_equal(sign_in_with(config, basic(user.name, STR(PASSWORD)), false, &f, &c),
                     E_TOO_MANY);
    assert_in_range(f.retry_after_s, 1, BACKOFF_LIMIT_S);
    /* A name that nobody has waits as well. */
    struct worker w = worker;
    backoff_name_failed(&w, nobody, clock_ms() + 10000);
    assert_int_equal(sign_in(nobody, STR(PASSWORD)), E_TOO_MANY);
    /* The wait is over (its failures lie back), the password right: all is forgotten. */
    assert_int_equal(account_login_failed(worker.db, NULL, user.id, clock_ms() - 2 * HOUR_MS, 0),
                     E_OK);
    assert_int_equal(sign_in(user.name, STR(PASSWORD)), E_OK);
    struct account now;
    assert_int_equal(account_by_id(worker.db, NULL, worker.arena, user.id, &now), E_OK);
    assert_int_equal(now.invalid_login_attempts, 0);
    assert_true(now.last_accessed_ms > 0);
    /* Failures long ago do not count for the next, as they do not for a name that nobody has. */
    for (int i = 0; i < BACKOFF_FREE; i++)
        assert_int_equal(
            account_login_failed(worker.db, NULL, user.id, clock_ms() - 2 * HOUR_MS, 0), E_OK);
    assert_int_equal(sign_in(user.name, STR("wrong")), E_BAD_CREDENTIALS);
    assert_int_equal(account_by_id(worker.db, NULL, worker.arena, user.id, &now), E_OK);
    assert_int_equal(now.invalid_login_attempts, 1);
}

static void many_names_from_one_address(const struct config *c)
{
    CLEANUP(process_done) struct process here = {.keys = NULL};
    process_new(&here, c);
    int64_t now = clock_ms();
    bool failed = true;
    for (int i = 0; i < config->sign_in_failures; i++) {
        assert_int_equal(backoff_address(&here.w, str_z(address), now, &failed), 0);
        assert_int_equal(failed, i > 0);
        backoff_address_failed(&here.w, str_z(address), now);
    }
    assert_in_range(backoff_address(&here.w, str_z(address), now, &failed), 1, 60);
    assert_int_equal(backoff_address(&here.w, STR("192.0.2.77"), now, &failed), 0);
    assert_false(failed);
    assert_int_equal(backoff_address(&here.w, str_z(address), now + 60000, &failed), 0);
}

static void test_name_without_redis(void **state)
{
    struct config down = *config;
    CLEANUP(process_done) struct process here = {.keys = NULL};
    int64_t now = clock_ms();
    (void)state;
    down.redis.unix_socket = (char[]){"/nonexistent/socket"};
    process_new(&here, &down);
    struct str name = text("n%s%s", "");
    for (int i = 0; i < BACKOFF_FREE; i++) {
        assert_int_equal(backoff_name(&here.w, name, now), 0);
        backoff_name_failed(&here.w, name, now);
    }
    assert_int_equal(backoff_name(&here.w, name, now), 1);
    assert_int_equal(backoff_name(&here.w, STR("n"), now), 0);
}

static void test_address(void **state)
{
    (void)state;
    many_names_from_one_address(config);
}

static void test_address_without_redis(void **state)
{
    struct config down = *config;
    (void)state;
    down.redis.unix_socket = (char[]){"/nonexistent/socket"};
    many_names_from_one_address(&down);
}

/* ---- robots and tokens ---- */

static struct account make_robot(const struct account *owner,
                                 char token[static ROBOT_TOKEN_CHARS + 1])
{
    struct account robot;
    assert_int_equal(
        robot_create(&worker, NULL, &machine, owner, STR("ci"), STR(""), &robot, token), E_OK);
    return robot;
}

static void test_robot(void **state)
{
    struct account owner = make_user("r"), rival = make_user("v");
    char token[ROBOT_TOKEN_CHARS + 1], other[ROBOT_TOKEN_CHARS + 1];
    struct account robot = make_robot(&owner, token);
    struct config closed = *config;
    struct fail f;
    struct caller c;
    (void)state;
    make_robot(&rival, other);
    assert_int_equal(sign_in_with(config, basic(robot.name, str_z(token)), false, &f, &c), E_OK);
    assert_int_equal(c.kind, CALLER_ROBOT);
    assert_int_equal(c.via, VIA_ROBOT_TOKEN);
    assert_int_equal(c.namespace_id, owner.id);
    assert_true(str_eq(c.name, robot.name));
    assert_int_equal(sign_in(robot.name, str_z(other)), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(robot.name, STR("")), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(robot.name, STR(PASSWORD)), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(owner.name, str_z(token)), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(text("u%sr+%s", "never"), str_z(token)), E_BAD_CREDENTIALS);
    /* Its failures do not lock out those that have the right token; who has not waits. */
    for (int i = 0; i < BACKOFF_FREE + 3; i++)
        assert_int_equal(account_login_failed(worker.db, NULL, robot.id, clock_ms() + 10000, 0),
                         E_OK);
    assert_int_equal(sign_in(robot.name, STR("wrong")), E_TOO_MANY);
    assert_int_equal(sign_in(robot.name, str_z(token)), E_OK);

    closed.robots_disallow = true;
    assert_int_equal(sign_in_with(&closed, basic(robot.name, str_z(token)), false, &f, &c),
                     E_BAD_CREDENTIALS);
    char *names[] = {arena_strdup(worker.arena, robot.name)};
    closed.robots_whitelist = (struct strs){names, 1};
    assert_int_equal(sign_in_with(&closed, basic(robot.name, str_z(token)), false, &f, &c), E_OK);

    assert_int_equal(user_set_enabled(&worker, NULL, &machine, &owner, false), E_OK);
    assert_int_equal(sign_in(robot.name, str_z(token)), E_BAD_CREDENTIALS);
    owner.enabled = false;
    assert_int_equal(user_set_enabled(&worker, NULL, &machine, &owner, true), E_OK);
    assert_int_equal(robot_regenerate(&worker, NULL, &machine, &robot, other), E_OK);
    assert_int_equal(sign_in(robot.name, str_z(token)), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(robot.name, str_z(other)), E_OK);
}

static void test_app_token(void **state)
{
    struct account user = make_user("t");
    char token[TOKEN_CHARS + 1], old[TOKEN_CHARS + 1], uuid[37], old_uuid[37];
    struct config off = *config;
    struct fail f;
    struct caller c;
    (void)state;
    assert_int_equal(token_create_app(&worker, NULL, &machine, &user, STR("cli"), 0, uuid, token),
                     E_OK);
    assert_int_equal(sign_in_with(config, basic(STR("$app"), str_z(token)), false, &f, &c), E_OK);
    assert_int_equal(c.via, VIA_APP_TOKEN);
    assert_int_equal(c.account_id, user.id);
    assert_true(str_eqz(c.token_uuid, uuid));
    assert_int_equal(c.scopes, SCOPE_ALL);
    assert_int_equal(sign_in(STR("$app"), STR("")), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(STR("$oauthtoken"), str_z(token)), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(STR("$APP"), str_z(token)), E_BAD_CREDENTIALS);
    assert_int_equal(sign_in(user.name, str_z(token)), E_BAD_CREDENTIALS);
    off.app_tokens = false;
    assert_int_equal(sign_in_with(&off, basic(STR("$app"), str_z(token)), false, &f, &c),
                     E_BAD_CREDENTIALS);
    /* One that has expired: put there as it would lie there. */
    uint8_t hash[SECRET_HASH];
    random_text("abcdefgh", TOKEN_CHARS, old);
    random_uuid(old_uuid);
    assert_int_equal(secret_hash(NULL, str_z(old), hash), E_OK);
    struct app_token row = {.uuid = str_z(old_uuid),
                            .account_id = user.id,
                            .title = STR("old"),
                            .sealed = STR("x"),
                            .hash = {(const char *)hash, sizeof(hash)},
                            .created_ms = 1,
                            .expires_ms = clock_ms() - 1};
    assert_int_equal(app_token_insert(worker.db, NULL, &row), E_OK);
    assert_int_equal(sign_in_with(config, basic(STR("$app"), str_z(old)), false, &f, &c),
                     E_BAD_CREDENTIALS);
    assert_non_null(strstr(f.message, "expired"));
    assert_int_equal(user_set_enabled(&worker, NULL, &machine, &user, false), E_OK);
    assert_int_equal(sign_in(STR("$app"), str_z(token)), E_BAD_CREDENTIALS);
    user.enabled = false;
    assert_int_equal(user_set_enabled(&worker, NULL, &machine, &user, true), E_OK);
    assert_int_equal(sign_in(STR("$app"), str_z(token)), E_OK);
    assert_int_equal(token_revoke(&worker, NULL, &machine, str_z(uuid)), E_OK);
    assert_int_equal(sign_in(STR("$app"), str_z(token)), E_BAD_CREDENTIALS);
}

static void test_oauth_token(void **state)
{
    struct account user = make_user("o");
    char token[TOKEN_CHARS + 1], uuid[37];
    struct config special = *config;
    char *names[] = {arena_strdup(worker.arena, user.name)};
    struct fail f;
    struct caller c;
    (void)state;
    assert_int_equal(token_create_oauth(&worker, NULL, &machine, &user, STR("t"),
                                        STR("repo:write repo:create"), clock_ms() + HOUR_MS, uuid,
                                        token),
                     E_OK);
    special.super_users = (struct strs){names, 1};
    assert_int_equal(sign_in_with(&special, basic(STR("$oauthtoken"), str_z(token)), false, &f, &c),
                     E_OK);
    assert_int_equal(c.via, VIA_OAUTH_TOKEN);
    assert_int_equal(c.scopes, SCOPE_REPO_READ | SCOPE_REPO_WRITE | SCOPE_REPO_CREATE);
    assert_false(c.superuser); /* that scope was not given */
    struct str bearer = str_z(arena_printf(worker.arena, "Bearer %s", token));
    assert_int_equal(sign_in_with(config, bearer, true, &f, &c), E_OK);
    assert_int_equal(c.account_id, user.id);
    /* under /v2/ a bearer token is a registry token */
    assert_int_equal(sign_in_with(config, bearer, false, &f, &c), E_TOKEN_INVALID);
    assert_int_equal(sign_in_with(config, STR("Bearer nonsense"), true, &f, &c), E_BAD_CREDENTIALS);
}

static void test_registry_token(void **state)
{
    struct account user = make_user("j");
    struct grant grant = {STR("acme/web"), ACTION_PULL};
    struct caller who = {.kind = CALLER_USER,
                         .via = VIA_PASSWORD,
                         .account_id = user.id,
                         .name = user.name,
                         .grants = &grant,
                         .n_grants = 1};
    struct fail f;
    struct caller c;
    (void)state;
    for (int other = 0; other <= 1; other++) {
        CLEANUP(buf_done) struct buf claims = BUF_INIT, header = BUF_INIT;
        struct str audience = other ? STR("other.example") : str_z(config->server_hostname);
        assert_int_equal(claims_write(config, &who, audience, clock_s(), &claims), E_OK);
        buf_putz(&header, "Bearer ");
        assert_int_equal(keyring_sign(&worker, NULL, buf_str(&claims), &header), E_OK);
        for (int again = 0; again < 2; again++) {
            enum err e = sign_in_with(config, buf_str(&header), false, &f, &c);
            assert_int_equal(e, other ? E_TOKEN_INVALID : E_OK);
            if (e)
                continue;
            assert_int_equal(c.via, VIA_REGISTRY_TOKEN);
            assert_int_equal(c.account_id, user.id);
            assert_int_equal(c.n_grants, 1);
            assert_int_equal(c.grants[0].actions, ACTION_PULL);
        }
        /* an account's bearer under /api/ is an OAuth token, which this is not */
        assert_int_equal(sign_in_with(config, buf_str(&header), true, &f, &c), E_BAD_CREDENTIALS);
    }
}

static void test_nobody(void **state)
{
    struct fail f;
    struct caller c;
    (void)state;
    assert_int_equal(sign_in_with(config, STR_NONE, false, &f, &c), E_OK);
    assert_int_equal(c.kind, CALLER_ANONYMOUS);
    assert_int_equal(c.via, VIA_NONE);
    assert_true(c.name.p && c.name.n == 0);
}

static int begin(void **state)
{
    struct keyring *keys = keyring_new();
    char *redis = getenv("GANTRY_TEST_REDIS_SOCKET");
    (void)state;
    program_init();
    random_text("abcdefghijklmnopqrstuvwxyz", sizeof(run) - 1, run);
    settings.db = database_migrated("sign_in");
    static char nowhere[] = "/nonexistent/redis";
    settings.redis.unix_socket = redis ? redis : nowhere;
    return !keys || program_worker_init(&worker, NULL, config, NULL, keys);
}

static int end(void **state)
{
    struct keyring *keys = worker.keys;
    (void)state;
    program_worker_done(&worker);
    keyring_free(keys);
    program_done();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, before)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shared_keys),
        TEST(test_key_made_elsewhere),
        TEST(test_retired_and_expired),
        TEST(test_made_up_kids),
        TEST(test_rotation),
        TEST(test_other_secret),
        TEST(test_jwks),
        TEST(test_database_down),
        TEST(test_threads),
        TEST(test_user),
        TEST(test_superusers),
        TEST(test_disabled_user),
        TEST(test_backoff),
        TEST(test_name_without_redis),
        TEST(test_address),
        TEST(test_address_without_redis),
        TEST(test_robot),
        TEST(test_app_token),
        TEST(test_oauth_token),
        TEST(test_registry_token),
        TEST(test_nobody),
    };
    return cmocka_run_group_tests_name("sign-in", tests, begin, end);
}
