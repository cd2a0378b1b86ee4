/*
 * health.c - is the registry well? Quay's addresses and Quay's body:
 * {"data":{"services":{"database":true,...}},"status_code":200}, 503 when one of them is not.
 *
 * /health/instance looks at this machine (a balancer asks it), /health/endtoend at what all
 * machines share, /health/warning at what will become trouble. Why a service is not well is in the
 * log line of the request, not in the answer: anybody may ask.
 */
#include "api/health_database.h"

#include "api/handlers.h"
#include "auth/keyring.h"
#include "base/cleanup.h"
#include "base/config.h"
#include "cache/redis.h"
#include "storage/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>

/* Free space in percent of the whole, as Quay has it. */
#define DISK_FAIL 1
#define DISK_WARN 10

struct report {
    struct buf body;
    bool well;
    const char *separator;
};

static void begin(struct report *r)
{
    *r = (struct report){.body = BUF_INIT, .well = true, .separator = ""};
    buf_putz(&r->body, "{\"data\":{\"services\":{");
}

static void add(struct report *r, const char *service, bool well)
{
    buf_printf(&r->body, "%s\"%s\":%s", r->separator, service, well ? "true" : "false");
    r->separator = ",";
    r->well &= well;
}

static enum err end(struct request *req, struct report *r)
{
    int status = r->well ? 200 : 503;
    buf_printf(&r->body, "}},\"status_code\":%d}", status);
    enum err e = res_header(req, "Cache-Control", STR("no-store"));
    if (!e)
        e = res_json(req, status, &r->body);
    buf_done(&r->body);
    return e;
}

/* Whether a pool accepts connections. A full queue is not well: nginx would answer 502. */
static bool pool_is_well(struct request *req, const char *pool)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char path[PATH_MAX], relative[64];

    snprintf(relative, sizeof(relative), "run/%s.sock", pool);
    config_path(req->w->config, relative, path);
    if (strlen(path) >= sizeof(addr.sun_path))
        return false;
    memcpy(addr.sun_path, path, strlen(path) + 1);
    CLEANUP(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
        return true;
    fail_internal(&req->fail, E_SYSTEM, "pool %s: cannot connect to %s: %s", pool, path,
                  strerror(errno));
    return false;
}

static bool disk_has(struct request *req, const char *path, unsigned percent)
{
    struct statvfs v;
    if (statvfs(path, &v) < 0) {
        fail_internal(&req->fail, E_SYSTEM, "disk_space: statvfs(%s): %s", path, strerror(errno));
        return false;
    }
    if (v.f_blocks == 0 || (uint64_t)v.f_bavail * 100 >= (uint64_t)v.f_blocks * percent)
        return true;
    fail_internal(&req->fail, E_SYSTEM, "disk_space: less than %u %% are free on the disk of %s",
                  percent, path);
    return false;
}

static bool disks_have(struct request *req, unsigned percent)
{
    const struct config *c = req->w->config;
    bool well = disk_has(req, c->dir, percent);
    for (size_t i = 0; i < c->n_storage; i++)
        well = disk_has(req, c->storage[i].path, percent) && well;
    return well;
}

static bool has_service_key(struct request *req)
{
    CLEANUP(buf_done) struct buf keys = BUF_INIT;
    if (keyring_jwks(req->w, &req->fail, &keys) || buf_err(&keys))
        return false;
    return keys.n && strstr(keys.p, "\"kid\"");
}

/* A fresh database has no key until somebody needs one: that is not an illness, so it is made now. */
static bool service_key_is_well(struct request *req)
{
    if (has_service_key(req))
        return true;
    if (keyring_rotate(req->w, &req->fail) == E_OK && has_service_key(req))
        return true;
    fail_internal(&req->fail, E_SYSTEM, "service_key: there is no key that signs tokens");
    return false;
}

static bool storage_is_well(struct request *req)
{
    uint64_t space;
    if (store_free_space(req->w->store, &req->fail, &space))
        return false;
    if (space > 0)
        return true;
    fail_internal(&req->fail, E_SYSTEM, "storage: nothing more may be written, it is full");
    return false;
}

static bool redis_is_well(struct request *req)
{
    if (redis_ping(req->w->redis))
        return true;
    fail_internal(&req->fail, E_SYSTEM, "redis: no answer");
    return false;
}

enum err api_health_instance(struct request *req)
{
    struct report r;
    bool database = health_database(&req->w->config->db, &req->fail);
    begin(&r);
    add(&r, "registry", pool_is_well(req, "registry"));
    add(&r, "upload", pool_is_well(req, "upload"));
    add(&r, "database", database);
    add(&r, "auth",
        database); /* accounts are in the database; other providers will be asked here */
    add(&r, "service_key", database && service_key_is_well(req));
    add(&r, "disk_space", disks_have(req, DISK_FAIL));
    return end(req, &r);
}

enum err api_health_endtoend(struct request *req)
{
    struct report r;
    bool database = health_database(&req->w->config->db, &req->fail);
    begin(&r);
    add(&r, "database", database);
    add(&r, "redis", redis_is_well(req));
    add(&r, "storage", storage_is_well(req));
    add(&r, "auth", database);
    return end(req, &r);
}

enum err api_health_warning(struct request *req)
{
    struct report r;
    begin(&r);
    add(&r, "disk_space_warning", disks_have(req, DISK_WARN));
    return end(req, &r);
}
