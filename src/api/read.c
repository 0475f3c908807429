/* The readers of src/api/routes.c: what a request says in its path, headers, query and fields. */
#include "api/field.h"
#include "api/handlers.h"

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
