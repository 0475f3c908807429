/* The subcommands of ctl that show something. */
#include <cjson/cJSON.h>
#include <string.h>

#include "cli/table.h"
#include "cli/talk.h"
#include "model/model.h"

static const struct column instance_columns[] = {
    {"SERVICE", "service"}, {"NAME", "name"},     {"STATE", "state"},       {"PLAN", "plan"},       {"TEAM", "team"},
    {"ID", "id"},           {"SERVER", "server"}, {"RESOURCE", "resource"}, {"FAILURE", "failure"}, {NULL, NULL},
};
static const struct column operation_columns[] = {
    {"ID", "id"},           {"KIND", "kind"},         {"STATE", "state"}, {"WAITS FOR", "waits_for"},
    {"SERVICE", "service"}, {"INSTANCE", "instance"}, {"BIND", "bind"},   {"TRIES", "attempts"},
    {"SINCE", "created"},   {"LAST ERROR", "error"},  {NULL, NULL},
};
static const struct column audit_columns[] = {
    {"TIME", "time"},         {"USER", "user"}, {"ACTION", "action"}, {"OUTCOME", "outcome"}, {"SERVICE", "service"},
    {"INSTANCE", "instance"}, {"BIND", "bind"}, {"EVENT", "event"},   {"TEXT", "text"},       {NULL, NULL},
};
static const struct column server_columns[] = {
    {"SERVICE", "service"},   {"SERVER", "server"},   {"STATE", "state"},     {"INSTANCES", "instances"},
    {"CAPACITY", "capacity"}, {"RUNNING", "running"}, {"WAITING", "waiting"}, {"DRAINED", "drained"},
    {"REASON", "reason"},     {NULL, NULL},
};
static const struct column plan_columns[] = {
    {"PLAN", "name"}, {"INSTANCES", "instances"}, {"LIMIT", "limit"}, {"DESCRIPTION", "description"}, {NULL, NULL},
};
static const struct column bind_columns[] = {
    {"BIND", "name"},       {"KIND", "kind"},     {"STATE", "state"},
    {"LOGIN", "login"},     {"SINCE", "created"}, {"OLD PARAMETERS", "old_parameters"},
    {"FAILURE", "failure"}, {NULL, NULL},
};
static const struct column history_columns[] = {
    {"OPERATION", "id"}, {"KIND", "kind"},     {"STATE", "state"},      {"TRIES", "attempts"},
    {"USER", "user"},    {"SINCE", "created"}, {"LAST ERROR", "error"}, {NULL, NULL},
};

static int show_list(const struct invocation *invocation, const char *path, const char *name, const char *state,
                     const struct column *columns)
{
	struct talk talk;
	struct cJSON *items = NULL;
	int rc;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	rc = talk_list(&talk, path, name, state, &items);
	if (rc == 0 && talk_prints_json(&talk))
		talk_print_json(&talk, items);
	else if (rc == 0)
		table_print(invocation->out, items, columns);
	cJSON_Delete(items);
	return talk_end(&talk, rc);
}

int ctl_instances(const struct invocation *invocation)
{
	return show_list(invocation, "/v1/instances", "instances", invocation->values[OPTION_STATE], instance_columns);
}

int ctl_operations(const struct invocation *invocation)
{
	const char *state = invocation->values[OPTION_STATE];

	if (state == NULL)
		state = "pending";
	return show_list(invocation, "/v1/operations", "operations", strcmp(state, "any") == 0 ? NULL : state,
	                 operation_columns);
}

int ctl_audit(const struct invocation *invocation)
{
	struct invocation limited = *invocation;

	if (limited.values[OPTION_LIMIT] == NULL)
		limited.values[OPTION_LIMIT] = "100";
	return show_list(&limited, "/v1/audit", "audit", invocation->values[OPTION_STATE], audit_columns);
}

/* ---- one object ---- */

typedef int printer(const struct talk *talk, const struct cJSON *json);

