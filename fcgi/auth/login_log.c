/*
 * login_log.c - see login_log.h.
 */
#include "auth/login_log.h"

#include "audit/record.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"

#include <pthread.h>

#define TEXT_MAX 255 /* of what a stranger chose */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t minute;
static unsigned rows;

static bool has_room(void)
{
    int64_t now = clock_s() / 60;
    bool room;
    pthread_mutex_lock(&lock);
    if (now != minute) {
        minute = now;
        rows = 0;
    }
    room = rows < LOGIN_LOG_MINUTE;
    rows += room;
    pthread_mutex_unlock(&lock);
    return room;
}

static void member(struct buf *out, const char *key, struct str value)
{
    if (!value.p)
        return;
    buf_putc(out, ',');
    buf_json(out, str_z(key));
    buf_putc(out, ':');
    buf_json(out, str_head(value, TEXT_MAX));
}

void login_log_failure(struct worker *w, const struct login_failure *l)
{
    CLEANUP(buf_done) struct buf metadata = BUF_INIT;
    if (!w->config->audit_logins || !has_room())
        return;
    buf_putz(&metadata, "{\"type\":\"v2auth\"");
    member(&metadata, "kind", str_z(l->kind));
    member(&metadata, "robot", l->robot);
    member(&metadata, "username", l->username);
    member(&metadata, "useragent", l->user_agent);
    member(&metadata, "message", str_z(l->message));
    buf_putc(&metadata, '}');
    if (buf_err(&metadata))
        return;
    audit_later(&(struct audit_entry){
        .kind = LOG_KIND_login_failure,
        .account_id = l->account_id,
        .performer_id = l->performer_id,
        .ip = l->remote_addr,
        .metadata = buf_str(&metadata),
    });
}

static const char *kind_of(const struct caller *c)
{
    if (c->via == VIA_APP_TOKEN)
        return "app_specific_token";
    if (c->via == VIA_OAUTH_TOKEN)
        return "oauth_token";
    return c->kind == CALLER_ROBOT ? "robot" : "user";
}

enum err login_log_success(struct worker *w, struct fail *f, const struct caller *c,
                           struct str remote_addr, struct str user_agent)
{
    struct actor by = actor_of(c, remote_addr);
    struct str username = c->name, short_name;
    if (!w->config->audit_logins)
        return E_OK;
    if (c->kind == CALLER_ROBOT)
        str_cut(c->name, '+', &username, &short_name);
    return record_write(
        w->db, f, &by, LOG_KIND_login_success, c->namespace_id ? c->namespace_id : c->account_id, 0,
        RECORD_FIELDS({"type", STR("v2auth")}, {"kind", str_z(kind_of(c))},
                      {"robot", c->kind == CALLER_ROBOT ? c->name : STR_NONE},
                      {"username", username}, {"useragent", str_head(user_agent, TEXT_MAX)}));
}
