/* The broker as a whole: built from the configuration and the store, taken down without losing what is pending. */
#include <stdlib.h>
#include <string.h>

#include "broker/drift.h"
#include "broker/errand.h"
#include "broker/generation.h"
#include "broker/health.h"
#include "broker/inspect.h"
#include "broker/internal.h"
#include "broker/keycheck.h"
#include "broker/mark.h"
#include "broker/measure.h"
#include "broker/migrate.h"
#include "broker/queue.h"
#include "broker/rekey.h"
#include "broker/retention.h"
#include "broker/sweep.h"

void broker_next_id(struct broker *broker, char *ret_id)
{
	const int64_t wall = timers_wall(broker->timers);

	if (wall > broker->last_wall)
		broker->last_wall = wall;
	operation_id(broker->last_wall, broker->sequence++, ret_id);
}

/* Behind a clock that was set back, too, new ids are new and stand behind the old ones. */
static bool on_newest(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct broker *broker = arg;
	char id[OPERATION_ID_LENGTH + 1] = "";

	(void)value;
	if (key_length == OPERATION_ID_LENGTH) {
		memcpy(id, key, key_length);
		broker->last_wall = operation_id_time(id) + 1;
	}
	return false;
}

static int recover_ids(struct broker *broker, struct error *error)
{
	if (store_scan_back(broker->store, KEYSPACE_AUDIT, NULL, 0, on_newest, broker) != 0)
		return error_set(error, ERR_INTERNAL, "the store cannot be read");
	return 0;
}

struct host *offering_host(struct offering *offering, const char *server)
{
	for (size_t i = 0; i < offering->host_count; i++) {
		const struct server *candidate = offering->hosts[i].server;

		if (candidate == NULL ? server == NULL : server != NULL && strcmp(candidate->name, server) == 0)
			return &offering->hosts[i];
	}
	return NULL;
}

static int open_present(struct broker *broker, struct config *config, struct error *error)
{
	struct generation *generation = NULL;
	int rc = generation_open(broker, config, &generation, error);

	if (rc == 0)
		generation_enter(broker, generation);
	return rc;
}

int broker_open(const struct broker_options *options, struct broker **ret_broker, struct error *error)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	int rc;

	if (broker == NULL)
		return error_no_memory(error);
	broker->store = options->store;
	broker->keyring = options->keyring;
	broker->timers = options->timers;
	broker->context = options->context;
	broker->log = options->log;
	TAILQ_INIT(&broker->intents);
	TAILQ_INIT(&broker->errands);
	TAILQ_INIT(&broker->inspections);
	TAILQ_INIT(&broker->old);
	rc = open_present(broker, options->config, error);
	if (rc == 0)
		rc = keycheck(broker, broker->keyring, error);
	if (rc == 0)
		rc = migrate(broker, error);
	if (rc == 0)
		rc = mark_open(broker, error);
	if (rc == 0)
		rc = recover_ids(broker, error);
	if (rc == 0)
		rc = queue_recover(broker, error);
	if (rc != 0) {
		broker_close(broker);
		return rc;
	}
	measure_open(broker, options->metrics);
	health_open(broker);
	sweep_open(broker);
	retention_open(broker);
	drift_open(broker);
	*ret_broker = broker;
	return 0;
}

void broker_close(struct broker *broker)
{
	if (broker == NULL)
		return;
	broker->closing = true;
	measure_close(broker);
	sweep_close(broker);
	retention_close(broker);
	rekey_close(broker);
	drift_close(broker);
	inspect_close(broker);
	if (broker->generation != NULL)
		health_close(broker);
	queue_stop(broker);
	store_flush(broker->store);
	queue_close(broker);
	errand_drop_all(broker);
	generation_close_all(broker);
	free(broker);
}

int broker_reload(struct broker *broker, struct config *config, struct error *error)
{
	struct generation *generation = NULL;
	int rc = generation_open(broker, config, &generation, error);

	if (rc != 0)
		return rc;
	health_close(broker);
	health_inherit(broker, generation);
	generation_enter(broker, generation);
	queue_move(broker);
	health_open(broker);
	drift_reload(broker);
	return 0;
}

void broker_statistics(const struct broker *broker, struct broker_statistics *ret_statistics)
{
	*ret_statistics = broker->statistics;
}
