/*
 * credentials.c - see credentials.h.
 *
 * One struct attempt runs through it all: what was given, what is known of the account, and what
 * the log is told. A name without an account takes the same steps as one with: the same queries, a
 * password hash computed, the same waits.
 */
#include "auth/credentials.h"

#include "auth/backoff.h"
#include "auth/login_log.h"
#include "auth/password.h"
#include "auth/scope.h"
#include "auth/secret.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/metrics.h"
#include "db/account.h"
#include "db/token.h"

#define TOUCH_MS (INT64_C(5) * 60 * 1000) /* how exact last_accessed_ms is */

struct attempt {
    struct worker *w;
    struct fail *f;
    const struct credentials *in;
    const char *kind; /* as the log calls it */
    int64_t now_ms;
    bool known;   /* account is filled */
    bool suspect; /* the address failed lately */
    struct account account;
};

/* ---- refusals ---- */

static enum err too_many(struct attempt *a, int wait_s)
{
    metrics_add(METRIC_LOGIN_FAILURES, 1);
    if (a->f)
        a->f->retry_after_s = wait_s;
    return fail(a->f, E_TOO_MANY, "too many failed sign-ins; try again in %d seconds", wait_s);
}

static enum err refuse(struct attempt *a, const char *message)
{
    struct login_failure l = {
        .kind = a->kind,
        .username = a->in->user,
        .message = message,
        .remote_addr = a->in->remote_addr,
        .user_agent = a->in->user_agent,
    };
    struct str robot;
    if (strcmp(a->kind, "robot") == 0) {
        l.robot = a->in->user;
        str_cut(a->in->user, '+', &l.username, &robot);
    } else if (strcmp(a->kind, "user") != 0) {
        l.username = a->known ? a->account.name : STR_NONE; /* "$app" says nothing */
    }
    if (a->known) {
        l.account_id = a->account.namespace_id ? a->account.namespace_id : a->account.id;
        l.performer_id = a->account.kind == ACCOUNT_ROBOT ? a->account.id : 0;
    }
    login_log_failure(a->w, &l);
    metrics_add(METRIC_LOGIN_FAILURES, 1);
    return fail(a->f, E_BAD_CREDENTIALS, "%s", message);
}

/* How long name and address have to wait. */
static int wait_of(struct attempt *a, bool by_name)
{
    int wait = backoff_address(a->w, a->in->remote_addr, a->now_ms, &a->suspect), more = 0;
    if (by_name)
        more = a->known ? backoff_account(a->account.invalid_login_attempts,
                                          a->account.last_invalid_login_ms, a->now_ms)
                        : backoff_name(a->w, a->in->user, a->now_ms);
    return more > wait ? more : wait;
}

/* A wrong secret: counted, told to the log, and answered in the same words whatever was wrong. */
static enum err wrong(struct attempt *a, bool by_name, const char *message)
{
    enum err e = E_OK;
    backoff_address_failed(a->w, a->in->remote_addr, a->now_ms);
    if (by_name && a->known)
        e = account_login_failed(a->w->db, a->f, a->account.id, a->now_ms,
                                 a->now_ms - BACKOFF_FORGET_S * 1000);
    else if (by_name)
        backoff_name_failed(a->w, a->in->user, a->now_ms);
    return e ? e : refuse(a, message);
}

/* ---- successes ---- */

static enum err find_account(struct attempt *a, enum account_kind kind)
{
    enum err e = account_by_name(a->w->db, a->f, a->w->arena, a->in->user, &a->account);
    if (e && e != E_NO_ROW)
        return e;
    a->known = e == E_OK && a->account.kind == kind;
    return E_OK;
}

/* Forgets failures, and notes the use once in a while. A failure to note is no reason to refuse. */
static void note_use(struct attempt *a)
{
    struct fail ignored = FAIL_INIT;
    enum err e = E_OK;
    metrics_add(METRIC_LOGINS, 1);
    if (a->account.invalid_login_attempts > 0)
        e = account_login_ok(a->w->db, &ignored, a->account.id);
    if (!e && a->account.last_accessed_ms < a->now_ms - TOUCH_MS)
        e = account_touch(a->w->db, &ignored, a->account.id, a->now_ms, a->now_ms - TOUCH_MS);
    (void)e;
}

