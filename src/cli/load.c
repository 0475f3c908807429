/* Hands the drivers' tables of keys to the configuration, and shows what is wrong with a file. */
#include "cli/load.h"

#include <stdlib.h>

#include "driver/registry.h"

static size_t count_drivers(void)
{
	size_t count = 0;

	while (registry_at(count) != NULL)
		count++;
	return count;
}

static void show_errors(FILE *err, const struct config_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++)
		fprintf(err, "%s\n", errors->texts[i]);
	if (errors->total > errors->count)
		fprintf(err, "and %zu more errors\n", errors->total - errors->count);
}

int load_config(const struct invocation *invocation, struct config **ret_config)
{
	size_t count = count_drivers();
	struct config_driver *drivers = calloc(count, sizeof(*drivers));
	struct config_errors *errors = NULL;
	int rc;

	if (drivers == NULL) {
		fputs("tsuru-broker: out of memory\n", invocation->err);
		return ERR_NO_MEMORY;
	}
	for (size_t i = 0; i < count; i++) {
		const struct driver *driver = registry_at(i);

		drivers[i] = (struct config_driver){
		    .name = driver->name,
		    .server_keys = driver->server_keys,
		    .plan_keys = driver->plan_keys,
		    .retires = driver->retires,
		    .retain = driver->retain,
		    .variables = driver->variables,
		};
	}
	rc = config_load(invocation->config_file, drivers, count, ret_config, &errors);
	free(drivers);
	if (rc != 0 && errors != NULL)
		show_errors(invocation->err, errors);
	config_errors_free(errors);
	return rc;
}
