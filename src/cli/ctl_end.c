/* The subcommands of ctl that end what tsuru has lost: an instance, or a bind of one. Both ask for its name. */
#include <cjson/cJSON.h>
#include <string.h>

#include "cli/talk.h"
#include "model/model.h"

#define ANSWER_MAX 256 /* bytes, with the newline: no name is as long */

/* "" where the member is none. */
static const char *text_of(const struct cJSON *json, const char *member)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, member));

	return text != NULL ? text : "";
}

/* Whether the name is typed, or --yes was given. */
static bool is_meant(const struct invocation *invocation, const char *name)
{
	char answer[ANSWER_MAX] = "";

	if (invocation->values[OPTION_YES] != NULL)
		return true;
	fflush(invocation->err);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		fputs("\n", invocation->err);
	answer[strcspn(answer, "\n")] = '\0';
	if (name[0] != '\0' && strcmp(answer, name) == 0)
		return true;
	fprintf(invocation->err, "tsuru-broker: nothing was done; type \"%s\", or give --yes\n", name);
	return false;
}

/* The instance that the operand names, as the broker shows it; *ret_json is the caller's. */
static int find_instance(struct talk *talk, char *ret_id, struct cJSON **ret_json)
{
	char path[CTL_PATH_MAX];
	int rc = talk_find(talk, talk->invocation->operand, ret_id);

	if (rc != 0)
		return rc;
	snprintf(path, sizeof(path), "/v1/instances/%s", ret_id);
	return ask(talk->asker, path, NULL, ret_json, &talk->error);
}

/* *ret_meant is false when it was not, and then nothing was done. */
static int end_it(const struct invocation *invocation, int (*end)(struct talk *talk, bool *ret_meant))
{
	struct talk talk;
	bool meant = true;
	int rc;

	if (talk_open(&talk, invocation) != EXIT_GOOD)
		return EXIT_FAILED;
	rc = talk_end(&talk, end(&talk, &meant));
	return meant ? rc : EXIT_FAILED;
}

/* ---- an instance ---- */

static bool is_removal_meant(const struct invocation *invocation, const struct cJSON *instance)
{
	const int binds = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(instance, "binds"));

	if (invocation->values[OPTION_YES] == NULL)
		fprintf(invocation->err, "%s/%s of the team \"%s\" is %s and has %d bind%s.\nIts name, to remove it: ",
		        text_of(instance, "service"), text_of(instance, "name"), text_of(instance, "team"),
		        text_of(instance, "state"), binds, binds == 1 ? "" : "s");
	return is_meant(invocation, text_of(instance, "name"));
}

static int remove_instance(struct talk *talk, bool *ret_meant)
{
	const struct invocation *invocation = talk->invocation;
	const char *const fields[] = {"protected", invocation->values[OPTION_PROTECTED] != NULL ? "true" : NULL, NULL};
	char id[INCARNATION_LENGTH + 1], path[CTL_PATH_MAX];
	struct cJSON *instance = NULL;
	int rc = find_instance(talk, id, &instance);

	if (rc != 0)
		return rc;
	*ret_meant = is_removal_meant(invocation, instance);
	cJSON_Delete(instance);
	if (!*ret_meant)
		return 0;
	snprintf(path, sizeof(path), "/v1/instances/%s/remove", id);
	return talk_do(talk, path, fields);
}

int ctl_remove(const struct invocation *invocation)
{
	return end_it(invocation, remove_instance);
}

/* ---- a bind ---- */

/* given is NAME, app/NAME or job/NAME. */
static bool is_named(const struct cJSON *bind, const char *given)
{
	const char *kind = text_of(bind, "kind"), *name = text_of(bind, "name");
	const size_t length = strlen(kind);

	if (strchr(given, '/') == NULL)
		return strcmp(name, given) == 0;
	return strncmp(given, kind, length) == 0 && given[length] == '/' && strcmp(given + length + 1, name) == 0;
}

/* NULL, with the error, where none of the binds is meant, or two are. */
static const struct cJSON *find_bind(struct talk *talk, const struct cJSON *binds)
{
	const char *given = talk->invocation->second;
	const struct cJSON *bind, *found = NULL;
	int count = 0;

	cJSON_ArrayForEach(bind, binds)
	{
		if (!is_named(bind, given))
			continue;
		found = bind;
		count++;
	}
	if (count == 0)
		error_set(&talk->error, ERR_NOT_FOUND, "nothing called \"%.100s\" is bound to the instance", given);
	if (count > 1)
		error_set(&talk->error, ERR_INVALID,
		          "an app and a job called \"%.100s\" are bound; give app/%.100s or job/%.100s", given, given,
		          given);
	return count == 1 ? found : NULL;
}

static bool is_unbind_meant(const struct invocation *invocation, const struct cJSON *instance, const struct cJSON *bind)
{
	if (invocation->values[OPTION_YES] == NULL)
		fprintf(
		    invocation->err,
		    "%s/%s has a bind of the %s \"%s\", which is %s and was changed %s.\nThat name, to end the bind: ",
		    text_of(instance, "service"), text_of(instance, "name"), text_of(bind, "kind"),
		    text_of(bind, "name"), text_of(bind, "state"), text_of(bind, "changed"));
	return is_meant(invocation, text_of(bind, "name"));
}

static int end_bind(struct talk *talk, const char *id, const struct cJSON *instance, bool *ret_meant)
{
	const struct cJSON *bind = find_bind(talk, cJSON_GetObjectItemCaseSensitive(instance, "binds"));
	const char *const fields[] = {"kind",    text_of(bind, "kind"),    "name", text_of(bind, "name"),
	                              "changed", text_of(bind, "changed"), NULL};
	char path[CTL_PATH_MAX];

	if (bind == NULL)
		return talk->error.code;
	*ret_meant = is_unbind_meant(talk->invocation, instance, bind);
	if (!*ret_meant)
		return 0;
	snprintf(path, sizeof(path), "/v1/instances/%s/unbind", id);
	return talk_do(talk, path, fields);
}

static int unbind(struct talk *talk, bool *ret_meant)
{
	char id[INCARNATION_LENGTH + 1];
	struct cJSON *instance = NULL;
	int rc = find_instance(talk, id, &instance);

	if (rc == 0)
		rc = end_bind(talk, id, instance, ret_meant);
	cJSON_Delete(instance);
	return rc;
}

int ctl_unbind(const struct invocation *invocation)
{
	return end_it(invocation, unbind);
}
