/*
 * keyring.c - see keyring.h.
 *
 * struct keyset is what was loaded at one moment; it never changes but for its reference count,
 * which the keyring's lock guards. Whoever reads takes a reference, works without any lock, and
 * drops it. One thread at a time loads.
 */
#include "auth/keyring.h"

#include "auth/jwt.h"
#include "auth/secret.h"
#include "auth/token_cache.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/config.h"
#include "db/service_key.h"

#include <pthread.h>
#include <stdlib.h>

#define SECOND_NS 1000000000u
#define RELOAD_S  60 /* between loads */
#define UNKNOWN_S 5  /* between loads for unknown kids, after the first few */
#define UNKNOWN_N 5

struct key {
    char kid[KID_MAX + 1];
    char *jwk;
    EVP_PKEY *public;
    EVP_PKEY *private; /* NULL: does not open with our DATABASE_SECRET_KEY; it verifies only */
    int64_t retires_ms, expires_ms;
};

struct keyset {
    int references;
    size_t n;
    struct key v[]; /* oldest first */
};

struct keyring {
    pthread_mutex_t lock;
    pthread_cond_t loaded;
    struct keyset *set; /* NULL: never loaded */
    bool loading;
    uint64_t due_ns;          /* monotonic: when to load again */
    unsigned unknown_left;    /* loads for unknown kids before they have to wait */
    uint64_t unknown_at_ns;   /* when one was last given back */
    pthread_mutex_t rotating; /* one thread at a time makes a key */
    struct token_cache *cache;
};

/* ---- sets ---- */

static void set_free(struct keyset *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->v[i].jwk);
        EVP_PKEY_free(s->v[i].public);
        EVP_PKEY_free(s->v[i].private);
    }
    free(s);
}

/* A reader's hold on a set. CLEANUP(hold_done). */
struct hold {
    struct keyring *k;
    struct keyset *set;
    bool fresh;
};

static void hold_done(struct hold *h)
{
    bool last;
    if (!h->set)
        return;
    pthread_mutex_lock(&h->k->lock);
    last = --h->set->references == 0;
    pthread_mutex_unlock(&h->k->lock);
    if (last)
        set_free(h->set);
    h->set = NULL;
}

static enum err purpose_of(struct fail *f, struct arena *a, struct str kid, struct str *ret)
{
    *ret = str_z(arena_printf(a, "service_key:%.*s", STR_ARG(kid)));
    return ret->p ? E_OK : fail_internal(f, E_NO_MEMORY, "no memory for the purpose of a key");
}

static enum err open_private(struct worker *w, struct fail *f, const struct service_key *row,
                             EVP_PKEY **ret)
{
    CLEANUP(secret_done) struct buf der = BUF_INIT;
    struct str purpose;
    enum err e = purpose_of(f, w->arena, row->kid, &purpose);
    if (!e)
        e = secret_decrypt(w->config, f, purpose, row->private_sealed, &der);
    if (!e)
        e = es256_from_der(f, buf_str(&der), ret);
    return e;
}

/* A row that cannot be read is left out: other keys must go on working. */
static bool read_key(struct worker *w, const struct service_key *row, struct key *ret)
{
    struct key key = {.retires_ms = row->retires_ms, .expires_ms = row->expires_ms};
    if (row->kid.n == 0 || row->kid.n > KID_MAX || jwk_read(NULL, row->public_jwk, &key.public))
        return false;
    key.jwk = strndup(row->public_jwk.p, row->public_jwk.n);
    if (!key.jwk) {
        EVP_PKEY_free(key.public);
        return false;
    }
    memcpy(key.kid, row->kid.p, row->kid.n);
    if (open_private(w, NULL, row, &key.private) || EVP_PKEY_eq(key.public, key.private) != 1) {
        EVP_PKEY_free(key.private);
        key.private = NULL;
    }
    *ret = key;
    return true;
}

static enum err load(struct worker *w, struct fail *f, struct keyset **ret)
{
    struct service_key_list rows = {.n = 0};
    enum err e = service_key_list(w->db, f, w->arena, clock_ms(), &rows);
    if (e)
        return e;
    struct keyset *s = calloc(1, sizeof(*s) + rows.n * sizeof(s->v[0]));
    if (!s)
        return fail_internal(f, E_NO_MEMORY, "no memory for the signing keys");
    s->references = 1; /* the keyring's */
    for (size_t i = 0; i < rows.n; i++) {
        if (read_key(w, &rows.v[i], &s->v[s->n]))
            s->n++;
    }
    *ret = s;
    return E_OK;
}

enum freshness {
    AS_LOADED, /* what is there, unless a minute is over */
    UNKNOWN,   /* a key is missed: load, if that was not done too often */
    NEW,       /* a key was made: load */
};

/* Whether a load for an unknown kid may be made now. Under the lock. */
static bool may_load_for_unknown(struct keyring *k)
{
    uint64_t now = clock_mono_ns(), step = (uint64_t)UNKNOWN_S * SECOND_NS;
    while (k->unknown_left < UNKNOWN_N && now - k->unknown_at_ns >= step) {
        k->unknown_left++;
        k->unknown_at_ns = k->unknown_left == UNKNOWN_N ? now : k->unknown_at_ns + step;
    }
    if (k->unknown_left == 0)
        return false;
    if (k->unknown_left == UNKNOWN_N)
        k->unknown_at_ns = now;
    k->unknown_left--;
    return true;
}

