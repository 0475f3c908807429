/* What the broker is measured against: evhttp as it comes, with nothing behind it but one of three ways to answer.
 *
 * Usage: bench_bare static STATUS BODY | bench_bare commit DIRECTORY | bench_bare log DIRECTORY
 *  static  the same answer to everything: the limit of what evhttp can do
 *  commit  each request puts its body into an LMDB store and commits by itself before it is answered
 *  log     the bodies of all requests of a turn of the loop go to the end of a file with one write and one fdatasync
 * Prints its port. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define RECORD     300 /* bytes of a record: about what the broker writes for an instance */
#define WAITING    4096
#define STORE_SIZE ((size_t)4 << 30)

struct bare {
	struct evhttp *http;
	int status;
	const char *body;

	MDB_env *env;
	MDB_dbi records;
	unsigned long next;

	int log;
	struct event *turn_end;
	struct evhttp_request *waiting[WAITING];
	size_t waiting_count;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void answer(struct evhttp_request *request, int status, const char *body)
{
	struct evbuffer *buffer = evbuffer_new();

	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
	evbuffer_add(buffer, body, strlen(body));
	evhttp_send_reply(request, status, NULL, buffer);
	evbuffer_free(buffer);
}

static void on_static(struct evhttp_request *request, void *arg)
{
	const struct bare *bare = arg;

	answer(request, bare->status, bare->body);
}

/* ---- a commit a request ---- */

static void on_commit(struct evhttp_request *request, void *arg)
{
	struct bare *bare = arg;
	char record[RECORD] = "";
	MDB_val key = {sizeof(bare->next), &bare->next}, value = {sizeof(record), record};
	MDB_txn *txn;

	evbuffer_copyout(evhttp_request_get_input_buffer(request), record, sizeof(record));
	bare->next++;
	if (mdb_txn_begin(bare->env, NULL, 0, &txn) != 0 || mdb_put(txn, bare->records, &key, &value, 0) != 0 ||
	    mdb_txn_commit(txn) != 0)
		die("commit");
	answer(request, 201, "");
}

static void open_store(struct bare *bare, const char *directory)
{
	MDB_txn *txn;

	if (mdb_env_create(&bare->env) != 0 || mdb_env_set_mapsize(bare->env, STORE_SIZE) != 0 ||
	    mdb_env_open(bare->env, directory, 0, 0600) != 0 || mdb_txn_begin(bare->env, NULL, 0, &txn) != 0 ||
	    mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &bare->records) != 0 || mdb_txn_commit(txn) != 0)
		die(directory);
}

/* ---- a batched raw log ---- */

static void on_turn_end(int fd, short what, void *arg)
{
	static char records[WAITING][RECORD];
	struct bare *bare = arg;
	const size_t count = bare->waiting_count;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < count; i++)
		evbuffer_copyout(evhttp_request_get_input_buffer(bare->waiting[i]), records[i], RECORD);
	if (write(bare->log, records, count * RECORD) != (ssize_t)(count * RECORD) || fdatasync(bare->log) != 0)
		die("log");
	bare->waiting_count = 0;
	for (size_t i = 0; i < count; i++)
		answer(bare->waiting[i], 201, "");
}

static void on_log(struct evhttp_request *request, void *arg)
{
	struct bare *bare = arg;

	if (bare->waiting_count == WAITING)
		die("too many wait");
	bare->waiting[bare->waiting_count++] = request;
	event_active(bare->turn_end, EV_TIMEOUT, 0);
}

static void open_log(struct bare *bare, struct event_base *base, const char *directory)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/log", directory);
	bare->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	bare->turn_end = event_new(base, -1, 0, on_turn_end, bare);
	if (bare->log < 0 || bare->turn_end == NULL)
		die(path);
	event_priority_set(bare->turn_end, 1);
}

/* ---- */

static void choose(struct bare *bare, struct event_base *base, int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "static") == 0) {
		bare->status = atoi(argv[2]);
		bare->body = argv[3];
		evhttp_set_gencb(bare->http, on_static, bare);
	} else if (argc == 3 && strcmp(argv[1], "commit") == 0) {
		open_store(bare, argv[2]);
		evhttp_set_gencb(bare->http, on_commit, bare);
	} else if (argc == 3 && strcmp(argv[1], "log") == 0) {
		open_log(bare, base, argv[2]);
		evhttp_set_gencb(bare->http, on_log, bare);
	} else {
		fprintf(stderr, "usage: bench_bare static STATUS BODY | commit DIRECTORY | log DIRECTORY\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct bare bare = {.http = evhttp_new(base)};
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(bare.http, "127.0.0.1", 0);
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	if (bound == NULL || getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &length) != 0)
		die("listen");
	event_base_priority_init(base, 2);
	choose(&bare, base, argc, argv);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return event_base_dispatch(base);
}
