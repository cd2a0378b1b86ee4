/*
 * token.c - the token service, GET and POST /v2/auth (Docker's token flow and its OAuth2 form; Quay's rules).
 *
 * Whoever signs in gets a token with what they may do of what they ask for; the rest is dropped without a word, as a
 * client asks for more than it needs. Asking to push to a repository that is not there yet makes it, for who may: the
 * upload that follows finds it, and its owner is known. A token says what held when it was made; nothing is asked again
 * until it has run out.
 *
 * The audience is the service that the client names. A token for another service is made as asked and is good for
 * nothing here.
 */
#include "oci/handlers.h"

#include "auth/authenticate.h"
#include "auth/basic.h"
#include "auth/claims.h"
#include "auth/credentials.h"
#include "auth/keyring.h"
#include "auth/login_log.h"
#include "auth/scope.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "cache/redis.h"

#include <inttypes.h>

#define SCOPES_MAX  64
#define SERVICE_MAX 255

/* What is asked for, and then what is given. */
struct asked {
    struct repo_name name;
    struct grant grant; /* actions: asked for, then given */
};

struct issue {
    struct request *req;
    bool (*param)(const struct request *, const char *, size_t, struct str *);
    bool oauth2; /* the answer has the members of RFC 6749 too */
    struct str service;
    struct asked asked[SCOPES_MAX];
    size_t n;
    size_t n_scopes; /* those that name no repository included */
};

/* ---- what is asked for ---- */

static enum err read_service(struct issue *is)
{
    const struct config *c = is->req->w->config;
    if (!is->param(is->req, "service", 0, &is->service) || is->service.n == 0)
        is->service = str_z(c->server_hostname);
    if (is->service.n > SERVICE_MAX || !str_is_utf8(is->service))
        return fail(&is->req->fail, E_BAD_REQUEST, "the service is not a host name");
    return E_OK;
}

/* One scope; several for the same repository become one. */
static enum err add_scope(struct issue *is, struct str text)
{
    const struct config *c = is->req->w->config;
    struct fail *f = &is->req->fail;
    struct repo_name name;
    struct scope scope;
    enum err e = scope_parse(f, text, str_z(c->server_hostname), &scope);
    if (e)
        return e;
    is->n_scopes++;
    if (!scope.is_repository)
        return E_OK;
    e = repo_name_parse(f, scope.repository, str_z(c->library_namespace), c->extended_names, &name);
    if (e)
        return e;
    for (size_t i = 0; i < is->n; i++) {
        if (str_eq(is->asked[i].grant.repository, scope.repository)) {
            is->asked[i].grant.actions |= scope.actions;
            return E_OK;
        }
    }
    if (is->n == SCOPES_MAX)
        return fail(f, E_BAD_REQUEST, "more than %d repositories are asked for at once",
                    SCOPES_MAX);
    is->asked[is->n++] = (struct asked){name, {scope.repository, scope.actions}};
    return E_OK;
}

/* Several parameters, and in each several scopes between spaces. */
static enum err read_scopes(struct issue *is)
{
    struct str list, one;
    for (size_t nth = 0; is->param(is->req, "scope", nth, &list); nth++) {
        /* Each is looked for from the front again; whoever repeats it without end pays for that, not we. */
        if (nth == SCOPES_MAX)
            return fail(&is->req->fail, E_BAD_REQUEST,
                        "more than %d scope parameters in one request", SCOPES_MAX);
        while (list.n) {
            str_cut(list, ' ', &one, &list);
            enum err e = one.n ? add_scope(is, one) : E_OK;
            if (e)
                return e;
        }
    }
    return E_OK;
}

/* ---- what is given ---- */

static bool writable(const struct config *c)
{
    return !c->disable_pushes && !str_eqz(STR("readonly"), c->registry_state);
}

/*
 * On a repository that is not there, who may create it may push (and then it is made) and pull (and then hears that it
 * is not there). In a registry that is read-only at the moment nothing is made, and the push itself is told why.
 */
