/* What libcurl is asked, and what it is answered: everything of a request and its answer that is not about one
 * connection (RFC 9110, 7.6.1) goes through as it is. */
#include "relay/attempt.h"

#include <string.h>
#include <strings.h>

#include "relay/voucher.h"

#define CONNECT_TIMEOUT 3000                /* ms */
#define HEADER_MAX      (1024 * 1024 + 256) /* bytes of one header; a listener takes no longer ones */
#define HEADS_MAX       ((size_t)256 * 1024)
#define STATUS_MIN      200
#define STATUS_MAX      599
#define IDLE_MAX        60 /* seconds; listeners close what is idle for longer */

static const char *const by_connection[] = {"Connection",
                                            "Keep-Alive",
                                            "Proxy-Connection",
                                            "Proxy-Authenticate",
                                            "Proxy-Authorization",
                                            "TE",
                                            "Trailer",
                                            "Transfer-Encoding",
                                            "Upgrade",
                                            "Content-Length",
                                            "Expect",
                                            NULL};

static bool is_named(const char *const *names, const char *name)
{
	for (; *names != NULL; names++) {
		if (strcasecmp(*names, name) == 0)
			return true;
	}
	return false;
}

/* ---- the request ---- */

static bool add_header(struct attempt *attempt, const char *name, const char *separator, const char *value)
{
	struct curl_slist *list = NULL;
	struct text header;

	text_init(&header, HEADER_MAX);
	text_add(&header, name);
	text_add(&header, separator);
	text_add(&header, value);
	if (!header.failed)
		list = attempt->handles->curl->slist_append(attempt->headers, text_string(&header));
	text_wipe(&header); /* it may be the password's */
	if (list != NULL)
		attempt->headers = list;
	return list != NULL;
}

/* Whether a Connection's value names it. */
static bool names(const char *value, const char *name)
{
	const size_t length = strlen(name);

	for (const char *at = strcasestr(value, name); at != NULL; at = strcasestr(at + 1, name)) {
		if ((at == value || strchr(", \t", at[-1]) != NULL) && strchr(", \t", at[length]) != NULL)
			return true; /* strchr finds the end, too */
	}
	return false;
}

/* Those that the client's Connection names, in one line or in several, end here, too. */
static bool is_of_connection(const struct http_request *http, const char *name)
{
	const char *line, *value;

	if (is_named(by_connection, name))
		return true;
	for (size_t i = 0; http_request_header_at(http, i, &line, &value); i++) {
		if (strcasecmp(line, "Connection") == 0 && names(value, name))
			return true;
	}
	return false;
}

/* libcurl adds some by itself, unless they are told: to be left away where the client did not send them. */
static bool add_missing(struct attempt *attempt, const struct http_request *http)
{
	static const char *const by_libcurl[] = {"Accept", "Content-Type", "User-Agent", "Host", "Expect"};
	bool good = true;

	for (size_t i = 0; good && i < sizeof(by_libcurl) / sizeof(*by_libcurl); i++) {
		if (http_request_header(http, by_libcurl[i]) == NULL || is_of_connection(http, by_libcurl[i]))
			good = strcmp(by_libcurl[i], "Host") == 0 || add_header(attempt, by_libcurl[i], ":", "");
	}
	return good;
}

static bool add_headers(struct attempt *attempt, const struct http_request *http, const char *voucher)
{
	const char *name, *value;
	bool good = add_header(attempt, VOUCHER_HEADER, ": ", voucher) && add_missing(attempt, http);

	for (size_t i = 0; good && http_request_header_at(http, i, &name, &value); i++) {
		if (strcasecmp(name, VOUCHER_HEADER) == 0 || is_of_connection(http, name))
			continue;
		good = add_header(attempt, name, value[0] != '\0' ? ": " : ";", value);
	}
	return good;
}

