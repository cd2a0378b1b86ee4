/*
 * claims.c - see claims.h.
 */
#include "auth/claims.h"

#include "auth/scope.h"
#include "base/cleanup.h"
#include "base/json.h"

#include <inttypes.h>

#define CLAIMS_MAX  65536
#define AGE_SLACK_S 60                    /* Quay's: a token of 3600 s passes a limit of 3660 s */
#define MAX_TIME_S  INT64_C(253402300799) /* the end of year 9999, so that sums do not overflow */

/* ---- writing ---- */

static void write_actions(struct buf *out, unsigned actions)
{
    const char *between = "";
    buf_putc(out, '[');
    static const struct {
        unsigned bit;
        const char *text;
    } words[] = {{ACTION_PUSH, "\"push\""}, {ACTION_PULL, "\"pull\""}, {ACTION_ADMIN, "\"*\""}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!(actions & words[i].bit))
            continue;
        buf_putz(out, between);
        buf_putz(out, words[i].text);
        between = ",";
    }
    buf_putc(out, ']');
}

static void write_access(struct buf *out, const struct caller *c)
{
    buf_putz(out, "\"access\":[");
    for (size_t i = 0; i < c->n_grants; i++) {
        buf_putz(out, i ? ",{" : "{");
        buf_putz(out, "\"type\":\"repository\",\"name\":");
        buf_json(out, c->grants[i].repository);
        buf_putz(out, ",\"actions\":");
        write_actions(out, c->grants[i].actions);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void write_context(struct buf *out, const struct caller *c)
{
    const char *entity = c->kind == CALLER_ROBOT ? "robot" : "user";
    struct str reference = c->name;
    if (c->kind == CALLER_ANONYMOUS) {
        buf_putz(
            out,
            "\"context\":{\"version\":2,\"entity_kind\":\"anonymous\",\"kind\":\"anonymous\"}");
        return;
    }
    if (c->via == VIA_APP_TOKEN || c->via == VIA_OAUTH_TOKEN) {
        entity = c->via == VIA_APP_TOKEN ? "appspecifictoken" : "oauthtoken";
        reference = c->token_uuid;
    }
    buf_printf(out,
               "\"context\":{\"version\":2,\"entity_kind\":\"%s\",\"entity_reference\":", entity);
    buf_json(out, reference);
    if (c->via == VIA_OAUTH_TOKEN) {
        buf_putz(out, ",\"kind\":\"oauth\",\"oauth\":");
        buf_json(out, c->token_uuid);
    } else {
        buf_putz(out, ",\"kind\":\"user\"");
    }
    buf_putz(out, ",\"user\":");
    buf_json(out, c->name);
    buf_printf(out,
               ",\"gantry\":{\"account\":%" PRId64 ",\"namespace\":%" PRId64
               ",\"robot\":%s,\"scopes\":%u}}",
               c->account_id, c->namespace_id, c->kind == CALLER_ROBOT ? "true" : "false",
               c->scopes);
}

enum err claims_write(const struct config *config, const struct caller *c, struct str audience,
                      int64_t now_s, struct buf *out)
{
    buf_putz(out, "{\"iss\":");
    buf_json(out, str_z(config->token_issuer));
    buf_putz(out, ",\"aud\":");
    buf_json(out, audience);
    buf_putz(out, ",\"sub\":");
    buf_json(out, c->kind == CALLER_ANONYMOUS ? STR(CLAIMS_SUBJECT_ANONYMOUS) : c->name);
    buf_printf(out, ",\"iat\":%" PRId64 ",\"nbf\":%" PRId64 ",\"exp\":%" PRId64 ",", now_s, now_s,
               now_s + config->token_lifetime_s);
    write_access(out, c);
    buf_putc(out, ',');
    write_context(out, c);
    buf_putc(out, '}');
    return buf_err(out);
}

/* ---- reading ---- */

static enum err bad(struct fail *f, const char *why)
{
    return fail(f, E_TOKEN_INVALID, "the bearer token is not valid here: %s", why);
}

static enum err no_memory(struct fail *f)
{
    return fail_internal(f, E_NO_MEMORY, "no memory for the claims of a token");
}

static bool get_time(const json_t *doc, const char *name, int64_t *ret)
{
    const json_t *v = json_object_get(doc, name);
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > MAX_TIME_S)
        return false;
    *ret = json_integer_value(v);
    return true;
}

static enum err read_times(const struct config *config, struct fail *f, const json_t *doc,
                           int64_t now_s, int64_t grace_s, bool *ret_expired)
{
    int64_t iat, nbf, exp;
    if (!get_time(doc, "iat", &iat) || !get_time(doc, "nbf", &nbf) || !get_time(doc, "exp", &exp))
        return bad(f, "it does not say from when to when it holds");
    if (iat > now_s + CLAIMS_LEEWAY_S || nbf > now_s + CLAIMS_LEEWAY_S)
        return bad(f, "it holds only in the future; are the clocks right?");
    if (exp < iat || exp - iat > config->token_lifetime_s + AGE_SLACK_S)
        return bad(f, "it lives longer than REGISTRY_JWT_AUTH_MAX_FRESH_S allows");
    bool expired = exp + CLAIMS_LEEWAY_S <= now_s;
    if (expired && exp + CLAIMS_LEEWAY_S + grace_s <= now_s)
        return fail(f, E_TOKEN_EXPIRED, "%s", err_info(E_TOKEN_EXPIRED)->text);
    *ret_expired = expired;
    return E_OK;
}

static enum err read_access(struct fail *f, struct arena *a, const json_t *doc, struct caller *ret)
{
    const json_t *list = json_object_get(doc, "access");
    size_t i, k;
    const json_t *entry, *word;
    if (!json_is_array(list))
        return bad(f, "it has no access list");
    struct grant *grants = arena_array(a, json_array_size(list), sizeof(*grants));
    if (!grants)
        return no_memory(f);
    json_array_foreach(list, i, entry)
    {
        struct str name = json_get_str(entry, "name");
        if (!str_eqz(json_get_str(entry, "type"), "repository") || name.n == 0)
            continue;
        struct grant *g = &grants[ret->n_grants++];
        g->repository = arena_str(a, name);
        if (!g->repository.p)
            return no_memory(f);
        json_array_foreach(json_object_get(entry, "actions"), k, word)
        {
            if (json_is_string(word))
                g->actions |=
                    scope_action((struct str){json_string_value(word), json_string_length(word)});
        }
    }
    ret->grants = grants;
    return E_OK;
}

static enum err read_subject(struct fail *f, struct arena *a, const json_t *doc, struct caller *ret)
{
    struct str subject = json_get_str(doc, "sub");
    const json_t *context = json_object_get(doc, "context");
    if (str_eqz(json_get_str(context, "entity_kind"), "anonymous")) {
        ret->kind = CALLER_ANONYMOUS;
        return str_eqz(subject, CLAIMS_SUBJECT_ANONYMOUS) ? E_OK : bad(f, "its subject is unclear");
    }
    const json_t *ids = json_object_get(context, "gantry");
    const json_t *account = json_object_get(ids, "account");
    const json_t *owner = json_object_get(ids, "namespace");
    const json_t *scopes = json_object_get(ids, "scopes");
    if (!json_is_integer(account) || json_integer_value(account) <= 0 || !json_is_integer(owner) ||
        json_integer_value(owner) < 0 || subject.n == 0)
        return bad(f, "its subject is unclear");
    ret->kind = json_is_true(json_object_get(ids, "robot")) ? CALLER_ROBOT : CALLER_USER;
    ret->account_id = json_integer_value(account);
    ret->namespace_id = json_integer_value(owner);
    ret->name = arena_str(a, subject);
    ret->scopes = (unsigned)json_integer_value(scopes) & SCOPE_ALL; /* 0 when it says nothing */
    ret->token_uuid = arena_str(a, json_get_str(context, "oauth"));
    return ret->name.p && ret->token_uuid.p ? E_OK : no_memory(f);
}

enum err claims_read(const struct config *config, struct fail *f, struct arena *a,
                     struct str payload, int64_t now_s, int64_t grace_s, struct caller *ret)
{
    CLEANUP(json_drop) json_t *doc = NULL;
    struct caller out = {.via = VIA_REGISTRY_TOKEN, .name = STR_INIT("")};
    if (json_parse(NULL, E_TOKEN_INVALID, payload, CLAIMS_MAX, &doc) || !json_is_object(doc))
        return bad(f, "its claims are not a JSON object");
    if (!str_eqz(json_get_str(doc, "iss"), config->token_issuer))
        return bad(f, "another issuer made it");
    if (!str_eqz(json_get_str(doc, "aud"), config->server_hostname))
        return bad(f, "it is meant for another service");
    enum err e = read_times(config, f, doc, now_s, grace_s, &out.expired);
    if (!e)
        e = read_subject(f, a, doc, &out);
    if (!e)
        e = read_access(f, a, doc, &out);
    if (e)
        return e;
    *ret = out;
    return E_OK;
}