static enum err decide_missing(struct issue *is, struct asked *a, struct repo *repo, unsigned *ret)
{
    struct request *req = is->req;
    bool may = false;
    enum err e;
    if (req->caller.kind == CALLER_ANONYMOUS)
        return E_OK;
    e = access_may_create(req->w, &req->fail, &req->caller, a->name.namespace_name, &may);
    if (e || !may)
        return e;
    *ret = ACTION_PULL | ACTION_PUSH;
    if ((a->grant.actions & ACTION_PUSH) && writable(req->w->config))
        e = repo_find_or_create(req->w, &req->fail, &req->caller, req->remote_addr, &a->name, repo);
    return e;
}

static enum err decide(struct issue *is, struct asked *a)
{
    struct request *req = is->req;
    struct repo repo = {.id = 0};
    enum repo_role role = ROLE_NONE;
    unsigned may = 0;
    enum err e = repo_find(req->w, &req->fail, &a->name, &repo);
    if (e)
        return e;
    if (repo.namespace_id && !repo.namespace_enabled)
        return fail(&req->fail, E_NAMESPACE_DISABLED,
                    "namespace %.*s is disabled: ask the administrator of the registry",
                    STR_ARG(a->name.namespace_name));
    if (!repo.id)
        e = decide_missing(is, a, &repo, &may);
    if (!e && repo.id)
        e = access_repo_role(req->w, &req->fail, &req->caller, &repo, &role);
    if (e)
        return e;
    if (role >= ROLE_READ)
        may |= ACTION_PULL;
    if (role >= ROLE_WRITE && repo.state == REPO_NORMAL)
        may |= ACTION_PUSH;
    if (role >= ROLE_ADMIN && repo.state == REPO_NORMAL)
        may |= ACTION_ADMIN;
    a->grant.actions &= may;
    return E_OK;
}

static enum err decide_all(struct issue *is)
{
    struct caller *c = &is->req->caller;
    struct grant *grants = arena_array(is->req->w->arena, is->n, sizeof(*grants));
    if (!grants)
        return fail_internal(&is->req->fail, E_NO_MEMORY, "no memory for the grants of a token");
    for (size_t i = 0; i < is->n; i++) {
        enum err e = decide(is, &is->asked[i]);
        if (e)
            return e;
        grants[i] = is->asked[i].grant;
    }
    c->grants = grants;
    c->n_grants = is->n;
    return E_OK;
}

/* ---- what is told ---- */

/* Quay's live event of a user's own client (channel user/<name>/events/docker-cli); lost when Redis is down. */
static void publish(const struct issue *is)
{
    const struct request *req = is->req;
    CLEANUP(buf_done) struct buf channel = BUF_INIT;
    CLEANUP(buf_done) struct buf message = BUF_INIT;
    const char *action = "login";
    if (!req->w->config->user_events || req->caller.kind == CALLER_ANONYMOUS)
        return;
    if (is->n && (is->asked[0].grant.actions & ACTION_PUSH))
        action = "push_start";
    else if (is->n && (is->asked[0].grant.actions & ACTION_PULL))
        action = "pull_start";
    buf_putz(&channel, "user/");
    buf_put(&channel, req->caller.name);
    buf_putz(&channel, "/events/docker-cli");
    buf_printf(&message, "{\"action\":\"%s\"", action);
    if (is->n) {
        buf_putz(&message, ",\"namespace\":");
        buf_json(&message, is->asked[0].name.namespace_name);
        buf_putz(&message, ",\"repository\":");
        buf_json(&message, is->asked[0].name.name);
    }
    buf_putc(&message, '}');
    if (!buf_err(&channel) && !buf_err(&message))
        redis_publish(req->w->redis, buf_str(&channel), buf_str(&message));
}

/* The scopes given, as RFC 6749 section 5.1 wants them told. Names were checked: nothing in them needs an escape. */
static void put_given(const struct issue *is, struct buf *out)
{
    static const struct {
        unsigned bit;
        const char *word;
    } words[] = {{ACTION_PULL, "pull"}, {ACTION_PUSH, "push"}, {ACTION_ADMIN, "*"}};
    const char *before = "";
    buf_putz(out, ",\"token_type\":\"Bearer\",\"scope\":\"");
    for (size_t i = 0; i < is->n; i++) {
        const struct grant *g = &is->asked[i].grant;
        const char *between = ":";
        if (!g->actions)
            continue;
        buf_printf(out, "%srepository:%.*s", before, STR_ARG(g->repository));
        before = " ";
        for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
            if (!(g->actions & words[k].bit))
                continue;
            buf_printf(out, "%s%s", between, words[k].word);
            between = ",";
        }
    }
    buf_putc(out, '"');
}

