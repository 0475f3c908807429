/* One exchange: what is asked of libcurl for it, what of its answer is kept, and what that means. */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define RETRY_AFTER_MAX ((int64_t)24 * 3600 * 1000) /* ms */
#define HEADER_MAX      (64 * 1024)                 /* bytes of one header that we send */
#define HEADS_MAX       ((size_t)256 * 1024)        /* bytes of an answer's heads and of what follows its body */

/* What libcurl says of a line over 100 kB in a head, which it does not hand over. Before 8.6 it says the same when
 * memory is short. */
#if LIBCURL_VERSION_NUM >= 0x080600
#define LINE_TOO_LONG CURLE_TOO_LARGE
#else
#define LINE_TOO_LONG CURLE_OUT_OF_MEMORY
#endif

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
	long status = 0;

	exchange->curl->easy_getinfo(exchange->run.easy, CURLINFO_RESPONSE_CODE, &status);
	if (exchange->take != NULL && status == 200)
		return exchange->take(exchange->arg, bytes, size * count) ? size * count : 0;
	text_add_bytes(&exchange->body, bytes, size * count);
	exchange->values += json_count_values(bytes, size * count);
	return is_too_large(exchange) ? 0 : size * count;
}

static int explain(const struct client_exchange *exchange, CURLcode result, struct error *error)
{
	const struct libcurl *curl = exchange->curl;
	const char *reason = exchange->reason[0] != '\0' ? exchange->reason : curl->easy_strerror(result);

	if (result == CURLE_WRITE_ERROR && is_too_large(exchange))
		return error_set(error, ERR_ANSWER,
		                 "its answer is over %zu bytes or %d values of JSON, or its headers over %zu bytes",
		                 CLIENT_ANSWER_MAX, JSON_VALUES_MAX, HEADS_MAX);
	if (result == CURLE_WRITE_ERROR && exchange->take != NULL)
		return error_set(error, ERR_ANSWER, "its answer is not what was asked for");
	if (result == LINE_TOO_LONG && !exchange->has_head)
		return error_set(error, ERR_UNAVAILABLE, "a header of its answer is too long, or memory is short");
	if (result == CURLE_OUT_OF_MEMORY)
		return error_no_memory(error);
	return error_set(error, result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s", reason);
}

void exchange_tell(struct client_exchange *exchange, CURLcode result)
{
	const struct libcurl *curl = exchange->curl;
	const char *type = NULL;
	struct client_answer answer = {.body = text_string(&exchange->body), .length = exchange->body.length};
	curl_off_t seconds = 0;
	struct error error;
	long status = 0;

	curl->easy_getinfo(exchange->run.easy, CURLINFO_RESPONSE_CODE, &status);
	curl->easy_getinfo(exchange->run.easy, CURLINFO_RETRY_AFTER, &seconds);
	curl->easy_getinfo(exchange->run.easy, CURLINFO_CONTENT_TYPE, &type);
	answer.status = (int)status;
	answer.type = type != NULL ? type : "";
	answer.retry_after = seconds > RETRY_AFTER_MAX / 1000 ? RETRY_AFTER_MAX : (int64_t)seconds * 1000;
	error_clear(&error);
	if (result != CURLE_OK)
		explain(exchange, result, &error);
	else if (!exchange->has_head)
		error_set(&error, ERR_UNAVAILABLE, "its answer was cut off");
	exchange->on_done(exchange->arg, error.code, &error, error.code == 0 ? &answer : NULL);
}

/* ---- what is asked ---- */

static bool add_header(struct client_exchange *exchange, const char *name, const char *value)
{
	struct curl_slist *list = NULL;
	struct text header;

	text_init(&header, HEADER_MAX);
	text_add_format(&header, "%s: %s", name, value);
	if (!header.failed)
		list = exchange->curl->slist_append(exchange->headers, text_string(&header));
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
	       exchange->curl->easy_setopt(exchange->run.easy, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK;
}

static bool set_url(const struct libcurl *curl, CURL *easy, const char *base, const char *path)
{
	struct text url;
	bool good;

	text_init(&url, CLIENT_ANSWER_MAX);
	text_add(&url, base);
	text_add(&url, path);
	good = !url.failed && curl->easy_setopt(easy, CURLOPT_URL, text_string(&url)) == CURLE_OK;
	text_release(&url);
	return good && curl->easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK;
}

static bool set_trust(const struct libcurl *curl, CURL *easy, const struct client_peer *peer)
{
	bool good = true;

	if (peer->username != NULL)
		good = curl->easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC) == CURLE_OK &&
		       curl->easy_setopt(easy, CURLOPT_USERNAME, peer->username) == CURLE_OK &&
		       curl->easy_setopt(easy, CURLOPT_PASSWORD, peer->password) == CURLE_OK;
	if (peer->token != NULL)
		good = good && curl->easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER) == CURLE_OK &&
		       curl->easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, peer->token) == CURLE_OK;
	return good && multi_set_tls(curl, easy, &peer->authorities);
}

static bool set_body(const struct libcurl *curl, CURL *easy, const struct client_request *request)
{
	if (request->body != NULL &&
	    (curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(request->body)) != CURLE_OK ||
	     curl->easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body) != CURLE_OK))
		return false;
	return curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
}

static void set_rules(struct client_exchange *exchange, int64_t connect_timeout, int64_t timeout)
{
	const struct libcurl *curl = exchange->curl;
	CURL *easy = exchange->run.easy;

	curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->reason);
	curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl->easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	multi_set_rules(curl, easy);
	curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout);
	curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_timeout);
}

struct client_exchange *exchange_new(const struct libcurl *curl, const struct client_peer *peer,
                                     const struct client_request *request, client_done *on_done, void *arg)
{
	struct client_exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange == NULL)
		return NULL;
	exchange->curl = curl;
	exchange->take = request->take;
	exchange->on_done = on_done;
	exchange->arg = arg;
	text_init(&exchange->body, CLIENT_ANSWER_MAX);
	exchange->run.easy = curl->easy_init();
	if (exchange->run.easy != NULL)
		set_rules(exchange, peer->connect_timeout, request->timeout);
	if (exchange->run.easy != NULL && set_url(curl, exchange->run.easy, peer->url, request->path) &&
	    set_trust(curl, exchange->run.easy, peer) && set_body(curl, exchange->run.easy, request) &&
	    add_headers(exchange, request))
		return exchange;
	exchange_free(exchange);
	return NULL;
}

void exchange_free(struct client_exchange *exchange)
{
	exchange->curl->easy_cleanup(exchange->run.easy);
	exchange->curl->slist_free_all(exchange->headers);
	text_wipe(&exchange->body);
	free(exchange);
}
