/* The readers of src/admin/routes.c: the instance that is meant, and what is to become of it. */
#include <string.h>

#include "admin/internal.h"

#define REASON_MAX 1024 /* bytes */

/* *ret_service is NULL when the configuration has it no more. */
static int find_instance(struct admin_call *call)
{
	struct broker_request *ask = &call->ask;

	ask->incarnation = http_request_capture(call->http, "id");
	return operator_find_service(requests_of(call), ask->incarnation, &ask->service, &call->error);
}

int read_instance(struct admin_call *call)
{
	int rc = find_instance(call);

	if (rc != 0 || call->ask.service != NULL)
		return rc;
	return error_set(&call->error, ERR_REFUSED,
	                 "the service of the instance \"%s\" is not in the configuration; it can only be forgotten",
	                 call->ask.incarnation);
}

int read_restored(struct admin_call *call)
{
	call->ask.instance = http_request_field(call->http, "name");
	return read_instance(call);
}

/* Its records go and its server is left alone, so somebody has to say why. */
int read_forgotten(struct admin_call *call)
{
	const char *reason = http_request_field(call->http, "reason");

	if (reason == NULL || reason[0] == '\0' || strlen(reason) > REASON_MAX)
		return error_set(&call->error, ERR_INVALID,
		                 "the field \"reason\" is missing or over %d bytes: why the record is to be forgotten",
		                 REASON_MAX);
	call->ask.description = reason;
	return find_instance(call);
}

/* ---- what is ended, adopted ---- */

static int read_flag(struct admin_call *call, const char *name, bool *ret_flag)
{
	const char *value = http_request_field(call->http, name);

	*ret_flag = value != NULL && strcmp(value, "true") == 0;
	if (value == NULL || *ret_flag || strcmp(value, "false") == 0)
		return 0;
	return error_set(&call->error, ERR_INVALID, "the field \"%s\" is \"%.100s\"; allowed are true and false", name,
	                 value);
}

int read_removal(struct admin_call *call)
{
	int rc = read_instance(call);

	return rc != 0 ? rc : read_flag(call, "protected", &call->ask.even_protected);
}

int read_force(struct admin_call *call)
{
	return read_flag(call, "force", &call->is_forced);
}

static int read_kind(struct admin_call *call)
{
	const char *kind = http_request_field(call->http, "kind");

	for (enum bind_kind known = BIND_APP; kind != NULL && known <= BIND_JOB; known++)
		if (strcmp(kind, bind_kind_name(known)) == 0)
			call->ask.bind_kind = known;
	if (call->ask.bind_kind != 0)
		return 0;
	return error_set(&call->error, ERR_INVALID, "the field \"kind\" is \"%.100s\"; allowed are app and job",
	                 kind != NULL ? kind : "");
}

/* As it was shown, so that a bind that tsuru has asked for since is not the one that is meant. */
static int read_changed(struct admin_call *call)
{
	const char *changed = http_request_field(call->http, "changed");

	if (changed == NULL || text_parse_time(changed, &call->ask.bind_updated) == 0)
		return 0;
	return error_set(&call->error, ERR_INVALID,
	                 "the field \"changed\" is \"%.100s\"; it has to be as the bind shows it, like "
	                 "2026-01-31T12:00:00.000Z",
	                 changed);
}

int read_bind(struct admin_call *call)
{
	int rc = read_instance(call);

	if (rc == 0)
		rc = read_kind(call);
	if (rc == 0)
		rc = read_changed(call);
	call->ask.bind_name = http_request_field(call->http, "name");
	if (rc == 0 && call->ask.bind_name == NULL)
		rc = error_set(&call->error, ERR_INVALID, "the field \"name\" is missing: whose bind it is");
	return rc;
}

static int read_service(struct admin_call *call)
{
	const char *service = http_request_field(call->http, "service");

	call->ask.service = service != NULL ? operator_service(requests_of(call), service) : NULL;
	if (call->ask.service != NULL)
		return 0;
	return error_set(&call->error, ERR_INVALID,
	                 "the field \"service\" is \"%.100s\"; it has to be a configured one",
	                 service != NULL ? service : "");
}

int read_adoption(struct admin_call *call)
{
	struct broker_request *ask = &call->ask;
	const struct {
		const char *name;
		const char **value;
		bool required;
	} fields[] = {
	    {"name", &ask->instance, true}, {"team", &ask->team, true},      {"resource", &ask->resource, true},
	    {"plan", &ask->plan, false},    {"server", &ask->server, false},
	};
	int rc = read_service(call);

	for (size_t i = 0; rc == 0 && i < sizeof(fields) / sizeof(*fields); i++) {
		*fields[i].value = http_request_field(call->http, fields[i].name);
		if (*fields[i].value == NULL && fields[i].required)
			rc = error_set(&call->error, ERR_INVALID, "the field \"%s\" is missing", fields[i].name);
	}
	return rc != 0 ? rc : read_flag(call, "keep_owner", &ask->keep_owner);
}