/* Asks for path and prints the answer, or has it printed by print, which says what to exit with. */
static int show(const struct invocation *invocation, const char *path, bool any_status, printer *print)
{
	struct talk talk;
	struct cJSON *json = NULL;
	int rc, code = EXIT_GOOD;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	rc = any_status ? ask_whatever(talk.asker, path, &json, &talk.error)
	                : ask(talk.asker, path, NULL, &json, &talk.error);
	if (rc == 0) {
		code = print(&talk, json);
		if (talk_prints_json(&talk))
			talk_print_json(&talk, json);
	}
	cJSON_Delete(json);
	rc = talk_end(&talk, rc);
	return rc != EXIT_GOOD ? rc : code;
}

static int print_services(const struct talk *talk, const struct cJSON *json)
{
	FILE *out = talk->invocation->out;
	const struct cJSON *service;

	if (talk_prints_json(talk))
		return EXIT_GOOD;
	cJSON_ArrayForEach(service, cJSON_GetObjectItemCaseSensitive(json, "services"))
	{
		table_print_object(out, service);
		table_print(out, cJSON_GetObjectItemCaseSensitive(service, "servers"), server_columns);
		table_print(out, cJSON_GetObjectItemCaseSensitive(service, "plans"), plan_columns);
		fputs("\n", out);
	}
	return EXIT_GOOD;
}

int ctl_services(const struct invocation *invocation)
{
	return show(invocation, "/v1/services", false, print_services);
}

static bool is_well(const struct cJSON *json)
{
	const char *configuration = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "configuration"));
	const struct cJSON *server;

	cJSON_ArrayForEach(server, cJSON_GetObjectItemCaseSensitive(json, "servers"))
	{
		const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(server, "state"));

		if (state == NULL || strcmp(state, "down") == 0)
			return false;
	}
	if (cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "missing_services")) > 0)
		return false;
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "ready")) && configuration != NULL &&
	       strcmp(configuration, "good") == 0;
}

static int print_health(const struct talk *talk, const struct cJSON *json)
{
	if (!talk_prints_json(talk)) {
		table_print_object(talk->invocation->out, json);
		table_print(talk->invocation->out, cJSON_GetObjectItemCaseSensitive(json, "servers"),
		            (const struct column[]){{"SERVICE", "service"},
		                                    {"SERVER", "server"},
		                                    {"STATE", "state"},
		                                    {"REASON", "reason"},
		                                    {"WARNING", "warning"},
		                                    {NULL, NULL}});
		table_print(talk->invocation->out, cJSON_GetObjectItemCaseSensitive(json, "missing_services"),
		            (const struct column[]){
		                {"NOT IN THE CONFIGURATION", "service"}, {"INSTANCES", "instances"}, {NULL, NULL}});
		table_print(talk->invocation->out, cJSON_GetObjectItemCaseSensitive(json, "warnings"),
		            (const struct column[]){{"WARNING", "warning"}, {"REASON", "reason"}, {NULL, NULL}});
	}
	return is_well(json) ? EXIT_GOOD : EXIT_AMISS;
}

int ctl_health(const struct invocation *invocation)
{
	return show(invocation, "/ready", true, print_health);
}

static bool is_list_of_equals(const struct cJSON *replicas)
{
	const struct cJSON *replica;

	cJSON_ArrayForEach(replica, replicas)
	{
		const char *configuration =
		    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(replica, "configuration"));

		if (configuration == NULL || strcmp(configuration, "same") != 0 ||
		    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(replica, "name_taken")))
			return false;
	}
	return true;
}

