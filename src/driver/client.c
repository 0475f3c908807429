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

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "driver/libcurl.h"
#include "driver/tls.h"

#define AUTHORITIES_MAX (4 * 1024 * 1024)           /* bytes of a file of certificates */
#define RETRY_AFTER_MAX ((int64_t)24 * 3600 * 1000) /* ms */
#define HEADER_MAX      (64 * 1024)                 /* bytes of one header that we send */
#define HEADS_MAX       ((size_t)256 * 1024)        /* bytes of an answer's heads and of what follows its body */

struct client {
	const struct driver_context *context;
	struct libcurl curl;
	CURLM *multi;
	struct timer timer;
	char *url; /* without a slash at its end */
	char *username, *password, *token;
	struct text authorities; /* PEM; empty: the system's */
	int64_t connect_timeout;
	size_t connections;
};

struct client_exchange {
	struct client *client;
	CURL *easy;
	struct curl_slist *headers;
	struct text body;
	size_t values; /* of JSON that body has at most */
	size_t heads;  /* bytes of headers, also of interim answers and behind the body: libcurl keeps them all */
	bool has_head; /* up to the empty line */
	char reason[CURL_ERROR_SIZE];
	client_done *on_done;
	void *arg;
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

static char *copy(const char *text, bool *failed)
{
	char *bytes = text != NULL ? strdup(text) : NULL;

	*failed |= text != NULL && bytes == NULL;
	return bytes;
}

/* ---- answers ---- */

static bool is_too_large(const struct client_exchange *exchange)
{
	return exchange->body.failed || exchange->values > JSON_VALUES_MAX || exchange->heads > HEADS_MAX;
}

/* The empty line ends a head; after an interim answer another one begins. libcurl takes a head that was cut off for a
 * whole answer. */
static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
	struct client_exchange *exchange = arg;
	const size_t length = size * count;

	if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0)
		exchange->has_head = false;
	else if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n'))
		exchange->has_head = true;
	exchange->heads += length;
	return is_too_large(exchange) ? 0 : length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct client_exchange *exchange = arg;

	text_add_bytes(&exchange->body, bytes, size * count);
	exchange->values += json_count_values(bytes, size * count);
	return is_too_large(exchange) ? 0 : size * count;
}

static void free_exchange(struct client_exchange *exchange)
{
	const struct libcurl *curl = &exchange->client->curl;

	if (exchange->easy != NULL)
		curl->multi_remove_handle(exchange->client->multi, exchange->easy);
	curl->easy_cleanup(exchange->easy);
	curl->slist_free_all(exchange->headers);
	text_wipe(&exchange->body);
	free(exchange);
}

static int explain(const struct client_exchange *exchange, CURLcode result, struct error *error)
{
	const struct libcurl *curl = &exchange->client->curl;
	const char *reason = exchange->reason[0] != '\0' ? exchange->reason : curl->easy_strerror(result);

	if (result == CURLE_WRITE_ERROR && is_too_large(exchange))
		return error_set(error, ERR_TOO_LARGE,
		                 "its answer is over %zu bytes or %d values of JSON, or its headers over %zu bytes",
		                 CLIENT_ANSWER_MAX, JSON_VALUES_MAX, HEADS_MAX);
	/* libcurl says so of a line over 100 kB, too, which it does not hand over. */
	if (result == CURLE_OUT_OF_MEMORY && !exchange->has_head)
		return error_set(error, ERR_UNAVAILABLE, "a header of its answer is too long, or memory is short");
	if (result == CURLE_OUT_OF_MEMORY)
		return error_no_memory(error);
	return error_set(error, result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s", reason);
}

static void tell(struct client_exchange *exchange, CURLcode result)
{
	const struct libcurl *curl = &exchange->client->curl;
	struct client_answer answer = {.body = text_string(&exchange->body), .length = exchange->body.length};
	curl_off_t seconds = 0;
	struct error error;
	long status = 0;

	curl->easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	curl->easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &seconds);
	answer.status = (int)status;
	answer.retry_after = seconds > RETRY_AFTER_MAX / 1000 ? RETRY_AFTER_MAX : (int64_t)seconds * 1000;
	error_clear(&error);
	if (result != CURLE_OK)
		explain(exchange, result, &error);
	else if (!exchange->has_head)
		error_set(&error, ERR_UNAVAILABLE, "its answer was cut off");
	exchange->on_done(exchange->arg, error.code, &error, error.code == 0 ? &answer : NULL);
	free_exchange(exchange);
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
		tell(exchange, result);
	}
}

/* ---- the loop ---- */

