/* Parameters that users give: whether they fit, and which of an instance's hold for a bind. */
#include <cjson/cJSON.h>
#include <string.h>

#include "life/environment.h"
#include "model/defaults.h"
#include "model/parameters.h"
#include "requests/accept.h"

#define NAMES_MAX 64 /* parameters that a driver may know */

/* What is checked. */
struct given {
	const struct backend *backend;
	const struct plan *plan;
	bool is_bind;
};

static bool is_listed(const char *const *names, const char *name)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* A login that only reads is a promise: whoever asks for one is told where there is none. */
static int refuse_reading(const char *driver, const struct cJSON *item, const char *allowed, struct error *error)
{
	char shown[PARAMETER_SHOWN_SIZE];

	parameters_show(item, shown);
	return error_set(error, ERR_INVALID,
	                 "the parameter \"" PARAMETER_READ_ONLY
	                 "\" is %s, but the driver \"%s\" has no binds that only read; allowed are: %s",
	                 shown, driver, allowed);
}

/* Besides the driver's own there are some that every driver has. */
static int check_names(const struct given *given, const struct cJSON *parameters, struct error *error)
{
	static const char *const of_binds[] = {PARAMETER_ENV_PREFIX, NULL};
	static const char *const of_instances[] = {PARAMETER_PROTECTION, PARAMETER_ENV_PREFIX, PARAMETER_BINDS, NULL};
	const struct driver *driver = given->backend->driver;
	const char *const *own = given->is_bind ? driver->bind_parameters : driver->instance_parameters;
	const struct cJSON *reads = cJSON_GetObjectItemCaseSensitive(parameters, PARAMETER_READ_ONLY);
	const char *allowed[NAMES_MAX + 4] = {NULL};
	size_t count = 0;

	if (own == NULL)
		return 0;
	for (const char *const *name = given->is_bind ? of_binds : of_instances; *name != NULL; name++)
		allowed[count++] = *name;
	while (*own != NULL && count < NAMES_MAX)
		allowed[count++] = *own++;
	if (reads != NULL && !is_listed(allowed, PARAMETER_READ_ONLY))
		return refuse_reading(driver->name, reads,
		                      given->is_bind ? PARAMETER_ENV_PREFIX
		                                     : PARAMETER_PROTECTION ", " PARAMETER_ENV_PREFIX
		                                                            ", " PARAMETER_BINDS,
		                      error);
	return parameters_check_names(parameters, allowed, error);
}

static int check(const struct given *given, const struct cJSON *parameters, struct error *error)
{
	int rc = check_names(given, parameters, error);

	if (rc == 0)
		rc = environment_check_prefix(parameters, error);
	return rc != 0 ? rc
	               : given->backend->driver->validate(given->backend->state, given->plan, parameters,
	                                                  given->is_bind, error);
}

/* What is said for one bind has to be what the bind could be asked for with. */
static int check_binds(const struct given *given, const struct cJSON *binds, struct error *error)
{
	const struct given one = {given->backend, given->plan, true};
	const struct cJSON *of;
	struct error reason;
	int rc;

	cJSON_ArrayForEach(of, binds)
	{
		rc = check(&one, of, &reason);
		if (rc != 0)
			return error_set(error, rc, "in \"" PARAMETER_BINDS ".%s\": %s", of->string, reason.text);
	}
	return 0;
}

static int check_instance(const struct given *given, struct cJSON *parameters, struct error *error)
{
	struct cJSON *binds;
	bool protects;
	int rc = defaults_take(parameters, &binds, error);

	if (rc != 0)
		return rc;
	rc = parameters_flag(parameters, PARAMETER_PROTECTION, &protects, error);
	if (rc == 0)
		rc = check(given, parameters, error);
	if (rc == 0)
		rc = check_binds(given, binds, error);
	cJSON_Delete(binds);
	return rc;
}

int accept_parameters(struct intent *intent, const struct plan *plan, bool is_bind)
{
	const struct given given = {intent->offering->backend, plan, is_bind};
	struct cJSON *parameters;
	int rc = parameters_parse(intent->request->parameters, &parameters, &intent->error);

	if (rc != 0)
		return rc;
	rc = is_bind ? check(&given, parameters, &intent->error) : check_instance(&given, parameters, &intent->error);
	cJSON_Delete(parameters);
	return rc;
}

/* An instance of an earlier program may have any text as its prefix, where its driver takes any parameter. */
static int check_prefix(struct intent *intent, const char *text)
{
	struct cJSON *parameters;
	int rc = parameters_parse(text, &parameters, &intent->error);

	if (rc != 0)
		return rc;
	rc = environment_check_prefix(parameters, &intent->error);
	cJSON_Delete(parameters);
	return rc;
}

int accept_bind_parameters(struct intent *intent, const struct cJSON *instance, const char *sent, struct bind *bind)
{
	const bool reads = intent->offering->backend->driver->hands_down_read_only;
	const char *parameters = NULL;
	int rc = defaults_apply(bind, sent, instance, reads, &intent->arena, &parameters, &intent->error);

	if (rc == 0 && parameters != sent)
		rc = check_prefix(intent, parameters);
	if (rc != 0)
		return rc;
	bind->sent = parameters == sent ? NULL : sent != NULL ? sent : "{}";
	bind->parameters = parameters;
	return 0;
}
