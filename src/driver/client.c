/* Clients: one server each, with its credentials. multi.c runs their exchanges. */
#include "driver/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "exchange.h"

struct client {
	struct multi *multi;
	struct client_peer peer;
};

/* ---- options ---- */

static bool has_part(const struct libcurl *curl, CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool found = curl->url_get(url, part, &text, 0) == CURLUE_OK;

	curl->free(text);
	return found;
}

int client_check_url(const char *name, const char *value, struct error *error)
{
	struct libcurl curl;
	CURLU *url;
	bool good;
	int rc = libcurl_load(&curl, error);

	if (rc != 0)
		return rc;
	url = curl.url();
	if (url == NULL)
		return error_no_memory(error);
	good = (strncmp(value, "http://", 7) == 0 || strncmp(value, "https://", 8) == 0) &&
	       curl.url_set(url, CURLUPART_URL, value, 0) == CURLUE_OK && !has_part(&curl, url, CURLUPART_USER) &&
	       !has_part(&curl, url, CURLUPART_PASSWORD) && !has_part(&curl, url, CURLUPART_QUERY) &&
	       !has_part(&curl, url, CURLUPART_FRAGMENT);
	curl.url_cleanup(url);
	if (good)
		return 0;
	return error_set(error, ERR_INVALID,
	                 "\"%s\" must be http:// or https:// with a host and perhaps a path, without user, query and "
	                 "fragment",
	                 name);
}

static char *copy_text(const char *text, bool *failed)
{
	char *bytes = text != NULL ? strdup(text) : NULL;

	*failed |= text != NULL && bytes == NULL;
	return bytes;
}

/* ---- clients ---- */

static int take_options(struct client *client, const struct client_options *options, struct error *error)
{
	bool failed = false;
	size_t length;

	client->peer.url = copy_text(options->url, &failed);
	client->peer.username = copy_text(options->username, &failed);
	client->peer.password = copy_text(options->password, &failed);
	client->peer.token = copy_text(options->token, &failed);
	client->peer.connect_timeout = options->connect_timeout;
	if (failed)
		return error_no_memory(error);
	length = strlen(client->peer.url);
	if (client->peer.url[length - 1] == '/')
		client->peer.url[length - 1] = '\0';
	return options->ca_file != NULL ? multi_read_certificates(options->ca_file, &client->peer.authorities, error)
	                                : 0;
}

int client_new(const struct driver_context *context, const struct client_options *options, struct client **ret_client,
               struct error *error)
{
	const struct multi_options multi = {
	    .base = context->base, .timers = context->timers, .connections = options->connections};
	struct client *client;
	int rc = client_check_url("url", options->url, error);

	if (rc != 0)
		return rc;
	client = calloc(1, sizeof(*client));
	if (client == NULL)
		return error_no_memory(error);
	text_init(&client->peer.authorities, MULTI_PEM_MAX);
	rc = multi_new(&multi, &client->multi, error);
	if (rc == 0)
		rc = take_options(client, options, error);
	if (rc != 0) {
		client_free(client);
		return rc;
	}
	*ret_client = client;
	return 0;
}

void client_free(struct client *client)
{
	if (client == NULL)
		return;
	multi_free(client->multi);
	text_release(&client->peer.authorities);
	secret_free(client->peer.url);
	secret_free(client->peer.username);
	secret_free(client->peer.password);
	secret_free(client->peer.token);
	free(client);
}

size_t client_connections(const struct client *client)
{
	return multi_connections(client->multi);
}

/* ---- exchanges ---- */

static void on_end(struct multi_run *run, CURLcode result)
{
	struct client_exchange *exchange = (struct client_exchange *)run; /* its first member */

	exchange_tell(exchange, result);
	exchange_free(exchange);
}

struct client_exchange *client_start(struct client *client, const struct client_request *request, client_done *on_done,
                                     void *arg)
{
	struct client_exchange *exchange =
	    exchange_new(multi_curl(client->multi), &client->peer, request, on_done, arg);

	if (exchange == NULL)
		return NULL;
	exchange->client = client;
	exchange->run.on_end = on_end;
	if (multi_start(client->multi, &exchange->run) == 0)
		return exchange;
	exchange_free(exchange);
	return NULL;
}

void client_cancel(struct client_exchange *exchange)
{
	if (exchange == NULL)
		return;
	multi_stop(exchange->client->multi, &exchange->run);
	exchange_free(exchange);
}
