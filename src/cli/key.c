/* Finds the master key, and leaves no copy of it in the environment. Or makes one. */
#include "cli/key.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

static void warn_of_new_key(const struct log *log, const char *path)
{
	struct log_line line;

	log_begin(&line, log, LOG_WARNING, "secret-key-created");
	log_text(&line, "file", path);
	log_text(&line, "message",
	         "no secret_key_file and no SECRET_KEY: a key was made beside the data; keep a copy of it elsewhere");
	log_end(&line);
}

/* Replicas need the same one, and a view that is made afresh keeps none. */
static int refuse_own_file(struct error *error)
{
	return error_set(
	    error, ERR_INVALID,
	    "brokers that share a store need the master key from \"secret_key_file\" or SECRET_KEY: none of "
	    "them makes one");
}

static int open_own_file(const struct config *config, const struct log *log, bool may_create,
                         struct keyring **ret_keyring, struct error *error)
{
	char path[PATH_MAX];
	bool created = false;
	int rc;

	if (snprintf(path, sizeof(path), "%s/secret.key", config->data_dir) >= (int)sizeof(path))
		return error_set(error, ERR_INVALID, "the path of data_dir is longer than %d bytes", PATH_MAX);
	rc = keyring_load(path, may_create, ret_keyring, &created, error);
	if (rc == 0 && created)
		warn_of_new_key(log, path);
	return rc;
}

int key_open(const struct config *config, const struct log *log, bool may_create, struct keyring **ret_keyring,
             struct error *error)
{
	char *variable = getenv("SECRET_KEY");
	bool created = false;
	int rc;

	if (config->secret_key_file != NULL)
		rc = keyring_load(config->secret_key_file, false, ret_keyring, &created, error);
	else if (variable != NULL && variable[0] != '\0')
		rc = keyring_parse(variable, ret_keyring, error);
	else if (config->store != NULL)
		rc = refuse_own_file(error);
	else
		rc = open_own_file(config, log, may_create, ret_keyring, error);
	if (variable != NULL) {
		secret_wipe(variable, strlen(variable)); /* it would stay to be seen in /proc */
		unsetenv("SECRET_KEY");
	}
	return rc;
}

int run_new_key(const struct invocation *invocation)
{
	char key[2 * SECRET_KEY_BYTES + 1];
	struct error error;

	if (secret_init(&error) != 0) {
		fprintf(invocation->err, "tsuru-broker: %s\n", error.text);
		return EXIT_FAILED;
	}
	secret_random_hex(key, SECRET_KEY_BYTES);
	fprintf(invocation->out, "%s\n", key);
	secret_wipe(key, sizeof(key));
	return EXIT_GOOD;
}
