/* Answers of RabbitMQ's management API: statuses, vhosts, users, rights and lists. The first byte chooses the status.
 */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "driver/rabbitmq/answer.h"
#include "driver/rabbitmq/description.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_comparisons(const struct cJSON *root)
{
	static const struct config_key keys[] = {
	    {.name = "max_connections", .type = KEY_NUMBER},
	    {.name = "max_queues", .type = KEY_NUMBER},
	    {.name = "max_user_connections", .type = KEY_NUMBER},
	    {.name = "max_user_channels", .type = KEY_NUMBER},
	};
	static const struct option given[] = {
	    {.key = &keys[0], .set = true, .value.number = 10},
	    {.key = &keys[1]},
	    {.key = &keys[2], .set = true, .value.number = 5},
	    {.key = &keys[3]},
	};
	static const struct options plan = {given, 4};

	(void)rabbitmq_answer_check_admin(root, NULL);
	(void)rabbitmq_answer_runs(root);
	(void)rabbitmq_answer_is_whole(root);
	(void)rabbitmq_answer_vhost_fits(root, &plan);
	(void)rabbitmq_answer_user_fits(root, &plan);
	(void)rabbitmq_answer_rights_fit(root, "u", true);
	(void)rabbitmq_answer_is_confined(root, "v");
}

/* What is sent back has to be JSON, and what was marked has to be marked. */
static void try_marks(const struct cJSON *vhost)
{
	struct text body;
	cJSON *sent;

	text_init(&body, 1024 * 1024);
	rabbitmq_vhost_write(vhost, true, "abc", &body);
	(void)rabbitmq_vhost_is_of(vhost, "abc");
	(void)rabbitmq_answer_password_fits(vhost, "p");
	sent = cJSON_Parse(text_string(&body));
	if (!body.failed && !rabbitmq_answer_is_retired(sent))
		abort();
	cJSON_Delete(sent);
	text_release(&body);
}

static void try_lists(const struct cJSON *root)
{
	struct arena arena;
	const char *const *names;

	arena_init(&arena);
	names = rabbitmq_answer_texts(root, "name", &arena);
	for (; names != NULL && *names != NULL; names++)
		(void)name_is_ours(*names);
	(void)rabbitmq_answer_stopped(root, &arena);
	(void)rabbitmq_answer_sessions(root, "u", 1000, &arena);
	if (rabbitmq_answer_sum(root, "consumers") < 0 || rabbitmq_answer_number(root, "messages") < 0)
		abort();
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = {200, 201, 204, 301, 400, 401, 404, 405, 429, 500};
	const int status = statuses[size > 0 ? data[0] % 10 : 0];
	char *text = calloc(1, size + 1);
	struct cJSON *root = NULL;
	struct error error = {0};
	bool found = false;

	if (size > 1)
		memcpy(text, data + 1, size - 1);
	if (rabbitmq_answer_read(status, text, &found, &root, &error) != error.code || (status >= 400 && found))
		abort();
	try_comparisons(root);
	try_marks(root);
	try_lists(root);
	cJSON_Delete(root);
	free(text);
	return 0;
}
