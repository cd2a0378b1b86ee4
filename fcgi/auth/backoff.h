/*
 * backoff.h - how long a guesser has to wait.
 *
 * Per account, in the account's row, so that it holds on every node and outlives everything: after
 * a few wrong passwords each further one doubles the wait, up to a limit; a right one, or a new
 * password, ends it. Per address, so that one client cannot try many accounts: so many failures a
 * minute (GANTRY_SIGN_IN_FAILURES), counted in Redis, and in the process while Redis is down (then each process counts for
 * itself). An IPv6 client is its /64.
 */
#ifndef GANTRY_AUTH_BACKOFF_H
#define GANTRY_AUTH_BACKOFF_H

#include "base/str.h"
#include "base/worker.h"

#define BACKOFF_FREE    5   /* wrong passwords before the account has to wait */
#define BACKOFF_LIMIT_S 300 /* the longest wait */
/* Seconds after the last failure until all are forgotten, of accounts and of unknown names alike. */
#define BACKOFF_FORGET_S INT64_C(3600)

/* Seconds, at least 1, until the account may be tried again; 0: now. */
int backoff_account(int64_t attempts, int64_t last_ms, int64_t now_ms);

/*
 * The same for a name that no account has, as if it had one: a name that never has to wait would
 * tell that nobody is called so. Counted as addresses are.
 */
int backoff_name(struct worker *w, struct str name, int64_t now_ms);
void backoff_name_failed(struct worker *w, struct str name, int64_t now_ms);

/*
 * Seconds until the address may try again; 0: now, and for an address that is not known.
 * *ret_failed: whether it failed in this minute at all.
 */
int backoff_address(struct worker *w, struct str address, int64_t now_ms, bool *ret_failed);
void backoff_address_failed(struct worker *w, struct str address, int64_t now_ms);

/* The text that stands for an address in keys: IPv6 cut to its /64. Empty when it is no address. */
#define BACKOFF_KEY 80
struct str backoff_key(struct str address, int64_t now_ms, char room[static BACKOFF_KEY]);

#endif
