/*
 * t-claims.c - what a registry token says: what is written is read back, and every claim that is
 * wrong is refused.
 */
#include "auth/claims.h"
#include "base/cleanup.h"
#include "base/json.h"

#include "unit.h"

#define NOW INT64_C(1700000000)

static struct arena *arena;
static struct config config = {
    .token_issuer = (char[]){"quay"},
    .server_hostname = (char[]){"registry.example:8443"},
    .token_lifetime_s = 3600,
};
static const struct grant grants[] = {
    {STR_INIT("acme/web"), ACTION_PULL | ACTION_PUSH},
    {STR_INIT("busybox"), 0},
    {STR_INIT("acme/a\"b"), ACTION_ADMIN},
};
static const struct caller user = {
    .kind = CALLER_USER,
    .via = VIA_PASSWORD,
    .account_id = 7,
    .name = STR_INIT("alice"),
    .superuser = true,
    .scopes = SCOPE_ALL,
    .grants = grants,
    .n_grants = 3,
};

static int begin(void **state)
{
    (void)state;
    arena = arena_new((size_t)4 << 20);
    return !arena;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct str written(const struct caller *c)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    assert_int_equal(claims_write(&config, c, str_z(config.server_hostname), NOW, &out), E_OK);
    return arena_str(arena, buf_str(&out));
}

static enum err read_at(struct str payload, int64_t now, int64_t grace, struct caller *ret)
{
    struct fail f = FAIL_INIT;
    enum err e = claims_read(&config, &f, arena, payload, now, grace, ret);
    if (e)
        assert_true(f.message[0]);
    return e;
}

static void test_user(void **state)
{
    struct caller c;
    (void)state;
    assert_int_equal(read_at(written(&user), NOW, 0, &c), E_OK);
    assert_int_equal(c.kind, CALLER_USER);
    assert_int_equal(c.via, VIA_REGISTRY_TOKEN);
    assert_int_equal(c.account_id, 7);
    assert_int_equal(c.namespace_id, 0);
    assert_true(str_eqz(c.name, "alice"));
    assert_false(c.superuser); /* a token grants what it lists */
    assert_false(c.expired);
    assert_int_equal(c.n_grants, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(str_eq(c.grants[i].repository, grants[i].repository));
        assert_int_equal(c.grants[i].actions, grants[i].actions);
    }
}

static void test_robot(void **state)
{
    struct caller c, robot = {.kind = CALLER_ROBOT,
                              .via = VIA_ROBOT_TOKEN,
                              .account_id = 9,
                              .namespace_id = 3,
                              .name = STR_INIT("acme+ci")};
    (void)state;
    assert_int_equal(read_at(written(&robot), NOW, 0, &c), E_OK);
    assert_int_equal(c.kind, CALLER_ROBOT);
    assert_int_equal(c.account_id, 9);
    assert_int_equal(c.namespace_id, 3);
    assert_true(str_eqz(c.name, "acme+ci"));
    assert_int_equal(c.n_grants, 0);
}

static void test_anonymous(void **state)
{
    struct caller c,
        nobody = {.kind = CALLER_ANONYMOUS, .name = STR_INIT(""), .grants = grants, .n_grants = 1};
    (void)state;
    assert_int_equal(read_at(written(&nobody), NOW, 0, &c), E_OK);
    assert_int_equal(c.kind, CALLER_ANONYMOUS);
    assert_int_equal(c.via, VIA_REGISTRY_TOKEN);
    assert_int_equal(c.account_id, 0);
    assert_true(str_eqz(c.name, ""));
    assert_int_equal(c.n_grants, 1);
}

