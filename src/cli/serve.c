/* The broker as a process: its parts are built in order, run until a signal, and taken down in reverse. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/secret.h"
#include "cli/address.h"
#include "cli/command.h"
#include "cli/files.h"
#include "cli/key.h"
#include "cli/load.h"
#include "cli/logins.h"
#include "cli/program.h"
#include "cli/standing.h"
#include "cli/vitals.h"
#include "driver/resolver.h"
#include "http/http.h"
#include "records/keycheck.h"
#include "requests/operator.h"
#include "store/members.h"

static const int signals[PROGRAM_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

/* ---- signals ---- */

static void on_hangup(evutil_socket_t number, short what, void *arg)
{
	struct program *program = arg;
	struct caller caller = {.user = "SIGHUP"};
	struct error error;
	int rc;

	(void)number;
	(void)what;
	rc = program_reload(program, &error);
	if (broker_has_begun(program->broker, NULL) == 0) /* one that stands by writes nothing: the log tells it */
		operator_note(broker_requests(program->broker), &caller, "reload", rc == 0 ? "done" : "failed",
		              rc == 0 ? NULL : error.text);
}

/* The first ends the service, the second the waiting. */
static void on_stop(evutil_socket_t number, short what, void *arg)
{
	struct program *program = arg;

	(void)number;
	(void)what;
	program->stops++;
	program->impatient = program->stops > 1;
	event_base_loopbreak(program->base);
}

static int catch_signals(struct program *program, struct error *error)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	/* A peer that is gone and a limit on files are told by the call that meets them. */
	if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0)
		return error_set(error, ERR_INTERNAL, "signals cannot be ignored: %s", strerror(errno));
	for (size_t i = 0; i < PROGRAM_SIGNALS; i++) {
		program->on_signals[i] =
		    evsignal_new(program->base, signals[i], signals[i] == SIGHUP ? on_hangup : on_stop, program);
		if (program->on_signals[i] == NULL || event_add(program->on_signals[i], NULL) != 0)
			return error_no_memory(error);
	}
	return 0;
}

/* ---- building ---- */

static void set_limits(void)
{
	umask(077);
	files_raise();
#ifdef NO_CORE_DUMPS
	setrlimit(RLIMIT_CORE, &(const struct rlimit){0, 0});
#endif
}

static void open_log(struct program *program)
{
	program->log = (struct log){
	    .fd = STDERR_FILENO,
	    .level = (enum log_level)log_level_parse(program->config->log_level),
	    .json = strcmp(program->config->log_format, "json") == 0,
	};
}

static void on_log_due(evutil_socket_t number, short what, void *arg)
{
	const struct program *program = arg;

	(void)number;
	(void)what;
	log_flush(&program->log);
}

static void on_first_line(void *arg)
{
	const struct program *program = arg;

	event_active(program->log_due, EV_TIMEOUT, 0);
}

/* The access lines of a turn share a write. It comes before the replies that they tell of: those are sent by events
 * that are made active later. */
static int gather_log(struct program *program, struct error *error)
{
	program->log_due = event_new(program->base, -1, 0, on_log_due, program);
	if (program->log_due == NULL)
		return error_no_memory(error);
	program->log_gather.on_first = on_first_line;
	program->log_gather.arg = program;
	program->log.gather = &program->log_gather;
	return 0;
}

