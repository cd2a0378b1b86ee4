/*
 * audit.h - the audit log: who did what, where, when, in Quay's kinds and metadata (log_kinds.def).
 *
 * Changes write their row in the same transaction (audit_write() inside db_tx). Pulls are gathered in the process and
 * written in batches (audit_later(), at most a second late; a killed process loses at most that second of pull rows).
 */
#ifndef GANTRY_AUDIT_AUDIT_H
#define GANTRY_AUDIT_AUDIT_H

#include "auth/caller.h"
#include "base/err.h"
#include "base/worker.h"

enum log_kind {
    LOG_KIND_NONE = 0,
#define LOG_KIND(id, name) LOG_KIND_##name = id,
#include "audit/log_kinds.def"
#undef LOG_KIND
};

struct audit_entry {
    enum log_kind kind;
    int64_t account_id;     /* the namespace concerned, 0: none */
    int64_t performer_id;   /* 0: anonymous */
    int64_t repository_id;  /* 0: none */
    struct str ip;          /* textual; empty: the machine itself (the operator's command) */
    struct str metadata;    /* JSON object; empty: {} */
};

const char *log_kind_name(enum log_kind kind);

enum err audit_write(struct db *db, struct fail *f, const struct audit_entry *e) MUST_CHECK;

/* Copies the entry into the process's queue (10,000 rows; when full, the oldest are dropped and counted). No database. */
void audit_later(const struct audit_entry *e);
/* Writes what is queued, in one multi-row transaction. Called by the flusher thread of gantry-fcgi every second and at stop. */
enum err audit_flush(struct worker *w, struct fail *f) MUST_CHECK;
/* Rows dropped so far, for metrics. */
uint64_t audit_dropped(void);

#endif
