/* A turn ends with settle, which runs behind everything that was there to be done in it. */
#include "http/turn.h"

#include <event2/event.h>

#include "base/error.h"

static const struct timeval next_turn = {0, 0};

static void take(struct turns *turns)
{
	if (turns->taken++ == 0)
		event_active(turns->settle, EV_TIMEOUT, 0);
}

static bool has_room(const struct turns *turns)
{
	return turns->taken < turns->most;
}

/* Without memory for the timer it comes in this turn, but it comes. */
static void expect_step(struct turns *turns)
{
	if (evtimer_add(turns->step, &next_turn) != 0)
		event_active(turns->step, EV_TIMEOUT, 0);
}

/* Once somebody stands in line, settle or step is to come. */
void turn_wait(struct turns *turns, struct line_part *part, const struct crowd_place *place)
{
	if (line_is_empty(&turns->line) && turns->taken == 0)
		expect_step(turns);
	line_join(&turns->line, part, place->connection, crowd_share(place, turns->which), place->expected);
}

/* ---- requests of strangers ---- */

bool turn_spare(struct turns *turns, const struct crowd_place *place)
{
	if (place->kind == CROWD_KNOWN)
		return true;
	if (!has_room(turns))
		return false;
	take(turns);
	return true;
}

/* Once somebody stands in line, everybody does. */
bool turn_take(struct turns *turns, struct line_part *part, const struct crowd_place *place)
{
	if (part->connection != NULL)
		return false;
	if (place->kind == CROWD_KNOWN || (line_is_empty(&turns->line) && turn_spare(turns, place)))
		return true;
	turn_wait(turns, part, place);
	return false;
}

/* ---- a turn ---- */

static void on_step(evutil_socket_t descriptor, short what, void *arg)
{
	struct turns *turns = arg;
	struct connection *connection;

	(void)descriptor;
	(void)what;
	while (has_room(turns) && (connection = line_next(&turns->line)) != NULL) {
		turns->taken++;
		turns->go_on(connection);
	}
	if (turns->taken > 0)
		event_active(turns->settle, EV_TIMEOUT, 0);
}

static void on_settle(evutil_socket_t descriptor, short what, void *arg)
{
	struct turns *turns = arg;

	(void)descriptor;
	(void)what;
	turns->taken = 0;
	if (turns->on_end != NULL)
		turns->on_end(turns->arg);
	if (!line_is_empty(&turns->line))
		expect_step(turns);
}

/* ---- life ---- */

int turns_init(struct turns *turns, struct event_base *base, enum crowd_line which, size_t most,
               void (*go_on)(struct connection *connection))
{
	line_init(&turns->line);
	turns->which = which;
	turns->most = most;
	turns->go_on = go_on;
	turns->step = evtimer_new(base, on_step, turns);
	turns->settle = event_new(base, -1, 0, on_settle, turns);
	return turns->step != NULL && turns->settle != NULL ? 0 : ERR_NO_MEMORY;
}

void turns_release(struct turns *turns)
{
	if (turns->step != NULL)
		event_free(turns->step);
	if (turns->settle != NULL)
		event_free(turns->settle);
	turns->step = turns->settle = NULL;
}
