/*
 * config_values.c - see config_values.h: texts, truth values, numbers, durations, sizes, lists,
 * networks and pools.
 */
#include "base/config_values.h"

#include "base/buf.h"
#include "base/cleanup.h"

#include <arpa/inet.h>
#include <stdio.h>

#define SHOWN 80 /* bytes of a wrong value that a note repeats */

/* The value as a reader of the note should see it: on one line, cut, in quotes. */
static void value_show(const struct reading *r, const struct node *n, struct buf *out)
{
    if (r->secret)
        buf_putz(out, "(not shown)");
    else if (n->kind == NODE_LIST)
        buf_putz(out, "a list");
    else if (n->kind == NODE_MAP)
        buf_putz(out, "a mapping");
    else
        buf_json(out, str_head(n->text, SHOWN));
    if (!r->secret && n->kind == NODE_SCALAR && n->text.n > SHOWN)
        buf_putz(out, "...");
}

bool value_wrong(const struct reading *r, const struct node *n, const char *fmt, ...)
{
    CLEANUP(buf_done) struct buf shown = BUF_INIT;
    char why[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    if (n)
        value_show(r, n, &shown);
    if (n && n->line)
        config_note(r->notes, true, "%s: %s (line %u): %s", r->key, shown.p ? shown.p : "", n->line,
                    why);
    else
        config_note(r->notes, true, "%s: %s", r->key, why);
    return false;
}

static bool is_scalar(const struct reading *r, const struct node *n)
{
    return n->kind == NODE_SCALAR || value_wrong(r, n, "one value is expected");
}

bool value_string(const struct reading *r, const struct node *n, char **ret)
{
    if (!is_scalar(r, n))
        return false;
    if (r->max && (n->text.n < (uint64_t)r->min || n->text.n > (uint64_t)r->max))
        return value_wrong(r, n, "it has %zu bytes, %lld to %lld are accepted", n->text.n,
                           (long long)r->min, (long long)r->max);
    for (size_t i = 0; i < n->text.n; i++) {
        unsigned char c = (unsigned char)n->text.p[i];
        if (c < 0x20 || c == 0x7f)
            return value_wrong(r, n, "control characters are not accepted");
    }
    *ret = arena_strdup(r->arena, n->text);
    return *ret || value_wrong(r, NULL, "out of memory");
}

/* The words that YAML 1.1, and with it Quay's reader, takes for truth values. */
bool value_bool(const struct reading *r, const struct node *n, bool *ret)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
    if (!is_scalar(r, n))
        return false;
    if (n->quoted)
        return value_wrong(r, n, "true or false is expected, without quotes");
    for (size_t i = 0; i < 3; i++) {
        if (str_ieq(n->text, str_z(yes[i])) || str_ieq(n->text, str_z(no[i]))) {
            *ret = str_ieq(n->text, str_z(yes[i]));
            return true;
        }
    }
    return value_wrong(r, n, "true or false is expected");
}

static bool in_bounds(const struct reading *r, const struct node *n, int64_t v)
{
    if ((r->min || r->max) && (v < r->min || v > r->max)) {
        if (r->max == INT64_MAX)
            return value_wrong(r, n, "the least that is accepted is %lld", (long long)r->min);
        return value_wrong(r, n, "%lld to %lld is accepted", (long long)r->min, (long long)r->max);
    }
    return true;
}

bool value_int(const struct reading *r, const struct node *n, int64_t *ret)
{
    uint64_t v;
    if (!is_scalar(r, n))
        return false;
    if (!str_u64(n->text, &v) || v > INT64_MAX)
        return value_wrong(r, n, "a whole number is expected");
    if (!in_bounds(r, n, (int64_t)v))
        return false;
    *ret = (int64_t)v;
    return true;
}

/* <digits><one unit>; units is a list of pairs. False when malformed or past int64. */
struct unit {
    char letter;
    int64_t factor;
};

static bool scaled(struct str s, const struct unit *units, size_t n, int64_t *ret)
{
    uint64_t v;
    int64_t out;
    for (size_t i = 0; i < n && s.n > 1; i++) {
        if (s.p[s.n - 1] != units[i].letter)
            continue;
        if (!str_u64(str_head(s, s.n - 1), &v) || v > INT64_MAX ||
            __builtin_mul_overflow((int64_t)v, units[i].factor, &out))
            return false;
        *ret = out;
        return true;
    }
    return false;
}

bool config_duration(struct str s, int64_t *ret_seconds)
{
    static const struct unit units[] = {{'s', 1},     {'m', 60},     {'h', 3600},
                                        {'d', 86400}, {'w', 604800}, {'y', 31536000}};
    return scaled(s, units, sizeof(units) / sizeof(units[0]), ret_seconds);
}

bool config_size(struct str s, int64_t *ret_bytes)
{
    static const struct unit units[] = {
        {'K', 1LL << 10}, {'M', 1LL << 20}, {'G', 1LL << 30}, {'T', 1LL << 40}};
    uint64_t v;
    if (str_u64(s, &v)) {
        if (v > INT64_MAX)
            return false;
        *ret_bytes = (int64_t)v;
        return true;
    }
    return scaled(s, units, sizeof(units) / sizeof(units[0]), ret_bytes);
}

