/*
 * certificate.h - the stack's own certificate authority and the server's certificate, and reading
 * what somebody else put into their place.
 *
 * ECDSA P-256 everywhere. DIR/ca/ca-key.pem (no name that podman takes for a client key: DIR/ca serves as --cert-dir) never leaves the directory; clients trust DIR/ca/ca.crt
 * (ten years). The server's certificate DIR/config/ssl.cert lives 397 days, the most that clients
 * accept, and is made anew when it nears its end or does not name the host. A certificate that our
 * CA did not sign is the operator's and is never touched.
 */
#ifndef GANTRY_COMMAND_CERTIFICATE_H
#define GANTRY_COMMAND_CERTIFICATE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CERTIFICATE_RENEW_DAYS 30

/* DIR/ca/ca-key.pem and ca.crt, made when both are missing. Called when a certificate has to be signed: an operator may keep the key elsewhere until then. */
enum err certificate_ca(struct fail *f, const char *dir) MUST_CHECK;

/*
 * DIR/config/ssl.cert and ssl.key for host, localhost, this machine's name, 127.0.0.1 and ::1.
 * *ret_made: they are new, and nginx must read them again. A key that cannot be read is not replaced, whosever the
 * certificate is: nobody knows what would be lost. A key that does not fit is, which `up` and `restart` refuse before (doctor.h).
 */
enum err certificate_server(struct fail *f, const char *dir, const char *host,
                            bool *ret_made) MUST_CHECK;

/* The CA's certificate as PEM, parsed and written again: only a certificate ever comes out. */
enum err certificate_ca_pem(struct fail *f, const char *dir, struct buf *ret) MUST_CHECK;

struct certificate_info {
    bool pair; /* key and certificate belong together */
    bool names_host;
    bool own_ca;                       /* signed by DIR/ca */
    int64_t not_before_s, not_after_s; /* since the epoch */
};

/* Reads a certificate and its key; E_CONFIG says what is wrong with which file. */
enum err certificate_read(struct fail *f, const char *dir, const char *cert_path,
                          const char *key_path, const char *host,
                          struct certificate_info *ret) MUST_CHECK;

#endif
