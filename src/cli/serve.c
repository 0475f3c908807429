/* The broker as a process: its parts are built in order, run until a signal, and taken down in reverse. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "api/api.h"
#include "base/secret.h"
#include "cli/address.h"
#include "cli/command.h"
#include "cli/key.h"
#include "cli/load.h"
#include "cli/pulse.h"
#include "driver/resolver.h"

static const int signals[] = {SIGTERM, SIGINT, SIGHUP};

#define SIGNAL_COUNT (sizeof(signals) / sizeof(*signals))

/* All parts, in the order in which they are built. */
struct program {
	struct config *config;
	struct log log;
	struct event_base *base;
	struct event *on_signals[SIGNAL_COUNT];
	struct timers *timers;
	struct pulse pulse;
	struct resolver *resolver;
	struct store *store;
	struct keyring *keyring;
	struct driver_context context;
	struct broker *broker;
	struct api *api;

	int stops;             /* signals to stop, so far */
	struct timer patience; /* runs while waiting requests may finish */
	bool impatient;        /* it is over */
};

/* ---- signals ---- */

static void log_signal(const struct program *program, enum log_level level, const char *event, const char *message)
{
	struct log_line line;

	log_begin(&line, &program->log, level, event);
	log_text(&line, "message", message);
	log_end(&line);
}

static void on_hangup(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	log_signal(arg, LOG_WARNING, "reload-ignored",
	           "SIGHUP: reload is not supported, restart to apply the configuration");
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
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
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
	struct rlimit files;

	umask(077);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
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

static int open_loop(struct program *program, struct error *error)
{
	struct event_config *options = event_config_new();

	if (options == NULL)
		return error_no_memory(error);
	event_config_set_flag(options, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	program->base = event_base_new_with_config(options);
	event_config_free(options);
	if (program->base == NULL)
		return error_set(error, ERR_INTERNAL, "the event loop cannot be made: %s", strerror(errno));
	program->timers = timers_new(program->base);
	if (program->timers == NULL)
		return error_no_memory(error);
	return pulse_start(&program->pulse, program->timers, &program->log, error);
}

static int open_store(struct program *program, struct error *error)
{
	const struct store_options options = {
	    .directory = program->config->data_dir,
	    .size_max = program->config->limits.store_bytes,
	    .base = program->base,
	};

	return store_open(&options, &program->store, error);
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
	};

	program->context.base = program->base;
	program->context.timers = program->timers;
	program->context.resolver = program->resolver;
	return broker_open(&options, &program->broker, error);
}

static int open_api(struct program *program, struct error *error)
{
	const struct api_options options = {
	    .config = program->config,
	    .broker = program->broker,
	    .log = &program->log,
	    .base = program->base,
	    .timers = program->timers,
	};

	return api_open(&options, &program->api, error);
}

static int open_parts(struct program *program, struct error *error)
{
	int rc = open_loop(program, error);

	if (rc == 0)
		rc = catch_signals(program, error);
	if (rc == 0)
		rc = resolver_new(program->base, program->timers, &program->resolver, error);
	if (rc == 0)
		rc = open_store(program, error);
	if (rc == 0)
		rc = key_open(program->config, &program->log, !broker_store_has_key(program->store), &program->keyring,
		              error);
	if (rc == 0)
		rc = open_broker(program, error);
	return rc == 0 ? open_api(program, error) : rc;
}

static void close_parts(struct program *program)
{
	api_close(program->api);
	broker_close(program->broker);
	keyring_free(program->keyring);
	store_close(program->store);
	resolver_free(program->resolver);
	pulse_stop(&program->pulse);
	for (size_t i = 0; i < SIGNAL_COUNT; i++) {
		if (program->on_signals[i] != NULL)
			event_free(program->on_signals[i]);
	}
	timers_free(program->timers);
	if (program->base != NULL)
		event_base_free(program->base);
	config_free(program->config);
}

/* ---- running ---- */

static void log_listening(const struct program *program)
{
	char address[ADDRESS_MAX];
	struct log_line line;

	address_format(program->config->listen.host, api_port(program->api), address, sizeof(address));
	log_begin(&line, &program->log, LOG_INFO, "listening");
	log_text(&line, "address", address);
	log_text(&line, "version", BROKER_VERSION);
	log_number(&line, "services", (int64_t)program->config->service_count);
	log_end(&line);
}

static void log_stopping(const struct program *program, const char *event)
{
	struct log_line line;

	log_begin(&line, &program->log, LOG_INFO, event);
	log_number(&line, "waiting", (int64_t)api_pending(program->api));
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
	api_drain(program->api);
	timer_init(&program->patience, on_impatience, program);
	if (timer_start(program->timers, &program->patience, program->config->limits.shutdown) != 0)
		return;
	while (!program->impatient && api_pending(program->api) > 0) {
		if (event_base_loop(program->base, EVLOOP_ONCE) < 0)
			break;
	}
	timer_stop(program->timers, &program->patience);
	log_stopping(program, "stopped");
}

/* The operators' listener is not built yet; a configuration that names one is told so. */
static void log_admin(const struct program *program)
{
	struct log_line line;

	if (program->config->admin == NULL)
		return;
	log_begin(&line, &program->log, LOG_WARNING, "admin-not-served");
	log_text(&line, "admin", program->config->admin->listen.text);
	log_text(&line, "message", "this version has no listener for operators; \"admin\" is only checked");
	log_end(&line);
}

static int run_loop(struct program *program, struct error *error)
{
	log_listening(program);
	log_admin(program);
	if (event_base_dispatch(program->base) < 0 && program->stops == 0)
		return error_set(error, ERR_INTERNAL, "the event loop failed: %s", strerror(errno));
	drain(program);
	return 0;
}

static void log_failure(const struct program *program, const struct error *error)
{
	struct log_line line;

	log_begin(&line, &program->log, LOG_ERROR, "failed");
	log_text(&line, "error", error->text);
	log_end(&line);
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
	if (load_config(invocation, &program.config) != 0)
		return EXIT_FAILED;
	set_limits();
	open_log(&program);
	rc = open_parts(&program, &error);
	if (rc == 0)
		rc = run_loop(&program, &error);
	if (rc != 0)
		log_failure(&program, &error);
	close_parts(&program);
	return rc == 0 ? EXIT_GOOD : EXIT_FAILED;
}
