/* Credentials that the upstream tells once, kept as {"id": ..., "binding": {...}}: a binding of another id has other
 * credentials. */
#include "kept.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "outcome.h"

void kept_write(struct driver_call *call, const char *id, const struct cJSON *binding)
{
	char *answer = cJSON_PrintUnformatted(binding);
	struct text text;

	if (answer == NULL)
		return;
	text_init(&text, KEPT_MAX);
	text_add_format(&text, "{\"id\":\"%s\",\"binding\":%s}", id, answer);
	if (!text.failed)
		call_keep(call, text_string(&text));
	text_wipe(&text);
	secret_wipe(answer, strlen(answer));
	cJSON_free(answer);
}

struct cJSON *kept_read(const struct driver_call *call, const char *id)
{
	cJSON *root = call->kept != NULL ? json_parse_value(call->kept, strlen(call->kept)) : NULL;
	const char *of = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "id"));
	cJSON *binding = NULL;

	if (of != NULL && strcmp(of, id) == 0)
		binding = cJSON_DetachItemFromObjectCaseSensitive(root, "binding");
	outcome_wipe(root);
	return binding;
}
