/* Talks of ctl: finding instances by name, lists in pages, verbs. */
#include "cli/talk.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/table.h"
#include "model/model.h"

#define PAGE_LIMIT 500

int talk_open(struct talk *talk, const struct invocation *invocation)
{
	*talk = (struct talk){.invocation = invocation};
	return ask_open(invocation, &talk->asker) == 0 ? EXIT_GOOD : EXIT_FAILED;
}

int talk_end(struct talk *talk, int rc)
{
	if (rc != 0)
		fprintf(talk->invocation->err, "tsuru-broker: %s\n", talk->error.text);
	ask_close(talk->asker);
	return rc == 0 ? EXIT_GOOD : EXIT_FAILED;
}

bool talk_prints_json(const struct talk *talk)
{
	return talk->invocation->values[OPTION_JSON] != NULL;
}

void talk_print_json(const struct talk *talk, const struct cJSON *json)
{
	char *text = cJSON_Print(json);

	fprintf(talk->invocation->out, "%s\n", text != NULL ? text : "");
	cJSON_free(text);
}

/* ---- lists ---- */

static void add_parameter(struct text *path, const char *name, const char *value)
{
	if (value == NULL)
		return;
	text_add(path, strchr(text_string(path), '?') != NULL ? "&" : "?");
	text_add(path, name);
	text_add(path, "=");
	text_add_percent(path, value);
}

/* Moves the page's items behind those of the list; at most limit. */
static void take_items(struct cJSON *list, struct cJSON *page, const char *name, int limit)
{
	struct cJSON *items = cJSON_GetObjectItemCaseSensitive(page, name);

	while (cJSON_GetArraySize(items) > 0 && cJSON_GetArraySize(list) < limit)
		cJSON_AddItemToArray(list, cJSON_DetachItemFromArray(items, 0));
}

static int ask_page(struct talk *talk, const struct text *query, const char *after, struct cJSON **ret_page)
{
	struct text path;
	int rc;

	text_init(&path, 16 * CTL_PATH_MAX);
	text_add(&path, text_string(query));
	add_parameter(&path, "after", after);
	rc = path.failed ? error_no_memory(&talk->error)
	                 : ask(talk->asker, text_string(&path), NULL, ret_page, &talk->error);
	text_release(&path);
	return rc;
}

static int collect(struct talk *talk, const struct text *query, const char *name, int limit, struct cJSON *list)
{
	char *after = NULL;
	int rc;

	do {
		const struct cJSON *next;
		struct cJSON *page = NULL;

		rc = ask_page(talk, query, after, &page);
		free(after);
		after = NULL;
		if (rc != 0)
			break;
		take_items(list, page, name, limit);
		next = cJSON_GetObjectItemCaseSensitive(page, "next");
		if (cJSON_IsString(next) && cJSON_GetArraySize(list) < limit)
			after = strdup(next->valuestring);
		cJSON_Delete(page);
	} while (after != NULL);
	return rc;
}

static int read_limit(struct talk *talk, int *ret_limit)
{
	const char *given = talk->invocation->values[OPTION_LIMIT];
	int64_t limit = INT32_MAX;

	if (given != NULL && (text_parse_number(given, &limit) != 0 || limit < 1 || limit > INT32_MAX))
		return error_set(&talk->error, ERR_INVALID, "--limit is \"%.100s\"; it has to be a number from 1",
		                 given);
	*ret_limit = (int)limit;
	return 0;
}

int talk_list(struct talk *talk, const char *path, const char *name, const char *state, struct cJSON **ret_items)
{
	const char *const *values = talk->invocation->values;
	struct cJSON *list = cJSON_CreateArray();
	struct text query;
	char page[16];
	int limit = 0;
	int rc = read_limit(talk, &limit);

	text_init(&query, 16 * CTL_PATH_MAX);
	text_add(&query, path);
	snprintf(page, sizeof(page), "%d", limit < PAGE_LIMIT ? limit : PAGE_LIMIT);
	add_parameter(&query, "limit", page);
	add_parameter(&query, "service", values[OPTION_SERVICE]);
	add_parameter(&query, "team", values[OPTION_TEAM]);
	add_parameter(&query, "server", values[OPTION_SERVER]);
	add_parameter(&query, "name", values[OPTION_NAME]);
	add_parameter(&query, "state", state);
	if (rc == 0)
		rc = query.failed || list == NULL ? error_no_memory(&talk->error)
		                                  : collect(talk, &query, name, limit, list);
	text_release(&query);
	if (rc == 0)
		*ret_items = list;
	else
		cJSON_Delete(list);
	return rc;
}

/* ---- names ---- */

int talk_split(struct talk *talk, const char *operand, char *ret_first, char *ret_second, size_t size)
{
	const char *slash = strchr(operand, '/');

	if (slash == NULL || slash == operand || slash[1] == '\0' || strlen(operand) >= size)
		return error_set(&talk->error, ERR_INVALID, "\"%.100s\" is not of the form SERVICE/NAME", operand);
	snprintf(ret_first, size, "%.*s", (int)(slash - operand), operand);
	snprintf(ret_second, size, "%s", slash + 1);
	return 0;
}

/* A living instance, or the retained one that changed last. */
static const struct cJSON *choose(const struct cJSON *items)
{
	const struct cJSON *item, *best = NULL;
	const char *latest = NULL; /* when best changed */

	cJSON_ArrayForEach(item, items)
	{
		const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "state"));
		const char *changed = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "changed"));

		if (state != NULL && strcmp(state, "retained") != 0 && strcmp(state, "removing") != 0)
			return item;
		if (best == NULL || (changed != NULL && (latest == NULL || strcmp(changed, latest) > 0))) {
			best = item;
			latest = changed;
		}
	}
	return best;
}

