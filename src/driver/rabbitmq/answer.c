/* Answers are read member by member; cJSON takes NULL and wrong types for absent. */
#include "answer.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "description.h"

#define REASON_MAX    200 /* bytes of a server's own words */
#define ADMINISTRATOR "administrator"

static const cJSON *member_of(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(member_of(object, name));
}

static bool text_is(const cJSON *object, const char *name, const char *wanted)
{
	const char *text = text_of(object, name);

	return text != NULL && strcmp(text, wanted) == 0;
}

/* ---- statuses ---- */

/* What a person may be shown of it: the reason is a text, or a list of them. */
static void add_reason(const cJSON *root, struct text *text)
{
	const cJSON *reason = member_of(root, "reason"), *item;

	if (cJSON_IsString(reason))
		text_add(text, reason->valuestring);
	else if (cJSON_IsArray(reason))
		cJSON_ArrayForEach(item, reason)
		{
			text_add(text, text->length > 0 ? " " : "");
			text_add(text, cJSON_IsString(item) ? item->valuestring : "");
		}
	if (!text_is_clean(text_string(text), text->length))
		text_reset(text);
	for (size_t i = 0; i < text->length; i++)
		if (text->bytes[i] == '\n')
			text->bytes[i] = ' ';
}

/* 401 stands for several things, which the reason tells apart. */
static const char *why_denied(const char *reason)
{
	if (strstr(reason, "localhost") != NULL)
		return "the broker's user may log in from the server's own machine alone (loopback_users)";
	if (strncmp(reason, "Not ", 4) == 0 || strncmp(reason, "User not ", 9) == 0)
		return "the broker's user lacks the right, which the tag " ADMINISTRATOR " gives";
	return "it does not let the broker's user in";
}

static int explain(int code, int status, const cJSON *root, struct error *error)
{
	struct text reason;
	char answered[32];
	const char *meaning = answered;
	int rc;

	text_init(&reason, ERROR_TEXT_MAX);
	add_reason(root, &reason);
	snprintf(answered, sizeof(answered), "it answered %d", status);
	if (status == 401 || status == 403)
		meaning = why_denied(text_string(&reason));
	rc = error_set(error, code, "%s%s%.*s", meaning, reason.length > 0 ? ": " : "", REASON_MAX,
	               text_string(&reason));
	text_release(&reason);
	return rc;
}

static int code_of(int status)
{
	if (status == 408 || status == 429)
		return ERR_BUSY;
	/* The broker's own login: the operator will mend it. */
	if (status == 401 || status == 403)
		return ERR_UNAVAILABLE;
	return status >= 400 && status < 500 ? ERR_REFUSED : ERR_UNAVAILABLE;
}

static int read_found(const char *body, cJSON *root, struct cJSON **ret_root, struct error *error)
{
	if (body[strspn(body, " \t\r\n")] != '\0' && !cJSON_IsObject(root) && !cJSON_IsArray(root)) {
		cJSON_Delete(root);
		return error_set(error, ERR_UNAVAILABLE, "its answer is not what RabbitMQ's management API gives");
	}
	*ret_root = root;
	return 0;
}

/* Whatever else may be at the url answers 404, too, but not in these words. */
static int read_missing(const cJSON *root, struct error *error)
{
	if (text_of(root, "error") == NULL)
		return error_set(error, ERR_UNAVAILABLE, "it answered 404, and not as RabbitMQ's management API does");
	return 0;
}

int rabbitmq_answer_read(int status, const char *body, bool *ret_found, struct cJSON **ret_root, struct error *error)
{
	cJSON *root = json_parse_value(body, strlen(body));
	int rc;

	if (status >= 200 && status < 300) {
		rc = read_found(body, root, ret_root, error);
		if (rc == 0)
			*ret_found = true;
		return rc;
	}
	rc = status == 404 ? read_missing(root, error) : explain(code_of(status), status, root, error);
	cJSON_Delete(root);
	if (rc == 0) {
		*ret_found = false;
		*ret_root = NULL;
	}
	return rc;
}

/* ---- tags ---- */

