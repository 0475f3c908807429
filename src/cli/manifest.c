/* Prints a service's manifest.yaml and its operations document. Every text is quoted, so that any password is read
 * back as it is. */
#include "cli/manifest.h"

#include <string.h>

#include "api/api.h"
#include "cli/address.h"
#include "cli/command.h"
#include "cli/load.h"
#include "driver/driver.h"
#include "driver/registry.h"

/* The character at *at, which is valid UTF-8, moving behind it. */
static uint32_t next_character(const unsigned char **at)
{
	const unsigned char first = *(*at)++;
	uint32_t character = first;

	if (first < 0x80)
		return character;
	character = first < 0xe0 ? first & 0x1fU : first < 0xf0 ? first & 0x0fU : first & 0x07U;
	while ((**at & 0xc0) == 0x80)
		character = character << 6 | (*(*at)++ & 0x3fU);
	return character;
}

/* A double-quoted YAML scalar of ASCII alone: YAML forbids some characters as they are, and folds others. */
static void add_quoted(struct text *yaml, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	text_add(yaml, "\"");
	while (*at != '\0') {
		uint32_t character = next_character(&at);

		if (character == '"' || character == '\\')
			text_add_format(yaml, "\\%c", (char)character);
		else if (character >= ' ' && character <= '~')
			text_add_format(yaml, "%c", (char)character);
		else if (character <= 0xffff)
			text_add_format(yaml, "\\u%04x", (unsigned)character);
		else
			text_add_format(yaml, "\\U%08x", (unsigned)character);
	}
	text_add(yaml, "\"");
}

static int add_line(struct text *yaml, const char *key, const char *value, struct error *error)
{
	if (!text_is_clean(value, strlen(value)))
		return error_set(error, ERR_INVALID, "\"%s\" has bytes that YAML cannot carry", key);
	text_add_format(yaml, "%s: ", key);
	add_quoted(yaml, value);
	text_add(yaml, "\n");
	return 0;
}

static size_t length_without_slashes(const char *text)
{
	size_t length = strlen(text);

	while (length > 0 && text[length - 1] == '/')
		length--;
	return length;
}

/* Appends endpoint and the service's path, unless that is its end already. */
static void add_url(struct text *url, const char *endpoint, const char *path)
{
	size_t length = length_without_slashes(endpoint);
	size_t path_length = length_without_slashes(path);

	text_add_bytes(url, endpoint, length);
	if (length >= path_length && strncmp(endpoint + length - path_length, path, path_length) == 0)
		return;
	text_add_bytes(url, path, path_length);
}

/* The first address that tsuru could reach; NULL: there are socket files only. */
static const struct listener *reachable(const struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		if (config->listeners[i].path == NULL)
			return &config->listeners[i];
	}
	return NULL;
}

static int add_endpoint(const struct config *config, const struct service *service, const char *endpoint,
                        struct text *yaml, struct error *error)
{
	const struct listener *listener = reachable(config);
	char listening[sizeof("https://") + ADDRESS_MAX];
	struct text url;
	int rc;

	if (endpoint == NULL && listener == NULL)
		return error_set(error, ERR_INVALID,
		                 "the broker listens on socket files only; --endpoint has to say how tsuru reaches it");
	if (endpoint == NULL) {
		strcpy(listening, config->tls != NULL ? "https://" : "http://");
		address_format(address_reachable(listener->host), listener->port, listening + strlen(listening),
		               ADDRESS_MAX);
		text_add(yaml, "# The listen address; --endpoint gives the one by which tsuru reaches the broker.\n");
	}
	text_init(&url, MANIFEST_MAX);
	add_url(&url, endpoint != NULL ? endpoint : listening, service->path);
	text_add(yaml, "endpoint:\n  ");
	rc = url.failed ? error_no_memory(error) : add_line(yaml, "production", text_string(&url), error);
	text_release(&url);
	return rc;
}

int manifest_print(const struct config *config, const struct service *service, const char *endpoint, const char *team,
                   struct text *ret_yaml, struct error *error)
{
	int rc = add_line(ret_yaml, "id", service->name, error);

	if (rc == 0)
		rc = add_line(ret_yaml, "username", service->username, error);
	if (rc == 0)
		rc = add_line(ret_yaml, "password", service->passwords[0], error);
	if (rc == 0)
		rc = add_endpoint(config, service, endpoint, ret_yaml, error);
	if (rc == 0 && team != NULL)
		rc = add_line(ret_yaml, "team", team, error);
	if (rc != 0)
		return rc;
	text_add_format(ret_yaml, "multi-cluster: %s\n", service->multi_cluster ? "true" : "false");
	return ret_yaml->failed ? error_no_memory(error) : 0;
}

/* Whether an earlier plan declares it, too. */
static bool is_told(const struct driver *driver, const struct service *service, size_t plan, const char *action)
{
	const char *const *actions;

	for (size_t i = 0; i < plan; i++) {
		const size_t count = driver_actions(driver, &service->plans[i], &actions);

		for (size_t a = 0; a < count; a++)
			if (strcmp(actions[a], action) == 0)
				return true;
	}
	return false;
}

static void add_actions(const struct service *service, struct text *json)
{
	const struct driver *driver = registry_find(service->driver);

	for (size_t i = 0; i < service->plan_count; i++) {
		const char *const *actions;
		const size_t count = driver_actions(driver, &service->plans[i], &actions);

		for (size_t a = 0; a < count; a++)
			if (!is_told(driver, service, i, actions[a]))
				text_add_format(json,
				                ",\n    {\"method\": \"POST\", \"path\": \"/actions/%s\","
				                " \"action\": \"actions.%s\"}",
				                actions[a], actions[a]);
	}
}

int manifest_print_operations(const struct service *service, struct text *ret_json, struct error *error)
{
	struct api_command command;

	text_add(ret_json, "{\n  \"enabled\": true,\n  \"strict_actions\": true,\n  \"operations\": [");
	for (size_t i = 0; api_command_at(i, &command); i++)
		text_add_format(ret_json, "%s\n    {\"method\": \"%s\", \"path\": \"%s\", \"action\": \"%s\"}",
		                i > 0 ? "," : "", command.method, command.path, command.action);
	add_actions(service, ret_json);
	text_add(ret_json, "\n  ]\n}\n");
	return ret_json->failed ? error_no_memory(error) : 0;
}

static int print_document(const struct invocation *invocation, const struct config *config, struct text *document,
                          struct error *error)
{
	const struct service *service = config_service(config, invocation->operand);

	if (service == NULL)
		return error_set(error, ERR_NOT_FOUND, "\"%s\" has no service \"%s\"", invocation->config_file,
		                 invocation->operand);
	if (invocation->values[OPTION_OPERATIONS] != NULL)
		return manifest_print_operations(service, document, error);
	return manifest_print(config, service, invocation->values[OPTION_ENDPOINT], invocation->values[OPTION_TEAM],
	                      document, error);
}

int run_manifest(const struct invocation *invocation)
{
	struct config *config = NULL;
	struct text document;
	struct error error;
	int rc;

	if (load_config(invocation, &config) != 0)
		return EXIT_FAILED;
	text_init(&document, MANIFEST_MAX);
	rc = print_document(invocation, config, &document, &error);
	if (rc == 0)
		fputs(text_string(&document), invocation->out);
	else
		fprintf(invocation->err, "tsuru-broker: %s\n", error.text);
	text_wipe(&document);
	config_free(config);
	return rc == 0 ? EXIT_GOOD : EXIT_FAILED;
}
