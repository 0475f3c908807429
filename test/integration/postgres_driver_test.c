/* The postgres driver against a PostgreSQL of its own: each call through a real loop, each result looked at the way an
 * app would, by libpq that blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/config.h"
#include "driver/drivers.h"
#include "driver/login.h"
#include "driver/resolver.h"
#include "postgres_server.h"

#define CALL_TIMEOUT     60000 /* ms */
#define LIMITED_USER     "limited"
#define LIMITED_TEMPLATE "closed"
#define SOCKET_SESSIONS                                                                                                \
	"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tsuru-broker - socket' AND client_addr IS "   \
	"NULL"

struct rig {
	struct postgres_server server;
	struct event_base *base;
	struct timers *timers;
	struct driver_context context;
	struct config *config;
	struct backend *backends[5]; /* as in the configuration */
	double longest_turn;         /* ms */
};

enum { SERVICE_MAIN, SERVICE_LIMITED, SERVICE_VERIFIED, SERVICE_WRONG, SERVICE_SOCKET };

/* 1: the admin's password in a url, 2: the port, 3: the certificate, 4: the directory of the socket */
#define CONFIGURATION                                                                                                  \
	"services:\n"                                                                                                  \
	"  - {name: main, driver: postgres, password: x, plans: [\n"                                                   \
	"      {name: small, description: s, connection_limit: 3, statement_timeout: 5s,\n"                            \
	"       settings: {work_mem: 8MB}},\n"                                                                         \
	"      {name: large, description: l, connection_limit: 20, extensions: [pg_trgm, uuid-ossp],\n"                \
	"       settings: {work_mem: 16MB, search_path: 'app, public', pg_trgm.similarity_threshold: 0.5}},\n"         \
	"      {name: foreign, description: f, locale: C},\n"                                                          \
	"      {name: absent, description: a, extensions: [no_such_extension]},\n"                                     \
	"      {name: wrong, description: w, settings: {work_mem: lots}}],\n"                                          \
	"     servers: [{name: one, public_host: 'fd00::1', public_port: 6432, connections: 4, connect_timeout: "      \
	"10s,\n"                                                                                                       \
	"      url: 'postgres://" SERVER_ADMIN ":%1$s@127.0.0.1:1,127.0.0.1:%2$d/postgres'}]}\n"                       \
	"  - {name: limited, driver: postgres, password: x, plans: [{name: small, description: s,\n"                   \
	"      connection_limit: 3, template: " LIMITED_TEMPLATE ", extensions: [pg_trgm],\n"                          \
	"      settings: {work_mem: 8MB}}], servers: [{name: one,\n"                                                   \
	"      url: 'postgres://" LIMITED_USER ":limited@127.0.0.1:%2$d/postgres?sslmode=disable'}]}\n"                \
	"  - {name: verified, driver: postgres, password: x, plans: [{name: small, description: s,\n"                  \
	"      settings: {work_mem: 8MB}}], servers: [{name: one, sslrootcert: %3$s,\n"                                \
	"      url: 'postgres://" SERVER_ADMIN ":%1$s@localhost:%2$d/postgres?sslmode=verify-full'}]}\n"               \
	"  - {name: wrong, driver: postgres, password: x, plans: [{name: small, description: s}],\n"                   \
	"     servers: [{name: one, url: 'postgres://" SERVER_ADMIN ":hunter2@127.0.0.1:%2$d/postgres'}]}\n"           \
	"  - {name: socket, driver: postgres, password: x, plans: [{name: small, description: s,\n"                    \
	"      settings: {work_mem: 8MB}}], servers: [{name: one, public_host: db, idle: 1s,\n"                        \
	"      url: 'postgres://" SERVER_ADMIN ":%1$s@:%2$d/postgres?host=%4$s'}]}\n"

/* ---- the rig ---- */

static void write_configuration(const struct rig *rig, const char *path)
{
	const struct postgres_server *server = &rig->server;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	/* cppcheck-suppress invalidPrintfArgType_sint; it does not follow arguments named by their position, as in %2$d
	 */
	assert_true(fprintf(file, CONFIGURATION, SERVER_PASSWORD_IN_URL, server->port, server->certificate,
	                    server->directory) > 0);
	assert_int_equal(fclose(file), 0);
}

static void load_configuration(struct rig *rig)
{
	const struct config_driver driver = {
	    .name = driver_postgres.name,
	    .server_keys = driver_postgres.server_keys,
	    .plan_keys = driver_postgres.plan_keys,
	    .variables = driver_postgres.variables,
	};
	struct config_errors *errors;
	char path[] = "/tmp/postgres-driver-XXXXXX";

	close(mkstemp(path));
	write_configuration(rig, path);
	if (config_load(path, &driver, 1, &rig->config, &errors) != 0)
		fail_msg("%s", errors->texts[0]);
	unlink(path);
}

static void make(const struct rig *rig, const char *database, const char *statement)
{
	PGconn *admin = postgres_server_admin(&rig->server, database);
	PGresult *result = PQexec(admin, statement);

	assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
	PQclear(result);
	PQfinish(admin);
}

/* With the template that the manual tells for versions before 15; later ones need none. */
static void make_limited_user(const struct rig *rig)
{
	PGconn *admin = postgres_server_admin(&rig->server, "postgres");

	make(rig, "postgres",
	     "CREATE ROLE " LIMITED_USER " LOGIN CREATEDB CREATEROLE PASSWORD 'limited'; CREATE ROLE joe LOGIN");
	make(rig, "postgres", "CREATE DATABASE " LIMITED_TEMPLATE " TEMPLATE template0 IS_TEMPLATE true");
	if (PQserverVersion(admin) < 150000)
		make(rig, LIMITED_TEMPLATE, "ALTER SCHEMA public OWNER TO " LIMITED_USER);
	PQfinish(admin);
}

static void on_held(void *arg, const char *service, const char *server, const char *whose, int times)
{
	(void)arg;
	(void)times;
	print_message("a login of %s to \"%s\" of \"%s\" computed for long\n", whose, server, service);
}

