/* The broker as a whole: built from the configuration and the store, taken down without losing what is pending. */
#include <stdlib.h>
#include <string.h>

#include "broker/internal.h"
#include "queue/queue.h"
#include "records/keycheck.h"
#include "records/maker.h"
#include "records/mark.h"
#include "records/migrate.h"
#include "records/missing.h"
#include "upkeep/drift.h"
#include "upkeep/errand.h"
#include "upkeep/inspect.h"
#include "upkeep/parts.h"
#include "upkeep/reconcile.h"

static void open_host(struct host *host)
{
	queue_open_host(host);
	watch_open_host(host);
}

static void on_saved(void *arg, const struct job *job)
{
	struct broker *broker = arg;

	if (job->run->cleaned)
		watch_forget(&broker->watch, job->incarnation);
	else
		watch_renew(&broker->watch, job->incarnation);
	upkeep_renew(&broker->upkeep, job);
}

/* Those up to the watch: they know of no request. */
static void init_lower(struct broker *broker, struct records *records)
{
	const struct broker_options *options = &broker->options;

	broker->catalog = (struct catalog){
	    .store = options->store,
	    .records = records,
	    .timers = options->timers,
	    .context = *options->context,
	    .open_host = open_host,
	    .close_host = queue_close_host,
	    .watch = &broker->watch,
	};
	broker->catalog.context.store = broker->mark.store;
	broker->catalog.context.seal = broker->mark.seal;
	TAILQ_INIT(&broker->catalog.old);
	broker->queue = (struct queue){
	    .catalog = &broker->catalog,
	    .work = &life_work,
	    .life = &broker->life,
	};
	broker->watch = (struct watch){
	    .catalog = &broker->catalog,
	    .queue = &broker->queue,
	    .mark = &broker->mark,
	    .log = options->log,
	    .on_up = drift_hurry,
	    .arg = &broker->upkeep,
	};
}

static void init_upper(struct broker *broker, const struct keyring *keyring)
{
	const struct broker_options *options = &broker->options;

	broker->life = (struct life){
	    .catalog = &broker->catalog,
	    .keyring = keyring,
	    .mark = &broker->mark,
	    .log = options->log,
	    .measures = &broker->measures,
	    .on_saved = on_saved,
	    .arg = broker,
	};
	broker->requests = (struct requests){
	    .catalog = &broker->catalog,
	    .queue = &broker->queue,
	    .watch = &broker->watch,
	    .life = &broker->life,
	};
	TAILQ_INIT(&broker->requests.intents);
	TAILQ_INIT(&broker->requests.noted);
	TAILQ_INIT(&broker->requests.committing);
	TAILQ_INIT(&broker->requests.copies);
	broker->upkeep = (struct upkeep){
	    .catalog = &broker->catalog,
	    .queue = &broker->queue,
	    .life = &broker->life,
	    .requests = &broker->requests,
	};
	TAILQ_INIT(&broker->upkeep.errands);
	TAILQ_INIT(&broker->upkeep.inspections);
	broker->view = (struct view){
	    .catalog = &broker->catalog,
	    .queue = &broker->queue,
	    .watch = &broker->watch,
	    .upkeep = &broker->upkeep,
	    .measures = &broker->measures,
	};
}

static int open_present(struct broker *broker, struct config *config, struct error *error)
{
	struct generation *generation = NULL;
	int rc = generation_open(&broker->catalog, config, &generation, error);

	if (rc == 0)
		generation_enter(&broker->catalog, generation);
	return rc;
}

int broker_begin(struct broker *broker, struct error *error)
{
	const struct config *config = catalog_config(&broker->catalog);
	struct store *store = broker->catalog.store;
	int rc = keycheck(store, broker->life.keyring, config->data_dir, error);

	if (rc == 0)
		rc = maker_check(store, config, error);
	if (rc == 0)
		rc = maker_write(store, config, error);
	if (rc == 0)
		rc = records_go_behind_all(broker->catalog.records, error);
	if (rc == 0)
		rc = migrate(broker->catalog.records, error);
	if (rc == 0)
		rc = mark_open(&broker->mark, store, error);
	if (rc == 0) {
		generation_read_drained(broker->catalog.present);
		mark_recall(&broker->mark, &broker->mark_seen, timers_now(broker->options.timers));
		rc = queue_recover(&broker->queue, error);
	}
	if (rc != 0)
		return rc;
	watch_open(&broker->watch);
	upkeep_open(&broker->upkeep);
	missing_log(store, config, broker->life.log);
	broker->has_begun = true;
	return 0;
}

int broker_has_begun(const struct broker *broker, struct error *error)
{
	const struct store_standing *standing = store_standing(broker->catalog.store);

	if (broker->has_begun)
		return 0;
	if (standing->active[0] == '\0')
		return error_set(error, ERR_UNAVAILABLE,
		                 "no broker of those that share the store is the active one yet");
	return error_set(error, ERR_UNAVAILABLE, "this broker stands by; the active one is \"%s\"", standing->active);
}

