/* The shared driver: a service that exists already and is the same for everybody, such as a relay or an API key. There
 * is nothing to make: a bind gets the environment that the configuration says. */
#include <string.h>

#include "driver/drivers.h"

/* An empty template takes its name away; the plan's replace the service's. */
static bool gives_anything(const struct service *service, const struct plan *plan)
{
	size_t given = 0;

	for (size_t i = 0; i < plan->env_count; i++)
		given += plan->env[i].value[0] != '\0';
	for (size_t i = 0; i < service->env_count; i++) {
		bool replaced = service->env[i].value[0] == '\0';

		for (size_t j = 0; j < plan->env_count; j++)
			replaced = replaced || strcmp(plan->env[j].name, service->env[i].name) == 0;
		given += !replaced;
	}
	return given > 0;
}

static int check_service(const struct service *service, struct error *error)
{
	for (size_t i = 0; i < service->plan_count; i++)
		if (!gives_anything(service, &service->plans[i]))
			return error_set(error, ERR_INVALID,
			                 "the plan \"%s\" gives an app nothing: the driver \"shared\" needs an "
			                 "\"env\" in the plan or the service",
			                 service->plans[i].name);
	return 0;
}

static const char *const nothing[] = {NULL};
static const struct pair no_environment[] = {{NULL, NULL}};

const struct driver driver_shared = {
    .name = "shared",
    .instance_name_max = BACKEND_NAME_MAX,
    .login_name_max = BACKEND_NAME_MAX,
    .variables = nothing,
    .environment = no_environment,
    .instance_parameters = driver_no_parameters,
    .bind_parameters = driver_no_parameters,
    .instant = true,
    .check_service = check_service,
    .validate = driver_validate_nothing,
};
