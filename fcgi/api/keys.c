/*
 * keys.c - the public keys of registry tokens, for who verifies them elsewhere: Quay's /keys/services/<issuer>/keys and
 * the well-known place of a JWK Set.
 *
 * A verifier may keep an answer for a minute: a new key is published long before its first token.
 */
#include "api/handlers.h"

#include "auth/keyring.h"
#include "base/cleanup.h"
#include "base/config.h"

static enum err answer(struct request *req, enum err e, struct buf *body)
{
    if (!e)
        e = res_header(req, "Cache-Control", STR("public, max-age=60"));
    return e ? e : res_json(req, 200, body);
}

/* The service of a path is the issuer of the tokens; the well-known path names none. */
static enum err check_service(struct request *req)
{
    struct str service = req_param(req, "service");
    if (service.n && !str_eqz(service, req->w->config->token_issuer))
        return fail(&req->fail, E_NOT_FOUND, "there is no service of this name");
    return E_OK;
}

enum err api_keys(struct request *req)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    enum err e = check_service(req);
    if (!e)
        e = keyring_jwks(req->w, &req->fail, &body);
    return answer(req, e, &body);
}

enum err api_key(struct request *req)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT;
    enum err e = check_service(req);
    if (!e)
        e = keyring_jwk(req->w, &req->fail, req_param(req, "kid"), &body);
    return answer(req, e, &body);
}
