/*
 * login_log.h - sign-ins in the audit log, when ACTION_LOG_AUDIT_LOGINS is on: Quay's kinds
 * login_success and login_failure, and its metadata (type, kind, username, robot, useragent,
 * message).
 *
 * Every refused sign-in is a row, but so many a minute and process at most, because a stranger
 * decides how many there are; what the back-off refuses without looking is none. A success is a row
 * when somebody signs in at the token service, not for each request that carries a password.
 */
#ifndef GANTRY_AUTH_LOGIN_LOG_H
#define GANTRY_AUTH_LOGIN_LOG_H

#include "auth/caller.h"
#include "base/err.h"
#include "base/worker.h"

#define LOGIN_LOG_MINUTE 600

struct login_failure {
    const char *kind;    /* "user", "robot", "app_specific_token", "oauth_token" */
    struct str username; /* as given; a robot's: its namespace */
    struct str robot;    /* p NULL: none */
    const char *message;
    int64_t account_id;   /* whose log it stands in; 0: nobody's */
    int64_t performer_id; /* 0: not known */
    struct str remote_addr, user_agent;
};

/* Never fails: what cannot be kept is lost. */
void login_log_failure(struct worker *w, const struct login_failure *l);

enum err login_log_success(struct worker *w, struct fail *f, const struct caller *c,
                           struct str remote_addr, struct str user_agent) MUST_CHECK;

#endif