/* Quay's names, for who reads the token elsewhere. */
static void test_members(void **state)
{
    CLEANUP(json_drop) json_t *doc = NULL;
    struct caller oauth = user;
    (void)state;
    oauth.via = VIA_OAUTH_TOKEN;
    oauth.token_uuid = STR("u-1");
    assert_int_equal(json_parse(NULL, E_INTERNAL, written(&oauth), 65536, &doc), E_OK);
    assert_true(str_eqz(json_get_str(doc, "iss"), "quay"));
    assert_true(str_eqz(json_get_str(doc, "aud"), "registry.example:8443"));
    assert_true(str_eqz(json_get_str(doc, "sub"), "alice"));
    assert_int_equal(json_integer_value(json_object_get(doc, "iat")), NOW);
    assert_int_equal(json_integer_value(json_object_get(doc, "nbf")), NOW);
    assert_int_equal(json_integer_value(json_object_get(doc, "exp")), NOW + 3600);
    const json_t *context = json_object_get(doc, "context");
    assert_int_equal(json_integer_value(json_object_get(context, "version")), 2);
    assert_true(str_eqz(json_get_str(context, "entity_kind"), "oauthtoken"));
    assert_true(str_eqz(json_get_str(context, "entity_reference"), "u-1"));
    assert_true(str_eqz(json_get_str(context, "kind"), "oauth"));
    assert_true(str_eqz(json_get_str(context, "user"), "alice"));
    const json_t *entry = json_array_get(json_object_get(doc, "access"), 0);
    assert_true(str_eqz(json_get_str(entry, "type"), "repository"));
    assert_true(str_eqz(json_get_str(entry, "name"), "acme/web"));
    assert_int_equal(json_array_size(json_object_get(entry, "actions")), 2);
}

static void test_times(void **state)
{
    struct caller c;
    struct str payload = written(&user);
    (void)state;
    assert_int_equal(read_at(payload, NOW - CLAIMS_LEEWAY_S, 0, &c), E_OK);
    assert_int_equal(read_at(payload, NOW - CLAIMS_LEEWAY_S - 1, 0, &c), E_TOKEN_INVALID);
    assert_int_equal(read_at(payload, NOW + 3600 + CLAIMS_LEEWAY_S - 1, 0, &c), E_OK);
    assert_int_equal(read_at(payload, NOW + 3600 + CLAIMS_LEEWAY_S, 0, &c), E_TOKEN_EXPIRED);
    assert_int_equal(read_at(payload, NOW + 3600 + CLAIMS_LEEWAY_S, 100, &c), E_OK);
    assert_true(c.expired);
    assert_int_equal(read_at(payload, NOW + 3600 + CLAIMS_LEEWAY_S + 99, 100, &c), E_OK);
    assert_int_equal(read_at(payload, NOW + 3600 + CLAIMS_LEEWAY_S + 100, 100, &c),
                     E_TOKEN_EXPIRED);
    /* The setting was lowered: what lives longer is no longer believed. */
    config.token_lifetime_s = 600;
    assert_int_equal(read_at(payload, NOW, 0, &c), E_TOKEN_INVALID);
    config.token_lifetime_s = 3600;
}

static void test_other_service(void **state)
{
    struct caller c;
    CLEANUP(buf_done) struct buf out = BUF_INIT;
    (void)state;
    assert_int_equal(claims_write(&config, &user, STR("other.example"), NOW, &out), E_OK);
    assert_int_equal(read_at(buf_str(&out), NOW, 0, &c), E_TOKEN_INVALID);
}

#define REST                                                                                       \
    ",\"access\":[],\"context\":{\"version\":2,\"entity_kind\":\"user\",\"gantry\":{\"account\":"  \
    "7,"                                                                                           \
    "\"namespace\":0,\"robot\":false}}}"
#define TIMES "\"iat\":1700000000,\"nbf\":1700000000,\"exp\":1700003600"
#define WHO   "{\"iss\":\"quay\",\"aud\":\"registry.example:8443\",\"sub\":\"alice\","

