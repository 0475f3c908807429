/* See world.h. To go back to where it began, the parts are closed and opened anew on a copy of the first store; whether
 * that is needed is told by the store's first pages, which every commit changes. */
#include "fuzz/world.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin/admin.h"
#include "api/api.h"
#include "base/secret.h"
#include "driver/registry.h"
#include "requests/requests.h"

#define ANSWER_MAX ((size_t)16 << 20)
#define META_BYTES 8192   /* LMDB's two meta pages */
#define TURNS_MAX  20000  /* of the loop, for one connection */
#define PATIENCE   50     /* turns in which nothing happens before the clock is moved */
#define LEAP       100000 /* ms: longer than any time-out of a connection */
#define WALL       1790000000000

static const char configuration[] = "listen: 'unix:%s/api'\n"
                                    "admin: {listen: 'unix:%s/admin'}\n"
                                    "data_dir: %s/data\n"
                                    "services:\n"
                                    "  - name: db\n"
                                    "    driver: scripted\n"
                                    "    password: hush\n"
                                    "    servers: [{name: main, capacity: 100, state: %s/state}]\n"
                                    "    plans:\n"
                                    "      - {name: small, description: a}\n"
                                    "      - {name: large, description: b, env: {NOTE: \"{app} {instance} {team}\"}}\n"
                                    "  - name: wide\n"
                                    "    driver: scripted\n"
                                    "    username: db\n"
                                    "    password: hush\n"
                                    "    multi_cluster: true\n"
                                    "    servers: [{name: main, pool: here}]\n"
                                    "    plans: [{name: small, description: c}]\n";

struct file {
	char path[96];
	char *bytes;
	size_t length;
};

struct world {
	char directory[64];
	struct config *config;
	struct keyring *keyring;
	struct event_base *base;
	struct timers *timers;
	struct event *tick;
	struct store *store;
	struct driver_context context;
	struct broker *broker;
	struct api *api;
	struct admin_server *admin;
	struct file data, state; /* the store and the scripted server that it begins with */
	char meta[META_BYTES];
	bool touched; /* what no commit shows may have changed */
	struct text answer;
};

static char directory_at_exit[64];

static void demand(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	abort();
}

/* ---- files ---- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_directory(void)
{
	nftw(directory_at_exit, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_directory(struct world *world)
{
	const char *parent = getenv("TMPDIR");

	if (parent == NULL)
		parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(world->directory, sizeof(world->directory), "%s/request_fuzz.XXXXXX", parent);
	demand(mkdtemp(world->directory) != NULL, "a directory cannot be made");
	strcpy(directory_at_exit, world->directory);
	demand(atexit(remove_directory) == 0, "atexit");
}

static void read_file(struct file *file)
{
	const int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	const off_t length = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;

	demand(length > 0, "a file cannot be read");
	file->length = (size_t)length;
	file->bytes = malloc(file->length);
	demand(file->bytes != NULL && pread(fd, file->bytes, file->length, 0) == length, "reading");
	close(fd);
}

static void write_file(const char *path, const char *bytes, size_t length)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	demand(fd >= 0 && write(fd, bytes, length) == (ssize_t)length, "a file cannot be written");
	close(fd);
}

static void read_meta(const struct world *world, char *ret_meta)
{
	const int fd = open(world->data.path, O_RDONLY | O_CLOEXEC);

	demand(fd >= 0 && pread(fd, ret_meta, META_BYTES, 0) == META_BYTES, "reading");
	close(fd);
}

/* ---- parts ---- */

static void load(struct world *world)
{
	const struct driver *driver = registry_find("scripted");
	struct config_errors *errors = NULL;
	struct config_driver known;
	char content[2048], path[96];

	demand(driver != NULL, "the scripted driver is not built in");
	known = (struct config_driver){.name = driver->name,
	                               .server_keys = driver->server_keys,
	                               .plan_keys = driver->plan_keys,
	                               .retires = driver->retires,
	                               .retain = driver->retain,
	                               .variables = driver->variables};
	snprintf(path, sizeof(path), "%s/broker.yaml", world->directory);
	snprintf(content, sizeof(content), configuration, world->directory, world->directory, world->directory,
	         world->directory);
	write_file(path, content, strlen(content));
	demand(config_load(path, &known, 1, &world->config, &errors) == 0,
	       errors != NULL ? errors->texts[0] : "no memory");
}

static int reload(void *arg, struct error *error)
{
	(void)arg;
	return error_set(error, ERR_INVALID, "the configuration is the fuzzer's");
}

static const char *no_configuration_error(void *arg)
{
	(void)arg;
	return NULL;
}

static void open_listeners(struct world *world)
{
	const struct api_options api = {
	    .config = world->config, .broker = world->broker, .base = world->base, .timers = world->timers};
	const struct admin_options admin = {
	    .config = world->config,
	    .broker = world->broker,
	    .store = world->store,
	    .base = world->base,
	    .timers = world->timers,
	    .program = {.version = "0", .began = 0, .reload = reload, .configuration_error = no_configuration_error},
	};
	struct error error = {0};

	demand(api_open(&api, &world->api, &error) == 0, error.text);
	demand(admin_open(&admin, &world->admin, &error) == 0, error.text);
}

static void open_parts(struct world *world)
{
	struct broker_options options = {
	    .config = world->config, .keyring = world->keyring, .context = &world->context};
	struct store_options store = {
	    .directory = world->config->data_dir, .size_max = 64 * 1024 * 1024, .base = world->base};
	struct error error = {0};

	world->timers = timers_new_manual(WALL);
	demand(world->timers != NULL, "no memory");
	world->context = (struct driver_context){.base = world->base, .timers = world->timers};
	demand(store_open(&store, &world->store, &error) == 0, error.text);
	options.store = world->store;
	options.timers = world->timers;
	demand(broker_open(&options, &world->broker, &error) == 0, error.text);
	open_listeners(world);
}

