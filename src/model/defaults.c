/* Parameters of an instance that are for its binds. tsuru's client sends what a user types, "binds.shop.env_prefix", as
 * one name with dots in it, whatever the encoding; whoever asks tsuru's API may send an object. Both are read here. */
#include "model/defaults.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "model/parameters.h"

#define DOTTED    PARAMETER_BINDS "."
#define JOB       "job:"
#define OWNER_MAX 255 /* bytes of "shop" or "job:nightly", more than either may have */

/* ---- what an instance's parameters say ---- */

/* Behind the first dot of "binds.shop.env_prefix"; NULL: it is another name. */
static const char *after_binds(const char *name)
{
	return strncmp(name, DOTTED, strlen(DOTTED)) == 0 ? name + strlen(DOTTED) : NULL;
}

/* before and name make the parameter's name. */
static int refuse_form(const char *before, const char *name, const cJSON *item, struct error *error)
{
	char shown[PARAMETER_SHOWN_SIZE];

	parameters_show(item, shown);
	return error_set(error, ERR_INVALID,
	                 "the parameter \"%s%.100s\" is %s; what is for one bind is given as " DOTTED
	                 "APP.NAME=VALUE, or " DOTTED JOB "JOB.NAME=VALUE for a job",
	                 before, name, shown);
}

static int check_owner(const char *owner, struct error *error)
{
	const bool is_job = strncmp(owner, JOB, strlen(JOB)) == 0;
	struct error reason;

	if (bind_check_name(is_job ? BIND_JOB : BIND_APP, is_job ? owner + strlen(JOB) : owner, &reason) == 0)
		return 0;
	return error_set(error, ERR_INVALID, "the parameter \"" DOTTED "%.100s\" names no app and no job: %s", owner,
	                 reason.text);
}

/* The object of whose it is, made when there is none. */
static int enter(cJSON *binds, const char *owner, cJSON **ret_object, struct error *error)
{
	cJSON *object = cJSON_GetObjectItemCaseSensitive(binds, owner);
	int rc;

	if (object == NULL) {
		rc = check_owner(owner, error);
		if (rc != 0)
			return rc;
		if (cJSON_GetArraySize(binds) == DEFAULTS_BINDS_MAX)
			return error_set(error, ERR_INVALID,
			                 "the parameter \"" PARAMETER_BINDS
			                 "\" names more than %d apps and jobs; take out those that are bound no more",
			                 DEFAULTS_BINDS_MAX);
		object = cJSON_AddObjectToObject(binds, owner);
	}
	if (object == NULL)
		return error_no_memory(error);
	*ret_object = object;
	return 0;
}

/* Takes the item, in any case. */
static int put(cJSON *binds, const char *owner, const char *name, cJSON *item, struct error *error)
{
	cJSON *object = NULL;
	int rc = enter(binds, owner, &object, error);

	if (rc == 0 && cJSON_GetObjectItemCaseSensitive(object, name) != NULL)
		rc = error_set(error, ERR_INVALID, "the parameter \"" DOTTED "%.50s.%.100s\" is given twice", owner,
		               name);
	if (rc == 0 && !cJSON_AddItemToObject(object, name, item))
		rc = error_no_memory(error);
	if (rc != 0)
		cJSON_Delete(item);
	return rc;
}

/* What is for one bind, under its name: an object, or a zero value in its place, which is none. Empties the item. */
static int take_all_of(cJSON *binds, const char *owner, cJSON *item, struct error *error)
{
	cJSON *object = NULL;
	int rc;

	if (parameters_is_zero(item))
		return 0;
	if (!cJSON_IsObject(item))
		return refuse_form(DOTTED, owner, item, error);
	rc = enter(binds, owner, &object, error);
	while (rc == 0 && item->child != NULL) {
		cJSON *member = cJSON_DetachItemViaPointer(item, item->child);

		rc = put(binds, owner, member->string, member, error);
	}
	return rc;
}

/* "binds": {"shop": {...}} */
static int take_object(cJSON *binds, cJSON *item, struct error *error)
{
	cJSON *of;
	int rc = 0;

	if (parameters_is_zero(item))
		return 0;
	if (!cJSON_IsObject(item))
		return refuse_form("", PARAMETER_BINDS, item, error);
	for (of = item->child; rc == 0 && of != NULL; of = of->next)
		rc = take_all_of(binds, of->string, of, error);
	return rc;
}