static void on_timer(void *arg)
{
	struct client *client = arg;
	int running;

	client->curl.multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	tell_all(client);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;
	const int ready =
	    ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	int running;

	client->curl.multi_socket_action(client->multi, fd, ready, &running);
	tell_all(client);
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

static int prepare(struct client *client, const struct client_options *options, struct error *error)
{
	const struct libcurl *curl = &client->curl;
	bool failed = false;
	size_t length;

	client->url = copy(options->url, &failed);
	client->username = copy(options->username, &failed);
	client->password = copy(options->password, &failed);
	client->token = copy(options->token, &failed);
	client->multi = curl->multi_init();
	if (failed || client->multi == NULL)
		return error_no_memory(error);
	length = strlen(client->url);
	if (client->url[length - 1] == '/')
		client->url[length - 1] = '\0';
	curl->multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl->multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl->multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
	curl->multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl->multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)options->connections);
	return options->ca_file != NULL ? read_authorities(options->ca_file, &client->authorities, error) : 0;
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
	client->connect_timeout = options->connect_timeout;
	timer_init(&client->timer, on_timer, client);
	text_init(&client->authorities, AUTHORITIES_MAX);
	rc = prepare(client, options, error);
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
	text_release(&client->authorities);
	secret_free(client->url);
	secret_free(client->username);
	secret_free(client->password);
	secret_free(client->token);
	free(client);
	curl.global_cleanup();
}

size_t client_connections(const struct client *client)
{
	return client->connections;
}

/* ---- exchanges ---- */

static bool add_header(struct client_exchange *exchange, const char *name, const char *value)
{
	struct curl_slist *list = NULL;
	struct text header;

	text_init(&header, HEADER_MAX);
	text_add_format(&header, "%s: %s", name, value);
	if (!header.failed)
		list = exchange->client->curl.slist_append(exchange->headers, text_string(&header));
	text_wipe(&header);
	if (list != NULL)
		exchange->headers = list;
	return list != NULL;
}

static bool add_headers(struct client_exchange *exchange, const struct client_request *request)
{
	bool good = add_header(exchange, "Accept", "application/json");

	if (request->body != NULL)
		good = good && add_header(exchange, "Content-Type", "application/json");
	for (size_t i = 0; good && i < request->header_count; i++)
		good = add_header(exchange, request->headers[i].name, request->headers[i].value);
	return good &&
	       exchange->client->curl.easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK;
}

static bool set_url(CURL *easy, const struct client *client, const char *path)
{
	struct text url;
	bool good;

	text_init(&url, CLIENT_ANSWER_MAX);
	text_add(&url, client->url);
	text_add(&url, path);
	good = !url.failed && client->curl.easy_setopt(easy, CURLOPT_URL, text_string(&url)) == CURLE_OK;
	text_release(&url);
	return good && client->curl.easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
}

static bool set_trust(CURL *easy, const struct client *client)
{
	const struct libcurl *curl = &client->curl;
	struct curl_blob blob = {
	    .data = client->authorities.bytes, .len = client->authorities.length, .flags = CURL_BLOB_COPY};
	bool good = true;

	if (client->username != NULL)
		good = curl->easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
		       curl->easy_setopt(easy, CURLOPT_USERNAME, client->username) == CURLE_OK &&
		       curl->easy_setopt(easy, CURLOPT_PASSWORD, client->password) == CURLE_OK;
	if (client->token != NULL)
		good = good && curl->easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER) == CURLE_OK &&
		       curl->easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, client->token) == CURLE_OK;
	good = good && curl->easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, TLS_CIPHERS) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_SSL_EC_CURVES, TLS_GROUPS) == CURLE_OK;
	if (client->authorities.length > 0)
		good = good && curl->easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
	return good;
}

static bool set_body(const struct libcurl *curl, CURL *easy, const struct client_request *request)
{
	if (request->body != NULL &&
	    (curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(request->body)) != CURLE_OK ||
	     curl->easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body) != CURLE_OK))
		return false;
	return curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
}

static void set_rules(struct client_exchange *exchange, const struct client_request *request)
{
	const struct libcurl *curl = &exchange->client->curl;
	CURL *easy = exchange->easy;

	curl->easy_setopt(easy, CURLOPT_PRIVATE, exchange);
	curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->reason);
	curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl->easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, exchange->client);
	curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl->easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, exchange->client);
	curl->easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* to give up does not wait for a name's look-up */
	curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout);
	curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)exchange->client->connect_timeout);
}

struct client_exchange *client_start(struct client *client, const struct client_request *request, client_done *on_done,
                                     void *arg)
{
	struct client_exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange == NULL)
		return NULL;
	exchange->client = client;
	exchange->on_done = on_done;
	exchange->arg = arg;
	text_init(&exchange->body, CLIENT_ANSWER_MAX);
	exchange->easy = client->curl.easy_init();
	if (exchange->easy != NULL)
		set_rules(exchange, request);
	if (exchange->easy == NULL || !set_url(exchange->easy, client, request->path) ||
	    !set_trust(exchange->easy, client) || !set_body(&client->curl, exchange->easy, request) ||
	    !add_headers(exchange, request) ||
	    client->curl.multi_add_handle(client->multi, exchange->easy) != CURLM_OK) {
		free_exchange(exchange);
		return NULL;
	}
	return exchange;
}

void client_cancel(struct client_exchange *exchange)
{
	if (exchange != NULL)
		free_exchange(exchange);
}