static void close_parts(struct world *world)
{
	admin_close(world->admin);
	api_close(world->api);
	broker_close(world->broker);
	store_close(world->store);
	timers_free(world->timers);
}

/* ---- a connection ---- */

static int connect_to(const struct world *world, bool admin)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", world->directory, admin ? "admin" : "api");
	demand(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0, "connecting");
	demand(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "fcntl");
	return fd;
}

/* Takes what is there; true when the other side has closed. *heard: there was something. */
static bool take_answer(struct world *world, int fd, bool *heard)
{
	char bytes[16384];
	ssize_t count;

	while ((count = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		text_add_bytes(&world->answer, bytes, (size_t)count);
		*heard = true;
	}
	demand(!world->answer.failed, "the answer is too long");
	return count == 0 || errno == ECONNRESET;
}

static size_t send_some(int fd, const char *bytes, size_t length)
{
	const ssize_t count = length > 0 ? send(fd, bytes, length, MSG_NOSIGNAL) : 0;

	return count > 0 ? (size_t)count : 0;
}

static void on_tick(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static bool is_busy(const struct world *world)
{
	return broker_requests(world->broker)->queue->pending > 0 || api_pending(world->api) > 0;
}

/* When the loop has nothing to do it waits for the store's thread, for a moment. */
static void turn(struct world *world, bool wait)
{
	const struct timeval moment = {.tv_usec = 1000};

	timers_advance(world->timers, 1);
	if (!wait) {
		event_base_loop(world->base, EVLOOP_NONBLOCK);
		return;
	}
	event_add(world->tick, &moment);
	event_base_loop(world->base, EVLOOP_ONCE);
	event_del(world->tick);
}

/* Whoever is refused while he sends sees no more than a reset; then nothing of the rest can be sent. */
static void finish_sending(int fd, bool *done)
{
	if (!*done)
		shutdown(fd, SHUT_WR);
	*done = true;
}

static void converse(struct world *world, int fd, const char *bytes, size_t length, size_t piece)
{
	size_t sent = send_some(fd, bytes, piece);
	bool closed = false, finished = false;
	int quiet = 0, turns = 0;

	for (; !closed || is_busy(world); turns++) {
		bool heard = false;

		demand(turns < TURNS_MAX, "a connection does not end");
		if (turns == 1)
			sent += send_some(fd, bytes + sent, length - sent);
		if (turns >= 1)
			finish_sending(fd, &finished);
		turn(world, quiet > 2);
		closed = closed || take_answer(world, fd, &heard);
		quiet = heard ? 0 : quiet + 1;
		if (quiet % PATIENCE == PATIENCE - 1)
			timers_advance(world->timers, LEAP);
	}
}

void world_exchange(struct world *world, bool admin, const char *bytes, size_t length, size_t piece)
{
	const int fd = connect_to(world, admin);

	text_reset(&world->answer);
	world->touched |= admin && memmem(bytes, length, "POST", 4) != NULL;
	converse(world, fd, bytes, length, piece);
	close(fd);
	turn(world, false);
}

const struct text *world_answer(const struct world *world)
{
	return &world->answer;
}

/* ---- life ---- */

static void ask(struct world *world, const char *path, const char *form, const char *answer)
{
	char request[512];
	const int length =
	    snprintf(request, sizeof(request),
	             "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ZGI6aHVzaA==\r\nConnection: close\r\n"
	             "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n\r\n%s",
	             path, strlen(form), form);

	world_exchange(world, false, request, (size_t)length, (size_t)length);
	demand(strncmp(text_string(&world->answer), answer, strlen(answer)) == 0, text_string(&world->answer));
}

struct world *world_new(void)
{
	struct world *world = calloc(1, sizeof(*world));
	struct error error = {0};

	demand(world != NULL && secret_init(&error) == 0, "libsodium");
	text_init(&world->answer, ANSWER_MAX);
	make_directory(world);
	load(world);
	snprintf(world->data.path, sizeof(world->data.path), "%s/data.mdb", world->config->data_dir);
	snprintf(world->state.path, sizeof(world->state.path), "%s/state", world->directory);
	demand(keyring_parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &world->keyring,
	                     &error) == 0,
	       error.text);
	world->base = event_base_new();
	demand(world->base != NULL, "no event loop");
	world->tick = evtimer_new(world->base, on_tick, NULL);
	demand(world->tick != NULL, "no event loop");
	open_parts(world);
	ask(world, "/db/resources", "name=mydb&team=red&user=me&eventid=e1", "HTTP/1.1 201 ");
	ask(world, "/db/resources/mydb/bind-app", "app-name=shop&eventid=e2", "HTTP/1.1 201 ");
	close_parts(world);
	read_file(&world->data);
	read_file(&world->state);
	open_parts(world);
	read_meta(world, world->meta);
	return world;
}

void world_reset(struct world *world)
{
	char meta[META_BYTES];

	read_meta(world, meta);
	if (!world->touched && memcmp(meta, world->meta, META_BYTES) == 0)
		return;
	close_parts(world);
	write_file(world->data.path, world->data.bytes, world->data.length);
	write_file(world->state.path, world->state.bytes, world->state.length);
	open_parts(world);
	read_meta(world, world->meta);
	world->touched = false;
}
