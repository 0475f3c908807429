/* Requests, and the hash of a password in them: https://www.rabbitmq.com/docs/passwords#computing-password-hash */
#include "request.h"

#include <string.h>

#include "base/secret.h"

const struct rabbit_limits rabbitmq_vhost_limits = {
    "vhost-limits", {{"max_connections", "max-connections"}, {"max_queues", "max-queues"}}};
const struct rabbit_limits rabbitmq_user_limits = {
    "user-limits", {{"max_user_connections", "max-connections"}, {"max_user_channels", "max-channels"}}};

struct client_exchange *rabbitmq_send(struct client *client, const char *method, const struct text *path,
                                      const struct text *body, int64_t timeout, client_done *on_done, void *arg)
{
	/* Beside JSON: some of its resources offer only HTML, and answer 406 to a DELETE that does not take that. */
	static const struct pair headers[] = {{"Accept", "*/*;q=0.1"}};
	const struct client_request request = {
	    .method = method,
	    .path = text_string(path),
	    .body = body != NULL && body->length > 0 ? text_string(body) : NULL,
	    .headers = headers,
	    .header_count = sizeof(headers) / sizeof(*headers),
	    .timeout = timeout,
	};

	return client_start(client, &request, on_done, arg);
}

const struct rights *rabbitmq_rights(bool read_only)
{
	static const struct rights all = {".*", ".*", ".*"}, reading = {"^$", "^$", ".*"};

	return read_only ? &reading : &all;
}

/* Adds `"name":"value"` behind before. */
static void add_member(struct text *body, const char *before, const char *name, const char *value)
{
	text_add(body, before);
	text_add_json(body, name);
	text_add(body, ":");
	text_add_json(body, value);
}

void rabbitmq_write_vhost(const struct instance *instance, struct text *ret_body)
{
	struct text description;

	text_init(&description, ret_body->limit);
	text_add_format(&description, VHOST_OF_BROKER "%s of the service %s" VHOST_INSTANCE "%s", instance->name,
	                instance->service, instance->incarnation);
	add_member(ret_body, "{", "description", text_string(&description));
	add_member(ret_body, ",", "tags", "");
	text_add(ret_body, "}");
	ret_body->failed |= description.failed;
	text_release(&description);
}

void rabbitmq_write_user(const char *password, struct text *ret_body)
{
	unsigned char hash[RABBITMQ_SALT_BYTES + SECRET_SHA256_BYTES];

	secret_random(hash, RABBITMQ_SALT_BYTES);
	secret_sha256(hash + RABBITMQ_SALT_BYTES, hash, RABBITMQ_SALT_BYTES, password);
	text_add(ret_body, "{\"password_hash\":\"");
	text_add_base64(ret_body, hash, sizeof(hash));
	text_add(ret_body, "\",\"hashing_algorithm\":\"" RABBITMQ_HASHING "\",\"tags\":\"\"}");
	secret_wipe(hash, sizeof(hash));
}

void rabbitmq_write_rights(bool read_only, struct text *ret_body)
{
	const struct rights *rights = rabbitmq_rights(read_only);

	add_member(ret_body, "{", "configure", rights->configure);
	add_member(ret_body, ",", "write", rights->write);
	add_member(ret_body, ",", "read", rights->read);
	text_add(ret_body, "}");
}