static int rig_setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct error error;

	assert_non_null(rig);
	assert_int_equal(secret_init(&error), 0);
	postgres_server_create(&rig->server);
	postgres_server_start(&rig->server, true);
	make_limited_user(rig);
	load_configuration(rig);
	rig->base = event_base_new();
	rig->timers = timers_new(rig->base);
	assert_non_null(rig->timers);
	rig->context = (struct driver_context){.base = rig->base, .timers = rig->timers};
	assert_int_equal(resolver_new(rig->base, rig->timers, &rig->context.resolver, &error), 0);
	assert_int_equal(logins_new(rig->base, rig->timers, on_held, NULL, &rig->context.logins, &error), 0);
	for (size_t i = 0; i < rig->config->service_count; i++)
		if (backend_open(&driver_postgres, &rig->config->services[i], &rig->context, &rig->backends[i],
		                 &error) != 0)
			fail_msg("%s", error.text);
	*state = rig;
	return 0;
}

static int rig_teardown(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < rig->config->service_count; i++)
		backend_close(rig->backends[i]);
	assert_false(logins_close(rig->context.logins));
	resolver_free(rig->context.resolver);
	timers_free(rig->timers);
	event_base_free(rig->base);
	config_free(rig->config);
	postgres_server_destroy(&rig->server);
	printf("the longest turn of the loop: %.1f ms\n", rig->longest_turn);
	free(rig);
	return 0;
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* One turn that waits for nothing, so that its length is the work's alone. */
static void turn(struct rig *rig)
{
	const double begin = now_ms();
	double length;

	event_base_loop(rig->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	length = now_ms() - begin;
	if (length > rig->longest_turn)
		rig->longest_turn = length;
	if (length < 0.2)
		poll(NULL, 0, 1);
}

/* ---- calls ---- */

struct request {
	struct driver_call call;
	struct instance instance;
	struct bind bind;
	bool settled;
	int code;
	struct error error;
};

static void on_settled(struct driver_call *call, int code, const struct error *error)
{
	struct request *request = call->arg;

	assert_false(request->settled);
	request->settled = true;
	request->code = code;
	request->error = *error;
}

static void start(struct rig *rig, int service, enum call_kind kind, const char *plan, struct request *request)
{
	struct driver_call *call = &request->call;

	call->kind = kind;
	call->backend = rig->backends[service];
	call->server = &call->backend->service->servers[0];
	call->plan = plan != NULL ? service_plan(call->backend->service, plan) : NULL;
	if (call->timeout == 0)
		call->timeout = CALL_TIMEOUT;
	call->on_settled = on_settled;
	call->arg = request;
	assert_true(plan == NULL || call->plan != NULL);
	assert_int_equal(call_start(call), 0);
	assert_false(request->settled);
}

static int await(struct rig *rig, struct request *request)
{
	while (!request->settled)
		turn(rig);
	if (request->code != 0 && getenv("SHOW_ERRORS") != NULL)
		print_message("(%d: %s)\n", request->code, request->error.text);
	return request->code;
}

static struct request *new_request(const char *instance)
{
	struct request *request = calloc(1, sizeof(*request));

	assert_non_null(request);
	call_init(&request->call);
	request->instance.resource = instance;
	request->instance.incarnation = "00112233445566ff";
	if (instance != NULL)
		request->call.instance = &request->instance;
	return request;
}

static struct request *new_bind(const char *instance, const char *login, const char *password)
{
	struct request *request = new_request(instance);

	request->bind.login = login;
	request->call.bind = &request->bind;
	request->call.password = password;
	return request;
}

static void drop(struct request *request)
{
	call_release(&request->call);
	free(request);
}

/* A call from beginning to end; a failure that was not expected fails the test with its text. */
static void expect(struct rig *rig, struct request *request, int code)
{
	if (await(rig, request) != code)
		fail_msg("%d instead of %d: %s", request->code, code, request->error.text);
	drop(request);
}

/* One of a crowd, which may wait too long for a session or for what the others hold: it is tried again, as the broker
 * does. */
static void expect_at_last(struct rig *rig, struct request *request)
{
	while (await(rig, request) != 0 && error_may_pass(request->code)) {
		call_release(&request->call);
		request->settled = false;
		assert_int_equal(call_start(&request->call), 0);
	}
	expect(rig, request, 0);
}

static void run(struct rig *rig, int service, enum call_kind kind, const char *plan, const char *instance, int code)
{
	struct request *request = new_request(instance);

	start(rig, service, kind, plan, request);
	expect(rig, request, code);
}

static void run_bind(struct rig *rig, int service, const char *instance, const char *login, const char *password,
                     const char *parameters)
{
	struct request *request = new_bind(instance, login, password);

	request->bind.parameters = parameters;
	start(rig, service, CALL_BIND, "small", request);
	expect(rig, request, 0);
}

static void run_unbind(struct rig *rig, int service, const char *instance, const char *login)
{
	struct request *request = new_bind(instance, login, NULL);

	start(rig, service, CALL_UNBIND, NULL, request);
	expect(rig, request, 0);
}

/* ---- an app's view ---- */

static PGconn *login(const struct rig *rig, const char *database, const char *user, const char *password)
{
	PGconn *app = postgres_server_login(&rig->server, database, user, password);

	if (PQstatus(app) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(app));
	return app;
}

static bool can_login(const struct rig *rig, const char *database, const char *user, const char *password)
{
	PGconn *app = postgres_server_login(&rig->server, database, user, password);
	const bool can = PQstatus(app) == CONNECTION_OK;

	PQfinish(app);
	return can;
}

/* The SQLSTATE of a statement, "00000" when it worked. */
static void assert_state(PGconn *app, const char *statement, const char *state)
{
	PGresult *result = PQexec(app, statement);
	const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (strcmp(found != NULL ? found : "00000", state) != 0)
		fail_msg("%s: %s", statement, PQerrorMessage(app));
	PQclear(result);
}

static void works(PGconn *app, const char *statement)
{
	assert_state(app, statement, "00000");
}

static void assert_value(PGconn *app, const char *query, const char *value)
{
	PGresult *result = PQexec(app, query);

	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", query, PQerrorMessage(app));
	assert_int_equal(PQntuples(result), 1);
	assert_string_equal(PQgetvalue(result, 0, 0), value);
	PQclear(result);
}

static void admin_value(const struct rig *rig, const char *query, const char *value)
{
	PGconn *admin = postgres_server_admin(&rig->server, "postgres");

	assert_value(admin, query, value);
	PQfinish(admin);
}

static void admin_does(const struct rig *rig, const char *database, const char *statement)
{
	PGconn *admin = postgres_server_admin(&rig->server, database);

	works(admin, statement);
	PQfinish(admin);
}

/* And waits until their processes have ended: the server itself does, when it is asked to, from version 14 on. */
static void end_sessions(PGconn *admin, const char *condition)
{
	const double until = now_ms() + 20000;
	char query[256];
	PGresult *rows;

	snprintf(query, sizeof(query), "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE %s",
	         condition);
	rows = PQexec(admin, query);
	assert_int_equal(PQresultStatus(rows), PGRES_TUPLES_OK);
	for (int i = 0; i < PQntuples(rows); i++) {
		const pid_t pid = atoi(PQgetvalue(rows, i, 0));

		while (kill(pid, 0) == 0 || errno != ESRCH) {
			assert_true(now_ms() < until);
			usleep(1000);
		}
	}
	PQclear(rows);
}

static bool is_alive(PGconn *app)
{
	PGresult *result = PQexec(app, "SELECT 1");
	const bool alive = PQresultStatus(result) == PGRES_TUPLES_OK;

	PQclear(result);
	return alive;
}

/* ---- tests ---- */

#define ANNA "anna_0123456789"
#define BERT "bert_0123456789"
#define READ "read_0123456789"

static void lives_a_life(struct rig *rig, int service, const char *db)
{
	PGconn *anna, *bert, *reader;

	run(rig, service, CALL_PROVISION, "small", db, 0);
	run(rig, service, CALL_PROVISION, "small", db, 0);
	run_bind(rig, service, db, ANNA, "first'\"\\pass", NULL);
	run_bind(rig, service, db, BERT, "second", NULL);
	run_bind(rig, service, db, READ, "third", "{\"read_only\": \"true\"}");

	anna = login(rig, db, ANNA, "first'\"\\pass");
	works(anna, "CREATE TABLE \"the Things\" (id serial PRIMARY KEY, name text)");
	works(anna, "INSERT INTO \"the Things\" (name) VALUES ('one')");
	works(anna, "CREATE SCHEMA deeper; CREATE VIEW deeper.things AS SELECT * FROM public.\"the Things\"");
	bert = login(rig, db, BERT, "second");
	assert_value(bert, "SELECT count(*) FROM \"the Things\"", "1");
	works(bert,
	      "ALTER TABLE \"the Things\" ADD COLUMN more text; INSERT INTO \"the Things\" (name) VALUES ('two')");
	assert_value(bert, "SHOW work_mem", "8MB");
	assert_value(bert, "SELECT session_user", BERT);
	works(bert, "SET ROLE NONE");
	assert_state(bert, "CREATE TABLE mine (id int)", "42501");
	assert_state(bert, "SELECT * FROM \"the Things\"", "42501");

	reader = login(rig, db, READ, "third");
	assert_value(reader, "SELECT count(*) FROM deeper.things", "2");
	assert_value(reader, "SELECT last_value FROM \"the Things_id_seq\"", "2");
	assert_state(reader, "INSERT INTO \"the Things\" (name) VALUES ('no')", "25006");
	works(reader, "SET default_transaction_read_only TO off");
	assert_state(reader, "INSERT INTO \"the Things\" (name) VALUES ('no')", "42501");
	assert_state(reader, "CREATE TABLE mine (id int)", "42501");
	works(anna, "CREATE TABLE later (id int)");
	assert_value(reader, "SELECT count(*) FROM later", "0");

	run_unbind(rig, service, db, ANNA);
	run_unbind(rig, service, db, ANNA);
	assert_false(is_alive(anna));
	assert_false(can_login(rig, db, ANNA, "first'\"\\pass"));
	assert_true(is_alive(reader));
	works(bert, "RESET ROLE");
	assert_value(bert, "SELECT count(*) FROM \"the Things\"", "2");
	works(bert, "DROP TABLE later");

	run(rig, service, CALL_DEPROVISION, NULL, db, 0);
	run(rig, service, CALL_DEPROVISION, NULL, db, 0);
	assert_false(is_alive(bert));
	admin_value(rig, "SELECT count(*) FROM pg_roles WHERE rolname ~ '_[0-9a-f]{10}(_r)?$'", "0");
	admin_value(rig, "SELECT count(*) FROM pg_database WHERE datname ~ '_[0-9a-f]{10}$'", "0");
	PQfinish(anna);
	PQfinish(bert);
	PQfinish(reader);
}

static void test_life_with_superuser(void **state)
{
	lives_a_life(*state, SERVICE_MAIN, "shop_00000000a1");
}

static void test_life_with_limited_user(void **state)
{
	lives_a_life(*state, SERVICE_LIMITED, "limited_00000000a2");
}

static void test_life_with_verified_tls(void **state)
{
	lives_a_life(*state, SERVICE_VERIFIED, "tls_00000000a3");
}

static void test_life_over_socket(void **state)
{
	lives_a_life(*state, SERVICE_SOCKET, "Odd-Name \"x\"_00000000a4");
}

static void test_neighbours_are_kept_out(void **state)
{
	struct rig *rig = *state;
	PGconn *app;

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", "mine_00000000b1", 0);
	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", "theirs_00000000b2", 0);
	run_bind(rig, SERVICE_MAIN, "mine_00000000b1", ANNA, "pw", NULL);
	assert_true(can_login(rig, "mine_00000000b1", ANNA, "pw"));
	assert_false(can_login(rig, "theirs_00000000b2", ANNA, "pw"));
	app = login(rig, "mine_00000000b1", ANNA, "pw");
	assert_state(app, "SET ROLE \"theirs_00000000b2\"", "42501");
	PQfinish(app);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, "mine_00000000b1", 0);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, "theirs_00000000b2", 0);
}