/* "binds.shop.env_prefix": "A_"; takes the item, in any case. */
static int take_dotted(cJSON *binds, cJSON *item, struct error *error)
{
	const char *rest = after_binds(item->string), *dot = strchr(rest, '.');
	const size_t length = dot != NULL ? (size_t)(dot - rest) : strlen(rest);
	char owner[OWNER_MAX + 1];
	int rc;

	if (length == 0 || length > OWNER_MAX || (dot != NULL && dot[1] == '\0')) {
		rc = refuse_form("", item->string, item, error);
		cJSON_Delete(item);
		return rc;
	}
	memcpy(owner, rest, length);
	owner[length] = '\0';
	if (dot != NULL)
		return put(binds, owner, dot + 1, item, error);
	rc = take_all_of(binds, owner, item, error);
	cJSON_Delete(item);
	return rc;
}

static int take_item(cJSON *binds, cJSON *item, struct error *error)
{
	int rc;

	if (after_binds(item->string) != NULL)
		return take_dotted(binds, item, error);
	rc = take_object(binds, item, error);
	cJSON_Delete(item);
	return rc;
}

static bool is_for_binds(const cJSON *item)
{
	return strcmp(item->string, PARAMETER_BINDS) == 0 || after_binds(item->string) != NULL;
}

int defaults_take(cJSON *parameters, cJSON **ret_binds, struct error *error)
{
	cJSON *binds = cJSON_CreateObject(), *next;
	int rc = binds != NULL ? 0 : error_no_memory(error);

	for (cJSON *item = parameters->child; rc == 0 && item != NULL; item = next) {
		next = item->next;
		if (is_for_binds(item))
			rc = take_item(binds, cJSON_DetachItemViaPointer(parameters, item), error);
	}
	if (rc == 0)
		*ret_binds = binds;
	else
		cJSON_Delete(binds);
	return rc;
}

static void drop(cJSON *parameters)
{
	cJSON *next;

	for (cJSON *item = parameters->child; item != NULL; item = next) {
		next = item->next;
		if (is_for_binds(item))
			cJSON_Delete(cJSON_DetachItemViaPointer(parameters, item));
	}
}

/* NULL: memory is out. */
static const char *print(const cJSON *object, struct arena *arena)
{
	char *text = cJSON_PrintUnformatted(object);
	const char *copy = text != NULL ? arena_text(arena, text) : NULL;

	cJSON_free(text);
	return copy;
}

const char *defaults_without(const char *parameters, struct arena *arena)
{
	cJSON *object;
	const char *text;

	if (parameters == NULL || strstr(parameters, "\"" PARAMETER_BINDS) == NULL)
		return parameters;
	if (parameters_parse(parameters, &object, NULL) != 0)
		return NULL;
	drop(object);
	text = print(object, arena);
	cJSON_Delete(object);
	return text;
}

/* ---- what a bind has ---- */

/* A copy of the item under the name, unless there is one of that name. false: memory is out. */
static bool add_absent(cJSON *object, const char *name, const cJSON *item)
{
	cJSON *copy;

	if (item == NULL || cJSON_GetObjectItemCaseSensitive(object, name) != NULL)
		return true;
	copy = cJSON_Duplicate(item, true);
	if (copy != NULL && cJSON_AddItemToObject(object, name, copy))
		return true;
	cJSON_Delete(copy);
	return false;
}

static bool add_members(cJSON *object, const cJSON *of)
{
	const cJSON *item;
	bool added = true;

	cJSON_ArrayForEach(item, of)
	{
		if (item->string != NULL) /* an earlier program took a list under this name, too */
			added = added && add_absent(object, item->string, item);
	}
	return added;
}

/* In each form that defaults_take takes: "binds": {"shop": {...}}, "binds.shop": {...} and "binds.shop.env_prefix". */
static bool add_own(cJSON *object, const char *owner, const cJSON *instance)
{
	const cJSON *own =
	    cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(instance, PARAMETER_BINDS), owner);
	const size_t length = strlen(owner);
	const cJSON *item;
	bool added = add_members(object, own);

	cJSON_ArrayForEach(item, instance)
	{
		const char *rest = after_binds(item->string);

		if (rest == NULL || strncmp(rest, owner, length) != 0)
			continue;
		if (rest[length] == '\0')
			added = added && add_members(object, item);
		if (rest[length] == '.' && rest[length + 1] != '\0')
			added = added && add_absent(object, rest + length + 1, item);
	}
	return added;
}