bool value_duration(const struct reading *r, const struct node *n, int64_t *ret)
{
    int64_t v;
    if (!is_scalar(r, n))
        return false;
    if (!config_duration(n->text, &v))
        return value_wrong(r, n,
                           "a duration is expected: digits and one of s, m, h, d, w, y, as in 2w");
    if (!in_bounds(r, n, v))
        return false;
    *ret = v;
    return true;
}

bool value_size(const struct reading *r, const struct node *n, int64_t *ret)
{
    int64_t v;
    if (!is_scalar(r, n))
        return false;
    if (!config_size(n->text, &v))
        return value_wrong(r, n,
                           "a size is expected: bytes, or digits and one of K, M, G, T, as in 20G");
    if (!in_bounds(r, n, v))
        return false;
    *ret = v;
    return true;
}

bool value_strings(const struct reading *r, const struct node *n, struct strs *ret)
{
    struct strs list = {.n = 0};
    if (n->kind != NODE_LIST)
        return value_wrong(r, n, "a list is expected, as in [one, two]");
    list.v = arena_array(r->arena, n->n, sizeof(*list.v));
    if (!list.v)
        return value_wrong(r, NULL, "out of memory");
    for (const struct node *m = n->first; m; m = m->next) {
        struct reading item = *r;
        item.min = 1;
        item.max = 1024;
        if (!value_string(&item, m, &list.v[list.n]))
            return false;
        list.n++;
    }
    *ret = list;
    return true;
}

/* ---- networks ---- */

/* An address in its 16-byte form; *ret_v4 tells which family it was written in. */
static bool address_parse(struct str s, unsigned char out[static 16], bool *ret_v4)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char z[INET6_ADDRSTRLEN];
    if (s.n == 0 || s.n >= sizeof(z) || memchr(s.p, '\0', s.n))
        return false;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    if (inet_pton(AF_INET, z, out + 12) == 1) {
        memcpy(out, mapped, sizeof(mapped));
        *ret_v4 = true;
        return true;
    }
    *ret_v4 = false;
    return inet_pton(AF_INET6, z, out) == 1;
}

static bool cidr_parse(struct str s, struct cidr *ret)
{
    struct str address, bits;
    struct cidr c;
    bool v4;
    bool has_bits = str_cut(s, '/', &address, &bits);
    if (!address_parse(address, c.addr, &v4))
        return false;
    uint64_t n = v4 ? 32 : 128;
    if (has_bits && (bits.n > 3 || !str_u64(bits, &n) || n > (v4 ? 32u : 128u)))
        return false;
    c.bits = (int)n + (v4 ? 96 : 0);
    *ret = c;
    return true;
}

static bool cidr_has(const struct cidr *c, const unsigned char addr[static 16])
{
    size_t whole = (size_t)c->bits / 8;
    if (memcmp(c->addr, addr, whole) != 0)
        return false;
    unsigned rest = (unsigned)c->bits % 8;
    return rest == 0 || ((c->addr[whole] ^ addr[whole]) & (0xff00u >> rest & 0xffu)) == 0;
}

bool cidrs_has(const struct cidrs *list, struct str address)
{
    unsigned char addr[16];
    bool v4;
    if (!address_parse(address, addr, &v4))
        return false;
    for (size_t i = 0; i < list->n; i++) {
        if (cidr_has(&list->v[i], addr))
            return true;
    }
    return false;
}

bool value_cidrs(const struct reading *r, const struct node *n, struct cidrs *ret)
{
    struct strs texts;
    struct cidrs list = {.n = 0};
    if (!value_strings(r, n, &texts))
        return false;
    list.v = arena_array(r->arena, texts.n, sizeof(*list.v));
    if (!list.v)
        return value_wrong(r, NULL, "out of memory");
    for (const struct node *m = n->first; m; m = m->next) {
        if (!cidr_parse(m->text, &list.v[list.n++]))
            return value_wrong(r, m,
                               "an address or a network is expected, as in 10.0.0.0/8 or fd00::/8");
    }
    *ret = list;
    return true;
}

/* ---- pools ---- */

bool value_pool(const struct reading *r, const struct node *n, struct config_pool *ret)
{
    struct str processes, threads;
    uint64_t p, t;
    if (!is_scalar(r, n))
        return false;
    if (!str_cut(n->text, 'x', &processes, &threads) || !str_u64(processes, &p) ||
        !str_u64(threads, &t))
        return value_wrong(r, n, "processes x threads is expected, as in 2x8");
    if (p < 1 || p > 64 || t < 1 || t > 256)
        return value_wrong(r, n, "1 to 64 processes of 1 to 256 threads are accepted");
    *ret = (struct config_pool){.processes = (int)p, .threads = (int)t};
    return true;
}
