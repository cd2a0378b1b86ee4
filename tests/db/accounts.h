/*
 * accounts.h - the people of the tests: a worker on a fresh database and short ways to make accounts.
 */
#ifndef GANTRY_TESTS_ACCOUNTS_H
#define GANTRY_TESTS_ACCOUNTS_H

#include "account/grant.h"
#include "account/namespace.h"
#include "account/organization.h"
#include "account/robot.h"
#include "account/team.h"
#include "account/token.h"
#include "account/user.h"
#include "base/arena.h"
#include "base/config.h"
#include "registry/repository.h"

#include "database.h"

extern struct config config; /* may be changed by a test; people_reset() brings the defaults back */
extern struct worker w;
extern const struct actor nobody;

/* A fresh database of that name, and the worker on it. */
void people_start(const char *database);
void people_stop(void);
void people_reset(void);

/* Another worker, for another thread. */
struct worker people_worker(void);
void people_worker_done(struct worker *worker);

/* Each fails the test when it fails. */
struct account make_user(const char *name);
struct account make_org(const char *name, const struct account *owner);
struct team make_team(const struct account *org, const char *name, enum team_role role);
struct account make_robot(const struct account *ns, const char *shortname);
/* creator NULL: nobody. */
struct repo make_repo(const struct account *creator, const char *ns, const char *name,
                      bool is_public);
void join_team(const struct account *org, const struct team *team, const struct account *member);
void give(const struct repo *repo, const struct account *who, enum repo_role role);
void give_team(const struct repo *repo, const struct team *team, enum repo_role role);

struct caller caller_user(const struct account *a);
struct caller caller_robot(const struct account *a);
struct repo_name full_name(const char *ns, const char *name);

/* Rows of the audit log of that kind. */
int64_t audited(const char *kind);
/* The metadata of the last row of that kind; until the next call. */
const char *audited_last(const char *kind);
/* A number out of the database of the test: "%s" in the text stands for its name. */
int64_t number(const char *sql);

#endif
