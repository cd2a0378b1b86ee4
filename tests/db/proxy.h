/*
 * proxy.h - stands between the engine and the server, understands where a command begins, and does harm on request:
 * cuts the connection before a command arrives or after it ran, or answers an error of its own. Also counts commands: a
 * command is a round trip.
 *
 * Commands are those of the client/server protocol: 0x03 COM_QUERY (with its text), 0x0e COM_PING, 0x16 COM_STMT_PREPARE
 * (with its text), 0x17 COM_STMT_EXECUTE. COM_STMT_CLOSE and COM_QUIT have no answer and are not counted.
 */
#ifndef GANTRY_TESTS_PROXY_H
#define GANTRY_TESTS_PROXY_H

#include <stdbool.h>
#include <stdint.h>

enum harm {
    HARM_NONE,
    HARM_CUT_BEFORE, /* the command does not reach the server */
    HARM_CUT_AFTER,  /* the server runs it, its answer is lost */
    HARM_ERROR,      /* the server does not see it, the client reads error `code` */
};

enum {
    COM_TEXT = 0x03,
    COM_ASK = 0x0e,
    COM_PREPARE = 0x16,
    COM_EXECUTE = 0x17,
};

struct proxy;

/* Listens beside `server`; the path is proxy_socket(). */
struct proxy *proxy_start(const char *server);
void proxy_stop(struct proxy *p);
char *proxy_socket(struct proxy *p);

/* Harms the nth (from 1) command of this kind that comes from now on (COM_TEXT: whose text begins with text), once. */
void proxy_harm(struct proxy *p, enum harm harm, uint8_t command, const char *text, int nth, int code);
/* New connections are closed at once, or not any more. */
void proxy_refuse(struct proxy *p, bool refuse);
bool proxy_harmed(struct proxy *p); /* it has happened */

/* Since the last call of proxy_count_reset(). */
int proxy_commands(struct proxy *p);
int proxy_connections(struct proxy *p); /* attempts, refused ones too */
void proxy_count_reset(struct proxy *p);

#endif
