/* The check of a configuration: the file by its tables, then each service by its driver, which knows what no table
 * says; and what it would do to the instances in its store. No server is contacted. */
#include <event2/event.h>

#include "base/loop.h"
#include "cli/census.h"
#include "cli/command.h"
#include "cli/load.h"
#include "driver/registry.h"
#include "driver/resolver.h"
#include "http/http.h"

/* The number of services whose driver finds fault; each is shown. */
static size_t count_faults(const struct config *config, const struct driver_context *context, FILE *err)
{
	size_t faults = 0;

	for (size_t i = 0; i < config->service_count; i++) {
		const struct service *service = &config->services[i];
		const struct driver *driver = registry_find(service->driver);
		struct backend *backend = NULL;
		struct error error;

		if (driver != NULL && backend_open(driver, service, context, &backend, &error) != 0) {
			fprintf(err, "%s: %s\n", config->file, error.text);
			faults++;
		}
		backend_close(backend);
	}
	return faults;
}

static int check_drivers(const struct config *config, FILE *err)
{
	struct driver_context context = {.base = event_base_new()};
	struct error error;
	size_t faults = 1;
	int rc;

	context.timers = context.base != NULL ? timers_new(context.base) : NULL;
	rc = context.timers != NULL ? resolver_new(context.base, context.timers, &context.resolver, &error)
	                            : error_no_memory(&error);
	if (rc == 0)
		faults = count_faults(config, &context, err);
	else
		fprintf(err, "tsuru-broker: %s\n", error.text);
	resolver_free(context.resolver);
	timers_free(context.timers);
	loop_free(context.base);
	return faults == 0 ? EXIT_GOOD : EXIT_FAILED;
}

static int check_certificate(const struct config *config, FILE *err)
{
	const struct http_tls files = {
	    .cert = config->tls->cert, .key = config->tls->key, .client_ca = config->tls->client_ca};
	bool expired = false;
	struct error error;

	if (http_tls_check(&files, &expired, &error) != 0) {
		fprintf(err, "%s: \"tls\": %s\n", config->file, error.text);
		return EXIT_FAILED;
	}
	if (expired)
		fprintf(err, "%s: \"tls\": the certificate \"%s\" has expired\n", config->file, files.cert);
	return EXIT_GOOD;
}

int run_check(const struct invocation *invocation)
{
	struct config *config = NULL;
	int rc;

	if (load_config(invocation, &config) != 0)
		return EXIT_FAILED;
	rc = check_drivers(config, invocation->err);
	if (config->tls != NULL && check_certificate(config, invocation->err) != EXIT_GOOD)
		rc = EXIT_FAILED;
	if (census_check(config, invocation->err) > 0)
		rc = EXIT_FAILED;
	if (rc == EXIT_GOOD)
		fprintf(invocation->out, "%s: good: %zu service%s\n", invocation->config_file, config->service_count,
		        config->service_count == 1 ? "" : "s");
	config_free(config);
	return rc;
}