static bool list_has(const char *list, const char *tag)
{
	const size_t length = strlen(tag);

	for (const char *at = list; at != NULL; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, tag, length) == 0 && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* A list of texts, or one text with commas. */
static bool has_tag(const cJSON *object, const char *tag)
{
	const cJSON *tags = member_of(object, "tags"), *item;

	if (cJSON_IsString(tags))
		return list_has(tags->valuestring, tag);
	cJSON_ArrayForEach(item, tags)
	{
		if (cJSON_IsString(item) && strcmp(item->valuestring, tag) == 0)
			return true;
	}
	return false;
}

static bool has_tags(const cJSON *object)
{
	const cJSON *tags = member_of(object, "tags");

	return cJSON_IsString(tags) ? tags->valuestring[0] != '\0' : cJSON_GetArraySize(tags) > 0;
}

int rabbitmq_answer_check_admin(const cJSON *root, struct error *error)
{
	const char *name = text_of(root, "name");

	if (name == NULL)
		return error_set(error, ERR_UNAVAILABLE, "its url does not lead to RabbitMQ's management API");
	if (!has_tag(root, ADMINISTRATOR))
		return error_set(error, ERR_UNAVAILABLE, "the broker's user \"%.*s\" has not the tag " ADMINISTRATOR,
		                 REASON_MAX, text_is_clean(name, strlen(name)) ? name : "");
	return 0;
}

/* ---- a vhost ---- */

bool rabbitmq_answer_runs(const cJSON *vhost)
{
	const cJSON *states = member_of(vhost, "cluster_state"), *state;

	if (!cJSON_IsObject(states))
		return cJSON_IsObject(vhost);
	cJSON_ArrayForEach(state, states)
	{
		if (cJSON_IsString(state) && strcmp(state->valuestring, "running") == 0)
			return true;
	}
	return false;
}

const char *const *rabbitmq_answer_stopped(const cJSON *vhost, struct arena *arena)
{
	const cJSON *states = member_of(vhost, "cluster_state"), *state;
	const char **nodes = arena_alloc(arena, ((size_t)cJSON_GetArraySize(states) + 1) * sizeof(*nodes));
	size_t count = 0;

	if (nodes == NULL || !cJSON_IsObject(states))
		return nodes;
	cJSON_ArrayForEach(state, states)
	{
		if (cJSON_IsString(state) && strcmp(state->valuestring, "stopped") == 0)
			nodes[count++] = arena_text(arena, state->string);
	}
	return arena_failed(arena) ? NULL : nodes;
}

static bool has_name(const cJSON *list, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		if (text_is(item, "name", name))
			return true;
	}
	return false;
}

bool rabbitmq_answer_is_whole(const cJSON *exchanges)
{
	static const char *const names[] = {"",          "amq.direct",         "amq.fanout", "amq.headers",
	                                    "amq.match", "amq.rabbitmq.trace", "amq.topic"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!has_name(exchanges, names[i]))
			return false;
	return true;
}

bool rabbitmq_answer_is_retired(const cJSON *vhost)
{
	return has_tag(vhost, VHOST_RETIRED);
}

/* ---- what is compared ---- */

/* A limit that is absent or negative is none. */
static bool limits_fit(const cJSON *values, const struct rabbit_limits *limits, const struct options *plan)
{
	for (size_t i = 0; i < LIMITS_COUNT; i++) {
		const cJSON *value = member_of(values, limits->items[i].name);
		const int64_t wanted = options_number(plan, limits->items[i].key);
		int64_t has = -1;

		if (!json_read_whole(value, &has) && json_is_number(value))
			return false;
		if (wanted > 0 ? has != wanted : has >= 0)
			return false;
	}
	return true;
}

bool rabbitmq_answer_vhost_fits(const cJSON *limits, const struct options *plan)
{
	return limits_fit(member_of(cJSON_GetArrayItem(limits, 0), "value"), &rabbitmq_vhost_limits, plan);
}

bool rabbitmq_answer_user_fits(const cJSON *user, const struct options *plan)
{
	return cJSON_IsObject(user) && !has_tags(user) &&
	       limits_fit(member_of(user, "limits"), &rabbitmq_user_limits, plan);
}

