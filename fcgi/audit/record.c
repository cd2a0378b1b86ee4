/*
 * record.c - see record.h.
 */
#include "audit/record.h"

#include "base/buf.h"
#include "base/cleanup.h"

enum err record_write(struct db *db, struct fail *f, const struct actor *by, enum log_kind kind,
                      int64_t namespace_id, int64_t repository_id,
                      const struct record_field *fields, size_t n)
{
    CLEANUP(buf_done) struct buf metadata = BUF_INIT;
    enum err e;
    buf_putc(&metadata, '{');
    for (size_t i = 0; i < n; i++) {
        if (!fields[i].value.p)
            continue;
        if (metadata.n > 1)
            buf_putc(&metadata, ',');
        buf_json(&metadata, str_z(fields[i].key));
        buf_putc(&metadata, ':');
        buf_json(&metadata, fields[i].value);
    }
    buf_putc(&metadata, '}');
    e = buf_err(&metadata);
    if (e)
        return fail_internal(f, e, "no memory for an audit row");
    return audit_write(db, f,
                       &(struct audit_entry){
                           .kind = kind,
                           .account_id = namespace_id,
                           .performer_id = by->account_id,
                           .repository_id = repository_id,
                           .ip = by->ip,
                           .metadata = buf_str(&metadata),
                       });
}
