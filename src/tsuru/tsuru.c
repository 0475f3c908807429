/* One request to tsuru, and what its answer is worth. Only a 200 with JSON is; of all others the status says what to
 * do.
 */
#include "tsuru/tsuru.h"

#include <stdlib.h>
#include <string.h>

#include "driver/client.h"

#define LIST_PATH       "/1.0/services/instances"
#define LIST_TIMEOUT    120000 /* ms for the whole answer */
#define CONNECT_TIMEOUT 10000  /* ms */

struct tsuru_client {
	struct config *config; /* held */
	struct client *http;
	struct client_exchange *exchange; /* NULL: none is under way */
	struct listing *listing;          /* that it fills */
	tsuru_listed *on_listed;
	void *arg;
};

int tsuru_open(const struct driver_context *context, struct config *config, struct tsuru_client **ret_client,
               struct error *error)
{
	const struct tsuru *tsuru = config->tsuru;
	const struct client_options options = {
	    .url = tsuru->url,
	    .token = tsuru->token,
	    .ca_file = tsuru->ca_file,
	    .connections = 1,
	    .connect_timeout = CONNECT_TIMEOUT,
	};
	struct tsuru_client *client = calloc(1, sizeof(*client));
	int rc;

	if (client == NULL)
		return error_no_memory(error);
	rc = client_new(context, &options, &client->http, error);
	if (rc != 0) {
		free(client);
		return rc;
	}
	client->config = config_hold(config);
	*ret_client = client;
	return 0;
}

void tsuru_close(struct tsuru_client *client)
{
	if (client == NULL)
		return;
	client_cancel(client->exchange);
	listing_free(client->listing);
	client_free(client->http);
	config_free(client->config);
	free(client);
}

/* ---- the answer ---- */

static int refuse(const struct client_answer *answer, struct error *error)
{
	static const struct {
		int status;
		const char *meaning;
	} meanings[] = {
	    {204, "it lists no service; may the token read services?"},
	    {401, "it does not take the token"},
	    {403, "the token may not read service instances"},
	    {404, "there is no such path; is the url tsuru's?"},
	};
	const char *meaning = answer->status >= 300 && answer->status < 400 ? "it sends elsewhere; is the url tsuru's?"
	                                                                    : "no list of instances comes with it";

	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
		if (meanings[i].status == answer->status)
			meaning = meanings[i].meaning;
	}
	return error_set(error, ERR_ANSWER, "tsuru answered %d: %s", answer->status, meaning);
}

static bool is_json(const char *type)
{
	const size_t length = strlen("application/json");

	return strncasecmp(type, "application/json", length) == 0 && strchr("; \t", type[length]) != NULL;
}

/* How it failed, as a sentence about tsuru. */
static int explain(struct listing *listing, int code, const struct error *failure, struct error *error)
{
	if (code != ERR_ANSWER || listing_end(listing, error) == 0)
		error_set(error, code, "tsuru cannot be asked: %s", failure->text);
	return code;
}

static int judge(struct listing *listing, const struct client_answer *answer, struct error *error)
{
	if (answer->status != 200)
		return refuse(answer, error);
	if (!is_json(answer->type))
		return error_set(error, ERR_ANSWER, "tsuru's list of instances is odd: it is \"%.100s\", not JSON",
		                 answer->type);
	return listing_end(listing, error);
}

static void on_done(void *arg, int code, const struct error *failure, const struct client_answer *answer)
{
	struct tsuru_client *client = arg;
	struct listing *listing = client->listing;
	struct error error;
	int rc;

	client->exchange = NULL;
	client->listing = NULL;
	error_clear(&error);
	rc = code != 0 ? explain(listing, code, failure, &error) : judge(listing, answer, &error);
	if (rc != 0) {
		listing_free(listing);
		listing = NULL;
	}
	client->on_listed(client->arg, &error, listing);
}

static bool on_bytes(void *arg, const char *bytes, size_t length)
{
	return listing_read(((struct tsuru_client *)arg)->listing, bytes, length);
}

int tsuru_ask(struct tsuru_client *client, tsuru_listed *on_listed, void *arg, struct error *error)
{
	const struct client_request request = {
	    .method = "GET", .path = LIST_PATH, .timeout = LIST_TIMEOUT, .take = on_bytes};

	client->on_listed = on_listed;
	client->arg = arg;
	client->listing = listing_new(client->config);
	if (client->listing != NULL)
		client->exchange = client_start(client->http, &request, on_done, client);
	if (client->exchange != NULL)
		return 0;
	listing_free(client->listing);
	client->listing = NULL;
	return error_no_memory(error);
}