bool rabbitmq_answer_password_fits(const cJSON *user, const char *password)
{
	const char *text = text_of(user, "password_hash");
	unsigned char kept[RABBITMQ_SALT_BYTES + SECRET_SHA256_BYTES], hash[SECRET_SHA256_BYTES];

	if (text == NULL || !text_is(user, "hashing_algorithm", RABBITMQ_HASHING) ||
	    text_base64_decode(text, strlen(text), kept, sizeof(kept)) != (long)sizeof(kept))
		return false;
	secret_sha256(hash, kept, RABBITMQ_SALT_BYTES, password);
	return memcmp(hash, kept + RABBITMQ_SALT_BYTES, sizeof(hash)) == 0;
}

bool rabbitmq_answer_rights_fit(const cJSON *permissions, const char *login, bool read_only)
{
	const struct rights *rights = rabbitmq_rights(read_only);
	const cJSON *item;

	cJSON_ArrayForEach(item, permissions)
	{
		if (text_is(item, "user", login))
			return text_is(item, "configure", rights->configure) && text_is(item, "write", rights->write) &&
			       text_is(item, "read", rights->read);
	}
	return false;
}

bool rabbitmq_answer_is_confined(const cJSON *permissions, const char *vhost)
{
	return cJSON_IsArray(permissions) && cJSON_GetArraySize(permissions) == 1 &&
	       text_is(cJSON_GetArrayItem(permissions, 0), "vhost", vhost);
}

/* ---- lists ---- */

const char *rabbitmq_answer_text(const cJSON *object, const char *member)
{
	return text_of(object, member);
}

size_t rabbitmq_answer_count(const cJSON *list)
{
	return cJSON_IsArray(list) ? (size_t)cJSON_GetArraySize(list) : 0;
}

int64_t rabbitmq_answer_number(const cJSON *object, const char *member)
{
	const cJSON *value = member_of(object, member);
	int64_t number = 0;

	/* Not NaN either, and nothing that a double cannot hold exactly. */
	if (cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble <= (double)(1LL << 53))
		return (int64_t)value->valuedouble;
	return json_read_whole(value, &number) && number > 0 ? number : 0;
}

int64_t rabbitmq_answer_sum(const cJSON *list, const char *member)
{
	const cJSON *item;
	int64_t sum = 0;

	cJSON_ArrayForEach(item, list)
	{
		const int64_t number = rabbitmq_answer_number(item, member);

		if (sum > INT64_MAX / 2 - number)
			return INT64_MAX / 2;
		sum += number;
	}
	return sum;
}

const char *const *rabbitmq_answer_texts(const cJSON *list, const char *member, struct arena *arena)
{
	const char **texts = arena_alloc(arena, (rabbitmq_answer_count(list) + 1) * sizeof(*texts));
	const cJSON *item;
	size_t count = 0;

	if (texts == NULL || !cJSON_IsArray(list))
		return texts;
	cJSON_ArrayForEach(item, list)
	{
		const char *text = text_of(item, member);

		if (text != NULL)
			texts[count++] = arena_text(arena, text);
	}
	return arena_failed(arena) ? NULL : texts;
}

static bool is_older(const cJSON *session, int64_t before)
{
	const int64_t at = rabbitmq_answer_number(session, "connected_at");

	return at > 0 && at < before;
}

const char *const *rabbitmq_answer_sessions(const cJSON *list, const char *login, int64_t before, struct arena *arena)
{
	const char **names = arena_alloc(arena, (rabbitmq_answer_count(list) + 1) * sizeof(*names));
	const cJSON *item;
	size_t count = 0;

	if (names == NULL || !cJSON_IsArray(list))
		return names;
	cJSON_ArrayForEach(item, list)
	{
		const char *name = text_of(item, "name");

		if (name != NULL && text_is(item, "user", login) && is_older(item, before))
			names[count++] = arena_text(arena, name);
	}
	return arena_failed(arena) ? NULL : names;
}
