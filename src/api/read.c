/* The readers of src/api/routes.c: what a request says in its path, headers, query and fields. */
#include "api/field.h"
#include "api/handlers.h"

/* A field, and where it goes to. */
struct wanted_text {
	const char *name, **ret_value;
};

/* ---- instances ---- */

int read_wanted(struct exchange *exchange)
{
	struct http_request *http = exchange->http;
	struct broker_request *ask = &exchange->ask;
	struct error *error = &exchange->error;
	const char *const *tags;
	size_t tag_count = http_request_list(http, "tags", &tags);
	int rc = field_text(http, "plan", NAME_TEXT_MAX, &ask->plan, error);

	if (rc == 0)
		rc = field_text(http, "team", NAME_TEXT_MAX, &ask->team, error);
	if (rc == 0)
		rc = field_text(http, "description", DESCRIPTION_MAX, &ask->description, error);
	if (rc == 0)
		rc = field_tags(tags, tag_count, http_request_arena(http), &ask->tags, error);
	if (rc == 0)
		ask->parameters = http_request_parameters(http);
	return rc;
}

int read_place(struct exchange *exchange)
{
	struct broker_request *ask = &exchange->ask;
	int rc = field_header(exchange->http, "X-Tsuru-Pool-Name", NAME_TEXT_MAX, &ask->pool, &exchange->error);

	if (rc != 0)
		return rc;
	return field_header(exchange->http, "X-Tsuru-Cluster-Name", NAME_TEXT_MAX, &ask->cluster, &exchange->error);
}

int read_create(struct exchange *exchange)
{
	struct broker_request *ask = &exchange->ask;
	int rc = read_wanted(exchange);

	if (rc == 0)
		rc = read_place(exchange);
	if (rc != 0)
		return rc;
	ask->instance = http_request_field(exchange->http, "name");
	if (ask->instance == NULL)
		return error_set(&exchange->error, ERR_INVALID, "the field \"name\" is missing: the instance's name");
	if (ask->team == NULL)
		return error_set(&exchange->error, ERR_INVALID,
		                 "the field \"team\" is missing: the team that owns the instance");
	return 0;
}

int read_action(struct exchange *exchange)
{
	exchange->ask.action = http_request_capture(exchange->http, "action");
	exchange->ask.parameters = http_request_parameters(exchange->http);
	return 0;
}

/* ---- binds ---- */

int read_app(struct exchange *exchange)
{
	struct broker_request *ask = &exchange->ask;
	struct error *error = &exchange->error;
	int rc = field_text(exchange->http, "app-name", APP_NAME_MAX, &ask->bind_name, error);

	if (rc == 0 && ask->bind_name == NULL) {
		ask->bind_by_host = true;
		rc = field_text(exchange->http, "app-host", APP_NAME_MAX, &ask->bind_name, error);
	}
	if (rc != 0)
		return rc;
	if (ask->bind_name == NULL)
		return error_set(
		    error, ERR_INVALID,
		    "the fields \"app-name\" and \"app-host\" are missing: one of them says which app is meant");
	ask->bind_kind = BIND_APP;
	ask->parameters = http_request_parameters(exchange->http);
	return 0;
}

int read_unit_or_app(struct exchange *exchange)
{
	int rc = field_text(exchange->http, "unit-host", APP_NAME_MAX, &exchange->ask.unit, &exchange->error);

	return rc != 0 || exchange->ask.unit != NULL ? rc : read_app(exchange);
}

static int read_texts(struct exchange *exchange, const struct wanted_text *wanted, size_t count)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = field_text(exchange->http, wanted[i].name, NAME_TEXT_MAX, wanted[i].ret_value, &exchange->error);
	return rc;
}

static int read_addresses(struct exchange *exchange, const char *name, const char **ret_json)
{
	struct http_request *http = exchange->http;
	const char *const *addresses;
	size_t count = http_request_list(http, name, &addresses);

	return field_addresses(name, addresses, count, http_request_arena(http), ret_json, &exchange->error);
}

/* Old clients name one host, which newer ones repeat as the first of all. */
static int read_hosts(struct exchange *exchange, const char **ret_json)
{
	const char *host = http_request_field(exchange->http, "app-host");
	int rc = read_addresses(exchange, "app-hosts", ret_json);

	if (rc != 0 || *ret_json != NULL || host == NULL)
		return rc;
	return field_addresses("app-host", &host, 1, http_request_arena(exchange->http), ret_json, &exchange->error);
}

static int read_whereabouts(struct exchange *exchange)
{
	struct whereabouts *at = &exchange->ask.whereabouts;
	const struct wanted_text texts[] = {
	    {"app-pool-name", &at->pool},
	    {"app-pool-provisioner", &at->pool_provisioner},
	    {"app-cluster-name", &at->cluster},
	    {"app-cluster-provisioner", &at->cluster_provisioner},
	};
	int rc = read_texts(exchange, texts, sizeof(texts) / sizeof(*texts));

	if (rc == 0)
		rc = read_hosts(exchange, &at->hosts);
	if (rc == 0)
		rc = read_addresses(exchange, "app-internal-hosts", &at->internal_hosts);
	if (rc == 0)
		rc = read_addresses(exchange, "app-cluster-addresses", &at->cluster_addresses);
	return rc;
}

int read_app_to_bind(struct exchange *exchange)
{
	int rc = read_app(exchange);

	return rc != 0 ? rc : read_whereabouts(exchange);
}

int read_unit_or_app_to_bind(struct exchange *exchange)
{
	int rc = read_unit_or_app(exchange);

	return rc != 0 || exchange->ask.unit != NULL ? rc : read_whereabouts(exchange);
}

int read_job_to_bind(struct exchange *exchange)
{
	struct whereabouts *at = &exchange->ask.whereabouts;
	const struct wanted_text texts[] = {{"job-pool-name", &at->pool}, {"job-cluster-name", &at->cluster}};
	int rc = read_texts(exchange, texts, sizeof(texts) / sizeof(*texts));

	return rc != 0 ? rc : read_job(exchange);
}

int read_job(struct exchange *exchange)
{
	exchange->ask.bind_kind = BIND_JOB;
	exchange->ask.bind_name = http_request_capture(exchange->http, "job");
	exchange->ask.parameters = http_request_parameters(exchange->http);
	return 0;
}

int read_rotate(struct exchange *exchange)
{
	struct broker_request *ask = &exchange->ask;
	const char *app = NULL, *job = NULL;
	int rc = field_or_query(exchange->http, "app-name", APP_NAME_MAX, &app, &exchange->error);

	if (rc == 0)
		rc = field_or_query(exchange->http, "job-name", APP_NAME_MAX, &job, &exchange->error);
	if (rc != 0)
		return rc;
	if (app != NULL && job != NULL)
		return error_set(&exchange->error, ERR_INVALID,
		                 "\"app-name\" and \"job-name\" are both given; one of them, or none, is allowed");
	if (app != NULL)
		ask->bind_kind = BIND_APP;
	else if (job != NULL)
		ask->bind_kind = BIND_JOB;
	ask->bind_name = app != NULL ? app : job;
	return 0;
}