/* A handle may have had another kind of request before. */
static bool set_body(const struct libcurl *curl, CURL *easy, const struct http_request *http)
{
	const char *method = http_request_method(http);
	size_t length;
	const char *body = http_request_body(http, &length);
	bool good = curl->easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;

	if (strcmp(method, "HEAD") == 0)
		good = good && curl->easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
	else if (length > 0 || strcmp(method, "GET") != 0)
		good = good && curl->easy_setopt(easy, CURLOPT_POSTFIELDS, body) == CURLE_OK &&
		       curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length) == CURLE_OK;
	return good && curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool set_request(struct attempt *attempt, const struct http_request *http, const struct attempt_target *target)
{
	const struct libcurl *curl = attempt->handles->curl;
	CURL *easy = attempt->run.easy;

	return curl->easy_setopt(easy, CURLOPT_URL, target->address) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_REQUEST_TARGET, http_request_target(http)) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_HTTPHEADER, attempt->headers) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)target->timeout) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)target->is_once) == CURLE_OK &&
	       set_body(curl, easy, http);
}

/* ---- the answer, as it comes ---- */

static bool is_too_large(const struct attempt *attempt)
{
	return attempt->body.failed || attempt->head_bytes > HEADS_MAX;
}

/* The empty line ends a head; after an interim answer another one begins. What comes behind the body counts for
 * nothing. A line that goes on from none is no answer of a broker, whatever the version of libcurl makes of it. */
static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
	struct attempt *attempt = arg;
	const size_t length = size * count;

	attempt->head_bytes += length;
	if (length > 0 && (bytes[0] == ' ' || bytes[0] == '\t') && attempt->head.length == 0 && !attempt->has_head)
		return 0;
	if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		attempt->has_head = false;
		text_reset(&attempt->head);
	} else if (length > 0 && (bytes[0] == '\r' || bytes[0] == '\n')) {
		attempt->has_head = true;
	} else if (!attempt->has_head) {
		text_add_bytes(&attempt->head, bytes, length);
	}
	return is_too_large(attempt) ? 0 : length;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct attempt *attempt = arg;

	text_add_bytes(&attempt->body, bytes, size * count);
	return is_too_large(attempt) ? 0 : size * count;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static int on_connected(void *arg, char *address, char *own_address, int port, int own_port)
{
	struct attempt *attempt = arg;

	(void)address;
	(void)own_address;
	(void)port;
	(void)own_port;
	attempt->on_sent(attempt);
	return CURL_PREREQFUNC_OK;
}

/* ---- handles ---- */

static bool set_trust(const struct handles *handles, CURL *easy)
{
	const struct libcurl *curl = handles->curl;
	const struct relay_trust *trust = handles->trust;

	return multi_set_tls(curl, easy, &trust->authorities) &&
	       multi_set_blob(curl, easy, CURLOPT_SSLCERT_BLOB, &trust->cert) &&
	       multi_set_blob(curl, easy, CURLOPT_SSLKEY_BLOB, &trust->key);
}

static void set_rules(const struct libcurl *curl, CURL *easy)
{
	multi_set_rules(curl, easy);
	curl->easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX);
	curl->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT);
}

/* Each attempt has one of its own: libcurl before 8.1 leaves a pointer to a header that is gone in one that is used
 * again, and follows it when the next answer begins with a line that is folded. Connections are kept all the same. */
CURL *handles_make(const struct handles *handles)
{
	CURL *easy = handles->curl->easy_init();

	if (easy == NULL)
		return NULL;
	set_rules(handles->curl, easy);
	if (set_trust(handles, easy))
		return easy;
	handles->curl->easy_cleanup(easy);
	return NULL;
}

/* ---- an attempt's life ---- */

void attempt_init(struct attempt *attempt, struct handles *handles)
{
	attempt->handles = handles;
}

static void point_here(struct attempt *attempt)
{
	const struct libcurl *curl = attempt->handles->curl;
	CURL *easy = attempt->run.easy;

	curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl->easy_setopt(easy, CURLOPT_HEADERDATA, attempt);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl->easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
	curl->easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl->easy_setopt(easy, CURLOPT_PREREQDATA, attempt);
	curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, attempt->reason);
}

