/* libcurl's multi interface on the loop: an event for each of its sockets, one timer for its time-outs. Exchanges are
 * told from those, so never inside client_start. */
#include "driver/client.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "exchange.h"

#define AUTHORITIES_MAX (4 * 1024 * 1024) /* bytes of a file of certificates */

struct client {
	const struct driver_context *context;
	struct libcurl curl;
	CURLM *multi;
	struct timer timer;
	struct client_peer peer;
	size_t connections;
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

static int read_authorities(const char *path, struct text *ret_pem, struct error *error)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char bytes[4096];
	ssize_t length = 0;

	if (fd < 0)
		return error_set(error, ERR_INVALID, "the file of certificates \"%s\" cannot be read: %s", path,
		                 strerror(errno));
	while (!ret_pem->failed && (length = read(fd, bytes, sizeof(bytes))) > 0)
		text_add_bytes(ret_pem, bytes, (size_t)length);
	close(fd);
	if (length < 0 || ret_pem->failed || strstr(text_string(ret_pem), "-----BEGIN CERTIFICATE-----") == NULL)
		return error_set(error, ERR_INVALID, "the file \"%s\" holds no certificates in PEM", path);
	return 0;
}

static char *copy_text(const char *text, bool *failed)
{
	char *bytes = text != NULL ? strdup(text) : NULL;

	*failed |= text != NULL && bytes == NULL;
	return bytes;
}

static void end_exchange(struct client_exchange *exchange)
{
	struct client *client = exchange->client;

	client->curl.multi_remove_handle(client->multi, exchange->easy);
	exchange_free(exchange);
}

static void tell_all(struct client *client)
{
	CURLMsg *message;
	int left;

	while ((message = client->curl.multi_info_read(client->multi, &left)) != NULL) {
		struct client_exchange *exchange;
		const CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		client->curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
		exchange_tell(exchange, result);
		end_exchange(exchange);
	}
}

/* ---- the loop ---- */

static void let_act(struct client *client, curl_socket_t fd, int ready)
{
	int running;

	client->curl.multi_socket_action(client->multi, fd, ready, &running);
	tell_all(client);
}

static void on_timer(void *arg)
{
	let_act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	let_act(arg, fd,
	        ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0));
}

static int on_timeout_wanted(CURLM *multi, long ms, void *arg)
{
	struct client *client = arg;

	(void)multi;
	if (ms >= 0)
		return timer_start(client->context->timers, &client->timer, ms) == 0 ? 0 : -1;
	timer_stop(client->context->timers, &client->timer);
	return 0;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct client *client = arg;
	struct event *event = NULL;
	const int wanted = ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0);

	(void)easy;
	if (known != NULL)
		event_free(known);
	client->curl.multi_assign(client->multi, fd, NULL);
	if (what == CURL_POLL_REMOVE)
		return 0;
	event = event_new(client->context->base, fd, (short)(wanted | EV_PERSIST), on_ready, client);
	if (event == NULL || event_add(event, NULL) != 0) {
		if (event != NULL)
			event_free(event);
		return -1;
	}
	client->curl.multi_assign(client->multi, fd, event);
	return 0;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct client *client = arg;
	const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	client->connections++;
	return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
	struct client *client = arg;

	client->connections--;
	return close(fd);
}

/* ---- clients ---- */

static int take_options(struct client *client, const struct client_options *options, struct error *error)
{
	const struct libcurl *curl = &client->curl;
	bool failed = false;
	size_t length;

	client->peer.url = copy_text(options->url, &failed);
	client->peer.username = copy_text(options->username, &failed);
	client->peer.password = copy_text(options->password, &failed);
	client->peer.token = copy_text(options->token, &failed);
	client->multi = curl->multi_init();
	if (failed || client->multi == NULL)
		return error_no_memory(error);
	length = strlen(client->peer.url);
	if (client->peer.url[length - 1] == '/')
		client->peer.url[length - 1] = '\0';
	curl->multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl->multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl->multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
	curl->multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl->multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)options->connections);
	return options->ca_file != NULL ? read_authorities(options->ca_file, &client->peer.authorities, error) : 0;
}

int client_new(const struct driver_context *context, const struct client_options *options, struct client **ret_client,
               struct error *error)
{
	struct libcurl curl;
	struct client *client;
	int rc = client_check_url("url", options->url, error);

	if (rc != 0)
		return rc;
	rc = libcurl_load(&curl, error);
	if (rc != 0)
		return rc;
	client = calloc(1, sizeof(*client));
	if (client == NULL || curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(client);
		return error_no_memory(error);
	}
	client->curl = curl;
	client->context = context;
	client->peer.connect_timeout = options->connect_timeout;
	timer_init(&client->timer, on_timer, client);
	text_init(&client->peer.authorities, AUTHORITIES_MAX);
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
	struct libcurl curl;

	if (client == NULL)
		return;
	curl = client->curl;
	curl.multi_cleanup(client->multi);
	timer_stop(client->context->timers, &client->timer);
	text_release(&client->peer.authorities);
	secret_free(client->peer.url);
	secret_free(client->peer.username);
	secret_free(client->peer.password);
	secret_free(client->peer.token);
	free(client);
	curl.global_cleanup();
}

size_t client_connections(const struct client *client)
{
	return client->connections;
}

/* ---- exchanges ---- */

static void set_sockets(CURL *easy, struct client *client)
{
	const struct libcurl *curl = &client->curl;

	curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, client);
	curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl->easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, client);
}

struct client_exchange *client_start(struct client *client, const struct client_request *request, client_done *on_done,
                                     void *arg)
{
	struct client_exchange *exchange = exchange_new(&client->curl, &client->peer, request, on_done, arg);

	if (exchange == NULL)
		return NULL;
	exchange->client = client;
	set_sockets(exchange->easy, client);
	if (client->curl.multi_add_handle(client->multi, exchange->easy) == CURLM_OK)
		return exchange;
	exchange_free(exchange);
	return NULL;
}

void client_cancel(struct client_exchange *exchange)
{
	if (exchange != NULL)
		end_exchange(exchange);
}