static const char *result_of(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->call.result_count; i++)
		if (strcmp(request->call.results[i].name, name) == 0)
			return request->call.results[i].value;
	fail_msg("there is no result \"%s\"", name);
	return NULL;
}

static void test_bind_gives_variables(void **state)
{
	struct rig *rig = *state;
	struct request *request = new_bind("vars_00000000c1", ANNA, "p/w");

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", "vars_00000000c1", 0);
	start(rig, SERVICE_MAIN, CALL_BIND, "small", request);
	assert_int_equal(await(rig, request), 0);
	assert_string_equal(result_of(request, "url"), "postgres://" ANNA ":p%2Fw@[fd00::1]:6432/vars_00000000c1");
	assert_string_equal(result_of(request, "host"), "fd00::1");
	assert_string_equal(result_of(request, "port"), "6432");
	assert_string_equal(result_of(request, "database"), "vars_00000000c1");
	assert_string_equal(result_of(request, "user"), ANNA);
	assert_string_equal(result_of(request, "password"), "p/w");
	drop(request);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, "vars_00000000c1", 0);
}

/* The same bind again leaves sessions alone; a renewed one ends those of the password before. */
/* How many roles may act as that one. From PostgreSQL 16 on, whoever makes a role is a member that may only grant it.
 */
#define ACTORS(role)                                                                                                   \
	"SELECT count(*) FROM pg_auth_members m, to_jsonb(m) f WHERE m.roleid::regrole::text = " role                  \
	" AND (coalesce((f->>'set_option')::bool, true) OR coalesce((f->>'inherit_option')::bool, true))"

