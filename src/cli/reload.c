/* Another configuration for the running program: read whole, opened whole, then put in force. */
#include <string.h>

#include "cli/key.h"
#include "cli/load.h"
#include "cli/program.h"

static void log_event(const struct program *program, enum log_level level, const char *event, const char *key,
                      const char *value)
{
	struct log_line line;

	log_begin(&line, &program->log, level, event);
	log_text(&line, key, value);
	log_end(&line);
}

static int read_file(struct program *program, struct config **ret_config, struct error *error)
{
	struct config_errors *errors = NULL;
	int rc = load_file(program->config_file, ret_config, &errors);

	if (rc == 0)
		return 0;
	if (errors == NULL)
		return error_no_memory(error);
	for (size_t i = 0; i < errors->count; i++)
		log_event(program, LOG_ERROR, "configuration-error", "error", errors->texts[i]);
	error_set(error, ERR_INVALID, "%s%s", errors->texts[0], errors->total > 1 ? " (and more, see the log)" : "");
	config_errors_free(errors);
	return ERR_INVALID;
}

static bool listens_like(const struct config *now, const struct config *next)
{
	bool same = now->listener_count == next->listener_count;

	for (size_t i = 0; same && i < now->listener_count; i++)
		same = strcmp(now->listeners[i].text, next->listeners[i].text) == 0;
	return same;
}

/* What is built once stays as it was. */
static void warn_of_fixed(const struct program *program, const struct config *next)
{
	const struct config *now = program->config;
	const char *admin = now->admin != NULL ? now->admin->listen.text : "";
	const char *next_admin = next->admin != NULL ? next->admin->listen.text : "";
	const struct {
		const char *key;
		bool changed;
	} fixed[] = {
	    {"listen", !listens_like(now, next)},
	    {"tls", (now->tls != NULL) != (next->tls != NULL)},
	    {"admin.listen", strcmp(admin, next_admin) != 0},
	    {"data_dir", strcmp(now->data_dir, next->data_dir) != 0},
	    {"limits.store_bytes", now->limits.store_bytes != next->limits.store_bytes},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		if (fixed[i].changed)
			log_event(program, LOG_WARNING, "restart-needed", "key", fixed[i].key);
	}
}

/* NULL in *ret_keyring: the one at hand stays. */
static int read_keys(struct program *program, const struct config *next, struct keyring **ret_keyring,
                     struct error *error)
{
	*ret_keyring = NULL;
	if (program->key_is_fixed && next->secret_key_file == NULL)
		return 0;
	return key_open(next, &program->log, false, ret_keyring, error);
}

static void swap_keys(struct program *program, struct keyring *keyring)
{
	if (keyring == NULL)
		return;
	keyring_free(program->keyring);
	program->keyring = keyring;
}

/* A certificate or a driver may find a fault: what was put in force before it goes back. */
static int swap(struct program *program, struct config *next, struct error *error)
{
	struct keyring *keyring = NULL;
	int rc = read_keys(program, next, &keyring, error);

	if (rc == 0 && keyring != NULL)
		rc = broker_set_keyring(program->broker, keyring, error);
	if (rc == 0)
		rc = api_reload(program->api, next, error);
	if (rc == 0) {
		rc = broker_reload(program->broker, next, error);
		if (rc != 0)
			(void)api_reload(program->api, program->config, NULL);
	}
	if (rc != 0) {
		(void)broker_set_keyring(program->broker, program->keyring, NULL);
		keyring_free(keyring);
		return rc;
	}
	swap_keys(program, keyring);
	return program->admin != NULL ? admin_reload(program->admin, next, error) : 0;
}

static int reload(struct program *program, struct error *error)
{
	struct config *next = NULL;
	int rc = read_file(program, &next, error);

	if (rc != 0)
		return rc;
	rc = swap(program, next, error);
	if (rc != 0) {
		config_free(next);
		return rc;
	}
	warn_of_fixed(program, next);
	config_free(program->config);
	program->config = next;
	program->log.level = (enum log_level)log_level_parse(next->log_level);
	program->log.json = strcmp(next->log_format, "json") == 0;
	return 0;
}

int program_reload(struct program *program, struct error *error)
{
	int rc = reload(program, error);

	program->file_is_bad = rc != 0;
	if (rc != 0) {
		program->file_error = *error;
		log_event(program, LOG_ERROR, "reload-failed", "error", error->text);
	} else {
		log_event(program, LOG_INFO, "reloaded", "file", program->config_file);
	}
	return rc;
}
