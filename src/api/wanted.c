/* Plan, team, description, tags and parameters: all of the new state each time, what is absent means none. */
#include "api/wanted.h"

#include "api/field.h"

int wanted_read(struct exchange *exchange)
{
	struct http_request *http = exchange->http;
	struct broker_request *ask = &exchange->ask;
	struct error *error = &exchange->error;
	const char *const *tags;
	size_t tag_count = http_request_list(http, "tags", &tags);
	int rc = field_text(http, "plan", NAME_TEXT_MAX, &ask->plan, error);

	if (rc == 0)
		rc = field_text(http, "team", NAME_TEXT_MAX, &ask->team, error);
	if (rc == 0)
		rc = field_text(http, "description", DESCRIPTION_MAX, &ask->description, error);
	if (rc == 0)
		rc = field_tags(tags, tag_count, http_request_arena(http), &ask->tags, error);
	if (rc == 0)
		ask->parameters = http_request_parameters(http);
	return rc;
}