static void check_renewal(struct rig *rig, int service)
{
	const char *db = "renew_00000000d1";
	struct request *request;
	PGconn *app;

	run(rig, service, CALL_PROVISION, "small", db, 0);
	run_bind(rig, service, db, ANNA, "old", NULL);
	app = login(rig, db, ANNA, "old");
	run_bind(rig, service, db, ANNA, "old", NULL);
	assert_true(is_alive(app));
	request = new_bind(db, ANNA, "new");
	request->call.renew = true;
	start(rig, service, CALL_BIND, "small", request);
	expect(rig, request, 0);
	assert_false(is_alive(app));
	assert_false(can_login(rig, db, ANNA, "old"));
	assert_true(can_login(rig, db, ANNA, "new"));
	admin_value(rig, ACTORS("'" ANNA "'"), "0");
	PQfinish(app);
	run(rig, service, CALL_DEPROVISION, NULL, db, 0);
}

static void test_renewal(void **state)
{
	check_renewal(*state, SERVICE_MAIN);
	check_renewal(*state, SERVICE_LIMITED);
}

/* A retry may ask for the other kind of login than a first try that was never answered. */
static void test_bind_changes_kind(void **state)
{
	struct rig *rig = *state;
	const char *db = "kind_00000000d2";
	PGconn *app;

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", NULL);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", "{\"read_only\": true}");
	app = login(rig, db, ANNA, "pw");
	assert_value(app, "SELECT current_user", ANNA);
	assert_state(app, "SET ROLE \"kind_00000000d2\"", "42501");
	PQfinish(app);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", "{}");
	app = login(rig, db, ANNA, "pw");
	works(app, "CREATE TABLE t (id int)");
	PQfinish(app);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
}

static void test_update_applies_plan(void **state)
{
	struct rig *rig = *state;
	const char *db = "plan_00000000e1";
	PGconn *app, *reader;

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", NULL);
	run_bind(rig, SERVICE_MAIN, db, READ, "pw", "{\"read_only\": true}");
	app = login(rig, db, ANNA, "pw");
	assert_value(app, "SHOW statement_timeout", "5s");
	PQfinish(app);
	run(rig, SERVICE_MAIN, CALL_UPDATE, "large", db, 0);
	app = login(rig, db, ANNA, "pw");
	assert_value(app, "SHOW statement_timeout", "0");
	assert_value(app, "SHOW work_mem", "16MB");
	assert_value(app, "SHOW search_path", "app, public, extensions");
	assert_value(app, "SELECT current_user", db);
	assert_value(app, "SELECT similarity('word', 'word')", "1");
	assert_value(app, "SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user", "20");
	assert_value(app, "SELECT datconnlimit FROM pg_database WHERE datname = current_database()", "20");
	assert_state(app, "DROP EXTENSION pg_trgm", "42501");
	reader = login(rig, db, READ, "pw");
	assert_value(reader, "SELECT current_user", READ);
	assert_value(reader, "SHOW transaction_read_only", "on");
	PQfinish(reader);
	PQfinish(app);
	run(rig, SERVICE_MAIN, CALL_UPDATE, "absent", db, ERR_REFUSED);
	run(rig, SERVICE_MAIN, CALL_UPDATE, "wrong", db, ERR_REFUSED);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
	run(rig, SERVICE_MAIN, CALL_UPDATE, "small", db, ERR_REFUSED);
}

static void test_creation_options(void **state)
{
	struct rig *rig = *state;
	struct request *request = new_request("gone_00000000f2");

	run(rig, SERVICE_MAIN, CALL_PROVISION, "foreign", "loc_00000000f1", 0);
	admin_value(rig, "SELECT datcollate FROM pg_database WHERE datname = 'loc_00000000f1'", "C");
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, "loc_00000000f1", 0);
	start(rig, SERVICE_MAIN, CALL_PROVISION, "absent", request);
	assert_int_equal(await(rig, request), ERR_REFUSED);
	assert_non_null(strstr(request->error.text, "\"one\""));
	assert_non_null(strstr(request->error.text, "no_such_extension"));
	drop(request);
	run(rig, SERVICE_MAIN, CALL_PROVISION, "wrong", "gone_00000000f3", ERR_REFUSED);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, "gone_00000000f2", 0);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, "gone_00000000f3", 0);
}

static void check_leftovers(struct rig *rig, int service)
{
	const char *db = "left_00000000g1";
	PGconn *app;

	run(rig, service, CALL_PROVISION, "small", db, 0);
	run_bind(rig, service, db, ANNA, "pw", NULL);
	run_bind(rig, service, db, BERT, "pw", NULL);
	admin_does(rig, db,
	           "CREATE SCHEMA own AUTHORIZATION \"" ANNA "\"; CREATE TABLE own.t AS SELECT 1;"
	           "ALTER TABLE own.t OWNER TO \"" ANNA "\"");
	app = login(rig, db, BERT, "pw");
	works(app, "CREATE TABLE t (id int); GRANT SELECT ON t TO \"" ANNA "\"");
	/* Only a superuser takes away what somebody else granted. */
	if (service == SERVICE_MAIN)
		admin_does(rig, "postgres", "GRANT CREATE ON DATABASE postgres TO \"" ANNA "\"");
	run_unbind(rig, service, db, ANNA);
	assert_value(app, "SELECT count(*) FROM own.t", "1");
	works(app, "DROP TABLE own.t");
	PQfinish(app);
	run(rig, service, CALL_DEPROVISION, NULL, db, 0);
	admin_value(rig, "SELECT count(*) FROM pg_roles WHERE rolname ~ '_[0-9a-f]{10}(_r)?$'", "0");
}

