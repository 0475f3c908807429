/* The subcommands of ctl that do something. */
#include <cjson/cJSON.h>
#include <string.h>

#include "base/timer.h"
#include "cli/progress.h"
#include "cli/talk.h"
#include "model/model.h"

#define CLAIM_LOOKS    40        /* until it is said that the server is not up yet */
#define STEP_DOWN_TIME 120000000 /* us, until nobody is waited for any more */
#define STANDBY_TIME   5000000   /* us, until every broker that lives has told what it is */

/* ---- instances ---- */

/* removed: the states of the removed ones that may be meant; NULL: any instance may be. */
static int do_to_instance(const struct invocation *invocation, const char *verb, const char *const *fields,
                          const char *const *removed)
{
	char id[INCARNATION_LENGTH + 1], path[CTL_PATH_MAX];
	struct talk talk;
	int rc;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	if (removed != NULL)
		rc = talk_find_removed(&talk, invocation->operand, removed, id);
	else
		rc = talk_find(&talk, invocation->operand, id);
	if (rc == 0) {
		snprintf(path, sizeof(path), "/v1/instances/%s/%s", id, verb);
		rc = talk_do(&talk, path, fields);
	}
	return talk_end(&talk, rc);
}

int ctl_undelete(const struct invocation *invocation)
{
	static const char *const removed[] = {"retained", "removal-failed", NULL};
	const char *const fields[] = {"name", invocation->values[OPTION_AS], NULL};

	return do_to_instance(invocation, "undelete", fields, removed);
}

int ctl_purge(const struct invocation *invocation)
{
	static const char *const removed[] = {"retained", NULL};

	return do_to_instance(invocation, "purge", NULL, removed);
}

int ctl_forget(const struct invocation *invocation)
{
	const char *const fields[] = {"reason", invocation->values[OPTION_REASON], NULL};

	if (invocation->values[OPTION_REASON] == NULL) {
		fputs("tsuru-broker: forget needs --reason TEXT, for the audit\n", invocation->err);
		return EXIT_USAGE;
	}
	return do_to_instance(invocation, "forget", fields, NULL);
}

static int adopt(struct talk *talk)
{
	const char *const *values = talk->invocation->values;
	char service[CTL_PATH_MAX], name[CTL_PATH_MAX];
	int rc = talk_split(talk, talk->invocation->operand, service, name, sizeof(service));
	const char *const fields[] = {"service",    service,
	                              "name",       name,
	                              "team",       values[OPTION_TEAM],
	                              "server",     values[OPTION_SERVER],
	                              "resource",   values[OPTION_RESOURCE],
	                              "plan",       values[OPTION_PLAN],
	                              "keep_owner", values[OPTION_KEEP_OWNER] != NULL ? "true" : NULL,
	                              NULL};

	return rc != 0 ? rc : talk_do(talk, "/v1/instances", fields);
}

int ctl_adopt(const struct invocation *invocation)
{
	struct talk talk;

	if (invocation->values[OPTION_TEAM] == NULL || invocation->values[OPTION_RESOURCE] == NULL) {
		fputs("tsuru-broker: adopt needs --team TEAM and --resource NAME\n", invocation->err);
		return EXIT_USAGE;
	}
	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	return talk_end(&talk, adopt(&talk));
}

/* ---- operations ---- */

static bool is_operation(const char *operand)
{
	return strlen(operand) == OPERATION_ID_LENGTH && strspn(operand, "0123456789abcdef") == OPERATION_ID_LENGTH;
}

static int do_to_operation(const struct invocation *invocation, const char *verb)
{
	char path[CTL_PATH_MAX];
	struct talk talk;

	if (!is_operation(invocation->operand)) {
		fprintf(invocation->err, "tsuru-broker: \"%.100s\" is no operation's id (%d hex digits)\n",
		        invocation->operand, OPERATION_ID_LENGTH);
		return EXIT_USAGE;
	}
	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	snprintf(path, sizeof(path), "/v1/operations/%s/%s", invocation->operand, verb);
	return talk_end(&talk, talk_do(&talk, path, NULL));
}