static int print_replicas(const struct talk *talk, const struct cJSON *json)
{
	const struct cJSON *replicas = cJSON_GetObjectItemCaseSensitive(json, "replicas");

	if (!talk_prints_json(talk))
		table_print(talk->invocation->out, replicas,
		            (const struct column[]){{"NAME", "name"},
		                                    {"ROLE", "role"},
		                                    {"SINCE", "since"},
		                                    {"REVISION", "revision"},
		                                    {"LAG", "lag"},
		                                    {"VERSION", "version"},
		                                    {"CONFIGURATION", "configuration"},
		                                    {"TOLD", "told_seconds"},
		                                    {"NOTE", "note"},
		                                    {NULL, NULL}});
	return is_list_of_equals(replicas) ? EXIT_GOOD : EXIT_AMISS;
}

int ctl_replicas(const struct invocation *invocation)
{
	return show(invocation, "/v1/replicas", false, print_replicas);
}

static const struct column login_columns[] = {
    {"SERVICE", "service"}, {"INSTANCE", "instance"}, {"KIND", "kind"},     {"NAME", "name"},
    {"LOGIN", "login"},     {"SINCE", "since"},       {"REASON", "reason"}, {NULL, NULL}};

static int print_drift(const struct talk *talk, const struct cJSON *json)
{
	const struct cJSON *found = cJSON_GetObjectItemCaseSensitive(json, "found");
	const struct cJSON *strays = cJSON_GetObjectItemCaseSensitive(json, "strays");
	const struct cJSON *logins = cJSON_GetObjectItemCaseSensitive(json, "logins");
	FILE *out = talk->invocation->out;
	const struct cJSON *item;

	if (!talk_prints_json(talk)) {
		table_print_object(out, json);
		cJSON_ArrayForEach(item, found)
		{
			fprintf(out, "\n%s/%s\n",
			        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "service")),
			        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "instance")));
			table_print(out, cJSON_GetObjectItemCaseSensitive(item, "drift"),
			            (const struct column[]){{"KIND", "kind"}, {"FOUND", "found"}, {NULL, NULL}});
		}
		if (cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "differed")) >
		    cJSON_GetArraySize(found))
			fputs("\nwhat differed and is not listed was mended, or is gone: the log tells it "
			      "(event=drift)\n",
			      out);
		fputs(cJSON_GetArraySize(strays) > 0 ? "\non servers, and in no record:\n" : "", out);
		table_print(out, strays,
		            (const struct column[]){{"SERVICE", "service"},
		                                    {"SERVER", "server"},
		                                    {"KIND", "kind"},
		                                    {"NAME", "name"},
		                                    {NULL, NULL}});
		fputs(cJSON_GetArraySize(logins) > 0 ? "\nlogins that should be dead, and may live:\n" : "", out);
		table_print(out, logins, login_columns);
	}
	return cJSON_GetArraySize(found) + cJSON_GetArraySize(strays) + cJSON_GetArraySize(logins) == 0 ? EXIT_GOOD
	                                                                                                : EXIT_AMISS;
}

int ctl_drift(const struct invocation *invocation)
{
	return show(invocation, "/v1/drift", false, print_drift);
}

/* ---- an instance ---- */

static int show_instance(struct talk *talk)
{
	FILE *out = talk->invocation->out;
	char id[INCARNATION_LENGTH + 1], path[CTL_PATH_MAX];
	struct cJSON *json = NULL;
	int rc = talk_find(talk, talk->invocation->operand, id);

	if (rc != 0)
		return rc;
	snprintf(path, sizeof(path), "/v1/instances/%s", id);
	rc = ask(talk->asker, path, NULL, &json, &talk->error);
	if (rc != 0)
		return rc;
	if (talk_prints_json(talk)) {
		talk_print_json(talk, json);
	} else {
		table_print_object(out, json);
		fputs("\n", out);
		table_print(out, cJSON_GetObjectItemCaseSensitive(json, "binds"), bind_columns);
		fputs(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "binds")) > 0 ? "\n" : "", out);
		table_print(out, cJSON_GetObjectItemCaseSensitive(json, "operations"), history_columns);
	}
	cJSON_Delete(json);
	return 0;
}

int ctl_show(const struct invocation *invocation)
{
	struct talk talk;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	return talk_end(&talk, show_instance(&talk));
}
