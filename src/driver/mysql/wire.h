/* What goes over one connection: batches of statements by Connector/C's plain calls, in a fiber that leaves wherever
 * they would wait. The session resumes it when the socket is ready. */
#ifndef DRIVER_MYSQL_WIRE_H
#define DRIVER_MYSQL_WIRE_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

/* Where it is when it has left. */
enum wire_place {
	WIRE_RESTS, /* the connection is prepared, or a batch has ended: the next may be sent */
	WIRE_WAITS, /* for what is wanted of the socket */
	WIRE_ENDED, /* the connection could not be prepared, and is closed: error says why */
};

struct mysql_wire {
	struct fiber *fiber; /* NULL: none */
	MYSQL *mysql;        /* the fiber's; NULL: not connected */
	int64_t idle;        /* ms between two calls' batches */
	int socket;
	short wanted;   /* EV_READ or EV_WRITE; 0: it does not wait */
	bool cancelled; /* it may not wait any more: every wait fails */
	bool literal_grants;

	struct text statements;
	MYSQL_RES *rows;     /* of the last statement that had any; NULL: none */
	struct error error;  /* the batch's */
	unsigned int number; /* of the failure, the server's; 0: none, or the connection failed */
};

void wire_init(struct mysql_wire *wire);
/* Takes the connection, which is logged in; it is prepared by the first wire_resume. 0 or ERR_NO_MEMORY. */
int wire_begin(struct mysql_wire *wire, MYSQL *mysql, int64_t idle, struct error *error);
/* The next batch for wire_resume; limit: ms that the server gives each statement. 0 or ERR_NO_MEMORY. */
int wire_send(struct mysql_wire *wire, const char *statements, int64_t limit, struct error *error);
enum wire_place wire_resume(struct mysql_wire *wire);
/* Ends it and closes the connection, in any state. */
void wire_end(struct mysql_wire *wire);
/* Of one that has ended. */
void wire_release(struct mysql_wire *wire);

#endif
