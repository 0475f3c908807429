/* Sessions counted: what a server's check says beside what the broker knows. It takes two checks in a row for a
 * finding, as a session that was just closed may be seen once. */
#include "watch/census.h"

#include <stdio.h>
#include <stdlib.h>

#include "catalog/generation.h"
#include "catalog/host.h"

#define LOOKS 2

/* A former generation's sessions are none that the present driver knows. */
static bool has_former(const struct host *host)
{
	return !TAILQ_EMPTY(&host->offering->generation->catalog->old);
}

void census_take(struct host *host)
{
	const struct backend *backend = host->offering->backend;
	const char *sessions = call_find(&host->check, CHECK_SESSIONS), *strays = call_find(&host->check, CHECK_STRAYS);
	struct session_census *census = &host->census;

	census->taken = sessions != NULL && strays != NULL;
	if (!census->taken) {
		census->looks = 0;
		return;
	}
	census->server = strtoull(sessions, NULL, 10);
	census->broker = backend_connections(backend, host->server);
	census->strays = strtoull(strays, NULL, 10);
	census->looks = census->strays > 0 && !has_former(host) ? census->looks + 1 : 0;
}

bool census_warn(const struct host *host, char *ret_sentence)
{
	const struct session_census *census = &host->census;

	ret_sentence[0] = '\0';
	if (census->looks >= LOOKS)
		snprintf(ret_sentence, ERROR_TEXT_MAX,
		         "the server \"%s\" still has %zu session%s that the broker gave up, or left behind when it "
		         "ended: %zu in all, and the broker knows of %zu",
		         host_name(host), census->strays, census->strays == 1 ? "" : "s", census->server,
		         census->broker);
	return census->looks > LOOKS;
}
