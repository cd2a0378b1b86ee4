/*
 * store.h - where blob bytes lie: the driver interface. Local disk now; S3 and several sites come
 * behind it.
 *
 * A content address is <algorithm>/<first 2 hex>/<hex>. What store_commit() has acknowledged is
 * durable: file synced, renamed, directory synced. Session files live in uploads/, nginx's body
 * files in bodies/, all on one file system. Layout of a local store at PATH: PATH/sha256/ab/ab...,
 * PATH/sha512/..., PATH/uploads/<uuid>, PATH/bodies/.
 *
 * A session is named by its uuid (random_uuid()). Its file holds, up to the offset that the
 * database knows, exactly the bytes that were hashed; what lies behind is the rest of a broken
 * attempt and is cut off by the next one. One writer at a time per session: store_lock() takes a
 * byte-range lock (F_OFD_SETLK) that the kernel drops when its process dies.
 *
 * Errors: E_STORAGE, E_STORAGE_FULL (ENOSPC, EDQUOT), E_UPLOAD_BUSY, E_NO_ROW (no such file, or
 * shorter than it was; not recorded in f: the caller knows what it means).
 */
#ifndef GANTRY_STORAGE_STORE_H
#define GANTRY_STORAGE_STORE_H

#include "base/config.h"
#include "base/err.h"
#include "registry/digest.h"

struct store;

/* Makes the directories that are missing. The config must outlive it. Thread-safe after that. */
enum err store_open(const struct config *config, struct fail *f, struct store **ret) MUST_CHECK;
void store_close(struct store *s);
void store_closep(struct store **s);

/* The location's name (storage_location.name) where new blobs are written. */
struct str store_location(const struct store *s);

/* Bytes free to the user of this process, GANTRY_MIN_FREE_SPACE not yet subtracted; E_STORAGE. */
enum err store_free_space(struct store *s, struct fail *f, uint64_t *ret) MUST_CHECK;

/* *ret_lock is an fd to be closed; waits up to 5 s, then E_UPLOAD_BUSY. */
enum err store_lock(struct store *s, struct fail *f, struct str uuid, int *ret_lock) MUST_CHECK;

/* The hash that runs along while bytes are read: registry/hash.c, called once per block of 1 MiB.
 */
struct store_sink {
    void (*update)(void *ctx, const void *p, size_t n);
    void *ctx;
};

/* Size of nginx's body file (path; empty: 0). A path that is not a file directly in bodies/ is
 * refused: E_INTERNAL. */
enum err store_body_size(struct store *s, struct fail *f, struct str body_path,
                         uint64_t *ret) MUST_CHECK;

/*
 * Puts the bytes of nginx's body file (path; empty: no bytes) behind the first `offset` bytes of
 * the session's file, reading them once through sink; at offset 0 the file itself is linked, so
 * nothing is written again. What lay behind offset is cut off; a session file shorter than offset,
 * or none at offset > 0, is E_NO_ROW. Synced when it returns. Never renames the body file: nginx
 * unlinks it by its name.
 */
enum err store_append(struct store *s, struct fail *f, struct str uuid, uint64_t offset,
                      struct str body_path, const struct store_sink *sink,
                      uint64_t *ret_added) MUST_CHECK;

/* Reads the first `size` bytes of the session's file once through sink (another algorithm was asked
 * for at the end); E_NO_ROW when there are fewer. */
enum err store_reread(struct store *s, struct fail *f, struct str uuid, uint64_t size,
                      const struct store_sink *sink) MUST_CHECK;

/*
 * Moves the first `size` bytes of the session's file, whose digest the caller has checked, to its
 * address. A file of that size that lies there already wins and the session's is dropped; one of
 * another size is broken and is replaced. Without a session file, an address that is filled is the
 * success of an earlier try; else E_NO_ROW.
 */
enum err store_commit(struct store *s, struct fail *f, struct str uuid, uint64_t size,
                      const struct digest *d) MUST_CHECK;

/* Forgets a session; no file is no error. */
enum err store_abort(struct store *s, struct fail *f, struct str uuid) MUST_CHECK;

/* Size of a stored blob; E_NO_ROW. */
enum err store_stat(struct store *s, struct fail *f, const struct digest *d,
                    uint64_t *ret_size) MUST_CHECK;

/* Where nginx finds it: "/_blobs/sha256/ab/ab..." for X-Accel-Redirect. out: 200 bytes. */
#define STORE_ACCEL_MAX 200
void store_accel_path(const struct store *s, const struct digest *d,
                      char out[static STORE_ACCEL_MAX]);

/*
 * Removes session and body files last changed before `before_ms`; sessions for which keep(uuid) is
 * true stay (keep NULL: none). For the worker: a file without a row is what a killed process left.
 */
enum err store_sweep(struct store *s, struct fail *f, int64_t before_ms,
                     bool (*keep)(void *ctx, struct str uuid), void *ctx,
                     uint64_t *ret_removed) MUST_CHECK;

#endif
