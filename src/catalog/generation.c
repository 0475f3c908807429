/* Generations: opened, entered and closed. */
#include "catalog/generation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "driver/registry.h"

struct offering *catalog_offering(struct catalog *catalog, const char *service)
{
	struct generation *generation = catalog->present;

	for (size_t i = 0; i < generation->offering_count; i++) {
		if (strcmp(generation->offerings[i].service->name, service) == 0)
			return &generation->offerings[i];
	}
	return NULL;
}

const struct config *catalog_config(const struct catalog *catalog)
{
	return catalog->present->config;
}

void generation_close(struct generation *generation)
{
	timer_stop(generation->catalog->timers, &generation->closing);
	for (size_t i = 0; i < generation->offering_count; i++) {
		for (size_t j = 0; j < generation->offerings[i].host_count; j++)
			generation->catalog->close_host(&generation->offerings[i].hosts[j]);
		backend_close(generation->offerings[i].backend);
		free(generation->offerings[i].hosts);
	}
	free(generation->offerings);
	config_free(generation->config);
	free(generation);
}

static void on_closing(void *arg)
{
	struct generation *generation = arg;

	TAILQ_REMOVE(&generation->catalog->old, generation, in_old);
	generation_close(generation);
}

static int open_offering(struct catalog *catalog, const struct service *service, struct offering *offering,
                         struct error *error)
{
	const struct driver *driver = registry_find(service->driver);
	int rc;

	offering->service = service;
	if (driver == NULL)
		return error_set(error, ERR_INVALID, "the service \"%s\" names the driver \"%s\", which does not exist",
		                 service->name, service->driver);
	rc = backend_open(driver, service, &catalog->context, &offering->backend, error);
	return rc != 0 ? rc : host_open_all(offering, error);
}

static int open_offerings(struct generation *generation, struct error *error)
{
	const struct config *config = generation->config;
	int rc = 0;

	generation->offerings = calloc(config->service_count, sizeof(*generation->offerings));
	if (generation->offerings == NULL)
		return error_no_memory(error);
	for (size_t i = 0; rc == 0 && i < config->service_count; i++) {
		generation->offerings[i].generation = generation;
		generation->offering_count++;
		rc = open_offering(generation->catalog, &config->services[i], &generation->offerings[i], error);
	}
	return rc;
}

int generation_open(struct catalog *catalog, struct config *config, struct generation **ret_generation,
                    struct error *error)
{
	struct generation *generation = calloc(1, sizeof(*generation));
	int rc;

	if (generation == NULL)
		return error_no_memory(error);
	generation->catalog = catalog;
	generation->config = config_hold(config);
	timer_init(&generation->closing, on_closing, generation);
	rc = open_offerings(generation, error);
	if (rc != 0)
		generation_close(generation);
	else
		*ret_generation = generation;
	return rc;
}

void generation_read_drained(struct generation *generation)
{
	for (size_t i = 0; i < generation->offering_count; i++) {
		const struct offering *offering = &generation->offerings[i];

		for (size_t j = 0; j < offering->host_count; j++) {
			if (offering->hosts[j].server != NULL)
				host_read_drained(&offering->hosts[j]);
		}
	}
}

void generation_enter(struct catalog *catalog, struct generation *generation)
{
	struct generation *before = catalog->present;

	generation_hold(generation);
	catalog->present = generation;
	if (before == NULL)
		return;
	TAILQ_INSERT_TAIL(&catalog->old, before, in_old);
	generation_drop(before);
}

void generation_hold(struct generation *generation)
{
	generation->users++;
}

void generation_drop(struct generation *generation)
{
	assert(generation->users > 0);
	generation->users--;
	/* Without memory for the timer it stays until the end. */
	if (generation->users == 0 && !generation->catalog->closing)
		(void)timer_start(generation->catalog->timers, &generation->closing, 0);
}

void generation_close_all(struct catalog *catalog)
{
	struct generation *generation;

	while ((generation = TAILQ_FIRST(&catalog->old)) != NULL) {
		TAILQ_REMOVE(&catalog->old, generation, in_old);
		generation_close(generation);
	}
	if (catalog->present != NULL)
		generation_close(catalog->present);
	catalog->present = NULL;
}
