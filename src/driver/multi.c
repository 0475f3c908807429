/* The loop's side of libcurl: it says which sockets it waits for and until when, and is let act on them. What has ended
 * is told from there, so never inside multi_start. */
#include "driver/multi.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "driver/tls.h"

struct multi {
	struct multi_options options;
	struct libcurl curl;
	CURLM *multi;
	struct timer timer;
	size_t connections;
};

/* ---- what has ended ---- */

static void tell_all(struct multi *multi)
{
	CURLMsg *message;
	int left;

	while ((message = multi->curl.multi_info_read(multi->multi, &left)) != NULL) {
		struct multi_run *run = NULL;
		const CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		multi->curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&run);
		multi->curl.multi_remove_handle(multi->multi, run->easy);
		run->on_end(run, result);
	}
}

/* ---- the loop ---- */

static void let_act(struct multi *multi, curl_socket_t fd, int ready)
{
	int running;

	multi->curl.multi_socket_action(multi->multi, fd, ready, &running);
	tell_all(multi);
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

static int on_timeout_wanted(CURLM *curl, long ms, void *arg)
{
	struct multi *multi = arg;

	(void)curl;
	if (ms >= 0)
		return timer_start(multi->options.timers, &multi->timer, ms) == 0 ? 0 : -1;
	timer_stop(multi->options.timers, &multi->timer);
	return 0;
}

/* A socket keeps its event from one request to the next. */
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct multi *multi = arg;
	struct event *event = known;
	const int wanted = ((what & CURL_POLL_IN) != 0 ? EV_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? EV_WRITE : 0);

	(void)easy;
	if (event != NULL && what == CURL_POLL_REMOVE) {
		multi->curl.multi_assign(multi->multi, fd, NULL);
		event_free(event);
	}
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (event == NULL) {
		event = event_new(multi->options.base, fd, (short)(wanted | EV_PERSIST), on_ready, multi);
		if (event == NULL)
			return -1;
		multi->curl.multi_assign(multi->multi, fd, event);
	} else {
		event_del(event);
		event_assign(event, multi->options.base, fd, (short)(wanted | EV_PERSIST), on_ready, multi);
	}
	return event_add(event, NULL) == 0 ? 0 : -1;
}

static void set_probes(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 6},         {IPPROTO_TCP, TCP_KEEPINTVL, 3},
	    {IPPROTO_TCP, TCP_KEEPCNT, 3}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 15000},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct multi *multi = arg;
	const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (multi->options.probes)
		set_probes(fd);
	multi->connections++;
	return fd;
}

static int on_close(void *arg, curl_socket_t fd)
{
	struct multi *multi = arg;

	multi->connections--;
	return close(fd);
}

/* ---- life ---- */

static void set_up(struct multi *multi)
{
	const struct libcurl *curl = &multi->curl;

	curl->multi_setopt(multi->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	curl->multi_setopt(multi->multi, CURLMOPT_SOCKETDATA, multi);
	curl->multi_setopt(multi->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
	curl->multi_setopt(multi->multi, CURLMOPT_TIMERDATA, multi);
	curl->multi_setopt(multi->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)multi->options.connections);
	if (multi->options.kept > 0)
		curl->multi_setopt(multi->multi, CURLMOPT_MAXCONNECTS, (long)multi->options.kept);
}

int multi_new(const struct multi_options *options, struct multi **ret_multi, struct error *error)
{
	struct libcurl curl;
	struct multi *multi;
	int rc = libcurl_load(&curl, error);

	if (rc != 0)
		return rc;
	multi = calloc(1, sizeof(*multi));
	if (multi == NULL || curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(multi);
		return error_no_memory(error);
	}
	multi->options = *options;
	multi->curl = curl;
	timer_init(&multi->timer, on_timer, multi);
	multi->multi = curl.multi_init();
	if (multi->multi == NULL) {
		multi_free(multi);
		return error_no_memory(error);
	}
	set_up(multi);
	*ret_multi = multi;
	return 0;
}

void multi_free(struct multi *multi)
{
	struct libcurl curl;

	if (multi == NULL)
		return;
	curl = multi->curl;
	curl.multi_cleanup(multi->multi);
	timer_stop(multi->options.timers, &multi->timer);
	free(multi);
	curl.global_cleanup();
}

const struct libcurl *multi_curl(const struct multi *multi)
{
	return &multi->curl;
}

size_t multi_connections(const struct multi *multi)
{
	return multi->connections;
}

/* ---- runs ---- */

void multi_set_rules(const struct libcurl *curl, CURL *easy)
{
	curl->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl->easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl->easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

bool multi_set_blob(const struct libcurl *curl, CURL *easy, CURLoption option, const struct text *pem)
{
	const struct curl_blob blob = {.data = pem->bytes, .len = pem->length, .flags = CURL_BLOB_COPY};

	return pem->length == 0 || curl->easy_setopt(easy, option, &blob) == CURLE_OK;
}

bool multi_set_tls(const struct libcurl *curl, CURL *easy, const struct text *authorities)
{
	return curl->easy_setopt(easy, CURLOPT_SSL_CIPHER_LIST, TLS_CIPHERS) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_SSL_EC_CURVES, TLS_GROUPS) == CURLE_OK &&
	       multi_set_blob(curl, easy, CURLOPT_CAINFO_BLOB, authorities);
}

int multi_start(struct multi *multi, struct multi_run *run)
{
	const struct libcurl *curl = &multi->curl;

	curl->easy_setopt(run->easy, CURLOPT_PRIVATE, run);
	curl->easy_setopt(run->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl->easy_setopt(run->easy, CURLOPT_OPENSOCKETDATA, multi);
	curl->easy_setopt(run->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl->easy_setopt(run->easy, CURLOPT_CLOSESOCKETDATA, multi);
	return curl->multi_add_handle(multi->multi, run->easy) == CURLM_OK ? 0 : ERR_NO_MEMORY;
}

void multi_stop(struct multi *multi, struct multi_run *run)
{
	multi->curl.multi_remove_handle(multi->multi, run->easy);
}

/* ---- files ---- */

static int read_pem(const char *path, const char *what, const char *mark, struct text *ret_pem, struct error *error)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char bytes[4096];
	ssize_t length = 0;

	if (fd < 0)
		return error_set(error, ERR_INVALID, "the file of %s \"%s\" cannot be read: %s", what, path,
		                 strerror(errno));
	while (!ret_pem->failed && (length = read(fd, bytes, sizeof(bytes))) > 0)
		text_add_bytes(ret_pem, bytes, (size_t)length);
	close(fd);
	secret_wipe(bytes, sizeof(bytes));
	if (length < 0 || ret_pem->failed || strstr(text_string(ret_pem), mark) == NULL)
		return error_set(error, ERR_INVALID, "the file \"%s\" holds no %s in PEM", path, what);
	return 0;
}

int multi_read_certificates(const char *path, struct text *ret_pem, struct error *error)
{
	return read_pem(path, "certificates", "-----BEGIN CERTIFICATE-----", ret_pem, error);
}

int multi_read_key(const char *path, struct text *ret_pem, struct error *error)
{
	return read_pem(path, "a key", "PRIVATE KEY-----", ret_pem, error);
}