static void fill_caller(const struct attempt *a, enum auth_via via, unsigned scopes,
                        struct str token_uuid, struct caller *ret)
{
    const struct config *config = a->w->config;
    bool is_user = a->account.kind == ACCOUNT_USER;
    bool readonly = is_user && strs_has(&config->readonly_super_users, a->account.name);
    bool super = is_user && !readonly && strs_has(&config->super_users, a->account.name);
    *ret = (struct caller){
        .kind = is_user ? CALLER_USER : CALLER_ROBOT,
        .via = via,
        .account_id = a->account.id,
        .name = a->account.name,
        .namespace_id = a->account.namespace_id,
        .superuser = super && (scopes & SCOPE_SUPER_USER),
        .readonly_superuser = readonly && (scopes & SCOPE_SUPER_USER),
        .scopes = scopes,
        .token_uuid = token_uuid,
    };
}

/* ---- users ---- */

/* Half of a process's threads are left to others, whatever an address that guesses does. */
static int crowd_of(const struct attempt *a)
{
    const struct config *c = a->w->config;
    int threads = c->pool_registry.threads < c->pool_upload.threads ? c->pool_registry.threads
                                                                    : c->pool_upload.threads;
    if (!a->suspect)
        return PASSWORD_ANY_CROWD;
    return threads > 3 ? threads / 2 : 1;
}

static enum err check_user(struct attempt *a, struct caller *ret)
{
    bool right = false;
    enum err e = find_account(a, ACCOUNT_USER);
    if (e)
        return e;
    int wait = wait_of(a, true);
    if (wait)
        return too_many(a, wait);
    e = password_verify(a->f, a->known ? a->account.password_hash : STR_NONE, a->in->password,
                        crowd_of(a), &right);
    if (e)
        return e;
    if (!right)
        return wrong(a, true, err_info(E_BAD_CREDENTIALS)->text);
    if (!a->account.enabled)
        return refuse(a, "this account is disabled: ask the administrator of the registry");
    note_use(a);
    fill_caller(a, VIA_PASSWORD, SCOPE_ALL, STR_NONE, ret);
    return E_OK;
}

/* ---- robots ---- */

static enum err check_robot(struct attempt *a, struct caller *ret)
{
    const struct config *config = a->w->config;
    struct robot_token token = {.hash = STR_NONE};
    uint8_t hash[SECRET_HASH];
    enum err e = find_account(a, ACCOUNT_ROBOT);
    if (!e)
        e = secret_hash(a->f, a->in->password, hash);
    if (e)
        return e;
    e = robot_token_get(a->w->db, a->f, a->w->arena, a->known ? a->account.id : 0, &token);
    if (e && e != E_NO_ROW)
        return e;
    if (e || !str_eq_secret((struct str){(const char *)hash, sizeof(hash)}, token.hash)) {
        int wait = wait_of(a, true);
        return wait ? too_many(a, wait) : wrong(a, true, err_info(E_BAD_CREDENTIALS)->text);
    }
    if (config->robots_disallow && !strs_has(&config->robots_whitelist, a->account.name))
        return refuse(a, "robots may not sign in to this registry (ROBOTS_DISALLOW)");
    if (!a->account.enabled || !a->account.namespace_enabled)
        return refuse(a,
                      "the robot's namespace is disabled: ask the administrator of the registry");
    note_use(a);
    fill_caller(a, VIA_ROBOT_TOKEN, SCOPE_ALL, STR_NONE, ret);
    return E_OK;
}

/* ---- tokens ---- */

/* What app tokens and OAuth tokens have in common. */
struct found_token {
    int64_t account_id, expires_ms; /* 0: never */
    struct str uuid;
};

