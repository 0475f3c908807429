/* Rendering of environments: templates in layers, the later one winning, an empty one taking a name away. */
#include "life/environment.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <string.h>

#include "model/parameters.h"
#include "model/template.h"

#define PREFIX_MAX        64 /* bytes */
#define TSURU_OWN         "TSURU_"
#define WHEREABOUTS_COUNT 8 /* variables */

struct layers {
	struct pair items[ENVIRONMENT_MAX]; /* name and template */
	size_t count;
};

static int put(struct layers *layers, const struct pair *template, struct error *error)
{
	for (size_t i = 0; i < layers->count; i++) {
		if (strcmp(layers->items[i].name, template->name) == 0) {
			layers->items[i].value = template->value;
			return 0;
		}
	}
	if (layers->count == ENVIRONMENT_MAX)
		return error_set(error, ERR_INVALID, "an environment has more than %d variables", ENVIRONMENT_MAX);
	layers->items[layers->count++] = *template;
	return 0;
}

static int put_all(struct layers *layers, const struct pair *templates, size_t count, struct error *error)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = put(layers, &templates[i], error);
	return rc;
}

/* Each result under its own name, for a driver that has no list of them. */
static int put_results(const struct job *job, struct layers *layers, struct error *error)
{
	struct run *run = job->run;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < run->call.result_count; i++) {
		const char *name = run->call.results[i].name;
		const struct pair own = {name, arena_format(&run->arena, "{%s}", name)};

		rc = own.value != NULL ? put(layers, &own, error) : error_no_memory(error);
	}
	return rc;
}

static int collect_layers(const struct job *job, struct layers *ret_layers, struct error *error)
{
	const struct driver *driver = job->host->offering->backend->driver;
	const struct service *service = job->host->offering->service;
	const struct plan *plan = job->run->call.plan;
	int rc;

	ret_layers->count = 0;
	rc = driver->variables == NULL ? put_results(job, ret_layers, error) : 0;
	for (const struct pair *own = driver->environment; rc == 0 && own->name != NULL; own++)
		rc = put(ret_layers, own, error);
	if (rc == 0)
		rc = put_all(ret_layers, service->env, service->env_count, error);
	if (rc == 0)
		rc = put_all(ret_layers, plan->env, plan->env_count, error);
	return rc;
}

/* A list as text: its first items, at most count of them, with commas between. NULL: memory is out. */
static const char *join(struct arena *arena, const char *list, int count)
{
	struct cJSON *items = list != NULL ? cJSON_Parse(list) : NULL;
	/* Without its quotes and escapes it is never longer than the list. */
	char *joined = items != NULL ? arena_alloc(arena, strlen(list) + 1) : NULL, *end = joined;
	const struct cJSON *item;

	cJSON_ArrayForEach(item, items)
	{
		if (joined == NULL || !cJSON_IsString(item) || count-- == 0)
			break;
		if (end != joined)
			*end++ = ',';
		end = stpcpy(end, item->valuestring);
	}
	cJSON_Delete(items);
	return list != NULL ? joined : "";
}

/* What tsuru says with a bind. false: memory is out. */
static bool put_whereabouts(struct arena *arena, const struct whereabouts *at, struct pair *ret_values)
{
	const struct pair values[WHEREABOUTS_COUNT] = {
	    {"app_host", join(arena, at->hosts, 1)},
	    {"app_hosts", join(arena, at->hosts, INT_MAX)},
	    {"app_internal_hosts", join(arena, at->internal_hosts, INT_MAX)},
	    {"cluster_addresses", join(arena, at->cluster_addresses, INT_MAX)},
	    {"pool", at->pool},
	    {"pool_provisioner", at->pool_provisioner},
	    {"cluster", at->cluster},
	    {"cluster_provisioner", at->cluster_provisioner},
	};

	memcpy(ret_values, values, sizeof(values));
	return values[0].value != NULL && values[1].value != NULL && values[2].value != NULL && values[3].value != NULL;
}

/* What every service's templates may use (template_common) and the driver's results; a result that bears a common name
 * wins. NULL: memory is out. */
static struct pair *collect_values(const struct job *job, size_t *ret_count)
{
	const struct run *run = job->run;
	const struct instance *instance = &run->instance.record;
	const struct bind *bind = &run->bind.record;
	const struct pair common[] = {
	    {"service", instance->service}, {"instance", instance->name}, {"plan", run->plan},
	    {"team", instance->team},       {"app", bind->name},          {"tsuru_user", bind->user},
	};
	const size_t own = run->call.result_count, count = own + sizeof(common) / sizeof(*common);
	struct pair *values = arena_alloc(&job->run->arena, (count + WHEREABOUTS_COUNT) * sizeof(*values));