/* What a login came to own, or was granted by name, does not keep it from going. */
static void test_unbind_clears_leftovers(void **state)
{
	check_leftovers(*state, SERVICE_MAIN);
	check_leftovers(*state, SERVICE_LIMITED);
}

static void test_deprovision_of_halves(void **state)
{
	struct rig *rig = *state;
	const char *db = "half_00000000h1";
	const struct bind binds[] = {{.login = ANNA}, {.login = "never_0123456789"}};
	struct request *request;

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", NULL);
	run_bind(rig, SERVICE_MAIN, db, BERT, "pw", NULL);
	admin_does(rig, "postgres", "GRANT \"half_00000000h1\" TO joe");
	admin_does(rig, "postgres",
	           "SET ROLE \"half_00000000h1\"; RESET ROLE; CREATE TABLE kept (id int);"
	           "GRANT SELECT ON kept TO \"half_00000000h1\"");
	admin_does(rig, "postgres", "DROP DATABASE \"half_00000000h1\" WITH (FORCE)");
	run_unbind(rig, SERVICE_MAIN, db, BERT);
	request = new_request(db);
	request->call.binds = binds;
	request->call.bind_count = 2;
	start(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, request);
	expect(rig, request, 0);
	admin_value(rig, "SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname ~ '^(half|anna|bert|joe)'",
	            "joe");
	admin_does(rig, "postgres", "DROP TABLE kept");
}

static void test_check_and_observe(void **state)
{
	struct rig *rig = *state;
	const char *db = "seen_00000000i1";
	struct request *request = new_request(db);
	PGconn *app;

	run(rig, SERVICE_MAIN, CALL_CHECK, NULL, NULL, 0);
	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", NULL);
	app = login(rig, db, ANNA, "pw");
	start(rig, SERVICE_MAIN, CALL_OBSERVE, NULL, request);
	assert_int_equal(await(rig, request), 0);
	assert_string_equal(result_of(request, "Connections"), "1 of 3");
	assert_non_null(strstr(result_of(request, "Size"), "B"));
	assert_true(strlen(result_of(request, "Version")) > 1);
	drop(request);
	PQfinish(app);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
	run(rig, SERVICE_MAIN, CALL_OBSERVE, NULL, db, ERR_NOT_FOUND);
}

/* An operator keeps a database, as the manual says, and the instance can still go. */
static void test_moving_off(void **state)
{
	struct rig *rig = *state;
	const char *db = "shop_00000000n1";
	PGconn *app;

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", NULL);
	run_bind(rig, SERVICE_MAIN, db, READ, "pw", "{\"read_only\": true}");
	app = login(rig, db, ANNA, "pw");
	works(app, "CREATE TABLE kept AS SELECT 1");
	PQfinish(app);
	admin_does(rig, "postgres", "ALTER DATABASE shop_00000000n1 RENAME TO shop");
	admin_does(rig, "postgres", "ALTER DATABASE shop OWNER TO joe");
	admin_does(rig, "shop", "REASSIGN OWNED BY shop_00000000n1 TO joe; DROP OWNED BY shop_00000000n1_r");
	run_unbind(rig, SERVICE_MAIN, db, READ);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
	app = postgres_server_admin(&rig->server, "shop");
	assert_value(app, "SELECT count(*) FROM kept", "1");
	PQfinish(app);
	admin_value(rig, "SELECT count(*) FROM pg_roles WHERE rolname ~ '_[0-9a-f]{10}(_r)?$'", "0");
	admin_does(rig, "postgres", "DROP DATABASE shop");
}

/* Until the server has no session of the broker's by its socket any more; the loop turns meanwhile, or not. */
static void await_no_session(struct rig *rig, PGconn *admin)
{
	const double until = now_ms() + 20000;
	bool gone = false;

	while (!gone && now_ms() < until) {
		PGresult *rows = PQexec(admin, SOCKET_SESSIONS);

		gone = strcmp(PQgetvalue(rows, 0, 0), "0") == 0;
		PQclear(rows);
		turn(rig);
	}
	assert_true(gone);
}

/* Sessions that nobody uses go; those that were ended by the server are not handed out. */
static void test_idle_sessions_go(void **state)
{
	struct rig *rig = *state;
	PGconn *admin = postgres_server_admin(&rig->server, "postgres");

	run(rig, SERVICE_SOCKET, CALL_CHECK, NULL, NULL, 0);
	assert_value(admin, SOCKET_SESSIONS, "1");
	await_no_session(rig, admin);
	run(rig, SERVICE_SOCKET, CALL_CHECK, NULL, NULL, 0);
	/* Once the process is gone, the connection is. */
	end_sessions(admin, "application_name = 'tsuru-broker - socket'");
	run(rig, SERVICE_SOCKET, CALL_CHECK, NULL, NULL, 0);
	PQfinish(admin);
}

static void test_wrong_password_of_the_broker(void **state)
{
	struct rig *rig = *state;
	struct request *request = new_request(NULL);

	start(rig, SERVICE_WRONG, CALL_CHECK, NULL, request);
	assert_int_equal(await(rig, request), ERR_UNAVAILABLE);
	assert_non_null(strstr(request->error.text, "password authentication failed"));
	assert_null(strstr(request->error.text, "hunter2"));
	drop(request);
}

