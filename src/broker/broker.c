/* The broker as a whole: built from the configuration and the store, taken down without losing what is pending. */
#include <stdlib.h>
#include <string.h>

#include "broker/health.h"
#include "broker/host.h"
#include "broker/internal.h"
#include "broker/keycheck.h"
#include "broker/queue.h"
#include "broker/sweep.h"
#include "driver/registry.h"

struct offering *broker_offering(struct broker *broker, const char *service)
{
	for (size_t i = 0; i < broker->offering_count; i++) {
		if (strcmp(broker->offerings[i].service->name, service) == 0)
			return &broker->offerings[i];
	}
	return NULL;
}

struct host *offering_host(struct offering *offering, const char *server)
{
	for (size_t i = 0; i < offering->host_count; i++) {
		const struct server *candidate = offering->hosts[i].server;

		if (candidate == NULL ? server == NULL : server != NULL && strcmp(candidate->name, server) == 0)
			return &offering->hosts[i];
	}
	return NULL;
}

static int open_offering(struct broker *broker, const struct service *service, struct offering *offering,
                         struct error *error)
{
	const struct driver *driver = registry_find(service->driver);
	int rc;

	offering->broker = broker;
	offering->service = service;
	if (driver == NULL)
		return error_set(error, ERR_INVALID, "the service \"%s\" names the driver \"%s\", which does not exist",
		                 service->name, service->driver);
	rc = backend_open(driver, service, broker->context, &offering->backend, error);
	return rc != 0 ? rc : host_open_all(offering, error);
}

static int open_offerings(struct broker *broker, struct error *error)
{
	const struct config *config = broker->config;

	broker->offerings = calloc(config->service_count, sizeof(*broker->offerings));
	if (broker->offerings == NULL)
		return error_no_memory(error);
	for (size_t i = 0; i < config->service_count; i++) {
		int rc;

		broker->offering_count++;
		rc = open_offering(broker, &config->services[i], &broker->offerings[i], error);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int broker_open(const struct broker_options *options, struct broker **ret_broker, struct error *error)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	int rc;

	if (broker == NULL)
		return error_no_memory(error);
	broker->config = options->config;
	broker->store = options->store;
	broker->keyring = options->keyring;
	broker->timers = options->timers;
	broker->context = options->context;
	broker->log = options->log;
	TAILQ_INIT(&broker->intents);
	rc = keycheck(broker, error);
	if (rc == 0)
		rc = open_offerings(broker, error);
	if (rc == 0)
		rc = queue_recover(broker, error);
	if (rc != 0) {
		broker_close(broker);
		return rc;
	}
	health_open(broker);
	sweep_open(broker);
	*ret_broker = broker;
	return 0;
}

void broker_close(struct broker *broker)
{
	if (broker == NULL)
		return;
	broker->closing = true;
	sweep_close(broker);
	health_close(broker);
	queue_stop(broker);
	store_flush(broker->store);
	queue_close(broker);
	for (size_t i = 0; i < broker->offering_count; i++) {
		backend_close(broker->offerings[i].backend);
		free(broker->offerings[i].hosts);
	}
	free(broker->offerings);
	free(broker);
}

void broker_statistics(const struct broker *broker, struct broker_statistics *ret_statistics)
{
	*ret_statistics = broker->statistics;
}
