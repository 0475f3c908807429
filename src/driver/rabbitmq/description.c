/* A vhost's description ends with the incarnation where the broker has made the vhost, and its tags say whether it is
 * retired. RabbitMQ takes both together, and what is left out for empty: they are written as they were found. */
#include "description.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "answer.h"
#include "request.h"

static void add_tag(struct text *tags, const char *tag)
{
	text_add(tags, tags->length > 0 ? "," : "");
	text_add(tags, tag);
}

static void collect_tags(const cJSON *vhost, bool retired, struct text *ret_tags)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(vhost, "tags"))
	{
		if (cJSON_IsString(item) && strcmp(item->valuestring, VHOST_RETIRED) != 0)
			add_tag(ret_tags, item->valuestring);
	}
	if (retired)
		add_tag(ret_tags, VHOST_RETIRED);
}

/* What stands before the incarnation in the description of a vhost that the broker has made; the whole of others. */
static size_t own_length(const char *description, const char **ret_incarnation)
{
	const char *end = NULL;

	if (strncmp(description, VHOST_OF_BROKER, strlen(VHOST_OF_BROKER)) == 0)
		for (const char *at = description; (at = strstr(at, VHOST_INSTANCE)) != NULL; at++)
			end = at;
	*ret_incarnation = end != NULL ? end + strlen(VHOST_INSTANCE) : NULL;
	return end != NULL ? (size_t)(end - description) : strlen(description);
}

static const char *description_of(const cJSON *vhost)
{
	const char *description = rabbitmq_answer_text(vhost, "description");

	return description != NULL ? description : "";
}

bool rabbitmq_vhost_is_of(const cJSON *vhost, const char *incarnation)
{
	const char *found;

	(void)own_length(description_of(vhost), &found);
	return found == NULL || strcmp(found, incarnation) == 0;
}

bool rabbitmq_vhost_lacks(const cJSON *vhost, const char *incarnation)
{
	const char *description = description_of(vhost), *found;

	(void)own_length(description, &found);
	return strncmp(description, VHOST_OF_BROKER, strlen(VHOST_OF_BROKER)) == 0 &&
	       (found == NULL || strcmp(found, incarnation) != 0);
}

static void write_description(const cJSON *vhost, const char *incarnation, struct text *ret_body)
{
	const char *description = description_of(vhost), *found;
	struct text text;

	text_init(&text, ret_body->limit);
	if (incarnation == NULL || !rabbitmq_vhost_lacks(vhost, incarnation))
		text_add(&text, description);
	else
		text_add_format(&text, "%.*s" VHOST_INSTANCE "%s", (int)own_length(description, &found), description,
		                incarnation);
	text_add_json(ret_body, text_string(&text));
	ret_body->failed |= text.failed;
	text_release(&text);
}

void rabbitmq_vhost_write(const cJSON *vhost, bool retired, const char *incarnation, struct text *ret_body)
{
	const char *type = rabbitmq_answer_text(vhost, "default_queue_type");
	struct text tags;

	text_init(&tags, ret_body->limit);
	collect_tags(vhost, retired, &tags);
	text_add(ret_body, "{\"description\":");
	write_description(vhost, incarnation, ret_body);
	text_add(ret_body, ",\"tags\":");
	text_add_json(ret_body, text_string(&tags));
	if (type != NULL && strcmp(type, "undefined") != 0) {
		text_add(ret_body, ",\"default_queue_type\":");
		text_add_json(ret_body, type);
	}
	text_add(ret_body, "}");
	ret_body->failed |= tags.failed;
	text_release(&tags);
}
