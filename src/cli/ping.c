/* Asks the running broker for an answer, whatever it is: a listener whose loop turns. The operators' listener is asked
 * where there is one, for it takes no certificate and keeps no line of it. */
#include <curl/curl.h>

#include "cli/address.h"
#include "cli/command.h"
#include "cli/load.h"

#define PING_TIMEOUT 3000L /* ms, for all of it */

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is libcurl's */
static size_t throw_away(char *bytes, size_t size, size_t count, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * count;
}

static void set_target(CURL *curl, const struct listener *listener, bool tls, const char *path)
{
	char url[ADDRESS_MAX + 32] = "http://localhost", address[ADDRESS_MAX];

	if (listener->path != NULL) {
		curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, listener->path);
	} else {
		address_format(address_reachable(listener->host), listener->port, address, sizeof(address));
		snprintf(url, sizeof(url), "%s://%s%s", tls ? "https" : "http", address, path);
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
}

/* Life is all that is asked for: the certificate is not looked at, and to be refused for want of one's own is an
 * answer, too. */
static bool is_answer(CURLcode code, bool wants_certificate)
{
	if (code == CURLE_OK)
		return true;
	return wants_certificate &&
	       (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_RECV_ERROR || code == CURLE_SSL_CERTPROBLEM);
}

static int ping(const struct config *config, FILE *err)
{
	const struct listener *listener = config->admin != NULL ? &config->admin->listen : &config->listeners[0];
	const bool tls = config->admin == NULL && config->tls != NULL && listener->path == NULL;
	CURL *curl = curl_easy_init();
	CURLcode code;

	if (curl == NULL)
		return EXIT_FAILED;
	set_target(curl, listener, tls, config->admin != NULL ? "/health" : "/");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PING_TIMEOUT);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, throw_away);
	code = curl_easy_perform(curl);
	curl_easy_cleanup(curl);
	if (is_answer(code, tls && config->tls->client_ca != NULL))
		return EXIT_GOOD;
	fprintf(err, "tsuru-broker: the broker at %s does not answer: %s\n", listener->text, curl_easy_strerror(code));
	return EXIT_FAILED;
}

int run_ping(const struct invocation *invocation)
{
	struct config *config = NULL;
	int rc;

	if (load_config(invocation, &config) != 0)
		return EXIT_FAILED;
	rc = ping(config, invocation->err);
	config_free(config);
	return rc;
}