static enum err answer(struct issue *is, struct str token, int64_t now_ms)
{
    struct request *req = is->req;
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    char issued[CLOCK_TEXT];
    clock_rfc3339(now_ms, issued);
    buf_putz(&body, "{\"token\":");
    buf_json(&body, token);
    buf_putz(&body, ",\"access_token\":");
    buf_json(&body, token);
    buf_printf(&body, ",\"expires_in\":%" PRId64 ",\"issued_at\":\"%s\"",
               req->w->config->token_lifetime_s, issued);
    if (is->oauth2)
        put_given(is, &body);
    buf_putc(&body, '}');
    enum err e = res_header(req, "Cache-Control", STR("no-store"));
    if (!e)
        e = buf_err(&body);
    return e ? e : res_json(req, 200, &body);
}

/* req->caller is known: the token, and everything that goes with it. */
static enum err issue(struct issue *is)
{
    struct request *req = is->req;
    struct fail *f = &req->fail;
    CLEANUP(buf_done) struct buf claims = BUF_INIT;
    CLEANUP(buf_done) struct buf token = BUF_INIT;
    int64_t now_ms = clock_ms();
    enum err e = read_service(is);
    if (!e)
        e = read_scopes(is);
    if (e)
        return e;
    if (req->caller.kind == CALLER_ANONYMOUS && is->n_scopes == 0)
        return fail(f, E_UNAUTHORIZED, "sign in with a user name and a password or token");
    if (req->caller.kind == CALLER_ANONYMOUS && !req->w->config->anonymous_access)
        return fail(f, E_UNAUTHORIZED, "this registry serves signed-in users only");
    e = decide_all(is);
    if (!e)
        e = claims_write(req->w->config, &req->caller, is->service, now_ms / 1000, &claims);
    if (!e)
        e = keyring_sign(req->w, f, buf_str(&claims), &token);
    /* With a scope the client is at work already; what it does has rows of its own. */
    if (!e && is->n_scopes == 0)
        e = login_log_success(req->w, f, &req->caller, req->remote_addr, req->user_agent);
    if (e)
        return e;
    publish(is);
    return answer(is, buf_str(&token), now_ms);
}

/* ---- the two ways in ---- */

static enum err by_header(struct request *req)
{
    struct auth_input in = {
        .authorization = req->authorization,
        .remote_addr = req->remote_addr,
        .user_agent = req->user_agent,
    };
    enum err e = authenticate(req->w, &req->fail, &in, &req->caller);
    if (!e && req->caller.via == VIA_REGISTRY_TOKEN)
        return fail(
            &req->fail, E_BAD_CREDENTIALS,
            "a token gives no further tokens: sign in with a user name and a password or token");
    return e;
}

enum err oci_token_get(struct request *req)
{
    struct issue is = {.req = req, .param = req_query};
    enum err e = by_header(req);
    return e ? e : issue(&is);
}

/* grant_type=password of RFC 6749 section 4.3; the client's own id and the wish for offline access mean nothing here. */
enum err oci_token_post(struct request *req)
{
    struct issue is = {.req = req, .param = req_form, .oauth2 = true};
    struct credentials in = {.remote_addr = req->remote_addr, .user_agent = req->user_agent};
    struct str grant_type = STR_NONE;
    enum err e;
    req_form(req, "grant_type", 0, &grant_type);
    if (str_eqz(grant_type, "refresh_token"))
        return fail(&req->fail, E_BAD_REQUEST,
                    "refresh tokens are not given out here: send grant_type=password");
    if (!str_eqz(grant_type, "password"))
        return fail(&req->fail, E_BAD_REQUEST,
                    "the grant_type is not supported: send grant_type=password with username, "
                    "password, service and scope");
    if (!req_form(req, "username", 0, &in.user) || !req_form(req, "password", 0, &in.password))
        return fail(&req->fail, E_BAD_REQUEST, "grant_type=password needs username and password");
    if (!credentials_plausible(in.user, in.password))
        return fail(&req->fail, E_BAD_CREDENTIALS, "%s", err_info(E_BAD_CREDENTIALS)->text);
    e = credentials_check(req->w, &req->fail, &in, &req->caller);
    return e ? e : issue(&is);
}
