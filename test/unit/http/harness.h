/* A server on a free port of 127.0.0.1 with a clock that is moved by hand, and a client that speaks raw bytes to it
 * from the same loop. */
#ifndef TEST_UNIT_HTTP_HARNESS_H
#define TEST_UNIT_HTTP_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/timer.h"
#include "http/http.h"

#define REPLY_MAX 65536

struct harness {
	struct event_base *base;
	struct timers *timers;
	struct http_server *server;
	struct http_request *held; /* by the handler of /hold */
	size_t accesses;
	int last_status;
	char last_label[32];
	char last_peer[64];
	char reply[REPLY_MAX];
	size_t reply_length;
	bool ended; /* the server closed the last read connection */
	bool reset; /* and not in an orderly way */
};

/* The defaults, for a test to change before harness_open. */
struct http_options harness_options(void);
void harness_open(struct harness *harness, const struct http_options *options);
void harness_close(struct harness *harness);

int harness_connect(struct harness *harness);
/* From 127.0.0.host. */
int harness_connect_from(struct harness *harness, unsigned char host);
int harness_exchange_from(struct harness *harness, unsigned char host, const char *request);
/* Sends the bytes; step: how many at a time, the loop turning in between; 0: all at once. */
void harness_send(struct harness *harness, int client, const char *bytes, size_t length, size_t step);
/* Turns the loop until nothing more happens, and reads what came back into reply. */
void harness_read(struct harness *harness, int client);
/* Turns the loop until count replies' heads and bodies came, or the connection ended. */
void harness_read_replies(struct harness *harness, int client, size_t count);
/* Connect, send the text, read to the end of the connection or of one reply, close. Returns the status; 0: none. */
int harness_exchange(struct harness *harness, const char *request);
int harness_exchange_bytes(struct harness *harness, const char *bytes, size_t length, size_t step);
int harness_status(const struct harness *harness);
void harness_turn(struct harness *harness);

/* "GET / HTTP/1.1", Host and right credentials, and what is given: more header lines, an empty line, a body. */
#define AUTHORIZATION "Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"
#define HOST          "Host: broker\r\n"
#define FORM          "Content-Type: application/x-www-form-urlencoded\r\n"
#define GET(path)     "GET " path " HTTP/1.1\r\n" HOST AUTHORIZATION

#endif
