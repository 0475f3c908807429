/* `ping`: asks the running broker for any answer, which shows that a listener's loop turns. It asks the operators'
 * listener for /health where there is one, as that wants no certificate of the client; otherwise the service listener
 * for nothing, by "OPTIONS *". Neither writes a line to the log at level info. */
#include "cli/address.h"
#include "cli/command.h"
#include "cli/load.h"
#include "driver/libcurl.h"

#define PING_TIMEOUT 3000L /* ms, for all of it */

/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is libcurl's */
static size_t throw_away(char *bytes, size_t size, size_t count, void *arg)
{
	(void)bytes;
	(void)arg;
	return size * count;
}

static void set_target(const struct libcurl *curl, CURL *easy, const struct listener *listener, bool tls, bool health)
{
	char url[ADDRESS_MAX + 32], address[ADDRESS_MAX] = "localhost";

	if (listener->path != NULL)
		curl->easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, listener->path);
	else
		address_format(address_reachable(listener->host), listener->port, address, sizeof(address));
	snprintf(url, sizeof(url), "%s://%s/health", tls ? "https" : "http", address);
	curl->easy_setopt(easy, CURLOPT_URL, url);
	if (health)
		return;
	curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "OPTIONS");
	curl->easy_setopt(easy, CURLOPT_REQUEST_TARGET, "*");
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

static int ping(const struct libcurl *curl, const struct config *config, FILE *err)
{
	const struct listener *listener = config->admin != NULL ? &config->admin->listen : &config->listeners[0];
	const bool tls = config->admin == NULL && config->tls != NULL && listener->path == NULL;
	CURL *easy = curl->easy_init();
	CURLcode code;

	if (easy == NULL)
		return EXIT_FAILED;
	set_target(curl, easy, listener, tls, config->admin != NULL);
	curl->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl->easy_setopt(easy, CURLOPT_PROXY, "");
	curl->easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
	curl->easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, PING_TIMEOUT);
	curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
	code = curl->easy_perform(easy);
	curl->easy_cleanup(easy);
	if (is_answer(code, tls && config->tls->client_ca != NULL))
		return EXIT_GOOD;
	fprintf(err, "tsuru-broker: the broker at %s does not answer: %s\n", listener->text, curl->easy_strerror(code));
	return EXIT_FAILED;
}

int run_ping(const struct invocation *invocation)
{
	struct config *config = NULL;
	struct libcurl curl;
	struct error error;
	int rc = EXIT_FAILED;

	if (load_config(invocation, &config) != 0)
		return EXIT_FAILED;
	if (libcurl_load(&curl, &error) == 0)
		rc = ping(&curl, config, invocation->err);
	else
		fprintf(invocation->err, "tsuru-broker: %s\n", error.text);
	config_free(config);
	return rc;
}