int ctl_retry(const struct invocation *invocation)
{
	return is_operation(invocation->operand) ? do_to_operation(invocation, "retry")
	                                         : do_to_instance(invocation, "retry", NULL, NULL);
}

int ctl_cancel(const struct invocation *invocation)
{
	return do_to_operation(invocation, "cancel");
}

/* ---- servers and the program ---- */

static int do_to_server(const struct invocation *invocation, const char *verb)
{
	char service[CTL_PATH_MAX], server[CTL_PATH_MAX], path[3 * CTL_PATH_MAX];
	struct talk talk;
	int rc;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	rc = talk_split(&talk, invocation->operand, service, server, sizeof(service));
	if (rc == 0) {
		snprintf(path, sizeof(path), "/v1/servers/%s/%s/%s", service, server, verb);
		rc = talk_do(&talk, path, NULL);
	}
	return talk_end(&talk, rc);
}

/* The server of the operand among those of a service; NULL: it is not there. */
static const struct cJSON *find_server(const struct cJSON *of_service, const char *service, const char *server)
{
	const struct cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(of_service, "servers"))
	{
		const char *of = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "service"));
		const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "server"));

		if (of != NULL && name != NULL && strcmp(of, service) == 0 && strcmp(name, server) == 0)
			return item;
	}
	return NULL;
}

static const struct cJSON *find_server_of_any(const struct cJSON *json, const char *service, const char *server)
{
	const struct cJSON *item, *found = NULL;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "services"))
	{
		if (found == NULL)
			found = find_server(item, service, server);
	}
	return found;
}

/* What the active broker says of the server now, in ret_text, which holds ERROR_TEXT_MAX; whether it is up in *ret_up.
 */
static int look_at_server(struct talk *talk, const char *service, const char *server, bool *ret_up, char *ret_text)
{
	struct cJSON *json = NULL;
	const struct cJSON *found;
	const char *state, *reason;
	int rc = ask(talk->asker, "/v1/services", NULL, &json, &talk->error);

	if (rc != 0)
		return rc;
	found = find_server_of_any(json, service, server);
	state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(found, "state"));
	reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(found, "reason"));
	if (found == NULL)
		rc = error_set(&talk->error, ERR_NOT_FOUND, "the service \"%.100s\" has no server \"%.100s\"", service,
		               server);
	*ret_up = state != NULL && strcmp(state, "up") == 0;
	snprintf(ret_text, ERROR_TEXT_MAX, "%s", reason != NULL ? reason : state != NULL ? state : "");
	cJSON_Delete(json);
	return rc;
}

static bool is_meant(const struct invocation *invocation, const char *service, const char *server, const char *state)
{
	char answer[8] = "";

	if (invocation->values[OPTION_YES] != NULL)
		return true;
	fprintf(invocation->err, "%s/%s: %s\nMake it this broker's server? [y/N] ", service, server, state);
	fflush(invocation->err);
	if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	fprintf(invocation->err, "%stsuru-broker: nothing was claimed; answer y, or give --yes\n",
	        answer[0] == '\0' ? "\n" : "");
	return false;
}

/* The server's check, which begins at once, tells how it went. */
static int claim(struct talk *talk, const char *service, const char *server, const char *path, int *ret_code)
{
	static const char *const nothing[] = {NULL};
	char text[ERROR_TEXT_MAX] = "";
	struct cJSON *json = NULL;
	bool up = false;
	int rc = ask(talk->asker, path, nothing, &json, &talk->error);

	cJSON_Delete(json);
	for (int i = 0; rc == 0 && !up && i < CLAIM_LOOKS; i++) {
		progress_pause();
		rc = look_at_server(talk, service, server, &up, text);
	}
	if (rc == 0)
		fprintf(up ? talk->invocation->out : talk->invocation->err, "%s\n", up ? "claimed" : text);
	*ret_code = up ? EXIT_GOOD : EXIT_AMISS;
	return rc;
}

