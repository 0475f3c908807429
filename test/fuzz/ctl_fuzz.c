/* What ctl is told by the operators' listener, or by whatever else --url leads to: every subcommand, with the input as
 * each answer. The functions of cli/ask.h are the fuzzer's own. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/ctl.h"

#define ANSWERS_MAX 8 /* to one subcommand: an answer may name a next page without end */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

struct asker {
	const char *bytes;
	size_t length;
	int answers;
};

static struct asker asker;

int ask_open(const struct invocation *invocation, struct asker **ret_asker)
{
	(void)invocation;
	asker.answers = 0;
	*ret_asker = &asker;
	return 0;
}

void ask_close(struct asker *used)
{
	(void)used;
}

int ask(struct asker *used, const char *path, const char *const *fields, struct cJSON **ret_json, struct error *error)
{
	(void)path;
	(void)fields;
	*ret_json = used->answers++ < ANSWERS_MAX ? cJSON_ParseWithLength(used->bytes, used->length) : NULL;
	return *ret_json != NULL ? 0 : error_set(error, ERR_UNAVAILABLE, "that is no JSON");
}

int ask_whatever(struct asker *used, const char *path, struct cJSON **ret_json, struct error *error)
{
	return ask(used, path, NULL, ret_json, error);
}

/* Who waits for an end looks again at once (the linker puts this in place of nanosleep). */
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted;
	(void)left;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;

	if (nowhere == NULL)
		nowhere = fopen("/dev/null", "w");
	if (nowhere == NULL)
		abort();
	asker.bytes = (const char *)data;
	asker.length = size;
	for (const struct command *command = ctl_commands; command->name != NULL; command++) {
		struct invocation invocation = {
		    .config_file = "/dev/null", .operand = "db/mydb", .out = nowhere, .err = nowhere};

		for (int json = 0; json < 2; json++) {
			invocation.values[OPTION_JSON] = json ? "" : NULL;
			command->run(&invocation);
		}
	}
	return 0;
}
