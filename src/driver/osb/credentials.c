/* The walk through a binding. A name is built in one buffer, which grows by a part with each step down. */
#include "credentials.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

#define NAME_SIZE 129 /* bytes, with the NUL: as long as a variable's name may be */
#define DEPTH_MAX 16

struct flattening {
	credentials_add *add;
	void *arg;
	char name[NAME_SIZE];
	char names[CREDENTIALS_MAX][NAME_SIZE]; /* that were added */
	size_t count;
	struct error *error;
};

static int add_values(struct flattening *flat, const cJSON *item, int depth);

/* Appends a part to the name. */
static int append(struct flattening *flat, const char *part)
{
	size_t length = strlen(flat->name);
	const bool divides = length > 0 || isdigit((unsigned char)part[0]);

	if (length + divides + strlen(part) >= sizeof(flat->name))
		return error_set(flat->error, ERR_ANSWER, "the name of one of its credentials, \"%s_...\", is too long",
		                 flat->name);
	if (divides)
		flat->name[length++] = '_';
	for (; *part != '\0'; part++)
		flat->name[length++] = (char)(isalnum((unsigned char)*part) ? toupper((unsigned char)*part) : '_');
	flat->name[length] = '\0';
	return 0;
}

static bool is_known(const struct flattening *flat)
{
	for (size_t i = 0; i < flat->count; i++)
		if (strcmp(flat->names[i], flat->name) == 0)
			return true;
	return false;
}

static int add_value(struct flattening *flat, const char *value)
{
	if (flat->name[0] == '\0' || is_known(flat))
		return 0;
	if (flat->count == CREDENTIALS_MAX)
		return error_set(flat->error, ERR_ANSWER, "its binding holds more than %d values", CREDENTIALS_MAX);
	if (!text_is_clean(value, strlen(value)))
		return error_set(flat->error, ERR_ANSWER, "the credential \"%s\" holds control characters", flat->name);
	memcpy(flat->names[flat->count++], flat->name, sizeof(flat->name));
	flat->add(flat->arg, flat->name, value);
	return 0;
}

/* Whole numbers as such; others in as few digits as give them back. */
static int add_number(struct flattening *flat, const cJSON *item)
{
	char text[32];
	int64_t whole;

	if (json_read_whole(item, &whole))
		snprintf(text, sizeof(text), "%lld", (long long)whole);
	else
		snprintf(text, sizeof(text), "%.15g", item->valuedouble);
	return add_value(flat, text);
}

static int add_members(struct flattening *flat, const cJSON *parent, int depth)
{
	const size_t length = strlen(flat->name);
	const cJSON *item;
	char number[24];
	size_t i = 0;
	int rc;

	cJSON_ArrayForEach(item, parent)
	{
		snprintf(number, sizeof(number), "%zu", i++);
		rc = append(flat, cJSON_IsArray(parent) ? number : item->string);
		if (rc == 0)
			rc = add_values(flat, item, depth + 1);
		flat->name[length] = '\0';
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int add_values(struct flattening *flat, const cJSON *item, int depth)
{
	if (depth > DEPTH_MAX)
		return error_set(flat->error, ERR_ANSWER, "its credentials are nested more than %d deep", DEPTH_MAX);
	if (cJSON_IsString(item))
		return add_value(flat, item->valuestring);
	if (cJSON_IsNumber(item))
		return add_number(flat, item);
	if (json_is_number(item)) /* that a double would change */
		return add_value(flat, item->valuestring);
	if (json_is_text(item))
		return error_set(flat->error, ERR_ANSWER, "the credential \"%s\" holds a NUL, which no variable can",
		                 flat->name);
	if (cJSON_IsBool(item))
		return add_value(flat, cJSON_IsTrue(item) ? "true" : "false");
	return cJSON_IsNull(item) ? 0 : add_members(flat, item, depth);
}

static const char *const others[] = {"syslog_drain_url", "route_service_url", "volume_mounts", "endpoints"};

static bool is_given(const cJSON *item)
{
	const bool holds = cJSON_IsObject(item) || cJSON_IsArray(item);

	return item != NULL && !cJSON_IsNull(item) && (!holds || item->child != NULL);
}

bool credentials_are_in(const struct cJSON *binding)
{
	bool found = is_given(cJSON_GetObjectItemCaseSensitive(binding, "credentials"));

	for (size_t i = 0; !found && i < sizeof(others) / sizeof(*others); i++)
		found = is_given(cJSON_GetObjectItemCaseSensitive(binding, others[i]));
	return found;
}

static int flatten_credentials(struct flattening *flat, const cJSON *credentials)
{
	if (credentials == NULL || cJSON_IsNull(credentials))
		return 0;
	if (!cJSON_IsObject(credentials))
		return error_set(flat->error, ERR_ANSWER, "the \"credentials\" of its binding are no object");
	return add_values(flat, credentials, 0);
}

int credentials_flatten(const struct cJSON *binding, credentials_add *add, void *arg, struct error *error)
{
	struct flattening flat = {.add = add, .arg = arg, .error = error};
	int rc = flatten_credentials(&flat, cJSON_GetObjectItemCaseSensitive(binding, "credentials"));

	for (size_t i = 0; rc == 0 && i < sizeof(others) / sizeof(*others); i++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(binding, others[i]);

		flat.name[0] = '\0';
		if (item != NULL && (rc = append(&flat, others[i])) == 0)
			rc = add_values(&flat, item, 0);
	}
	return rc;
}
