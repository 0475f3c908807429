/* The access line: never a header, a body or a query, and never a name that an unauthenticated client gave itself.
 * Logins that were not looked at (429) are not worth one: whoever guesses would fill the log. Nor are pings of the
 * server as a whole, which health checks send all day. */
#include "api/access.h"

#include "api/caller.h"
#include "api/exchange.h"

/* What only an endpoint knows. */
static void log_exchange(struct log_line *line, const struct exchange *exchange)
{
	const struct caller *caller = &exchange->ask.caller;

	log_text(line, "request", caller->request);
	log_text(line, "user", caller->user);
	log_text(line, "tsuru_event", caller->event);
	log_text(line, "trace", caller->trace);
	log_text(line, "instance", exchange->ask.instance);
	passing_log(&exchange->passing, line);
}

static bool is_quiet(const struct http_request *http)
{
	const int status = http_request_status(http);

	return status == 429 || (status == 204 && http_request_site(http) == NULL);
}

void access_log(void *arg, const struct http_request *http)
{
	const struct exchange_tools *tools = arg;
	const struct http_site *site = http_request_site(http);
	const struct exchange *exchange = http_request_context(http);
	struct log_line line;

	log_begin(&line, tools->log, is_quiet(http) ? LOG_DEBUG : LOG_INFO, "request");
	log_text(&line, "method", http_request_method(http));
	log_text(&line, "route", http_request_label(http));
	log_number(&line, "status", http_request_status(http));
	log_number(&line, "duration_us", http_request_duration(http));
	log_text(&line, "peer", http_request_peer(http));
	if (http_request_forwarded(http) != NULL)
		log_text(&line, "forwarded_by", http_request_forwarded(http)->by);
	if (site != NULL)
		log_text(&line, "service", ((const struct service *)site->owner)->name);
	if (exchange != NULL)
		log_exchange(&line, exchange);
	else
		log_text(&line, "request", caller_request_id(http));
	log_text(&line, "path", http_request_path(http));
	log_end_gathered(&line);
}
