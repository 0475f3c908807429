/* Errands: requests that the broker makes itself. An errand owns what its request borrows, until it is answered. */
#include "upkeep/errand.h"

#include <stdlib.h>

#include "base/arena.h"
#include "catalog/generation.h"

struct errand {
	TAILQ_ENTRY(errand) in_upkeep;
	struct upkeep *upkeep;
	struct generation *generation;
	struct broker_request request;
	struct arena arena;
};

static void errand_free(struct errand *errand)
{
	TAILQ_REMOVE(&errand->upkeep->errands, errand, in_upkeep);
	generation_drop(errand->generation);
	arena_release(&errand->arena);
	free(errand);
}

static void on_done(void *arg, const struct broker_reply *reply)
{
	struct errand *errand = arg;
	struct log_line line;

	log_begin(&line, errand->upkeep->life->log, reply->code == 0 ? LOG_DEBUG : LOG_WARNING, "errand");
	log_text(&line, "user", errand->request.caller.user);
	log_text(&line, "instance", errand->request.incarnation);
	log_text(&line, "reason", reply->text);
	log_end(&line);
	errand_free(errand);
}

void errand_run(struct upkeep *upkeep, const struct asked *what, const struct instance *instance, const char *user,
                const struct bind *bind)
{
	struct offering *offering = catalog_offering(upkeep->catalog, instance->service);
	struct errand *errand = offering != NULL ? calloc(1, sizeof(*errand)) : NULL;

	if (errand == NULL)
		return;
	errand->upkeep = upkeep;
	errand->generation = offering->generation;
	generation_hold(errand->generation);
	TAILQ_INSERT_TAIL(&upkeep->errands, errand, in_upkeep);
	arena_init(&errand->arena);
	errand->request = (struct broker_request){
	    .service = offering->service,
	    .incarnation = arena_text(&errand->arena, instance->incarnation),
	    .caller.user = arena_text(&errand->arena, user),
	};
	if (bind != NULL) {
		errand->request.bind_kind = bind->kind;
		errand->request.bind_name = arena_text(&errand->arena, bind->name);
		errand->request.bind_updated = bind->updated_at;
	}
	if (arena_failed(&errand->arena))
		errand_free(errand);
	else
		requests_ask(upkeep->requests, what, &errand->request, on_done, errand);
}

void errand_drop_all(struct upkeep *upkeep)
{
	struct errand *errand;

	while ((errand = TAILQ_FIRST(&upkeep->errands)) != NULL)
		errand_free(errand);
}
