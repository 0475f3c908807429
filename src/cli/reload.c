/* Another configuration for the running program: read whole, then prepared whole, then put in force. A part may be what
 * another one is safe by (an address and its password, a listener and its certificate), so either all of it is in force
 * or nothing. What is built once, listeners and the store, is refused when it differs. */
#include <stdio.h>
#include <string.h>

#include "cli/files.h"
#include "cli/key.h"
#include "cli/load.h"
#include "cli/program.h"
#include "cli/standing.h"

static int read_file(struct program *program, struct config **ret_config, struct error *error)
{
	struct config_errors *errors = NULL;
	int rc = load_file(program->config_file, ret_config, &errors);

	if (rc == 0)
		return 0;
	if (errors == NULL)
		return error_no_memory(error);
	for (size_t i = 0; i < errors->count; i++)
		log_event(&program->log, LOG_ERROR, "configuration-error", "error", errors->texts[i]);
	error_set(error, ERR_INVALID, "%s%s", errors->texts[0], errors->total > 1 ? " (and more, see the log)" : "");
	config_errors_free(errors);
	return ERR_INVALID;
}

/* ---- what cannot change ---- */

struct fixed {
	const char *key;
	const char *now, *next; /* NULL: absent */
};

static int refuse_change(const struct fixed *fixed, struct error *error)
{
	const char *now = fixed->now != NULL ? fixed->now : "none", *next = fixed->next != NULL ? fixed->next : "none";

	if (strcmp(now, next) == 0)
		return 0;
	return error_set(error, ERR_REFUSED,
	                 "\"%s\" is \"%.200s\" now and \"%.200s\" in the file, which needs a restart; nothing of the "
	                 "file is in force before that",
	                 fixed->key, now, next);
}

static int refuse_listeners(const struct config *now, const struct config *next, struct error *error)
{
	const size_t most = now->listener_count > next->listener_count ? now->listener_count : next->listener_count;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < most; i++) {
		const struct fixed fixed = {"listen", i < now->listener_count ? now->listeners[i].text : NULL,
		                            i < next->listener_count ? next->listeners[i].text : NULL};

		rc = refuse_change(&fixed, error);
	}
	return rc;
}

static const char *admin_address(const struct config *config)
{
	return config->admin != NULL ? config->admin->listen.text : NULL;
}

/* What it says next of a store that is shared, without its secrets; "shared" when that is what it says now. */
static const char *shared_text(const struct shared_store *now, const struct shared_store *next)
{
	if (now == NULL || next == NULL)
		return next != NULL ? "shared" : NULL;
	return same_text(now->postgres, next->postgres) && same_text(now->password, next->password) &&
	               same_text(now->name, next->name) && same_text(now->address, next->address) &&
	               same_text(now->admin_address, next->admin_address) && now->lease == next->lease &&
	               now->notify == next->notify
	           ? "shared"
	           : "shared in another way";
}

/* An address, and what guards it, change together: where the one cannot, the other must not. Which certificate it is
 * may change; whether there is one may not. */
static int refuse_fixed(const struct config *now, const struct config *next, struct error *error)
{
	char store_now[32], store_next[32];
	const struct fixed all[] = {
	    {"tls", now->tls != NULL ? "set" : NULL, next->tls != NULL ? "set" : NULL},
	    {"admin.listen", admin_address(now), admin_address(next)},
	    {"data_dir", now->data_dir, next->data_dir},
	    {"store", now->store != NULL ? "shared" : NULL, shared_text(now->store, next->store)},
	    {"limits.store_bytes", store_now, store_next},
	};
	int rc = refuse_listeners(now, next, error);

	snprintf(store_now, sizeof(store_now), "%lld", (long long)now->limits.store_bytes);
	snprintf(store_next, sizeof(store_next), "%lld", (long long)next->limits.store_bytes);
	for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(*all); i++)
		rc = refuse_change(&all[i], error);
	return rc;
}

/* ---- all or nothing ---- */

/* What was prepared of a configuration; each part NULL until it is, and again once it was taken. */
struct change {
	struct keyring *keyring; /* NULL: the one at hand stays */
	struct api_change *api;
	struct admin_change *admin; /* NULL: there is no listener for operators */
	struct broker_change *broker;
};

/* NULL in *ret_keyring: the one at hand stays. */
static int read_keys(struct program *program, const struct config *next, struct keyring **ret_keyring,
                     struct error *error)
{
	*ret_keyring = NULL;
	if (program->key_is_fixed && next->secret_key_file == NULL)
		return 0;
	return key_open(next, &program->log, false, ret_keyring, error);
}

static int prepare(struct program *program, struct config *next, struct change *change, struct error *error)
{
	int rc = read_keys(program, next, &change->keyring, error);

	if (rc == 0)
		rc = api_prepare(next, &change->api, error);
	if (rc == 0 && program->admin != NULL)
		rc = admin_prepare(next, &change->admin, error);
	if (rc == 0)
		rc = broker_prepare(program->broker, &(struct broker_next){.config = next, .keyring = change->keyring},
		                    &change->broker, error);
	return rc;
}

static void drop(struct change *change)
{
	broker_change_free(change->broker);
	admin_change_free(change->admin);
	api_change_free(change->api);
	keyring_free(change->keyring);
}

/* From here on nothing can fail. */
static void enter(struct program *program, struct config *next, const struct change *change)
{
	api_enter(program->api, change->api);
	if (change->admin != NULL)
		admin_enter(program->admin, change->admin);
	broker_enter(program->broker, change->broker);
	if (change->keyring != NULL) {
		api_rekey(program->api, change->keyring);
		admin_rekey(program->admin, change->keyring);
		keyring_free(program->keyring);
		program->keyring = change->keyring;
		standing_rekeyed(program);
	}
	config_free(program->config);
	program->config = next;
	replicas_describe(program);
	program->log.level = (enum log_level)log_level_parse(next->log_level);
	program->log.json = strcmp(next->log_format, "json") == 0;
}

static int reload(struct program *program, struct error *error)
{
	struct config *next = NULL;
	struct change change = {0};
	int rc = read_file(program, &next, error);

	if (rc == 0)
		rc = refuse_fixed(program->config, next, error);
	if (rc == 0 && !files_fit(next))
		files_warn(next, &program->log);
	if (rc == 0)
		rc = prepare(program, next, &change, error);
	if (rc == 0) {
		enter(program, next, &change);
		return 0;
	}
	drop(&change);
	config_free(next);
	return rc;
}

int program_reload(struct program *program, struct error *error)
{
	int rc = reload(program, error);

	program->file_is_bad = rc != 0;
	if (rc != 0) {
		program->file_error = *error;
		log_event(&program->log, LOG_ERROR, "reload-failed", "error", error->text);
	} else {
		log_event(&program->log, LOG_INFO, "reloaded", "file", program->config_file);
	}
	return rc;
}

void program_renew_trust(void *arg)
{
	const struct program *program = arg;

	admin_renew_trust(program->admin, program->config);
}