static bool add_all(cJSON *object, const struct bind *bind, const cJSON *instance, bool reads)
{
	char owner[sizeof(JOB) + APP_NAME_MAX];

	snprintf(owner, sizeof(owner), "%s%s", bind->kind == BIND_JOB ? JOB : "", bind->name);
	return add_own(object, owner, instance) &&
	       add_absent(object, PARAMETER_ENV_PREFIX,
	                  cJSON_GetObjectItemCaseSensitive(instance, PARAMETER_ENV_PREFIX)) &&
	       (!reads || add_absent(object, PARAMETER_READ_ONLY,
	                             cJSON_GetObjectItemCaseSensitive(instance, PARAMETER_READ_ONLY)));
}

/* sent as it is when nothing was added to it. */
static int finish(const cJSON *object, int before, const char *sent, struct arena *arena, const char **ret_parameters,
                  struct error *error)
{
	const char *text = cJSON_GetArraySize(object) == before ? sent : print(object, arena);

	if (arena_failed(arena) || (text == NULL && sent != NULL))
		return error_no_memory(error);
	if (text != sent && sent != NULL && strlen(sent) > SENT_MAX)
		return error_set(error, ERR_TOO_LARGE,
		                 "the instance adds to the bind's parameters, which then may have %d bytes at most",
		                 SENT_MAX);
	if (text != NULL && strlen(text) > PARAMETERS_MAX)
		return error_set(error, ERR_TOO_LARGE,
		                 "the parameters of the bind and those that the instance has for it are over %d bytes",
		                 PARAMETERS_MAX);
	*ret_parameters = text;
	return 0;
}

int defaults_apply(const struct bind *bind, const char *sent, const cJSON *instance, bool reads, struct arena *arena,
                   const char **ret_parameters, struct error *error)
{
	cJSON *object;
	int before, rc = parameters_parse(sent, &object, error);

	if (rc != 0)
		return rc;
	before = cJSON_GetArraySize(object);
	rc = add_all(object, bind, instance, reads) ? finish(object, before, sent, arena, ret_parameters, error)
	                                            : error_no_memory(error);
	cJSON_Delete(object);
	return rc;
}

/* ---- what differs ---- */

/* By what it means, where the type is known: tsuru's two encodings say the same in two ways. */
static bool means_the_same(const cJSON *one, const cJSON *other, const char *name)
{
	const cJSON *a = cJSON_GetObjectItemCaseSensitive(one, name);
	const cJSON *b = cJSON_GetObjectItemCaseSensitive(other, name);
	bool first = false, second = false;

	if (strcmp(name, PARAMETER_READ_ONLY) == 0 && parameters_flag(one, name, &first, NULL) == 0 &&
	    parameters_flag(other, name, &second, NULL) == 0)
		return first == second;
	if ((a == NULL || parameters_is_zero(a)) && (b == NULL || parameters_is_zero(b)))
		return true;
	return a != NULL && b != NULL && cJSON_Compare(a, b, true);
}

/* Adds what one has and other has not so; common: also what both have. */
static void add_different(struct text *names, const cJSON *one, const cJSON *other, bool common)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, one)
	{
		if (!common && cJSON_GetObjectItemCaseSensitive(other, item->string) != NULL)
			continue;
		if (means_the_same(one, other, item->string))
			continue;
		text_add(names, names->length > 0 ? ", " : "");
		text_add(names, item->string);
	}
}

int defaults_compare(const char *one, const char *other, struct arena *arena, const char **ret_names,
                     struct error *error)
{
	cJSON *first = NULL, *second = NULL;
	struct text names;
	int rc;

	*ret_names = "";
	if (same_text(one, other))
		return 0;
	text_init(&names, 2 * PARAMETERS_MAX);
	rc = parameters_parse(one, &first, error);
	if (rc == 0)
		rc = parameters_parse(other, &second, error);
	if (rc == 0) {
		add_different(&names, first, second, true);
		add_different(&names, second, first, false);
		*ret_names = names.failed ? NULL : arena_text(arena, text_string(&names));
		rc = *ret_names != NULL ? 0 : error_no_memory(error);
	}
	text_release(&names);
	cJSON_Delete(first);
	cJSON_Delete(second);
	return rc;
}
