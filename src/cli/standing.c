/* How this broker stands among those that share a store: it begins once it is the active one, and ends when it may not
 * be that any more. */
#include "cli/standing.h"

#include <event2/event.h>

#include "cli/program.h"

static void log_standing(const struct program *program, const struct store_standing *standing)
{
	static const char *const events[] = {
	    [STORE_STANDBY] = "standing-by", [STORE_ACTIVE] = "became-active", [STORE_DEPOSED] = "deposed"};
	struct log_line line;

	log_begin(&line, &program->log, standing->role == STORE_DEPOSED ? LOG_ERROR : LOG_INFO, events[standing->role]);
	log_text(&line, "active", standing->active);
	log_number(&line, "epoch", (int64_t)standing->epoch);
	log_end(&line);
}

/* What cannot go on ends; who started it starts it again, as one that stands by. */
static void fail(struct program *program, const char *event, const char *reason)
{
	log_event(&program->log, LOG_ERROR, event, "reason", reason);
	program->has_failed = true;
	event_base_loopbreak(program->base);
}

static void begin(struct program *program)
{
	struct error error;

	if (broker_begin(program->broker, &error) != 0)
		fail(program, "failed", error.text);
}

static void on_standing_due(evutil_socket_t number, short what, void *arg)
{
	struct program *program = arg;
	const struct store_standing *standing = store_standing(program->store);

	(void)number;
	(void)what;
	if (standing->trouble.code != 0)
		log_event(&program->log, LOG_WARNING, "store-unreachable", "reason", standing->trouble.text);
	if (standing->losses > program->losses)
		log_event(
		    &program->log, LOG_ERROR, "commits-lost", "reason",
		    "the database lacks commits that it had acknowledged: it failed over to a server without them");
	program->losses = standing->losses;
	if (standing->role == program->role || program->broker == NULL)
		return;
	program->role = standing->role;
	log_standing(program, standing);
	if (standing->role == STORE_ACTIVE)
		begin(program);
	else if (standing->role == STORE_DEPOSED)
		fail(program, "failed", "the lease is over: another broker may be the active one");
}

void standing_changed(void *arg, const struct store_standing *standing)
{
	const struct program *program = arg;

	(void)standing;
	event_active(program->standing_due, EV_TIMEOUT, 0);
}

int standing_watch(struct program *program, struct error *error)
{
	program->standing_due = event_new(program->base, -1, 0, on_standing_due, program);
	return program->standing_due == NULL ? error_no_memory(error) : 0;
}