static int open_loop(struct program *program, struct error *error)
{
	struct event_config *options = event_config_new();

	if (options == NULL)
		return error_no_memory(error);
	event_config_set_flag(options, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	program->base = event_base_new_with_config(options);
	event_config_free(options);
	/* The end of a lease goes first; all other events have the lower one of two priorities. */
	if (program->base == NULL || event_base_priority_init(program->base, 2) != 0)
		return error_set(error, ERR_INTERNAL, "the event loop cannot be made: %s", strerror(errno));
	program->timers = timers_new(program->base);
	if (program->timers == NULL)
		return error_no_memory(error);
	if (gather_log(program, error) != 0)
		return error->code;
	if (pulse_start(&program->pulse, program->timers, &program->log, error) != 0)
		return error->code;
	return trim_start(&program->trim, program->timers, error);
}

static int open_metrics(struct program *program, struct error *error)
{
	program->started = timers_wall(program->timers);
	program->began = timers_now(program->timers);
	program->metrics = metrics_new();
	if (program->metrics == NULL)
		return error_no_memory(error);
	http_measures_init(&program->http_measures, program->metrics);
	relay_measures_init(&program->relay_measures, program->metrics);
	vitals_open(program);
	return 0;
}

static void on_store_broken(void *arg, const struct error *error)
{
	const struct program *program = arg;

	log_event(&program->log, LOG_ERROR, "store-broken", "reason", error->text);
}

static int open_store(struct program *program, struct error *error)
{
	struct store_options options = {
	    .directory = program->config->data_dir,
	    .size_max = program->config->limits.store_bytes,
	    .base = program->base,
	    .on_broken = on_store_broken,
	    .on_standing = standing_changed,
	    .on_members = replicas_changed,
	    .arg = program,
	};

	if (program->config->store == NULL)
		return store_open(&options, &program->store, error);
	program->sharing = config_hold(program->config);
	shared_fill(program->sharing, program->keyring, &program->names, &program->shared);
	options.shared = &program->shared;
	return standing_watch(program, error) != 0 ? error->code : store_open(&options, &program->store, error);
}

/* Before a store that is shared: this broker's addresses in it are signed. Behind one of its own: that says whether a
 * key may be made. */
static int open_keys(struct program *program, struct error *error)
{
	const bool may_create = program->store != NULL && !keycheck_has_mark(program->store);
	const char *variable = getenv("SECRET_KEY");

	program->key_is_fixed = program->config->secret_key_file == NULL && variable != NULL && variable[0] != '\0';
	return key_open(program->config, &program->log, may_create, &program->keyring, error);
}

static int open_broker(struct program *program, struct error *error)
{
	const struct broker_options options = {
	    .config = program->config,
	    .store = program->store,
	    .keyring = program->keyring,
	    .timers = program->timers,
	    .context = &program->context,
	    .log = &program->log,
	    .metrics = program->metrics,
	};

	replicas_describe(program);
	program->context.base = program->base;
	program->context.timers = program->timers;
	program->context.resolver = program->resolver;
	program->context.logins = program->logins;
	program->role = store_standing(program->store)->role;
	return broker_open(&options, &program->broker, error);
}

static int open_api(struct program *program, struct error *error)
{
	const struct api_options options = {
	    .config = program->config,
	    .broker = program->broker,
	    .log = &program->log,
	    .measures = &program->http_measures,
	    .base = program->base,
	    .timers = program->timers,
	    .store = program->store,
	    .keyring = program->keyring,
	    .name = program->config->store != NULL ? program->names.name : NULL,
	    .addresses = program->names.address,
	    .relay_measures = &program->relay_measures,
	    .on_certificate = program_renew_trust,
	    .arg = program,
	};

	return api_open(&options, &program->api, error);
}

static int reload_for_operator(void *arg, struct error *error)
{
	return program_reload(arg, error);
}

static const char *configuration_error(void *arg)
{
	const struct program *program = arg;

	return program->file_is_bad ? program->file_error.text : NULL;
}

static int open_admin(struct program *program, struct error *error)
{
	const struct admin_options options = {
	    .config = program->config,
	    .broker = program->broker,
	    .store = program->store,
	    .metrics = program->metrics,
	    .measures = &program->http_measures,
	    .log = &program->log,
	    .base = program->base,
	    .timers = program->timers,
	    .name = program->config->store != NULL ? program->names.name : NULL,
	    .addresses = program->names.address,
	    .keyring = program->keyring,
	    .relay_measures = &program->relay_measures,
	    .program =
	        {
	            .arg = program,
	            .version = BROKER_VERSION,
	            .began = program->began,
	            .reload = reload_for_operator,
	            .configuration_error = configuration_error,
	        },
	};

	return program->config->admin != NULL ? admin_open(&options, &program->admin, error) : 0;
}

static int open_parts(struct program *program, struct error *error)
{
	const bool shares = program->config->store != NULL;
	int rc = open_loop(program, error);

	if (rc == 0)
		rc = open_metrics(program, error);
	if (rc == 0)
		rc = catch_signals(program, error);
	if (rc == 0)
		rc = resolver_new(program->base, program->timers, &program->resolver, error);
	if (rc == 0)
		rc = logins_open(program, error);
	if (rc == 0)
		rc = shares ? open_keys(program, error) : 0;
	if (rc == 0)
		rc = open_store(program, error);
	if (rc == 0 && !shares)
		rc = open_keys(program, error);
	if (rc == 0)
		rc = open_broker(program, error);
	if (rc == 0)
		rc = open_api(program, error);
	return rc == 0 ? open_admin(program, error) : rc;
}

static void close_parts(struct program *program)
{
	admin_close(program->admin);
	api_close(program->api);
	broker_close(program->broker);
	keyring_free(program->keyring);
	store_close(program->store);
	logins_end(program);
	resolver_free(program->resolver);
	trim_stop(&program->trim);
	pulse_stop(&program->pulse);
	log_flush(&program->log);
	standing_end(program);
	if (program->log_due != NULL)
		event_free(program->log_due);
	for (size_t i = 0; i < PROGRAM_SIGNALS; i++) {
		if (program->on_signals[i] != NULL)
			event_free(program->on_signals[i]);
	}
	timers_free(program->timers);
	loop_free(program->base);
	metrics_free(program->metrics);
	config_free(program->sharing);
	config_free(program->config);
}

/* ---- running ---- */

static void log_listener(const struct program *program, const char *event, const struct listener *listener,
                         uint16_t port)
{
	char address[ADDRESS_MAX];
	struct log_line line;

	if (listener->path == NULL)
		address_format(listener->host, port, address, sizeof(address));
	log_begin(&line, &program->log, LOG_INFO, event);
	log_text(&line, "address", listener->path != NULL ? listener->text : address);
	log_text(&line, "version", BROKER_VERSION);
	log_number(&line, "services", (int64_t)program->config->service_count);
	if (listener->path == NULL && program->config->tls != NULL && strcmp(event, "listening") == 0)
		log_text(&line, "tls", program->config->tls->cert);
	log_end(&line);
}

/* The service's listeners come last: whoever waits for the program waits for them. */
static void log_listening(const struct program *program)
{
	const struct config *config = program->config;

	if (program->admin != NULL)
		log_listener(program, "listening-admin", &config->admin->listen, admin_port(program->admin));
	for (size_t i = 0; i < config->listener_count; i++)
		log_listener(program, "listening", &config->listeners[i], api_port(program->api, i));
}

static void log_certificate(const struct program *program)
{
	const struct tls_files *files = program->config->tls;
	const struct http_tls tls = {.cert = files != NULL ? files->cert : NULL,
	                             .key = files != NULL ? files->key : NULL,
	                             .client_ca = files != NULL ? files->client_ca : NULL};
	bool expired = false;

	if (files == NULL || http_tls_check(&tls, &expired, NULL) != 0 || !expired)
		return;
	log_event(&program->log, LOG_WARNING, "certificate-expired", "file", files->cert);
}

static size_t count_waiting(const struct program *program)
{
	return api_pending(program->api) + admin_pending(program->admin);
}

static void log_stopping(const struct program *program, const char *event)
{
	struct log_line line;

	log_begin(&line, &program->log, LOG_INFO, event);
	log_number(&line, "waiting", (int64_t)count_waiting(program));
	log_number(&line, "longest_turn_ms", program->pulse.longest);
	log_end(&line);
}

static void on_impatience(void *arg)
{
	struct program *program = arg;

	program->impatient = true;
}

/* Accepts nothing more and lets what waits finish, for a while. */
static void drain(struct program *program)
{
	log_stopping(program, "stopping");
	standing_leave(program);
	api_drain(program->api);
	timer_init(&program->patience, on_impatience, program);
	if (timer_start(program->timers, &program->patience, program->config->limits.shutdown) != 0)
		return;
	while (!program->impatient && count_waiting(program) > 0 && event_base_loop(program->base, EVLOOP_ONCE) >= 0)
		;
	timer_stop(program->timers, &program->patience);
	log_stopping(program, "stopped");
}

static int run_loop(struct program *program, struct error *error)
{
	if (program->is_short_of_files)
		files_warn(program->config, &program->log);
	log_certificate(program);
	log_listening(program);
	if (event_base_dispatch(program->base) < 0 && program->stops == 0)
		return error_set(error, ERR_INTERNAL, "the event loop failed: %s", strerror(errno));
	/* Of one that has failed, what waits can be done by others alone. */
	if (!program->has_failed || members_has_others(store_members(program->store)))
		drain(program);
	return program->has_failed ? ERR_INTERNAL : 0;
}

int run_serve(const struct invocation *invocation)
{
	struct program program = {0};
	struct error error;
	int rc = secret_init(&error);

	if (rc != 0) {
		fprintf(invocation->err, "tsuru-broker: %s\n", error.text);
		return EXIT_FAILED;
	}
	program.config_file = invocation->config_file;
	if (load_config(invocation, &program.config) != 0)
		return EXIT_FAILED;
	set_limits();
	open_log(&program);
	program.is_short_of_files = !files_fit(program.config);
	rc = open_parts(&program, &error);
	if (rc == 0)
		rc = run_loop(&program, &error);
	if (rc != 0 && !program.has_failed)
		log_event(&program.log, LOG_ERROR, "failed", "error", error.text);
	close_parts(&program);
	if (program.computing) /* what libraries do at an exit would take away what that thread uses */
		_exit(rc == 0 ? EXIT_GOOD : EXIT_FAILED);
	return rc == 0 ? EXIT_GOOD : EXIT_FAILED;
}
