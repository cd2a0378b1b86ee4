/*
 * password.c - see password.h.
 *
 * Process-wide state, all behind locks: the gate that bounds concurrency, and the memory of right
 * passwords. The memory keeps HMAC-SHA-256(process key, stored hash, password) and a deadline, no
 * password and nothing that could be tested outside this process.
 */
#include "auth/password.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/random.h"

#include <crypt.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define WAIT_S     5
#define REMEMBER_S 60
#define SETS       256
#define WAYS       4
#define MAC        32

struct remembered {
    uint8_t mac[MAC];
    uint64_t until_ns; /* monotonic; 0: empty */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MAC *hmac;
static uint8_t process_key[32];
/* What unknown users are compared with: a hash of a random password, made at the first use. */
static char dummy[PASSWORD_HASH_MAX];

static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_free;
static int gate_room;
static int gate_crowd; /* inside, and waiting */

static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;
static struct remembered memory[SETS][WAYS];

/* ---- crypt ---- */

struct crypt_room {
    void *p;
    int n;
};

static void crypt_room_done(struct crypt_room *r)
{
    if (r->p)
        OPENSSL_cleanse(r->p, (size_t)r->n);
    free(r->p);
}

/* crypt_ra(3) of a password that was found acceptable. */
static bool crypt_to(const char *setting, struct str password, char ret[static PASSWORD_HASH_MAX])
{
    char z[PASSWORD_MAX + 1];
    CLEANUP(crypt_room_done) struct crypt_room room = {NULL, 0};
    memcpy(z, password.p, password.n);
    z[password.n] = '\0';
    const char *out = crypt_ra(z, setting, &room.p, &room.n);
    OPENSSL_cleanse(z, sizeof(z));
    if (!out || out[0] == '*' || strlen(out) >= PASSWORD_HASH_MAX)
        return false;
    memcpy(ret, out, strlen(out) + 1);
    return true;
}

static bool hash_new(struct str password, char ret[static PASSWORD_HASH_MAX])
{
    CLEANUP(ptr_free) char *setting = crypt_gensalt_ra("$y$", 0, NULL, 0);
    return setting && crypt_to(setting, password, ret);
}

static void start(void)
{
    pthread_condattr_t attr;
    char password[33];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    gate_room = cores < 1 ? 1 : (int)cores;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&gate_free, &attr);
    pthread_condattr_destroy(&attr);
    random_bytes(process_key, sizeof(process_key));
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    random_text("abcdefghijklmnopqrstuvwxyz", sizeof(password) - 1, password);
    if (!hash_new(str_z(password), dummy))
        dummy[0] = '\0';
}

/* ---- the gate ---- */

static enum err gate_enter(struct fail *f, int crowd)
{
    struct timespec until;
    bool in, may_wait;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&gate_lock);
    may_wait = gate_crowd < crowd;
    gate_crowd += may_wait;
    while (may_wait && gate_room == 0 &&
           pthread_cond_timedwait(&gate_free, &gate_lock, &until) == 0) {
    }
    in = may_wait && gate_room > 0;
    gate_room -= in;
    gate_crowd -= may_wait && !in;
    pthread_mutex_unlock(&gate_lock);
    if (in)
        return E_OK;
    if (f)
        f->retry_after_s = WAIT_S;
    if (!may_wait)
        return fail(f, E_TOO_MANY,
                    "many sign-ins at once, and some from your address failed; try again in %d "
                    "seconds",
                    WAIT_S);
    return fail(f, E_BUSY, "too many sign-ins at once; try again in %d seconds", WAIT_S);
}

static void gate_leave(void)
{
    pthread_mutex_lock(&gate_lock);
    gate_room++;
    gate_crowd--;
    pthread_cond_signal(&gate_free);
    pthread_mutex_unlock(&gate_lock);
}

/* ---- the memory of right passwords ---- */

static void mac_free(EVP_MAC_CTX **c)
{
    EVP_MAC_CTX_free(*c);
}

