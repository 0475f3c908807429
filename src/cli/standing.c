/* How this broker stands among those that share a store: it begins once it is the active one, and ends all that it does
 * when it may not be that any more. The store's thread says so; where that is held up, or the whole process was, the
 * end of the lease comes first, by an event that goes before all others of its turn. It has a timer of its own: the
 * loop's timers stand still while the machine is suspended, and calls would go on for a while after the end. */
#include "cli/standing.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/timer.h"
#include "cli/program.h"
#include "records/keycheck.h"
#include "store/members.h"

#define MILLI_US  ((int64_t)1000)
#define SECOND_US (1000 * MILLI_US)

static void log_standing(const struct program *program, const struct store_standing *standing)
{
	static const char *const events[] = {
	    [STORE_STANDBY] = "standing-by", [STORE_ACTIVE] = "became-active", [STORE_DEPOSED] = "deposed"};
	struct log_line line;

	log_begin(&line, &program->log, standing->role == STORE_DEPOSED ? LOG_WARNING : LOG_INFO,
	          events[standing->role]);
	log_text(&line, "active", standing->active);
	log_number(&line, "epoch", (int64_t)standing->epoch);
	log_end(&line);
}

/* What cannot go on ends; who started it starts it again. */
static void fail(struct program *program, const char *reason)
{
	if (!program->has_failed)
		log_event(&program->log, LOG_ERROR, "failed", "reason", reason);
	program->has_failed = true;
	event_base_loopbreak(program->base);
}

static void resign(struct program *program)
{
	struct error error;

	(void)event_del(program->lease_due);
	if (broker_has_begun(program->broker, &error) != 0)
		return;
	if (broker_resign(program->broker, &error) != 0)
		fail(program, error.text);
}

static void tell_listeners(struct program *program)
{
	api_standing_changed(program->api);
	admin_standing_changed(program->admin);
}

/* ---- the lease ---- */

static bool is_leased(struct program *program)
{
	return timers_clock() < store_leased_until(program->store);
}

static void await_end_of_lease(struct program *program)
{
	const int64_t until = store_leased_until(program->store), when = until > 0 ? until : 1;
	const struct itimerspec time = {
	    .it_value = {.tv_sec = (time_t)(when / SECOND_US), .tv_nsec = (long)(when % SECOND_US) * 1000}};

	if (timerfd_settime(event_get_fd(program->lease_due), TFD_TIMER_ABSTIME, &time, NULL) != 0 ||
	    event_add(program->lease_due, NULL) != 0)
		fail(program, "the end of the lease cannot be awaited");
}

static void on_lease_due(evutil_socket_t number, short what, void *arg)
{
	struct program *program = arg;

	(void)number;
	(void)what;
	if (is_leased(program)) {
		await_end_of_lease(program);
		return;
	}
	log_event(&program->log, LOG_WARNING, "lease-over", "reason",
	          "the store's database did not renew it, or did not commit, in time");
	store_forsake(program->store); /* it may have been renewed just now */
	resign(program);
	tell_listeners(program);
}

/* No call begins in the last third of the lease. */
static bool may_call(void *arg)
{
	struct program *program = arg;
	const int64_t third = program->shared.lease * MILLI_US / 3;

	return timers_clock() + third < store_leased_until(program->store);
}

/* ---- the role ---- */

static void begin(struct program *program)
{
	struct error error;
	int rc;

	if (broker_has_begun(program->broker, &error) == 0)
		return;
	await_end_of_lease(program);
	rc = broker_begin(program->broker, &error);
	if (rc == 0)
		return;
	if (rc != ERR_UNAVAILABLE) {
		fail(program, error.text);
		return;
	}
	log_event(&program->log, LOG_WARNING, "store-unreachable", "reason", error.text);
	store_step_down(program->store);
	if (broker_resign(program->broker, &error) != 0)
		fail(program, error.text);
}

static void take_role(struct program *program, const struct store_standing *standing)
{
	program->role = standing->role;
	log_standing(program, standing);
	if (standing->role == STORE_ACTIVE)
		begin(program);
	if (standing->role != STORE_DEPOSED)
		return;
	resign(program);
	store_stand_by(program->store);
}

static void log_trouble(struct program *program, const struct store_standing *standing)
{
	if (standing->trouble.code != 0)
		log_event(&program->log, LOG_WARNING, "store-unreachable", "reason", standing->trouble.text);
	if (standing->losses > program->losses)
		log_event(
		    &program->log, LOG_ERROR, "commits-lost", "reason",
		    "the database lacks commits that it had acknowledged: it failed over to a server without them");
	program->losses = standing->losses;
	if (standing->outdated.code != 0 && !program->outdated)
		log_event(&program->log, LOG_WARNING, "outdated", "reason", standing->outdated.text);
	program->outdated = standing->outdated.code != 0;
}

/* Who could not take over is not kept as if it could. It is known once the view has been brought up to date, and has
 * the mark: one of an earlier run may be from before another key was taken. */
static bool has_key(struct program *program)
{
	struct error error;

	if (program->has_key || store_age(program->store) == STORE_NEVER || !keycheck_has_mark(program->store))
		return true;
	program->has_key = keycheck_opens(program->store, program->keyring, program->config->data_dir, &error) == 0;
	if (!program->has_key)
		fail(program, error.text);
	return program->has_key;
}

static void follow(struct program *program)
{
	const struct store_standing *standing = store_standing(program->store);

	log_trouble(program, standing);
	if (program->broker == NULL || !has_key(program))
		return;
	if (standing->role != program->role)
		take_role(program, standing);
	if (store_broken(program->store))
		fail(program, "the view of the store is damaged, or cannot be written: the next start makes it afresh");
}

static void on_standing_due(evutil_socket_t number, short what, void *arg)
{
	struct program *program = arg;

	(void)number;
	(void)what;
	follow(program);
	tell_listeners(program);
}

void standing_changed(void *arg, const struct store_standing *standing)
{
	const struct program *program = arg;

	(void)standing;
	event_active(program->standing_due, EV_TIMEOUT, 0);
}

void standing_rekeyed(struct program *program)
{
	struct shared_names names;
	struct store_shared shared;

	if (program->sharing == NULL)
		return;
	shared_fill(program->sharing, program->keyring, &names, &shared);
	store_say_address(program->store, shared.address);
	tell_listeners(program);
}

int standing_watch(struct program *program, struct error *error)
{
	const int timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC); /* that of timers_clock */

	if (timer < 0)
		return error_set(error, ERR_INTERNAL, "no timer can be made: %s", strerror(errno));
	program->standing_due = event_new(program->base, -1, 0, on_standing_due, program);
	program->lease_due = event_new(program->base, timer, EV_READ, on_lease_due, program);
	if (program->lease_due == NULL)
		close(timer);
	if (program->standing_due == NULL || program->lease_due == NULL)
		return error_no_memory(error);
	event_priority_set(program->lease_due, 0);
	program->context.may_call = may_call;
	program->context.arg = program;
	return 0;
}

void standing_leave(struct program *program)
{
	if (program->role != STORE_ACTIVE || members_standby(store_members(program->store)) == NULL)
		return;
	store_step_down(program->store);
	resign(program);
	tell_listeners(program);
}

void standing_end(struct program *program)
{
	int timer;

	if (program->standing_due != NULL)
		event_free(program->standing_due);
	if (program->lease_due == NULL)
		return;
	timer = event_get_fd(program->lease_due);
	event_free(program->lease_due);
	close(timer);
}