/* Whatever was on the wire when it was given up, the same call again reaches the end. */
static void test_cancel_at_any_point(void **state)
{
	struct rig *rig = *state;
	const char *db = "stop_00000000j1";

	for (int turns = 1; turns < 400; turns += 1 + turns / 4) {
		struct request *request = new_request(db);

		start(rig, SERVICE_MAIN, CALL_PROVISION, "small", request);
		for (int i = 0; i < turns && !request->settled; i++)
			turn(rig);
		call_cancel(&request->call);
		drop(request);
		run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
		request = new_request(db);
		start(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, request);
		for (int i = 0; i < turns && !request->settled; i++)
			turn(rig);
		call_cancel(&request->call);
		drop(request);
		run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
		admin_value(rig, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^stop'", "0");
		admin_value(rig, "SELECT count(*) FROM pg_database WHERE datname ~ '^stop'", "0");
	}
}

/* A removal that follows a creation that was given up waits for what of it still runs on the server. */
static void test_removal_after_abandoned_creation(void **state)
{
	struct rig *rig = *state;

	for (int turns = 1; turns < 200; turns += 1 + turns / 2) {
		struct request *request = new_request("abandoned_00000000j2");

		start(rig, SERVICE_MAIN, CALL_PROVISION, "small", request);
		for (int i = 0; i < turns && !request->settled; i++)
			turn(rig);
		call_cancel(&request->call);
		drop(request);
		run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, "abandoned_00000000j2", 0);
		admin_value(rig, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^abandoned'", "0");
		admin_value(rig, "SELECT count(*) FROM pg_database WHERE datname ~ '^abandoned'", "0");
	}
}

#define CROWD 200

static void test_crowd_of_binds(void **state)
{
	struct rig *rig = *state;
	const char *db = "crowd_00000000k1";
	static struct request *requests[CROWD];
	static char logins[CROWD][32];
	const double begin = now_ms();

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	for (int i = 0; i < CROWD; i++) {
		snprintf(logins[i], sizeof(logins[i]), "crowd%d_0123456789", i);
		requests[i] = new_bind(db, logins[i], "pw");
		start(rig, SERVICE_MAIN, CALL_BIND, "small", requests[i]);
	}
	for (int i = 0; i < CROWD; i++)
		expect_at_last(rig, requests[i]);
	print_message("%d binds at once: %.0f ms\n", CROWD, now_ms() - begin);
	for (int i = 0; i < CROWD; i += 37)
		assert_true(can_login(rig, db, logins[i], "pw"));
	run(rig, SERVICE_MAIN, CALL_UPDATE, "large", db, 0);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
	admin_value(rig, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^crowd'", "0");
}

#define MANY 12

static void test_many_instances_at_once(void **state)
{
	struct rig *rig = *state;
	const enum call_kind kinds[] = {CALL_PROVISION, CALL_UPDATE, CALL_DEPROVISION};
	static char names[MANY][32];

	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
		struct request *requests[MANY];

		for (int i = 0; i < MANY; i++) {
			snprintf(names[i], sizeof(names[i]), "many%d_0123456789", i);
			requests[i] = new_request(names[i]);
			start(rig, i % 2 ? SERVICE_MAIN : SERVICE_LIMITED, kinds[kind], "small", requests[i]);
		}
		for (int i = 0; i < MANY; i++)
			expect_at_last(rig, requests[i]);
	}
	admin_value(rig, "SELECT count(*) FROM pg_database WHERE datname ~ '^many'", "0");
}

/* A server that takes connections and says nothing: calls end by their deadline, and no turn of the loop is long. */
static void test_silent_server(void **state)
{
	struct rig *rig = *state;
	struct request *request = new_request(NULL);
	const double longest = rig->longest_turn;

	postgres_server_stop(&rig->server, "fast");
	postgres_server_start(&rig->server, true);
	assert_int_equal(kill(postgres_server_pid(&rig->server), SIGSTOP), 0);
	rig->longest_turn = 0;
	request->call.timeout = 700;
	start(rig, SERVICE_MAIN, CALL_CHECK, NULL, request);
	assert_int_equal(await(rig, request), ERR_TIMEOUT);
	drop(request);
	run(rig, SERVICE_MAIN, CALL_CHECK, NULL, NULL, ERR_UNAVAILABLE);
	assert_true(rig->longest_turn < 5000); /* half of what a turn that waited for a connection would take */
	assert_int_equal(kill(postgres_server_pid(&rig->server), SIGCONT), 0);
	run(rig, SERVICE_MAIN, CALL_CHECK, NULL, NULL, 0);
	if (longest > rig->longest_turn)
		rig->longest_turn = longest;
}

static void test_server_stops_in_the_middle(void **state)
{
	struct rig *rig = *state;
	const char *db = "outage_00000000l1";
	struct request *request;

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	request = new_bind(db, ANNA, "pw");
	start(rig, SERVICE_MAIN, CALL_BIND, "small", request);
	turn(rig);
	postgres_server_stop(&rig->server, "immediate");
	assert_int_equal(await(rig, request), ERR_UNAVAILABLE);
	assert_null(strstr(request->error.text, "secret"));
	drop(request);
	run(rig, SERVICE_MAIN, CALL_CHECK, NULL, NULL, ERR_UNAVAILABLE);
	run(rig, SERVICE_VERIFIED, CALL_CHECK, NULL, NULL, ERR_UNAVAILABLE);
	postgres_server_start(&rig->server, false);
	run(rig, SERVICE_MAIN, CALL_CHECK, NULL, NULL, 0);
	run(rig, SERVICE_VERIFIED, CALL_CHECK, NULL, NULL, ERR_UNAVAILABLE);
	/* Idle sessions that a restart ended are not used again; one that was being opened may have failed. */
	postgres_server_stop(&rig->server, "fast");
	postgres_server_start(&rig->server, true);
	request = new_request(NULL);
	start(rig, SERVICE_MAIN, CALL_CHECK, NULL, request);
	expect_at_last(rig, request);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", NULL);
	assert_true(can_login(rig, db, ANNA, "pw"));
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
}

static size_t count_results(const struct request *request, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < request->call.result_count; i++)
		count += strcmp(request->call.results[i].name, name) == 0;
	return count;
}

static void run_mark(struct rig *rig, int service, enum call_kind kind, const char *mark, int code)
{
	struct request *request = new_request(NULL);

	request->call.mark = mark;
	start(rig, service, kind, NULL, request);
	expect(rig, request, code);
}

static void assert_mark(struct rig *rig, int service, const char *mark)
{
	struct request *request = new_request(NULL);

	start(rig, service, CALL_READ_MARK, NULL, request);
	assert_int_equal(await(rig, request), 0);
	assert_int_equal(count_results(request, MARK_RESULT), mark != NULL);
	if (mark != NULL)
		assert_string_equal(result_of(request, MARK_RESULT), mark);
	drop(request);
}

static void run_with_mark(struct rig *rig, enum call_kind kind, const char *mark, int code)
{
	struct request *request = new_request("marked_00000000o1");

	request->call.mark = mark;
	start(rig, SERVICE_MAIN, kind, kind == CALL_PROVISION ? "small" : NULL, request);
	expect(rig, request, code);
}