/* Every one that has or had the name, in the service (NULL: in any); *ret_items is the caller's. */
static int list_named(struct talk *talk, const char *service, const char *name, struct cJSON **ret_items)
{
	struct cJSON *items = cJSON_CreateArray();
	struct text query;
	int rc;

	text_init(&query, 16 * CTL_PATH_MAX);
	text_add(&query, "/v1/instances?limit=500");
	add_parameter(&query, "service", service);
	add_parameter(&query, "name", name);
	rc = query.failed || items == NULL ? error_no_memory(&talk->error)
	                                   : collect(talk, &query, "instances", INT32_MAX, items);
	text_release(&query);
	if (rc == 0)
		*ret_items = items;
	else
		cJSON_Delete(items);
	return rc;
}

static void take_id(const struct cJSON *item, char *ret_id)
{
	const char *id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "id"));

	snprintf(ret_id, INCARNATION_LENGTH + 1, "%s", id != NULL ? id : "");
}

static bool is_id(const char *operand)
{
	return strlen(operand) == INCARNATION_LENGTH && strspn(operand, "0123456789abcdef") == INCARNATION_LENGTH;
}

int talk_find(struct talk *talk, const char *operand, char *ret_id)
{
	char service[CTL_PATH_MAX], name[CTL_PATH_MAX];
	struct cJSON *items = NULL;
	const struct cJSON *chosen;
	int rc;

	if (is_id(operand)) {
		strcpy(ret_id, operand);
		return 0;
	}
	rc = talk_split(talk, operand, service, name, sizeof(service));
	if (rc == 0)
		rc = list_named(talk, service, name, &items);
	if (rc != 0)
		return rc;
	chosen = choose(items);
	if (chosen != NULL)
		take_id(chosen, ret_id);
	else
		rc = error_set(&talk->error, ERR_NOT_FOUND, "the service \"%s\" has no instance \"%s\"", service, name);
	cJSON_Delete(items);
	return rc;
}

/* ---- what was removed ---- */

static bool has_state(const struct cJSON *item, const char *const *states)
{
	const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "state"));

	while (state != NULL && *states != NULL && strcmp(*states, state) != 0)
		states++;
	return state != NULL && *states != NULL;
}

static void keep_states(struct cJSON *items, const char *const *states)
{
	for (int i = cJSON_GetArraySize(items); i > 0; i--)
		if (!has_state(cJSON_GetArrayItem(items, i - 1), states))
			cJSON_DeleteItemFromArray(items, i - 1);
}

/* Whoever brings one back, or drops it, has to say which. */
static int refuse_several(struct talk *talk, const char *operand, const struct cJSON *items)
{
	static const struct column columns[] = {
	    {"ID", "id"},
	    {"SERVICE", "service"},
	    {"TEAM", "team"},
	    {"STATE", "state"},
	    {"CREATED", "created"},
	    {"REMOVED", "removed"},
	    {"KEPT UNTIL", "retained_until"},
	    {NULL, NULL},
	};

	table_print(talk->invocation->err, items, columns);
	return error_set(&talk->error, ERR_INVALID, "%d removed instances are \"%.100s\"; give the id of one of them",
	                 cJSON_GetArraySize(items), operand);
}

/* Where none is in one of the states, the broker says what the one is that is there. */
static int choose_removed(struct talk *talk, const char *operand, struct cJSON *items, const char *const *states,
                          char *ret_id)
{
	const struct cJSON *chosen = choose(items);

	if (chosen == NULL)
		return error_set(&talk->error, ERR_NOT_FOUND, "there is no instance \"%.100s\", and none is kept",
		                 operand);
	take_id(chosen, ret_id);
	keep_states(items, states);
	if (cJSON_GetArraySize(items) > 1)
		return refuse_several(talk, operand, items);
	if (cJSON_GetArraySize(items) == 1)
		take_id(cJSON_GetArrayItem(items, 0), ret_id);
	return 0;
}

int talk_find_removed(struct talk *talk, const char *operand, const char *const *states, char *ret_id)
{
	char service[CTL_PATH_MAX] = "", name[CTL_PATH_MAX];
	struct cJSON *items = NULL;
	int rc = 0;

	if (is_id(operand)) {
		strcpy(ret_id, operand);
		return 0;
	}
	snprintf(name, sizeof(name), "%s", operand);
	if (strchr(operand, '/') != NULL)
		rc = talk_split(talk, operand, service, name, sizeof(service));
	if (rc == 0)
		rc = list_named(talk, service[0] != '\0' ? service : NULL, name, &items);
	if (rc == 0)
		rc = choose_removed(talk, operand, items, states, ret_id);
	cJSON_Delete(items);
	return rc;
}

/* ---- verbs ---- */

int talk_do(struct talk *talk, const char *path, const char *const *fields)
{
	static const char *const nothing[] = {NULL};
	struct cJSON *json = NULL;
	int rc = ask(talk->asker, path, fields != NULL ? fields : nothing, &json, &talk->error);

	if (rc != 0)
		return rc;
	if (talk_prints_json(talk))
		talk_print_json(talk, json);
	else
		fputs(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "done"))
		          ? "done\n"
		          : "accepted; the work goes on (see tsuru-broker ctl operations)\n",
		      talk->invocation->out);
	cJSON_Delete(json);
	return 0;
}
