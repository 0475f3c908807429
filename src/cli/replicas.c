/* What this broker tells the others that share its store: a hash of its configuration. And what it logs of what they
 * tell. Neighbours: store/members.h, which compares, and config/digest.c, which says what has to be the same. */
#include "cli/replicas.h"

#include <string.h>

#include "base/secret.h"
#include "base/text.h"
#include "cli/program.h"

#define DIGEST_MAX ((size_t)64 << 20) /* bytes */

_Static_assert(KEYRING_MAC_LENGTH == STORE_CONFIGURATION_MAX, "the length of a configuration's hash");

/* Its passwords are in what is signed: nobody can try any without the master key. The key that seals is the one by
 * which configurations are compared. */
void replicas_describe(struct program *program)
{
	char hash[KEYRING_MACS_SIZE] = "";
	const char *part;
	struct text digest;

	if (program->config->store == NULL)
		return;
	text_init(&digest, DIGEST_MAX);
	config_digest(program->config, &digest);
	part = text_string(&digest);
	if (!digest.failed)
		keyring_sign(program->keyring, "configuration", &part, 1, hash);
	hash[KEYRING_MAC_LENGTH] = '\0';
	text_wipe(&digest);
	store_describe(program->store, hash);
}

/* The one of the database is logged with each time that the database was asked. */
static void log_warning(struct program *program, const struct store_members *members, enum store_warning warning)
{
	struct replicas_told *told = &program->told;
	char *before = told->warnings[warning], text[ERROR_TEXT_MAX];
	const bool again = warning == STORE_WARNING_ASYNCHRONOUS && told->checks != members->checks;

	store_warning_text(members, warning, text, sizeof(text));
	if (text[0] != '\0' && (again || strcmp(before, text) != 0))
		log_event(&program->log, LOG_WARNING, store_warning_name(warning), "reason", text);
	memcpy(before, text, sizeof(text));
}

void replicas_changed(void *arg)
{
	struct program *program = arg;
	const struct store_members *members = store_members(program->store);

	for (enum store_warning warning = 0; warning < STORE_WARNING_COUNT; warning++)
		log_warning(program, members, warning);
	program->told.checks = members->checks;
	if (program->broker != NULL)
		broker_look_at_store(program->broker);
}