/* e: of looking the token up. Fills a->account for a token that is good. */
static enum err check_token(struct attempt *a, enum err e, const struct found_token *token)
{
    if (e && e != E_NO_ROW)
        return e;
    if (!e) {
        e = account_by_id(a->w->db, a->f, a->w->arena, token->account_id, &a->account);
        if (e && e != E_NO_ROW)
            return e;
    }
    if (e) {
        int wait = wait_of(a, false);
        return wait ? too_many(a, wait) : wrong(a, false, "the token is not known here");
    }
    a->known = true;
    if (token->expires_ms && token->expires_ms <= a->now_ms)
        return refuse(a, "the token has expired: make a new one");
    if (!a->account.enabled || !a->account.namespace_enabled)
        return refuse(a, "this account is disabled: ask the administrator of the registry");
    return E_OK;
}

static enum err check_app_token(struct attempt *a, struct caller *ret)
{
    struct app_token token = {.id = 0};
    uint8_t hash[SECRET_HASH];
    enum err e;
    if (!a->w->config->app_tokens)
        return refuse(a, "app-specific tokens are switched off (FEATURE_APP_SPECIFIC_TOKENS)");
    e = secret_hash(a->f, a->in->password, hash);
    if (e)
        return e;
    e = app_token_by_hash(a->w->db, a->f, a->w->arena,
                          (struct str){(const char *)hash, sizeof(hash)}, &token);
    e = check_token(a, e, &(struct found_token){token.account_id, token.expires_ms, token.uuid});
    if (e)
        return e;
    note_use(a);
    if (token.last_accessed_ms < a->now_ms - TOUCH_MS) {
        struct fail ignored = FAIL_INIT;
        e = app_token_touch(a->w->db, &ignored, token.id, a->now_ms, a->now_ms - TOUCH_MS);
        (void)e;
    }
    fill_caller(a, VIA_APP_TOKEN, SCOPE_ALL, token.uuid, ret);
    return E_OK;
}

static enum err check_oauth_token(struct attempt *a, struct caller *ret)
{
    struct oauth_token token = {.id = 0};
    uint8_t hash[SECRET_HASH];
    enum err e = secret_hash(a->f, a->in->password, hash);
    if (e)
        return e;
    e = oauth_token_by_hash(a->w->db, a->f, a->w->arena,
                            (struct str){(const char *)hash, sizeof(hash)}, &token);
    e = check_token(a, e, &(struct found_token){token.account_id, token.expires_ms, token.uuid});
    if (e)
        return e;
    note_use(a);
    if (token.last_accessed_ms < a->now_ms - TOUCH_MS) {
        struct fail ignored = FAIL_INIT;
        e = oauth_token_touch(a->w->db, &ignored, token.id, a->now_ms, a->now_ms - TOUCH_MS);
        (void)e;
    }
    fill_caller(a, VIA_OAUTH_TOKEN, oauth_scopes(token.scope), token.uuid, ret);
    return E_OK;
}

/* ---- for others ---- */

enum err credentials_check(struct worker *w, struct fail *f, const struct credentials *in,
                           struct caller *ret)
{
    struct attempt a = {.w = w, .f = f, .in = in, .now_ms = clock_ms()};
    if (str_eqz(in->user, "$oauthtoken")) {
        a.kind = "oauth_token";
        return check_oauth_token(&a, ret);
    }
    if (str_eqz(in->user, "$app")) {
        a.kind = "app_specific_token";
        return check_app_token(&a, ret);
    }
    if (str_chr(in->user, '+') >= 0) {
        a.kind = "robot";
        return check_robot(&a, ret);
    }
    a.kind = "user";
    return check_user(&a, ret);
}

enum err credentials_check_oauth(struct worker *w, struct fail *f, const struct credentials *in,
                                 struct caller *ret)
{
    struct attempt a = {.w = w, .f = f, .in = in, .now_ms = clock_ms(), .kind = "oauth_token"};
    return check_oauth_token(&a, ret);
}