/* What is there is handed out; under the lock. */
static enum err hand_out(struct keyring *k, struct fail *f, struct hold *ret)
{
    if (!k->set)
        return fail(f, E_DB_DOWN, "%s", err_info(E_DB_DOWN)->text);
    k->set->references++;
    *ret = (struct hold){.k = k, .set = k->set};
    return E_OK;
}

/*
 * Gives a set of the freshness asked for, loading if need be. With a set at hand a failed load is
 * no failure, except for who misses a key. ret->fresh: what was asked for was done for this call,
 * asking again brings nothing new.
 */
static enum err take(struct worker *w, struct fail *f, enum freshness freshness, struct hold *ret)
{
    struct keyring *k = w->keys;
    struct keyset *new_set = NULL, *old = NULL;
    struct fail why = FAIL_INIT;
    enum err e;

    pthread_mutex_lock(&k->lock);
    bool waited = false;
    while (k->loading && !(k->set && freshness == AS_LOADED)) {
        pthread_cond_wait(&k->loaded, &k->lock);
        waited = true;
    }
    if (k->loading || (waited && freshness != NEW)) { /* another's load will do */
        e = hand_out(k, f, ret);
        pthread_mutex_unlock(&k->lock);
        return e;
    }
    bool wanted = !k->set || freshness == NEW || clock_mono_ns() >= k->due_ns ||
                  (freshness == UNKNOWN && may_load_for_unknown(k));
    if (!wanted) {
        e = hand_out(k, f, ret);
        ret->fresh = true;
        pthread_mutex_unlock(&k->lock);
        return e;
    }
    k->loading = true;
    pthread_mutex_unlock(&k->lock);

    e = load(w, &why, &new_set);

    pthread_mutex_lock(&k->lock);
    k->loading = false;
    k->due_ns = clock_mono_ns() + (uint64_t)(e ? UNKNOWN_S : RELOAD_S) * SECOND_NS;
    if (!e) {
        old = k->set;
        k->set = new_set;
        if (old && --old->references > 0)
            old = NULL; /* its last reader frees it */
    } else if (k->set && freshness == AS_LOADED) {
        e = E_OK;
    }
    if (!e)
        e = hand_out(k, f, ret);
    ret->fresh = true;
    pthread_cond_broadcast(&k->loaded);
    pthread_mutex_unlock(&k->lock);
    if (old)
        set_free(old);
    if (e && f && f->err == E_OK)
        *f = why;
    return e;
}

static const struct key *find(const struct keyset *s, struct str kid)
{
    int64_t now = clock_ms();
    for (size_t i = 0; i < s->n; i++) {
        if (str_eqz(kid, s->v[i].kid) && s->v[i].expires_ms > now)
            return &s->v[i];
    }
    return NULL;
}

/* As find(), and when the kid is not known, what the database has by now. hold: of an older set,
 * replaced. */
static enum err find_or_load(struct worker *w, struct fail *f, struct str kid, struct hold *hold,
                             const struct key **ret)
{
    bool fresh = false;
    *ret = find(hold->set, kid);
    while (!*ret && !fresh) {
        hold_done(hold);
        enum err e = take(w, f, UNKNOWN, hold);
        if (e)
            return e;
        fresh = hold->fresh;
        *ret = find(hold->set, kid);
    }
    return E_OK;
}

/* The oldest that still signs. */
static const struct key *signer(const struct keyset *s)
{
    int64_t now = clock_ms();
    for (size_t i = 0; i < s->n; i++) {
        if (s->v[i].private && s->v[i].retires_ms > now)
            return &s->v[i];
    }
    return NULL;
}

/* ---- life ---- */

struct keyring *keyring_new(void)
{
    struct keyring *k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    k->cache = token_cache_new();
    if (!k->cache) {
        free(k);
        return NULL;
    }
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->loaded, NULL);
    pthread_mutex_init(&k->rotating, NULL);
    k->unknown_left = UNKNOWN_N;
    return k;
}

