/*
 * content_log.c - see content_log.h.
 */
#include "registry/content_log.h"

#include "base/buf.h"
#include "base/cleanup.h"

#define USER_AGENT_MAX 512

static void member(struct buf *b, const char *key, struct str value)
{
    if (!value.p)
        return;
    if (b->n > 1)
        buf_putc(b, ',');
    buf_json(b, str_z(key));
    buf_putc(b, ':');
    buf_json(b, value);
}

static void performer(struct buf *b, const struct caller *c)
{
    if (c->kind == CALLER_ANONYMOUS)
        return;
    member(b, "username", c->name);
    if (c->kind == CALLER_ROBOT)
        buf_putz(b, ",\"is_robot\":true");
    if (c->token_uuid.n && c->via == VIA_APP_TOKEN)
        member(b, "app_specific_token", c->token_uuid);
    if (c->token_uuid.n && c->via == VIA_OAUTH_TOKEN)
        member(b, "oauth_token_uuid", c->token_uuid);
}

/* Quay says `tag` when something was done by tag, else `manifest_digest`; a deletion by digest says both. */
static enum err describe(struct buf *b, const struct visitor *by, const struct content *what)
{
    char digest[DIGEST_TEXT_MAX];
    buf_reset(b);
    buf_putc(b, '{');
    member(b, "repo", what->repo->name);
    member(b, "namespace", what->repo->namespace_name);
    member(b, "tag", what->tag);
    if (what->digest) {
        digest_format(what->digest, digest);
        member(b, "manifest_digest", str_z(digest));
    }
    if (by->user_agent.n)
        member(b, "user-agent", str_head(by->user_agent, USER_AGENT_MAX));
    performer(b, by->caller);
    buf_putc(b, '}');
    return buf_err(b);
}

static struct audit_entry entry(const struct visitor *by, enum log_kind kind,
                                const struct content *what, const struct buf *metadata)
{
    return (struct audit_entry){
        .kind = kind,
        .account_id = what->repo->namespace_id,
        .performer_id = by->caller->account_id,
        .repository_id = what->repo->id,
        .ip = by->remote_addr,
        .metadata = buf_str(metadata),
    };
}

enum err content_log_write(struct db *db, struct fail *f, const struct visitor *by,
                           enum log_kind kind, const struct content *what)
{
    CLEANUP(buf_done) struct buf metadata = BUF_INIT;
    enum err e = describe(&metadata, by, what);
    if (e)
        return fail_internal(f, e, "no memory for an audit row");
    struct audit_entry row = entry(by, kind, what, &metadata);
    return audit_write(db, f, &row);
}

void content_log_later(const struct visitor *by, enum log_kind kind, const struct content *what)
{
    CLEANUP(buf_done) struct buf metadata = BUF_INIT;
    if (describe(&metadata, by, what))
        return;
    struct audit_entry row = entry(by, kind, what, &metadata);
    audit_later(&row);
}
