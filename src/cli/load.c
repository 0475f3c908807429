/* Hands the drivers' tables of keys to the configuration, and shows what is wrong with a file. */
#include "cli/load.h"

#include <assert.h>
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

int load_file(const char *path, struct config **ret_config, struct config_errors **ret_errors)
{
	size_t count = count_drivers();
	struct config_driver *drivers;
	int rc;

	assert(count > 0);
	*ret_errors = NULL;
	drivers = calloc(count, sizeof(*drivers));
	if (drivers == NULL)
		return ERR_NO_MEMORY;
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
	rc = config_load(path, drivers, count, ret_config, ret_errors);
	free(drivers);
	return rc;
}

int load_config(const struct invocation *invocation, struct config **ret_config)
{
	struct config_errors *errors = NULL;
	int rc = load_file(invocation->config_file, ret_config, &errors);

	if (rc != 0 && errors != NULL)
		show_errors(invocation->err, errors);
	else if (rc != 0)
		fputs("tsuru-broker: out of memory\n", invocation->err);
	config_errors_free(errors);
	return rc;
}