	if (values == NULL || !put_whereabouts(&job->run->arena, &bind->whereabouts, values + count))
		return NULL;
	if (own > 0)
		memcpy(values, run->call.results, own * sizeof(*values));
	memcpy(values + own, common, sizeof(common));
	*ret_count = count + WHEREABOUTS_COUNT;
	return values;
}

static int read_prefix(const struct bind *bind, struct arena *arena, const char **ret_prefix, struct error *error)
{
	struct cJSON *parameters;
	const char *prefix = "";
	int rc = parameters_parse(bind->parameters, &parameters, error);

	if (rc != 0)
		return rc;
	rc = parameters_text(parameters, PARAMETER_ENV_PREFIX, PREFIX_MAX, &prefix, error);
	if (rc == 0)
		*ret_prefix = arena_text(arena, prefix);
	cJSON_Delete(parameters);
	return rc;
}

static int render_one(struct arena *arena, const char *prefix, const struct pair *template, const struct pair *values,
                      size_t value_count, struct pair *ret_pair, struct error *error)
{
	struct text value;

	text_init(&value, ENVIRONMENT_VALUE_MAX);
	template_render(template->value, values, value_count, &value);
	if (value.failed) {
		text_wipe(&value);
		return error_set(error, ERR_ANSWER, "what the server gives for the variable \"%s\" is over %d bytes",
		                 template->name, ENVIRONMENT_VALUE_MAX);
	}
	ret_pair->name = arena_format(arena, "%s%s", prefix, template->name);
	ret_pair->value = arena_text(arena, text_string(&value));
	text_wipe(&value);
	return 0;
}

/* Whether it is the driver's own template, replaced by nobody. */
static bool is_own(const struct driver *driver, const struct pair *template)
{
	for (const struct pair *own = driver->environment; own != NULL && own->name != NULL; own++) {
		if (own->value == template->value && strcmp(own->name, template->name) == 0)
			return true;
	}
	return false;
}

static int render_all(struct run *run, const struct layers *layers, const struct pair *values, size_t value_count,
                      struct error *error)
{
	const char *prefix = "";
	int rc = read_prefix(&run->bind.record, &run->arena, &prefix, error);

	run->environment = arena_alloc(&run->arena, (layers->count + 1) * sizeof(*run->environment));
	if (rc == 0 && arena_failed(&run->arena))
		rc = error_no_memory(error);
	for (size_t i = 0; rc == 0 && i < layers->count; i++) {
		if (layers->items[i].value[0] == '\0')
			continue;
		rc = render_one(&run->arena, prefix, &layers->items[i], values, value_count,
		                &run->environment[run->environment_count], error);
		/* What a driver has to tell only of some servers is not told of the others. */
		if (rc != 0 || arena_failed(&run->arena) || run->environment[run->environment_count].value[0] != '\0' ||
		    !is_own(run->call.backend->driver, &layers->items[i]))
			run->environment_count++;
	}
	if (rc == 0 && arena_failed(&run->arena))
		rc = error_no_memory(error);
	return rc;
}

int environment_render(struct job *job, struct error *error)
{
	struct layers layers;
	size_t value_count = 0;
	const struct pair *values = collect_values(job, &value_count);
	int rc;

	if (values == NULL)
		return error_no_memory(error);
	rc = collect_layers(job, &layers, error);
	if (rc != 0)
		return rc;
	return render_all(job->run, &layers, values, value_count, error);
}

int environment_check_prefix(const struct cJSON *parameters, struct error *error)
{
	const char *prefix = "";
	int rc = parameters_text(parameters, PARAMETER_ENV_PREFIX, PREFIX_MAX, &prefix, error);

	if (rc != 0 || prefix[0] == '\0')
		return rc;
	if (strcmp(prefix, "TSURU") == 0 || strncmp(prefix, TSURU_OWN, strlen(TSURU_OWN)) == 0)
		return error_set(error, ERR_INVALID,
		                 "the parameter \"" PARAMETER_ENV_PREFIX
		                 "\" is \"%s\"; it may be any other, but names that "
		                 "begin with " TSURU_OWN " are tsuru's own",
		                 prefix);
	if (template_check_name(prefix, NULL) != 0)
		return error_set(error, ERR_INVALID,
		                 "the parameter \"" PARAMETER_ENV_PREFIX
		                 "\" is \"%s\"; it may only hold letters, digits "
		                 "and _, and not begin with a digit",
		                 prefix);
	return 0;
}
