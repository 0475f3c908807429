/* Answers are JSON objects with a member for what their action asks; other members are none of our business. */
#include "answer.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "model/template.h"

struct reading {
	const cJSON *root;
	answer_add *add;
	void *arg;
	struct error *error;
};

static const char *clean_text(const cJSON *item)
{
	const char *text = cJSON_GetStringValue(item);

	return text != NULL && text_is_clean(text, strlen(text)) ? text : NULL;
}

static int read_variables(const struct reading *reading)
{
	const cJSON *variables = cJSON_GetObjectItemCaseSensitive(reading->root, "variables");
	const cJSON *item;

	if (variables != NULL && !cJSON_IsObject(variables))
		return error_set(reading->error, ERR_REFUSED, "\"variables\" in its answer is no object");
	cJSON_ArrayForEach(item, variables)
	{
		if (!text_is_clean(item->string, strlen(item->string)) || strpbrk(item->string, "\t\r\n") != NULL)
			return error_set(reading->error, ERR_REFUSED,
			                 "the name of a variable in its answer is no text");
		if (template_check_name(item->string, reading->error) != 0)
			return reading->error->code = ERR_REFUSED;
		if (clean_text(item) == NULL)
			return error_set(reading->error, ERR_REFUSED, "the variable \"%s\" in its answer is no text",
			                 item->string);
		reading->add(reading->arg, item->string, item->valuestring);
	}
	return 0;
}

/* A list of objects with two texts each. */
static int read_pairs(const struct reading *reading, const char *list, const char *name, const char *value)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(reading->root, list);
	const cJSON *item;

	if (items != NULL && !cJSON_IsArray(items))
		return error_set(reading->error, ERR_REFUSED, "\"%s\" in its answer is no list", list);
	cJSON_ArrayForEach(item, items)
	{
		const char *first = clean_text(cJSON_GetObjectItemCaseSensitive(item, name));
		const char *second = clean_text(cJSON_GetObjectItemCaseSensitive(item, value));

		if (first == NULL || second == NULL)
			return error_set(reading->error, ERR_REFUSED,
			                 "an item of \"%s\" in its answer lacks the text \"%s\" or \"%s\"", list, name,
			                 value);
		reading->add(reading->arg, first, second);
	}
	return 0;
}

static int read_drift(const struct reading *reading)
{
	const cJSON *drift = cJSON_GetObjectItemCaseSensitive(reading->root, "drift");
	const cJSON *item;

	cJSON_ArrayForEach(item, drift)
	{
		const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "kind"));

		if (kind != NULL && strcmp(kind, DRIFT_LOST) != 0 && strcmp(kind, DRIFT_INSTANCE) != 0 &&
		    strcmp(kind, DRIFT_BIND) != 0)
			return error_set(reading->error, ERR_REFUSED,
			                 "a kind of drift in its answer is none of " DRIFT_LOST ", " DRIFT_INSTANCE
			                 " and " DRIFT_BIND);
	}
	return read_pairs(reading, "drift", "kind", "text");
}

static int read_names(const struct reading *reading, const char *list, const char *label)
{
	const cJSON *names = cJSON_GetObjectItemCaseSensitive(reading->root, list);
	const cJSON *item;

	if (names != NULL && !cJSON_IsArray(names))
		return error_set(reading->error, ERR_REFUSED, "\"%s\" in its answer is no list", list);
	cJSON_ArrayForEach(item, names)
	{
		if (clean_text(item) == NULL)
			return error_set(reading->error, ERR_REFUSED, "an item of \"%s\" in its answer is no text",
			                 list);
		reading->add(reading->arg, label, item->valuestring);
	}
	return 0;
}

static int read_root(enum call_kind kind, const struct reading *reading)
{
	int rc;

	if (!cJSON_IsObject(reading->root))
		return error_set(reading->error, ERR_REFUSED, "its answer is no JSON object");
	switch (kind) {
	case CALL_BIND:
		return read_variables(reading);
	case CALL_OBSERVE:
		return read_pairs(reading, "items", "label", "value");
	case CALL_INSPECT:
		return read_drift(reading);
	case CALL_LIST:
		rc = read_names(reading, "instances", LIST_INSTANCE);
		return rc != 0 ? rc : read_names(reading, "logins", LIST_LOGIN);
	default:
		return 0;
	}
}

static void wipe_texts(const cJSON *root)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "variables"))
	{
		if (item->valuestring != NULL)
			secret_wipe(item->valuestring, strlen(item->valuestring));
	}
}

int answer_read(enum call_kind kind, const char *bytes, size_t length, answer_add *add, void *arg, struct error *error)
{
	cJSON *root;
	int rc;

	if (strspn(bytes, " \t\r\n") == length)
		return 0;
	if (json_has_nul(bytes, length))
		return error_set(error, ERR_REFUSED, "a text in its answer has a NUL");
	if (json_count_values(bytes, length) > JSON_VALUES_MAX)
		return error_set(error, ERR_REFUSED, "its answer has over %d values", JSON_VALUES_MAX);
	root = json_parse_value(bytes, length);
	rc = read_root(kind, &(const struct reading){root, add, arg, error});
	wipe_texts(root);
	cJSON_Delete(root);
	return rc;
}

/* ---- messages ---- */

static bool is_blank(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f;
}

/* Bytes that are no UTF-8 make all doubtful that is not ASCII. */
static void make_clean(char *sentence, size_t length)
{
	bool clean;

	for (size_t i = 0; i < length; i++)
		if (is_blank(sentence[i]))
			sentence[i] = ' ';
	clean = text_is_clean(sentence, length);
	for (size_t i = 0; i < length && !clean; i++)
		if ((unsigned char)sentence[i] >= 0x80)
			sentence[i] = '?';
}

void answer_sentence(const char *messages, size_t length, char ret_sentence[ANSWER_SENTENCE_MAX + 1])
{
	size_t end = length, begin;

	while (end > 0 && is_blank(messages[end - 1]))
		end--;
	begin = end;
	while (begin > 0 && messages[begin - 1] != '\n')
		begin--;
	while (begin < end && is_blank(messages[begin]))
		begin++;
	if (end - begin > ANSWER_SENTENCE_MAX) {
		end = begin + ANSWER_SENTENCE_MAX;
		while (end > begin && ((unsigned char)messages[end] & 0xc0) == 0x80)
			end--;
	}
	memcpy(ret_sentence, messages + begin, end - begin);
	ret_sentence[end - begin] = '\0';
	make_clean(ret_sentence, end - begin);
}