int ctl_claim(const struct invocation *invocation)
{
	char service[CTL_PATH_MAX], server[CTL_PATH_MAX], path[3 * CTL_PATH_MAX], state[ERROR_TEXT_MAX];
	int rc, code = EXIT_FAILED;
	struct talk talk;
	bool up;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	rc = talk_split(&talk, invocation->operand, service, server, sizeof(service));
	if (rc == 0)
		rc = look_at_server(&talk, service, server, &up, state);
	if (rc == 0 && is_meant(invocation, service, server, state)) {
		snprintf(path, sizeof(path), "/v1/servers/%s/%s/claim", service, server);
		rc = claim(&talk, service, server, path, &code);
	}
	rc = talk_end(&talk, rc);
	return rc != EXIT_GOOD ? rc : code;
}

int ctl_drain(const struct invocation *invocation)
{
	return do_to_server(invocation, "drain");
}

int ctl_undrain(const struct invocation *invocation)
{
	return do_to_server(invocation, "undrain");
}

/* ---- replicas ---- */

/* The active broker as the one that is asked knows it, "" where there is none, in ret_name, which holds size; and how
 * often one became that. */
static int look_at_active(struct talk *talk, char *ret_name, size_t size, double *ret_epoch)
{
	struct cJSON *json = NULL;
	int rc = ask_whatever(talk->asker, "/ready", &json, &talk->error);
	const char *name;

	if (rc != 0)
		return rc;
	name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "active"));
	snprintf(ret_name, size, "%s", name != NULL ? name : "");
	*ret_epoch = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "epoch"));
	cJSON_Delete(json);
	return 0;
}

/* ret_name: who became the active one since that epoch; "": nobody did. */
static int await_next(struct talk *talk, double epoch, char *ret_name, size_t size)
{
	const int64_t end = timers_clock() + STEP_DOWN_TIME;
	double now = epoch;
	int rc = 0;

	while (rc == 0 && timers_clock() < end) {
		rc = look_at_active(talk, ret_name, size, &now);
		if (rc == 0 && now > epoch && ret_name[0] != '\0')
			return 0;
		progress_pause();
	}
	ret_name[0] = '\0';
	return rc;
}

/* Who has just become the active one does not know yet who stands by: a refusal is final when that had its time. */
static int ask_to_step_down(struct talk *talk, bool has_others)
{
	const char *const fields[] = {"force", talk->invocation->values[OPTION_FORCE] != NULL ? "true" : NULL, NULL};
	const int64_t end = timers_clock() + (has_others ? STANDBY_TIME : 0);
	struct cJSON *json = NULL;
	int rc;

	while ((rc = ask(talk->asker, "/v1/step-down", fields, &json, &talk->error)) == ERR_REFUSED &&
	       timers_clock() < end)
		progress_pause();
	cJSON_Delete(json);
	return rc;
}

/* What to exit with, when nothing failed, in *ret_code. */
static int step_down(struct talk *talk, int *ret_code)
{
	char before[CTL_PATH_MAX], next[CTL_PATH_MAX];
	struct cJSON *json;
	double epoch = 0;
	int rc = look_at_active(talk, before, sizeof(before), &epoch);

	if (rc == 0)
		rc = ask_to_step_down(talk, before[0] != '\0');
	if (rc == 0)
		rc = await_next(talk, epoch, next, sizeof(next));
	if (rc != 0)
		return rc;
	*ret_code = next[0] != '\0' && strcmp(before, next) != 0 ? EXIT_GOOD : EXIT_AMISS;
	if (talk_prints_json(talk)) {
		json = cJSON_CreateObject();
		cJSON_AddStringToObject(json, "active", next);
		talk_print_json(talk, json);
		cJSON_Delete(json);
	} else if (next[0] == '\0') {
		fputs("no broker has become the active one yet\n", talk->invocation->err);
	} else {
		fprintf(talk->invocation->out, "\"%s\" is the active one%s\n", next,
		        *ret_code == EXIT_GOOD ? " now" : " again: no other took over");
	}
	return 0;
}

int ctl_step_down(const struct invocation *invocation)
{
	struct talk talk;
	int rc, code = EXIT_FAILED;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	rc = talk_end(&talk, step_down(&talk, &code));
	return rc != EXIT_GOOD ? rc : code;
}

int ctl_reload(const struct invocation *invocation)
{
	struct talk talk;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	return talk_end(&talk, talk_do(&talk, "/v1/reload", NULL));
}
