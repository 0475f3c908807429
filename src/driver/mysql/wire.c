/* Wherever Connector/C would wait, it asks on_wait, which leaves to the loop until the socket is ready. */
#include "wire.h"

#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "driver/sql.h"
#include "errors.h"
#include "fiber.h"

#define SILENCE_MAX 10 /* s between the statements of a call */

/* Nothing that the server's configuration says may change how the broker's statements act. No lock that a tenant may
 * hold is waited for longer than a second. A session that the network has cut off ends by wait_timeout, in seconds, and
 * with it its lock on the instance. Some errors are told apart by their text (errors.c). */
#define SETTINGS                                                                                                       \
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION%s', autocommit = 1, foreign_key_checks = 1," \
	" lock_wait_timeout = 1, innodb_lock_wait_timeout = 1, wait_timeout = %lld, lc_messages = 'en_US'"

/* A MariaDB's GRANT to an account that went meanwhile would make one without a password; MySQL has no such mode. */
#define NO_ACCOUNT_BY_GRANT ",NO_AUTO_CREATE_USER"

/* ---- in the fiber ---- */

/* Called by the library where it would wait. */
static int on_wait(my_socket fd, my_bool is_read, int timeout)
{
	struct mysql_wire *wire = fiber_running();

	(void)timeout;
	if (wire->cancelled)
		return -1;
	wire->socket = fd;
	wire->wanted = is_read ? EV_READ : EV_WRITE;
	fiber_leave(wire->fiber);
	wire->wanted = 0;
	return wire->cancelled ? -1 : 1;
}

static void note_failure(struct mysql_wire *wire)
{
	const unsigned int number = mysql_errno(wire->mysql);

	wire->number = maria_error_is_local(number) ? 0 : number;
	maria_error_explain(number, mysql_error(wire->mysql), &wire->error);
}

static int run_statements(struct mysql_wire *wire)
{
	const char *text = text_string(&wire->statements);
	int rc = mysql_real_query(wire->mysql, text, strlen(text));

	while (rc == 0) {
		MYSQL_RES *rows = mysql_store_result(wire->mysql);

		if (rows != NULL) {
			mysql_free_result(wire->rows);
			wire->rows = rows;
		} else if (mysql_errno(wire->mysql) != 0) {
			break; /* a lost connection has no field count any more, and the next result would be none */
		}
		rc = mysql_next_result(wire->mysql);
	}
	/* -1 stands for the last result's end, and for a description of columns that was cut off. */
	if (rc > 0 || mysql_errno(wire->mysql) != 0)
		note_failure(wire);
	return wire->error.code;
}

/* A MySQL without the variable has no such grants either. */
static void ask_for_literal_grants(struct mysql_wire *wire)
{
	MYSQL_ROW row;

	text_reset(&wire->statements);
	text_add(&wire->statements, "SELECT @@GLOBAL.partial_revokes");
	if (run_statements(wire) == 0 && wire->rows != NULL && (row = mysql_fetch_row(wire->rows)) != NULL)
		wire->literal_grants = row[0] != NULL && strcmp(row[0], "1") == 0;
	error_clear(&wire->error);
}

static bool prepare_connection(struct mysql_wire *wire)
{
	const int fd = mysql_get_socket(wire->mysql);

	if (mysql_optionsv(wire->mysql, MARIADB_OPT_IO_WAIT, (const void *)on_wait) != 0 ||
	    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0) {
		error_set(&wire->error, ERR_UNAVAILABLE, "its socket cannot be prepared");
		return false;
	}
	text_reset(&wire->statements);
	text_add_format(&wire->statements, SETTINGS, mariadb_connection(wire->mysql) ? NO_ACCOUNT_BY_GRANT : "",
	                (long long)wire->idle / 1000 + SILENCE_MAX);
	if (run_statements(wire) != 0)
		return false;
	if (!mariadb_connection(wire->mysql))
		ask_for_literal_grants(wire);
	mysql_free_result(wire->rows);
	wire->rows = NULL;
	return true;
}

/* A connection's life, from its login on. Between batches the fiber rests with nothing wanted. */
static void serve_batches(void *arg)
{
	struct mysql_wire *wire = arg;

	if (prepare_connection(wire)) {
		fiber_leave(wire->fiber);
		while (!wire->cancelled) {
			run_statements(wire);
			fiber_leave(wire->fiber);
		}
	}
	wire->cancelled = true;
	mysql_close(wire->mysql);
	wire->mysql = NULL;
}

/* ---- from the loop ---- */

void wire_init(struct mysql_wire *wire)
{
	text_init(&wire->statements, SQL_MAX);
}

int wire_begin(struct mysql_wire *wire, MYSQL *mysql, int64_t idle, struct error *error)
{
	wire->idle = idle;
	wire->cancelled = false;
	wire->number = 0;
	error_clear(&wire->error);
	wire->fiber = fiber_new(serve_batches, wire);
	if (wire->fiber == NULL) {
		mysql_close(mysql);
		return error_no_memory(error);
	}
	wire->mysql = mysql;
	return 0;
}

/* Every batch anew: what is left of the attempt shrinks. */
static void add_limit(struct mysql_wire *wire, int64_t limit)
{
	if (mariadb_connection(wire->mysql))
		text_add_format(&wire->statements, "SET SESSION max_statement_time = %lld.%03lld;\n",
		                (long long)limit / 1000, (long long)limit % 1000);
	else
		text_add_format(&wire->statements, "SET SESSION max_execution_time = %lld;\n", (long long)limit);
}

int wire_send(struct mysql_wire *wire, const char *statements, int64_t limit, struct error *error)
{
	error_clear(&wire->error);
	wire->number = 0;
	text_reset(&wire->statements);
	add_limit(wire, limit);
	text_add(&wire->statements, statements);
	return wire->statements.failed ? error_no_memory(error) : 0;
}

enum wire_place wire_resume(struct mysql_wire *wire)
{
	if (fiber_resume(wire->fiber))
		return WIRE_ENDED;
	return wire->wanted != 0 ? WIRE_WAITS : WIRE_RESTS;
}

void wire_end(struct mysql_wire *wire)
{
	if (wire->fiber == NULL)
		return;
	if (!wire->cancelled) {
		wire->cancelled = true;
		if (wire->wanted != 0)
			(void)shutdown(wire->socket, SHUT_RDWR);
		fiber_resume(wire->fiber);
	}
	fiber_free(wire->fiber);
	wire->fiber = NULL;
}

void wire_release(struct mysql_wire *wire)
{
	mysql_free_result(wire->rows);
	text_wipe(&wire->statements);
}