/* Whether the socket is a connection to the server; such that still log in included. */
static bool leads_to(int fd, int port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_un local;
	} peer = {.local = {0}};
	socklen_t size = sizeof(peer);

	if (getpeername(fd, &peer.any, &size) != 0)
		return false;
	return peer.any.sa_family == AF_INET
	           ? ntohs(peer.v4.sin_port) == port
	           : peer.any.sa_family == AF_UNIX && strstr(peer.local.sun_path, ".s.PGSQL.") != NULL;
}

/* The driver's: all of this process but the given one. */
static int count_connections(int port, int except)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fd != except && leads_to(fd, port);
	return count;
}

/* Whatever the driver had open, or was opening, has ended, and it knows. A session that asks is let finish: the driver
 * would open another one to end it. */
static void await_end_of_sessions(struct rig *rig, PGconn *admin)
{
	const double until = now_ms() + 60000;
	int quiet = 0;

	while (quiet < 10 && now_ms() < until) {
		end_sessions(admin, "application_name LIKE 'tsuru-broker%' AND state = 'idle'");
		turn(rig);
		quiet = count_connections(rig->server.port, PQsocket(admin)) == 0 ? quiet + 1 : 0;
	}
	assert_int_equal(quiet, 10);
}

static void make_home_anew(struct rig *rig, const char *owner)
{
	PGconn *admin = postgres_server_admin(&rig->server, "postgres");
	char statement[128];

	await_end_of_sessions(rig, admin);
	works(admin, "DROP DATABASE IF EXISTS tsuru_broker WITH (FORCE)");
	if (owner != NULL) {
		snprintf(statement, sizeof(statement), "CREATE DATABASE tsuru_broker OWNER \"%s\"", owner);
		works(admin, statement);
	}
	PQfinish(admin);
}

/* Before PostgreSQL 16 a role with CREATEROLE lets itself act as any that is no superuser. */
static bool acts_unasked(struct rig *rig)
{
	PGconn *admin = postgres_server_admin(&rig->server, "postgres");
	const int version = PQserverVersion(admin);

	PQfinish(admin);
	return version < 160000;
}

/* Since then it is granted the role by an operator, whom the failure tells so. */
static void grant_where_needed(struct rig *rig, const char *role, enum call_kind kind, const char *sentence)
{
	struct request *request = new_request(NULL);
	char statement[64];

	if (!acts_unasked(rig)) {
		request->call.mark = "cc";
		start(rig, SERVICE_LIMITED, kind, NULL, request);
		assert_int_equal(await(rig, request), ERR_UNAVAILABLE);
		assert_non_null(strstr(request->error.text, sentence));
		snprintf(statement, sizeof(statement), "GRANT %s TO limited", role);
		admin_does(rig, "postgres", statement);
	}
	drop(request);
}