/* False: no MAC, and then nothing is remembered. */
static bool mac_of(struct str stored, struct str password, uint8_t ret[static MAC])
{
    size_t n = 0;
    uint64_t length = stored.n; /* the border between the two */
    CLEANUP(mac_free) EVP_MAC_CTX *ctx = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
        OSSL_PARAM_construct_end(),
    };
    bool ok = ctx && EVP_MAC_init(ctx, process_key, sizeof(process_key), params) == 1 &&
              EVP_MAC_update(ctx, (const uint8_t *)&length, sizeof(length)) == 1 &&
              EVP_MAC_update(ctx, (const uint8_t *)stored.p, stored.n) == 1 &&
              EVP_MAC_update(ctx, (const uint8_t *)password.p, password.n) == 1 &&
              EVP_MAC_final(ctx, ret, &n, MAC) == 1 && n == MAC;
    if (!ok)
        ERR_clear_error();
    return ok;
}

static bool is_remembered(const uint8_t mac[static MAC])
{
    struct remembered *set = memory[mac[0] % SETS];
    uint64_t now = clock_mono_ns();
    bool found = false;
    pthread_mutex_lock(&memory_lock);
    for (size_t i = 0; i < WAYS; i++)
        found |= set[i].until_ns > now && CRYPTO_memcmp(set[i].mac, mac, MAC) == 0;
    pthread_mutex_unlock(&memory_lock);
    return found;
}

static void remember(const uint8_t mac[static MAC])
{
    struct remembered *set = memory[mac[0] % SETS], *to = &set[0];
    pthread_mutex_lock(&memory_lock);
    for (size_t i = 0; i < WAYS; i++) {
        if (CRYPTO_memcmp(set[i].mac, mac, MAC) == 0) {
            to = &set[i];
            break;
        }
        if (set[i].until_ns < to->until_ns)
            to = &set[i];
    }
    memcpy(to->mac, mac, MAC);
    to->until_ns = clock_mono_ns() + (uint64_t)REMEMBER_S * 1000000000u;
    pthread_mutex_unlock(&memory_lock);
}

/* ---- for others ---- */

bool password_acceptable(struct str password)
{
    return password.n > 0 && password.n <= PASSWORD_MAX && str_is_utf8(password);
}

enum err password_hash(struct fail *f, struct str password, char ret[static PASSWORD_HASH_MAX])
{
    if (!password_acceptable(password))
        return fail(f, E_BAD_REQUEST, "a password has 1 to %d bytes of UTF-8 without NUL",
                    PASSWORD_MAX);
    pthread_once(&once, start);
    enum err e = gate_enter(f, PASSWORD_ANY_CROWD);
    if (e)
        return e;
    bool ok = hash_new(password, ret);
    gate_leave();
    return ok ? E_OK : fail_internal(f, E_INTERNAL, "crypt(3) makes no yescrypt hash here");
}

/* bcrypt of every spelling, and yescrypt; nothing older is compared with. */
static bool is_known_method(struct str stored)
{
    return str_starts(stored, STR("$y$")) || str_starts(stored, STR("$2b$")) ||
           str_starts(stored, STR("$2a$")) || str_starts(stored, STR("$2y$"));
}

enum err password_verify(struct fail *f, struct str stored, struct str password, int crowd,
                         bool *ret)
{
    char setting[PASSWORD_HASH_MAX], computed[PASSWORD_HASH_MAX];
    uint8_t mac[MAC];
    pthread_once(&once, start);
    bool real = stored.n < sizeof(setting) && is_known_method(stored) && str_is_utf8(stored) &&
                password_acceptable(password);
    if (!real) {
        stored = str_z(dummy);
        password = STR("x");
    }
    bool have_mac = real && mac_of(stored, password, mac);
    if (have_mac && is_remembered(mac)) {
        *ret = true;
        return E_OK;
    }
    memcpy(setting, stored.p, stored.n);
    setting[stored.n] = '\0';
    enum err e = gate_enter(f, crowd);
    if (e)
        return e;
    bool right = crypt_to(setting, password, computed) && str_eq_secret(str_z(computed), stored);
    gate_leave();
    right = right && real;
    if (right && have_mac)
        remember(mac);
    *ret = right;
    return E_OK;
}