int attempt_begin(struct attempt *attempt, const struct http_request *http, const struct attempt_target *target)
{
	text_init(&attempt->head, HEADS_MAX);
	text_init(&attempt->body, RELAY_ANSWER_MAX);
	attempt->reason[0] = '\0';
	attempt->has_head = false;
	attempt->head_bytes = 0;
	attempt->run.easy = handles_make(attempt->handles);
	if (attempt->run.easy == NULL)
		return ERR_NO_MEMORY;
	point_here(attempt);
	if (add_headers(attempt, http, target->voucher) && set_request(attempt, http, target))
		return 0;
	attempt_end(attempt);
	return ERR_NO_MEMORY; /* or a text that libcurl does not take */
}

/* Something else may listen there. */
static enum attempt_result judge_status(const struct attempt *attempt, struct error *error)
{
	long status = 0;

	attempt->handles->curl->easy_getinfo(attempt->run.easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= STATUS_MIN && status <= STATUS_MAX)
		return ATTEMPT_ANSWERED;
	error_set(error, ERR_UNAVAILABLE, "it answered with the status %ld, which no broker gives", status);
	return ATTEMPT_FAILED;
}

enum attempt_result attempt_judge(const struct attempt *attempt, CURLcode result, struct error *error)
{
	const char *reason =
	    attempt->reason[0] != '\0' ? attempt->reason : attempt->handles->curl->easy_strerror(result);

	if (result == CURLE_WRITE_ERROR && is_too_large(attempt)) {
		error_set(error, ERR_ANSWER, "the active broker's answer is over %zu bytes, or its head over %zu",
		          RELAY_ANSWER_MAX, HEADS_MAX);
		return ATTEMPT_USELESS;
	}
	if (result == CURLE_OK && attempt->has_head)
		return judge_status(attempt, error);
	error_set(error, result == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_UNAVAILABLE, "%s",
	          result == CURLE_OK ? "its answer was cut off" : reason);
	return ATTEMPT_FAILED;
}

/* Cuts the next line out of the head; NULL: there is none. */
static char *next_line(char **head)
{
	char *line = *head;
	char *end = strchr(line, '\n');

	if (end == NULL)
		return NULL;
	*head = end + 1;
	while (end >= line && strchr("\r\n \t", *end) != NULL)
		*end-- = '\0';
	return line;
}

/* Whoever reads on might take "Length : 5", or a line that is folded, for another header than its name says. */
static bool is_name(const char *text)
{
	return text[0] != '\0' && text[strcspn(text, " \t\r")] == '\0';
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	while ((text = strchr(text, '\n')) != NULL) {
		count++;
		text++;
	}
	return count;
}

bool attempt_answer(struct attempt *attempt, struct arena *arena, struct http_passed *ret_answer, bool *ret_stands_by)
{
	const struct libcurl *curl = attempt->handles->curl;
	char *head = arena_text(arena, text_string(&attempt->head));
	const char **headers =
	    arena_alloc(arena, (2 * count_lines(text_string(&attempt->head)) + 1) * sizeof(*headers));
	curl_off_t length = -1;
	long status = 0;
	size_t count = 0;
	char *line;

	if (head == NULL || headers == NULL)
		return false;
	*ret_stands_by = false;
	while ((line = next_line(&head)) != NULL) {
		char *colon = strchr(line, ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		*ret_stands_by |= strcasecmp(line, RELAY_STANDBY_HEADER) == 0;
		if (!is_name(line) || is_named(by_connection, line))
			continue;
		headers[count++] = line;
		headers[count++] = colon + 1 + strspn(colon + 1, " \t");
	}
	curl->easy_getinfo(attempt->run.easy, CURLINFO_RESPONSE_CODE, &status);
	curl->easy_getinfo(attempt->run.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	*ret_answer = (struct http_passed){.status = (int)status,
	                                   .headers = headers,
	                                   .body = text_string(&attempt->body),
	                                   .length = attempt->body.length};
	if (attempt->body.length == 0 && length > 0) /* of a HEAD */
		ret_answer->length = (size_t)length;
	return true;
}

void attempt_end(struct attempt *attempt)
{
	if (attempt->run.easy == NULL)
		return;
	attempt->handles->curl->easy_cleanup(attempt->run.easy);
	attempt->run.easy = NULL;
	attempt->handles->curl->slist_free_all(attempt->headers);
	attempt->headers = NULL;
	text_release(&attempt->head);
	text_wipe(&attempt->body);
}