/* All services of a server share its mark; work of a broker that the server was taken from is not done. */
static void test_marks(void **state)
{
	struct rig *rig = *state;
	struct request *request = new_request(NULL);

	make_home_anew(rig, NULL);
	assert_mark(rig, SERVICE_MAIN, NULL);
	run_mark(rig, SERVICE_MAIN, CALL_WRITE_MARK, "00ff-1.2", 0);
	assert_mark(rig, SERVICE_MAIN, "00ff-1.2");
	assert_mark(rig, SERVICE_LIMITED, "00ff-1.2");
	run_with_mark(rig, CALL_PROVISION, "00ff-1.1", ERR_UNAVAILABLE);
	admin_value(rig, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^marked'", "0");
	run_with_mark(rig, CALL_PROVISION, "00ff-1.2", 0);
	run_mark(rig, SERVICE_MAIN, CALL_WRITE_MARK, "aa", 0);
	run_with_mark(rig, CALL_DEPROVISION, "00ff-1.2", ERR_UNAVAILABLE);
	admin_value(rig, "SELECT count(*) FROM pg_database WHERE datname ~ '^marked'", "1");
	run_with_mark(rig, CALL_DEPROVISION, "aa", 0);
	admin_does(rig, "postgres", "COMMENT ON DATABASE tsuru_broker IS NULL");
	assert_mark(rig, SERVICE_MAIN, NULL);
	run_with_mark(rig, CALL_PROVISION, "aa", ERR_UNAVAILABLE);

	request->call.mark = "bb";
	start(rig, SERVICE_LIMITED, CALL_WRITE_MARK, NULL, request);
	assert_int_equal(await(rig, request), ERR_UNAVAILABLE);
	assert_non_null(strstr(request->error.text, "ALTER DATABASE tsuru_broker OWNER TO limited"));
	drop(request);
	admin_does(rig, "postgres", "ALTER DATABASE tsuru_broker OWNER TO limited");
	run_mark(rig, SERVICE_LIMITED, CALL_WRITE_MARK, "bb", 0);
	assert_mark(rig, SERVICE_MAIN, "bb");
	/* Another role of the broker's may act for the owner. */
	admin_does(rig, "postgres", "CREATE ROLE earlier CREATEROLE; ALTER DATABASE tsuru_broker OWNER TO earlier");
	grant_where_needed(rig, "earlier", CALL_WRITE_MARK, "as a superuser: GRANT earlier TO limited");
	run_mark(rig, SERVICE_LIMITED, CALL_WRITE_MARK, "cc", 0);
	assert_mark(rig, SERVICE_LIMITED, "cc");
	admin_value(rig, ACTORS("'earlier'"), acts_unasked(rig) ? "0" : "1");
	admin_does(rig, "postgres", "DROP DATABASE tsuru_broker WITH (FORCE)");
	admin_does(rig, "postgres", "DROP ROLE earlier");
}

static void check_says(struct rig *rig, int service, int code, const char *text)
{
	struct request *request = new_request(NULL);

	start(rig, service, CALL_CHECK, NULL, request);
	assert_int_equal(await(rig, request), code);
	if (code != 0 && strstr(request->error.text, text) == NULL)
		fail_msg("%s", request->error.text);
	if (code == 0)
		assert_string_equal(text, count_results(request, CHECK_WARNING) > 0 ? "superuser" : "");
	drop(request);
}

/* The database of the locks is made by whoever comes first and lets in admins and nobody else. */
static void test_home_is_closed(void **state)
{
	struct rig *rig = *state;
	const char *db = "home_00000000p1";

	make_home_anew(rig, NULL);
	run(rig, SERVICE_LIMITED, CALL_PROVISION, "small", db, 0);
	run_bind(rig, SERVICE_LIMITED, db, ANNA, "pw", NULL);
	admin_value(rig, "SELECT datdba::regrole FROM pg_database WHERE datname = 'tsuru_broker'", "limited");
	assert_false(can_login(rig, "tsuru_broker", ANNA, "pw"));
	check_says(rig, SERVICE_LIMITED, 0, "");
	check_says(rig, SERVICE_MAIN, 0, "superuser");
	/* Lost in the middle of the life, it is there again. */
	make_home_anew(rig, NULL);
	run_unbind(rig, SERVICE_LIMITED, db, ANNA);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
	/* Open to the public, as if an operator had made it. */
	make_home_anew(rig, LIMITED_USER);
	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", NULL);
	assert_true(can_login(rig, "postgres", ANNA, "pw"));
	assert_false(can_login(rig, "tsuru_broker", ANNA, "pw"));
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
}

/* A role that was made for another service later on is let in by the one that can. */
static void test_home_lets_admins_in(void **state)
{
	struct rig *rig = *state;
	PGconn *admin;

	make_home_anew(rig, NULL);
	run(rig, SERVICE_MAIN, CALL_CHECK, NULL, NULL, 0);
	admin_does(rig, "postgres", "CREATE ROLE late LOGIN CREATEDB CREATEROLE PASSWORD 'late'");
	assert_false(can_login(rig, "tsuru_broker", "late", "late"));
	run(rig, SERVICE_MAIN, CALL_CHECK, NULL, NULL, 0);
	assert_true(can_login(rig, "tsuru_broker", "late", "late"));
	make_home_anew(rig, "late");
	admin_does(rig, "postgres", "REVOKE CONNECT ON DATABASE tsuru_broker FROM PUBLIC");
	grant_where_needed(rig, "late", CALL_CHECK, "as late: REVOKE ALL ON DATABASE tsuru_broker FROM PUBLIC");
	run(rig, SERVICE_LIMITED, CALL_CHECK, NULL, NULL, 0);
	admin_does(rig, "postgres", "REVOKE CONNECT ON DATABASE tsuru_broker FROM limited");
	admin_does(rig, "postgres", "ALTER DATABASE tsuru_broker OWNER TO admin");
	admin = postgres_server_admin(&rig->server, "postgres");
	end_sessions(admin, "usename = 'limited'");
	PQfinish(admin);
	check_says(rig, SERVICE_LIMITED, ERR_UNAVAILABLE, "GRANT CONNECT ON DATABASE tsuru_broker TO limited");
	make_home_anew(rig, "joe");
	check_says(rig, SERVICE_LIMITED, ERR_UNAVAILABLE, "belongs to joe");
	check_says(rig, SERVICE_MAIN, ERR_UNAVAILABLE, "ALTER DATABASE tsuru_broker OWNER TO admin");
	make_home_anew(rig, NULL);
	admin_does(rig, "postgres", "DROP ROLE late");
}

/* A database whose owner tries to bend the statements that a superuser sends there. */
static void test_hostile_tenant(void **state)
{
	struct rig *rig = *state;
	const char *db = "evil_00000000m1";
	PGconn *app;

	run(rig, SERVICE_MAIN, CALL_PROVISION, "small", db, 0);
	run_bind(rig, SERVICE_MAIN, db, ANNA, "pw", NULL);
	app = login(rig, db, ANNA, "pw");
	works(app, "CREATE FUNCTION public.pg_has_role(oid, text) RETURNS bool LANGUAGE sql AS"
	           " 'ALTER ROLE \"" ANNA "\" SUPERUSER; SELECT true'; CREATE FUNCTION public.format(text, name, text)"
	           " RETURNS text LANGUAGE sql AS $$SELECT 'ALTER ROLE \"" ANNA "\" SUPERUSER'$$");
	works(app, "ALTER DATABASE \"evil_00000000m1\" SET search_path TO public, pg_catalog;"
	           "ALTER DATABASE \"evil_00000000m1\" SET default_transaction_read_only TO on;"
	           "ALTER DATABASE \"evil_00000000m1\" SET statement_timeout TO 1");
	run_bind(rig, SERVICE_MAIN, db, READ, "pw", "{\"read_only\": true}");
	run(rig, SERVICE_MAIN, CALL_UPDATE, "large", db, 0);
	run_unbind(rig, SERVICE_MAIN, db, READ);
	admin_value(rig, "SELECT count(*) FROM pg_roles WHERE rolsuper AND rolname LIKE 'anna%'", "0");
	PQfinish(app);
	run(rig, SERVICE_MAIN, CALL_DEPROVISION, NULL, db, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_life_with_superuser),
	    cmocka_unit_test(test_life_with_limited_user),
	    cmocka_unit_test(test_life_with_verified_tls),
	    cmocka_unit_test(test_life_over_socket),
	    cmocka_unit_test(test_neighbours_are_kept_out),
	    cmocka_unit_test(test_bind_gives_variables),
	    cmocka_unit_test(test_renewal),
	    cmocka_unit_test(test_bind_changes_kind),
	    cmocka_unit_test(test_update_applies_plan),
	    cmocka_unit_test(test_creation_options),
	    cmocka_unit_test(test_unbind_clears_leftovers),
	    cmocka_unit_test(test_deprovision_of_halves),
	    cmocka_unit_test(test_check_and_observe),
	    cmocka_unit_test(test_moving_off),
	    cmocka_unit_test(test_idle_sessions_go),
	    cmocka_unit_test(test_wrong_password_of_the_broker),
	    cmocka_unit_test(test_hostile_tenant),
	    cmocka_unit_test(test_marks),
	    cmocka_unit_test(test_home_is_closed),
	    cmocka_unit_test(test_home_lets_admins_in),
	    cmocka_unit_test(test_cancel_at_any_point),
	    cmocka_unit_test(test_removal_after_abandoned_creation),
	    cmocka_unit_test(test_crowd_of_binds),
	    cmocka_unit_test(test_many_instances_at_once),
	    cmocka_unit_test(test_silent_server),
	    cmocka_unit_test(test_server_stops_in_the_middle),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
