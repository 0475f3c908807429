/* Connector/C's own non-blocking calls still block in the TLS handshake (version 3.3). So its plain call runs in a
 * fiber here, and wherever it would wait, the library asks on_wait, which leaves for the thread's other logins. The
 * fiber begins and ends on one thread: the compiler may keep the
 * address of errno, which is the thread's. */
#include "login.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "errors.h"
#include "fiber.h"

#define HOST_SIZE  256
#define PACKET_MAX ((unsigned long)64 * 1024 * 1024) /* bytes of one answer's packet */
#define PLUGINS    "mysql_native_password,caching_sha2_password,client_ed25519"

struct mysql_entry {
	struct arena arena; /* the texts; holds the password */
	const char *user, *password, *ca_file, *tls_name;
	unsigned int port;
	bool tls;
	char host[HOST_SIZE];

	struct fiber *fiber; /* NULL: not begun */
	MYSQL *mysql;        /* NULL: not connected */
	int socket;          /* that the fiber waits for; -1: none yet */
	bool reads;          /* what it waits for */
	bool ended;
	bool cancelled; /* every wait fails */
	struct error error;
};

/* ---- in the fiber ---- */

/* While TLS is shaken, the library has the socket block; with a time-out of its own it comes back here soon. */
static void unblock_soon(int fd)
{
	const struct timeval soon = {.tv_usec = 1000};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
}

/* Called by the library where it would wait. The first time the address is connected to, and the library is about to
 * copy the host's text as the name that the certificate has to carry. */
static int on_wait(my_socket fd, my_bool is_read, int timeout)
{
	struct mysql_entry *entry = fiber_running();

	(void)timeout;
	if (entry->cancelled)
		return -1;
	entry->socket = fd;
	if (entry->tls) {
		unblock_soon(fd);
		strncpy(entry->host, entry->tls_name, sizeof(entry->host) - 1);
	}
	entry->reads = is_read;
	fiber_leave(entry->fiber);
	return entry->cancelled ? -1 : 1;
}

static bool set_options(MYSQL *mysql, const struct mysql_entry *entry)
{
	const unsigned int no = 0;
	const unsigned long packet = PACKET_MAX;
	const my_bool yes = 1;
	bool done = mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, (const void *)on_wait) == 0 &&
	            mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") == 0 &&
	            mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no) == 0 &&
	            mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet) == 0 &&
	            mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, PLUGINS) == 0;

	if (entry->tls)
		done = done && mysql_ssl_set(mysql, NULL, NULL, entry->ca_file, NULL, NULL) == 0 &&
		       mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes) == 0 &&
		       mysql_options(mysql, MYSQL_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3") == 0 &&
		       mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes) == 0;
	return done;
}

static void log_in(void *arg)
{
	struct mysql_entry *entry = arg;

	entry->mysql = mysql_init(NULL);
	if (entry->mysql == NULL || !set_options(entry->mysql, entry))
		error_no_memory(&entry->error);
	else if (mysql_real_connect(entry->mysql, entry->host, entry->user, entry->password, NULL, entry->port, NULL,
	                            CLIENT_MULTI_STATEMENTS) == NULL)
		maria_error_explain(mysql_errno(entry->mysql), mysql_error(entry->mysql), &entry->error);
	if (entry->error.code != 0) {
		mysql_close(entry->mysql);
		entry->mysql = NULL;
	}
}

/* ---- the steps ---- */

static enum login_next take_step(void *work, int *ret_fd)
{
	struct mysql_entry *entry = work;

	if (entry->fiber == NULL)
		entry->fiber = fiber_new(log_in, entry);
	if (entry->fiber == NULL) {
		error_no_memory(&entry->error);
		return LOGIN_FAILED;
	}
	entry->ended = fiber_resume(entry->fiber);
	*ret_fd = entry->socket;
	if (entry->ended)
		return entry->error.code == 0 ? LOGIN_DONE : LOGIN_FAILED;
	return entry->reads ? LOGIN_READS : LOGIN_WRITES;
}

static void free_entry(void *work)
{
	struct mysql_entry *entry = work;

	if (entry->fiber != NULL && !entry->ended) {
		entry->cancelled = true;
		(void)shutdown(entry->socket, SHUT_RDWR);
		fiber_resume(entry->fiber);
	}
	fiber_free(entry->fiber);
	mysql_close(entry->mysql);
	arena_wipe(&entry->arena);
	free(entry);
}

const struct login_kind maria_login_kind = {.step = take_step, .free = free_entry};

/* ---- entries ---- */

struct mysql_entry *maria_entry_new(const struct mysql_target *target, const char *address)
{
	struct mysql_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	arena_init(&entry->arena);
	entry->user = arena_text(&entry->arena, target->user);
	entry->password = arena_text(&entry->arena, target->password);
	entry->ca_file = arena_text(&entry->arena, target->ca_file);
	entry->tls_name = arena_text(&entry->arena, target->tls_name);
	entry->port = (unsigned int)strtoul(target->place.port, NULL, 10);
	entry->tls = target->tls;
	entry->socket = -1;
	strncpy(entry->host, address, sizeof(entry->host) - 1);
	if (!arena_failed(&entry->arena))
		return entry;
	free_entry(entry);
	return NULL;
}

int maria_entry_take(struct mysql_entry *entry, MYSQL **ret_mysql, struct error *error)
{
	const int code = entry->error.code;

	if (code == 0)
		*ret_mysql = entry->mysql;
	else
		*error = entry->error;
	if (code == 0)
		entry->mysql = NULL;
	free_entry(entry);
	return code;
}
