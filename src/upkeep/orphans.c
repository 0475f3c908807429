/* Orphans: each is looked at again before its end is asked for, since records have changed while they were compared. */
#include "upkeep/orphans.h"

#include "queue/queue.h"
#include "records/records.h"
#include "upkeep/errand.h"

/* The bind as it is now, when it is still the one that was found, and nothing is under way that touches it. Its
 * instance's other orphans may be on their way out. */
static bool read_idle(const struct upkeep *upkeep, struct arena *arena, const struct difference *orphan,
                      struct held_instance *ret_instance, struct held_bind *ret_bind)
{
	struct records *records = upkeep->catalog->records;

	return records_read_instance(records, arena, orphan->incarnation, ret_instance, NULL) == 0 &&
	       ret_instance->record.state == INSTANCE_READY &&
	       !queue_has(upkeep->queue, orphan->incarnation, ~(1U << OPERATION_UNBIND)) &&
	       records_read_bind(records, arena, KEYSPACE_BINDS, orphan->incarnation, orphan->bind_kind, orphan->bind,
	                         ret_bind, NULL) == 0 &&
	       ret_bind->record.state == BIND_BOUND && ret_bind->record.updated_at == orphan->updated_at;
}

static void log_end_of(const struct upkeep *upkeep, const struct difference *orphan)
{
	struct log_line line;

	log_begin(&line, upkeep->life->log, LOG_WARNING, "reconcile");
	log_text(&line, "service", orphan->service);
	log_text(&line, "instance", orphan->instance);
	log_text(&line, "kind", bind_kind_name(orphan->bind_kind));
	log_text(&line, "bind", orphan->bind);
	log_text(&line, "action", "end");
	log_end(&line);
}

static bool end(struct upkeep *upkeep, const struct difference *orphan, const char *ender)
{
	struct held_instance instance;
	struct held_bind bind;
	struct arena arena;
	bool idle;

	arena_init(&arena);
	idle = read_idle(upkeep, &arena, orphan, &instance, &bind);
	if (idle) {
		log_end_of(upkeep, orphan);
		errand_run(upkeep, &ask_end_bind, &instance.record, ender, &bind.record);
	}
	arena_release(&arena);
	return idle;
}

size_t orphans_end(struct upkeep *upkeep, const struct comparison *comparison, const char *ender)
{
	const struct tsuru *tsuru = catalog_config(upkeep->catalog)->tsuru;
	const struct difference *difference = comparison_first(comparison);
	size_t ended = 0;

	for (; difference != NULL && ended < (size_t)tsuru->limit; difference = difference->hh.next) {
		if (comparison_is_due(comparison, difference, tsuru->grace))
			ended += end(upkeep, difference, ender);
	}
	return ended;
}
