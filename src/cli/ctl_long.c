/* The subcommands of ctl that begin what takes long, and wait for its end. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/table.h"
#include "cli/talk.h"
#include "model/model.h"

#define VERIFY_LOOKS 40 /* until what was found beside work under way is shown */

static size_t count_of(const struct cJSON *json, const char *member)
{
	const double number = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, member));

	return number > 0 && number < (double)SIZE_MAX ? (size_t)number : 0;
}

/* Whoever had begun it may have ended since, and one that has begun nothing rests, too. */
static int check_begun(struct talk *talk, const struct cJSON *json)
{
	if (cJSON_GetObjectItemCaseSensitive(json, "began") != NULL)
		return 0;
	return error_set(
	    &talk->error, ERR_UNAVAILABLE,
	    "the broker that had begun this is not asked any more, and how far it came is not known: run it again");
}

/* Begins by a POST to start, then asks path until its state is "resting"; shows member's number meanwhile on a
 * terminal. *ret_json is the caller's, also of a failure. */
static int wait_until_resting(struct talk *talk, const char *start, const char *path, const char *member,
                              struct cJSON **ret_json)
{
	static const char *const nothing[] = {NULL};
	struct cJSON *json = NULL;
	struct progress_line progress;
	int rc = ask(talk->asker, start, nothing, &json, &talk->error);

	progress_begin(&progress, !talk_prints_json(talk));
	while (rc == 0) {
		const char *state;

		cJSON_Delete(json);
		json = NULL;
		rc = ask(talk->asker, path, NULL, &json, &talk->error);
		if (rc == 0)
			rc = check_begun(talk, json);
		state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "state"));
		if (rc != 0 || state == NULL || strcmp(state, "resting") == 0)
			break;
		progress_show(&progress, state, count_of(json, member));
		progress_pause();
	}
	progress_end(&progress);
	*ret_json = json;
	return rc;
}

static bool is_unsettled(const struct cJSON *json)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "unsettled"));
}

/* Looks until no work on the instance was under way meanwhile, such as what an earlier look had begun to mend. */
static int look_at_instance(struct talk *talk, const char *path, struct cJSON **ret_json)
{
	static const char *const nothing[] = {NULL};
	int rc = ask(talk->asker, path, nothing, ret_json, &talk->error);

	for (int i = 0; rc == 0 && i < VERIFY_LOOKS && is_unsettled(*ret_json); i++) {
		progress_pause();
		cJSON_Delete(*ret_json);
		*ret_json = NULL;
		rc = ask(talk->asker, path, nothing, ret_json, &talk->error);
	}
	if (rc == 0 && is_unsettled(*ret_json))
		fputs("tsuru-broker: work on the instance is under way, and what is found may come from it\n",
		      talk->invocation->err);
	return rc;
}

static int verify_one(struct talk *talk, int *ret_code)
{
	char id[INCARNATION_LENGTH + 1], path[CTL_PATH_MAX];
	const struct cJSON *drift;
	struct cJSON *json = NULL;
	int rc = talk_find(talk, talk->invocation->operand, id);

	if (rc != 0)
		return rc;
	snprintf(path, sizeof(path), "/v1/instances/%s/verify", id);
	rc = look_at_instance(talk, path, &json);
	if (rc != 0)
		return rc;
	drift = cJSON_GetObjectItemCaseSensitive(json, "drift");
	*ret_code = cJSON_GetArraySize(drift) > 0 ? EXIT_AMISS : EXIT_GOOD;
	if (talk_prints_json(talk))
		talk_print_json(talk, json);
	else if (*ret_code == EXIT_GOOD)
		fputs("the server has what the records say\n", talk->invocation->out);
	else
		table_print(talk->invocation->out, drift,
		            (const struct column[]){{"KIND", "kind"}, {"FOUND", "found"}, {NULL, NULL}});
	cJSON_Delete(json);
	return 0;
}

int ctl_verify(const struct invocation *invocation)
{
	struct talk talk;
	struct cJSON *json = NULL;
	int rc, code = EXIT_GOOD;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	if (invocation->operand != NULL) {
		rc = talk_end(&talk, verify_one(&talk, &code));
		return rc != EXIT_GOOD ? rc : code;
	}
	rc = wait_until_resting(&talk, "/v1/verify", "/v1/drift", "looked_at", &json);
	if (rc == 0 && cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "differed")) > 0)
		code = EXIT_AMISS; /* also when it is mended by now */
	cJSON_Delete(json);
	rc = talk_end(&talk, rc);
	if (rc == EXIT_GOOD)
		rc = ctl_drift(invocation);
	return rc != EXIT_GOOD ? rc : code;
}

