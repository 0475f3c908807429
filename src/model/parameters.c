/* Reading a user's parameters: one object, whether its values came as texts of a form or as JSON. tsuru's form leaves
 * the zero value of every type empty (false, 0 and null are all `name=`), so what an empty text means is decided here,
 * by the type that is asked for. */
#include "model/parameters.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"
#include "model/model.h"

#define SHOWN_MAX 100 /* bytes of a user's value in a message */

int parameters_parse(const char *json, struct cJSON **ret_object, struct error *error)
{
	bool absent = json == NULL || json[0] == '\0';
	struct cJSON *object;

	if (!absent && strlen(json) > PARAMETERS_MAX)
		return error_set(error, ERR_TOO_LARGE, "the parameters are over %d bytes", PARAMETERS_MAX);
	object = absent ? cJSON_CreateObject() : json_parse_value(json, strlen(json));
	if (object == NULL && absent)
		return error_no_memory(error);
	if (!cJSON_IsObject(object)) {
		cJSON_Delete(object);
		return error_set(error, ERR_INVALID, "the parameters are not a JSON object");
	}
	*ret_object = object;
	return 0;
}

void parameters_show(const struct cJSON *item, char *ret_shown)
{
	if (cJSON_IsString(item))
		snprintf(ret_shown, PARAMETER_SHOWN_SIZE, "\"%.*s\"", SHOWN_MAX, item->valuestring);
	else if (cJSON_IsObject(item) || cJSON_IsArray(item))
		snprintf(ret_shown, PARAMETER_SHOWN_SIZE, "%s", cJSON_IsObject(item) ? "an object" : "a list");
	else if (cJSON_IsRaw(item))
		snprintf(ret_shown, PARAMETER_SHOWN_SIZE, "%.*s", SHOWN_MAX, item->valuestring);
	else if (!cJSON_PrintPreallocated((struct cJSON *)(uintptr_t)item, ret_shown, PARAMETER_SHOWN_SIZE, false))
		snprintf(ret_shown, PARAMETER_SHOWN_SIZE, "no text");
}

static bool is_allowed(const char *name, const char *const *allowed)
{
	for (size_t i = 0; allowed[i] != NULL; i++)
		if (strcmp(allowed[i], name) == 0)
			return true;
	return false;
}

static int refuse_name(const char *name, const char *const *allowed, struct error *error)
{
	struct text list;

	text_init(&list, ERROR_TEXT_MAX);
	for (size_t i = 0; allowed[i] != NULL; i++)
		text_add_format(&list, "%s%s", i > 0 ? ", " : "", allowed[i]);
	error_set(error, ERR_INVALID, "the parameter \"%.*s\" is not known; allowed are: %s", SHOWN_MAX, name,
	          list.length > 0 ? text_string(&list) : "none");
	text_release(&list);
	return ERR_INVALID;
}

int parameters_check_names(const struct cJSON *object, const char *const *allowed, struct error *error)
{
	const struct cJSON *item;

	cJSON_ArrayForEach(item, object)
	{
		if (!is_allowed(item->string, allowed))
			return refuse_name(item->string, allowed, error);
	}
	return 0;
}

static int find_word(const char *word, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++)
		if (strcasecmp(words[i], word) == 0)
			return 1;
	return 0;
}

bool parameters_is_zero(const struct cJSON *item)
{
	return cJSON_IsNull(item) || (cJSON_IsString(item) && item->valuestring[0] == '\0');
}

/* 1 or 0 as the item says, -1 when it says neither. */
static int read_flag(const struct cJSON *item)
{
	static const char *const truths[] = {"true", "yes", "1", NULL};
	static const char *const falsehoods[] = {"false", "no", "0", NULL};

	if (parameters_is_zero(item))
		return 0;
	if (cJSON_IsBool(item))
		return cJSON_IsTrue(item) ? 1 : 0;
	if (cJSON_IsNumber(item) && (item->valuedouble == 0.0 || item->valuedouble == 1.0))
		return item->valuedouble == 1.0 ? 1 : 0;
	if (cJSON_IsString(item) && find_word(item->valuestring, truths))
		return 1;
	if (cJSON_IsString(item) && find_word(item->valuestring, falsehoods))
		return 0;
	return -1;
}

static int refuse_flag(const char *name, const struct cJSON *item, struct error *error)
{
	char shown[PARAMETER_SHOWN_SIZE];

	parameters_show(item, shown);
	return error_set(error, ERR_INVALID,
	                 "the parameter \"%s\" is %s, neither true nor false; it may be true, false, yes, no, 1 or 0",
	                 name, shown);
}

int parameters_flag(const struct cJSON *object, const char *name, bool *ret_flag, struct error *error)
{
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	int flag;

	if (item == NULL)
		return 0;
	flag = read_flag(item);
	if (flag < 0)
		return refuse_flag(name, item, error);
	*ret_flag = flag == 1;
	return 0;
}

/* Whether the item is a whole number or the text of one. */
static bool read_number(const struct cJSON *item, int64_t *ret_number)
{
	if (parameters_is_zero(item)) {
		*ret_number = 0;
		return true;
	}
	if (cJSON_IsString(item))
		return text_parse_number(item->valuestring, ret_number) == 0;
	return json_read_whole(item, ret_number);
}

int parameters_number(const struct cJSON *object, const char *name, int64_t min, int64_t max, int64_t *ret_number,
                      struct error *error)
{
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	int64_t number;

	if (item == NULL)
		return 0;
	if (!read_number(item, &number) || number < min || number > max)
		return error_set(error, ERR_INVALID, "the parameter \"%s\" is not a whole number from %lld to %lld",
		                 name, (long long)min, (long long)max);
	*ret_number = number;
	return 0;
}

int parameters_text(const struct cJSON *object, const char *name, size_t max, const char **ret_text,
                    struct error *error)
{
	const struct cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
	size_t length;

	if (item == NULL)
		return 0;
	if (parameters_is_zero(item)) {
		*ret_text = "";
		return 0;
	}
	if (!cJSON_IsString(item))
		return error_set(error, ERR_INVALID, "the parameter \"%s\" is not a text", name);
	length = strlen(item->valuestring);
	if (length > max || !text_is_clean(item->valuestring, length))
		return error_set(error, ERR_INVALID,
		                 "the parameter \"%s\" is not a text of at most %zu bytes without control characters",
		                 name, max);
	*ret_text = item->valuestring;
	return 0;
}
