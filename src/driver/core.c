/* What all drivers share: the servers of a service are opened and closed here, and a call has its work made, its steps
 * run, and its work freed before it is settled. The driver says what is its own in struct driver. */
#include "core.h"

#include <stdarg.h>
#include <stdlib.h>

/* ---- backends ---- */

static void *host_at(const struct backend *backend, size_t i)
{
	return (char *)backend->hosts + i * backend->driver->host_size;
}

static int open_hosts(struct backend *backend, struct error *error)
{
	const struct driver *driver = backend->driver;
	const struct service *service = backend->service;
	int rc = 0;

	if (driver->host_size == 0)
		return 0;
	if (service->server_count == 0)
		return error_set(error, ERR_INVALID, "it needs \"servers\"");
	backend->hosts = calloc(service->server_count, driver->host_size);
	if (backend->hosts == NULL)
		return error_no_memory(error);
	while (rc == 0 && backend->host_count < service->server_count) {
		const size_t i = backend->host_count++;

		rc = driver->open_host(backend, &service->servers[i], host_at(backend, i), error);
	}
	return rc;
}

static int open_service(struct backend *backend, struct error *error)
{
	const struct driver *driver = backend->driver;
	int rc = 0;

	if (driver->check_service != NULL)
		rc = driver->check_service(backend->service, error);
	if (rc == 0 && driver->open != NULL)
		rc = driver->open(backend->context, backend->service, &backend->state, error);
	return rc == 0 ? open_hosts(backend, error) : rc;
}

static void free_backend(struct backend *backend)
{
	for (size_t i = 0; i < backend->host_count; i++)
		backend->driver->close_host(host_at(backend, i));
	free(backend->hosts);
	free(backend);
}

int backend_open(const struct driver *driver, const struct service *service, const struct driver_context *context,
                 struct backend **ret_backend, struct error *error)
{
	struct backend *backend = calloc(1, sizeof(*backend));
	struct error reason = {0};
	int rc;

	if (backend == NULL)
		return error_no_memory(error);
	backend->driver = driver;
	backend->service = service;
	backend->context = context;
	rc = open_service(backend, &reason);
	if (rc == 0) {
		*ret_backend = backend;
		return 0;
	}
	free_backend(backend);
	return error_set(error, rc, "the service \"%s\": %s", service->name, reason.text);
}

void backend_close(struct backend *backend)
{
	if (backend == NULL)
		return;
	if (backend->driver->close != NULL)
		backend->driver->close(backend->state);
	free_backend(backend);
}

static void *host_of(const struct backend *backend, const struct server *server)
{
	return host_at(backend, (size_t)(server - backend->service->servers));
}

size_t backend_connections(const struct backend *backend, const struct server *server)
{
	const struct driver *driver = backend->driver;

	return driver->connections != NULL ? driver->connections(host_of(backend, server)) : 0;
}

void *call_host(const struct driver_call *call)
{
	return host_of(call->backend, call->server);
}

/* ---- the work of a call ---- */

static void free_work(struct driver_call *call, bool given_up)
{
	call->backend->driver->end(call->work, given_up);
	free(call->work);
	call->work = NULL;
}

static void on_end(void *arg, int code, const struct error *error);

static void run_table(struct driver_call *call)
{
	call->rounds++;
	steps_start(&call->steps, call->table, call->work, on_end);
}

/* A work begins with the pointer to its call. */
static void on_end(void *arg, int code, const struct error *error)
{
	struct driver_call *call = *(struct driver_call **)arg;
	const struct driver *driver = call->backend->driver;

	if (code != 0 && driver->again != NULL && driver->again(call->work)) {
		call->result_count = 0;
		run_table(call);
		return;
	}
	free_work(call, false);
	call_settle(call, code, "%s", error->text);
}

static int begin_work(struct driver_call *call, struct error *error)
{
	const struct driver *driver = call->backend->driver;
	int rc = driver->begin != NULL ? driver->begin(call->work, error) : 0;

	if (rc == 0 && call->kind == CALL_BIND && driver->read_only)
		rc = driver_read_only(call->bind, &call->read_only, error);
	return rc;
}

/* What a driver has no steps for. */
static void settle_at_once(struct driver_call *call)
{
	switch (call->kind) {
	case CALL_RETIRE:
	case CALL_RESTORE:
	case CALL_ADOPT:
	case CALL_ACT:
	case CALL_READ_MARK:
	case CALL_WRITE_MARK:
		call_settle(call, ERR_REFUSED, "the driver \"%s\" has no such operation", call->backend->driver->name);
		return;
	default:
		call_settle(call, 0, "%s", "");
	}
}

static const char *subject_of(const struct driver_call *call)
{
	if (call->bind != NULL)
		return call->bind->login;
	return call->instance != NULL ? call->instance->resource : NULL;
}

static const struct step *steps_of(const struct driver *driver, const struct driver_call *call)
{
	if (call->kind == CALL_DEPROVISION && call->retired && driver->retired_steps != NULL)
		return driver->retired_steps;
	if (call->kind == CALL_BIND && call->renew && driver->renew_steps != NULL)
		return driver->renew_steps;
	return driver->steps[call->kind];
}

void core_start(struct driver_call *call)
{
	const struct driver *driver = call->backend->driver;
	struct error error;

	if (driver->run != NULL) {
		driver->run(call->backend->state, call);
		return;
	}
	call->table = steps_of(driver, call);
	if (call->table == NULL) {
		settle_at_once(call);
		return;
	}
	call->work = calloc(1, driver->work_size);
	if (call->work == NULL) {
		call_settle(call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	*(struct driver_call **)call->work = call;
	call->subject = subject_of(call);
	call->rounds = 0;
	if (begin_work(call, &error) == 0) {
		run_table(call);
		return;
	}
	free_work(call, false);
	call_settle(call, error.code, "%s", error.text);
}

void core_give_up(struct driver_call *call)
{
	const struct backend *backend = call->backend;

	if (backend->driver->cancel != NULL)
		backend->driver->cancel(backend->state, call);
	else if (call->work != NULL)
		free_work(call, true);
	call->work = NULL;
}

/* ---- what steps say ---- */

void call_next(struct driver_call *call)
{
	steps_next(&call->steps);
}

void call_finish(struct driver_call *call)
{
	steps_finish(&call->steps);
}

void call_fail_because(struct driver_call *call, const struct error *reason)
{
	const char *what = call->backend->driver->server_word;

	steps_fail_because(&call->steps, what != NULL ? what : "server", call->server->name, call->subject, reason);
}

void call_fail(struct driver_call *call, int code, const char *format, ...)
{
	struct error reason;
	va_list arguments;

	va_start(arguments, format);
	error_set_list(&reason, code, format, arguments);
	va_end(arguments);
	call_fail_because(call, &reason);
}

void call_fail_by(struct driver_call *call, const struct error *sentence)
{
	steps_fail(&call->steps, sentence);
}

void call_fail_to_connect(struct driver_call *call, const struct error *reason)
{
	struct error error;

	error_set(&error, reason->code, "the broker cannot connect to the server \"%s\": %s", call->server->name,
	          reason->text);
	call_fail_by(call, &error);
}