void keyring_free(struct keyring *k)
{
    if (!k)
        return;
    if (k->set)
        set_free(k->set);
    token_cache_free(k->cache);
    pthread_cond_destroy(&k->loaded);
    pthread_mutex_destroy(&k->rotating);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

void keyring_freep(struct keyring **k)
{
    keyring_free(*k);
    *k = NULL;
}

/* ---- sign and verify ---- */

enum err keyring_sign(struct worker *w, struct fail *f, struct str payload, struct buf *out)
{
    CLEANUP(hold_done) struct hold hold = {.set = NULL};
    enum err e = take(w, f, AS_LOADED, &hold);
    if (e)
        return e;
    const struct key *key = signer(hold.set);
    if (!key) {
        hold_done(&hold);
        e = keyring_rotate(w, f);
        if (!e)
            e = take(w, f, NEW, &hold);
        if (e)
            return e;
        key = signer(hold.set);
    }
    if (!key)
        return fail_internal(f, E_INTERNAL, "a signing key was made and is not found again");
    return jwt_sign(f, key->private, str_z(key->kid), payload, out);
}

enum err keyring_verify(struct worker *w, struct fail *f, struct str token, struct str *ret_payload)
{
    CLEANUP(hold_done) struct hold hold = {.set = NULL};
    uint8_t hash[SECRET_HASH];
    struct str kid, payload;
    struct jwt jwt;
    if (token.n > JWT_MAX)
        return fail(f, E_TOKEN_INVALID, "the bearer token is not valid here: it is too long");
    enum err e = secret_hash(f, token, hash);
    if (!e)
        e = take(w, f, AS_LOADED, &hold);
    if (e)
        return e;
    if (token_cache_get(w->keys->cache, w->arena, hash, &kid, &payload) && find(hold.set, kid)) {
        *ret_payload = payload;
        return E_OK;
    }
    e = jwt_parse(f, w->arena, token, &jwt);
    if (e)
        return e;
    const struct key *key;
    e = find_or_load(w, f, jwt.kid, &hold, &key);
    if (e)
        return e;
    if (!key)
        return fail(f, E_TOKEN_INVALID,
                    "the bearer token is not valid here: no key of this registry signed it");
    e = jwt_verify(f, &jwt, key->public);
    if (e)
        return e;
    token_cache_put(w->keys->cache, hash, jwt.kid, jwt.payload);
    *ret_payload = jwt.payload;
    return E_OK;
}

/* ---- JWK ---- */

enum err keyring_jwks(struct worker *w, struct fail *f, struct buf *out)
{
    CLEANUP(hold_done) struct hold hold = {.set = NULL};
    const char *between = "";
    int64_t now = clock_ms();
    enum err e = take(w, f, AS_LOADED, &hold);
    if (e)
        return e;
    buf_putz(out, "{\"keys\":[");
    for (size_t i = 0; i < hold.set->n; i++) {
        if (hold.set->v[i].expires_ms <= now)
            continue;
        buf_putz(out, between);
        buf_putz(out, hold.set->v[i].jwk);
        between = ",";
    }
    buf_putz(out, "]}");
    return buf_err(out);
}

enum err keyring_jwk(struct worker *w, struct fail *f, struct str kid, struct buf *out)
{
    CLEANUP(hold_done) struct hold hold = {.set = NULL};
    enum err e = take(w, f, AS_LOADED, &hold);
    if (e)
        return e;
    const struct key *key;
    e = find_or_load(w, f, kid, &hold, &key);
    if (e)
        return e;
    if (!key)
        return fail(f, E_NOT_FOUND, "there is no living key of this id");
    buf_putz(out, key->jwk);
    return buf_err(out);
}

/* ---- rotation ---- */

static enum err make_key(struct worker *w, struct fail *f, int64_t now, int64_t life_ms)
{
    char kid[KID_MAX + 1];
    CLEANUP(es256_free) EVP_PKEY *key = NULL;
    CLEANUP(secret_done) struct buf der = BUF_INIT;
    CLEANUP(buf_done) struct buf jwk = BUF_INIT;
    CLEANUP(buf_done) struct buf sealed = BUF_INIT;
    struct str purpose = STR_NONE;
    enum err e = es256_generate(f, &key);
    if (!e)
        e = jwk_thumbprint(f, key, kid);
    if (!e)
        e = jwk_write(f, key, str_z(kid), &jwk);
    if (!e)
        e = es256_to_der(f, key, &der);
    if (!e)
        e = purpose_of(f, w->arena, str_z(kid), &purpose);
    if (!e)
        e = secret_encrypt(w->config, f, purpose, buf_str(&der), &sealed);
    if (e)
        return e;
    struct service_key row = {
        .kid = str_z(kid),
        .public_jwk = buf_str(&jwk),
        .private_sealed = buf_str(&sealed),
        .created_ms = now,
        .retires_ms = now + life_ms,
        .expires_ms = now + life_ms + w->config->token_lifetime_s * 1000 + KEYRING_GRACE_S * 1000,
    };
    return service_key_insert(w->db, f, &row);
}

static enum err rotate(struct worker *w, struct fail *f)
{
    struct service_key_list rows = {.n = 0};
    int64_t now = clock_ms(), life_ms = w->config->key_lifetime_min * 60 * 1000;
    enum err e = service_key_delete_expired(w->db, f, now);
    if (!e)
        e = service_key_list(w->db, f, w->arena, now, &rows);
    if (e)
        return e;
    for (size_t i = 0; i < rows.n; i++) {
        CLEANUP(es256_free) EVP_PKEY *private = NULL;
        if (rows.v[i].retires_ms - now > life_ms / 4 &&
            !open_private(w, NULL, &rows.v[i], &private))
            return E_OK;
    }
    return make_key(w, f, now, life_ms);
}

enum err keyring_rotate(struct worker *w, struct fail *f)
{
    pthread_mutex_lock(&w->keys->rotating);
    enum err e = rotate(w, f);
    pthread_mutex_unlock(&w->keys->rotating);
    return e;
}