int ctl_rekey(const struct invocation *invocation)
{
	struct talk talk;
	struct cJSON *json = NULL;
	double failed = 0;
	int rc;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	rc = wait_until_resting(&talk, "/v1/rekey", "/v1/rekey", "sealed", &json);
	if (rc == 0) {
		failed = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "failed"));
		if (talk_prints_json(&talk))
			talk_print_json(&talk, json);
		else
			table_print_object(invocation->out, json);
	}
	cJSON_Delete(json);
	rc = talk_end(&talk, rc);
	return rc != EXIT_GOOD ? rc : failed > 0 ? EXIT_AMISS : EXIT_GOOD;
}

/* ---- tsuru's list ---- */

static const struct {
	const char *kind, *title;
	struct column columns[7];
} differences[] = {
    {"orphaned-bind",
     "binds that tsuru does not know (ended by ctl reconcile --apply once they are due):",
     {{"SERVICE", "service"},
      {"INSTANCE", "instance"},
      {"KIND", "bind_kind"},
      {"BIND", "bind"},
      {"SINCE", "since"},
      {"DUE", "due"}}},
    {"instance-unknown-to-tsuru",
     "instances that tsuru does not know, or does not show to the token (ctl remove ends one):",
     {{"SERVICE", "service"}, {"INSTANCE", "instance"}, {"ID", "instance_id"}, {"SINCE", "since"}}},
    {"instance-without-record",
     "instances of tsuru's that there is no record of (tsuru service instance remove ends one):",
     {{"SERVICE", "service"}, {"INSTANCE", "instance"}, {"SINCE", "since"}}},
    {"bind-without-record",
     "binds of tsuru's that there is no record of (to unbind and bind makes one):",
     {{"SERVICE", "service"}, {"INSTANCE", "instance"}, {"KIND", "bind_kind"}, {"BIND", "bind"}, {"SINCE", "since"}}},
};

static bool is_of_kind(const struct cJSON *item, const char *kind)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "kind"));

	return name != NULL && strcmp(name, kind) == 0;
}

/* Borrows the items: the list that it makes refers to them. */
static struct cJSON *select_kind(const struct cJSON *items, const char *kind)
{
	struct cJSON *selected = cJSON_CreateArray();
	struct cJSON *item;

	cJSON_ArrayForEach(item, items)
	{
		if (is_of_kind(item, kind))
			cJSON_AddItemReferenceToArray(selected, item);
	}
	return selected;
}

static void print_differences(FILE *out, const struct cJSON *json)
{
	const struct cJSON *items = cJSON_GetObjectItemCaseSensitive(json, "differences");

	for (size_t i = 0; i < sizeof(differences) / sizeof(*differences); i++) {
		struct cJSON *selected = select_kind(items, differences[i].kind);

		if (cJSON_GetArraySize(selected) > 0)
			fprintf(out, "\n%s\n", differences[i].title);
		table_print(out, selected, differences[i].columns);
		cJSON_Delete(selected);
	}
}

int ctl_reconcile(const struct invocation *invocation)
{
	const char *start = invocation->values[OPTION_APPLY] != NULL ? "/v1/reconcile/apply" : "/v1/reconcile";
	struct talk talk;
	struct cJSON *json = NULL;
	int rc, code = EXIT_GOOD;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	rc = wait_until_resting(&talk, start, "/v1/reconcile", "looked_at", &json);
	if (rc == 0) {
		if (talk_prints_json(&talk))
			talk_print_json(&talk, json);
		else {
			table_print_object(invocation->out, json);
			print_differences(invocation->out, json);
		}
		code = count_of(json, "differ") > 0 || cJSON_GetObjectItemCaseSensitive(json, "failure") != NULL
		           ? EXIT_AMISS
		           : EXIT_GOOD;
	}
	cJSON_Delete(json);
	rc = talk_end(&talk, rc);
	return rc != EXIT_GOOD ? rc : code;
}