static void test_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "null",
        WHO TIMES,
        WHO TIMES ",\"iss\":\"quay\"" REST, /* twice */
        "{\"aud\":\"registry.example:8443\",\"sub\":\"alice\"," TIMES REST,
        "{\"iss\":\"other\",\"aud\":\"registry.example:8443\",\"sub\":\"alice\"," TIMES REST,
        "{\"iss\":\"quay\",\"sub\":\"alice\"," TIMES REST,
        "{\"iss\":\"quay\",\"aud\":[\"registry.example:8443\"],\"sub\":\"alice\"," TIMES REST,
        "{\"iss\":\"quay\",\"aud\":\"REGISTRY.example:8443\",\"sub\":\"alice\"," TIMES REST,
        "{\"iss\":\"quay\",\"aud\":\"registry.example:8443\"," TIMES REST,
        "{\"iss\":\"quay\",\"aud\":\"registry.example:8443\",\"sub\":\"\"," TIMES REST,
        WHO "\"nbf\":1700000000,\"exp\":1700003600" REST,
        WHO "\"iat\":1700000000,\"exp\":1700003600" REST,
        WHO "\"iat\":1700000000,\"nbf\":1700000000" REST,
        WHO "\"iat\":\"1700000000\",\"nbf\":1700000000,\"exp\":1700003600" REST,
        WHO "\"iat\":1700000000,\"nbf\":1700000000,\"exp\":1700003600.5" REST,
        WHO "\"iat\":-9223372036854775808,\"nbf\":1700000000,\"exp\":9223372036854775807" REST,
        WHO "\"iat\":1700000000,\"nbf\":1700000000,\"exp\":9223372036854775807" REST,
        WHO "\"iat\":1700000000,\"nbf\":1700000000,\"exp\":1700000000000" REST,
        WHO "\"iat\":1700003600,\"nbf\":1700000000,\"exp\":1700003600" REST,
        WHO TIMES ",\"access\":{},\"context\":{\"gantry\":{\"account\":7,\"namespace\":0}}}",
        WHO TIMES ",\"access\":[]}",
        WHO TIMES ",\"access\":[],\"context\":{}}",
        WHO TIMES ",\"access\":[],\"context\":{\"gantry\":{\"account\":0,\"namespace\":0}}}",
        WHO TIMES ",\"access\":[],\"context\":{\"gantry\":{\"account\":-1,\"namespace\":0}}}",
        WHO TIMES ",\"access\":[],\"context\":{\"gantry\":{\"account\":\"7\",\"namespace\":0}}}",
        WHO TIMES ",\"access\":[],\"context\":{\"entity_kind\":\"anonymous\"}}", /* but a name */
    };
    struct caller c;
    (void)state;
    assert_int_equal(read_at(STR(WHO TIMES REST), NOW, 0, &c), E_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_at(str_z(bad[i]), NOW, 0, &c), E_TOKEN_INVALID);
}

/* What is not understood grants nothing. */
static void test_unknown_access(void **state)
{
    struct caller c;
    (void)state;
    assert_int_equal(
        read_at(STR(WHO TIMES
                    ",\"access\":[{\"type\":\"registry\",\"name\":\"catalog\",\"actions\":[\"*\"]},"
                    "{\"type\":\"repository\",\"name\":\"a/b\",\"actions\":[\"pull\",\"fly\",7]},"
                    "{\"type\":\"repository\",\"name\":\"a/c\",\"actions\":\"pull\"},"
                    "{\"type\":\"repository\",\"name\":\"\",\"actions\":[\"pull\"]},"
                    "{\"type\":\"repository\",\"actions\":[\"pull\"]},7,null],"
                    "\"context\":{\"gantry\":{\"account\":7,\"namespace\":0}}}"),
                NOW, 0, &c),
        E_OK);
    assert_int_equal(c.n_grants, 2);
    assert_int_equal(c.grants[0].actions, ACTION_PULL);
    assert_int_equal(c.grants[1].actions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user),      cmocka_unit_test(test_robot),
        cmocka_unit_test(test_anonymous), cmocka_unit_test(test_members),
        cmocka_unit_test(test_times),     cmocka_unit_test(test_other_service),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_unknown_access),
    };
    return cmocka_run_group_tests_name("claims", tests, begin, end);
}