/* The rooms, empty, with the configuration's drivers opened. */
static int build(struct broker *broker, struct config *config, const struct keyring *keyring, struct error *error)
{
	struct records *records = NULL;
	int rc = records_open(broker->options.store, broker->options.timers, &records, error);

	init_lower(broker, records);
	init_upper(broker, keyring);
	return rc == 0 ? open_present(broker, config, error) : rc;
}

int broker_open(const struct broker_options *options, struct broker **ret_broker, struct error *error)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	int rc;

	if (broker == NULL)
		return error_no_memory(error);
	broker->options = *options;
	rc = build(broker, options->config, options->keyring, error);
	if (rc == 0 && store_standing(options->store)->role != STORE_STANDBY)
		rc = broker_begin(broker, error);
	if (rc != 0) {
		broker_close(broker);
		return rc;
	}
	measure_open(&broker->measures, options->metrics, view_collect, &broker->view);
	*ret_broker = broker;
	return 0;
}

/* Nothing calls back any more. */
static void stop(struct broker *broker)
{
	broker->catalog.closing = true;
	upkeep_close(&broker->upkeep);
	if (broker->catalog.present != NULL)
		watch_close(&broker->watch);
	queue_stop(&broker->queue);
	store_flush(broker->catalog.store);
}

static void clear(struct broker *broker)
{
	requests_drop_all(&broker->requests);
	queue_close(&broker->queue);
	errand_drop_all(&broker->upkeep);
	generation_close_all(&broker->catalog);
	records_close(broker->catalog.records);
}

void broker_look_at_store(struct broker *broker)
{
	mark_look(&broker->mark_seen, broker->catalog.store, timers_now(broker->options.timers));
	if (!broker->has_begun)
		generation_read_drained(broker->catalog.present);
}

int broker_resign(struct broker *broker, struct error *error)
{
	struct config *config = config_hold(broker->catalog.present->config);
	const struct keyring *keyring = broker->life.keyring;
	int rc;

	broker_look_at_store(broker);
	broker->has_begun = false;
	inspect_give_up_all(&broker->upkeep);
	stop(broker);
	requests_give_up_all(&broker->requests);
	clear(broker);
	broker->mark = (struct mark){.number = 0};
	rc = build(broker, config, keyring, error);
	config_free(config);
	return rc;
}

void broker_close(struct broker *broker)
{
	if (broker == NULL)
		return;
	metrics_forget(broker->measures.metrics, &broker->view);
	stop(broker);
	clear(broker);
	free(broker);
}

/* ---- another configuration ---- */

struct broker_change {
	struct generation *generation;
	struct keyring *keyring; /* NULL: stays */
};

/* What is written down comes last: should it fail, nothing was. */
int broker_prepare(struct broker *broker, const struct broker_next *next, struct broker_change **ret_change,
                   struct error *error)
{
	struct broker_change *change = calloc(1, sizeof(*change));
	int rc = 0;

	if (change == NULL)
		return error_no_memory(error);
	if (next->keyring != NULL)
		rc = keycheck_opens(broker->catalog.store, next->keyring, catalog_config(&broker->catalog)->data_dir,
		                    error);
	if (rc == 0 && broker->has_begun)
		rc = maker_check(broker->catalog.store, next->config, error);
	if (rc == 0)
		rc = generation_open(&broker->catalog, next->config, &change->generation, error);
	if (rc == 0 && broker->has_begun)
		rc = maker_write(broker->catalog.store, next->config, error);
	if (rc != 0) {
		broker_change_free(change);
		return rc;
	}
	change->keyring = next->keyring;
	*ret_change = change;
	return 0;
}

static void go_on(struct broker *broker)
{
	watch_open(&broker->watch);
	drift_reload(&broker->upkeep);
	reconcile_reload(&broker->upkeep);
	missing_log(broker->catalog.store, catalog_config(&broker->catalog), broker->life.log);
}

void broker_enter(struct broker *broker, struct broker_change *change)
{
	if (change->keyring != NULL)
		broker->life.keyring = change->keyring;
	watch_close(&broker->watch); /* a broker that stands by has observed nothing, and was asked all the same */
	watch_inherit(&broker->watch, change->generation);
	generation_enter(&broker->catalog, change->generation);
	queue_move(&broker->queue);
	if (broker->has_begun)
		go_on(broker);
	free(change);
}

void broker_change_free(struct broker_change *change)
{
	if (change != NULL && change->generation != NULL)
		generation_close(change->generation);
	free(change);
}

/* ---- the rooms ---- */

struct requests *broker_requests(struct broker *broker)
{
	return &broker->requests;
}

struct upkeep *broker_upkeep(struct broker *broker)
{
	return &broker->upkeep;
}

const struct view *broker_view(const struct broker *broker)
{
	return &broker->view;
}
