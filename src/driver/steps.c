/* The step runner: how the work of a driver is written down.
 *
 * The problem. To make a database takes a dozen statements; each is answered later, by a callback, and may fail, time
 * out or be cut off by a crash. Written as callbacks that call each other, the order of the statements is spread over
 * the file, and nobody sees what is already done when the seventh fails. Whoever repeats the work cannot tell how far
 * the first attempt came: the answer may be what was lost.
 *
 * The idea. Work is a table of named steps, read from top to bottom like the manual of what is done. A step sends its
 * command and returns; its answer ends it by call_next, call_finish (the rest is not needed) or call_fail. No step
 * remembers what an earlier attempt did. Each makes sure of its part and takes what is so already for success ("create
 * it unless it is there, then set what may differ"), so an attempt always begins at the top, after a failure as after a
 * crash. The name of a step is the words of its error ("could not create the login"), and of three crash points: before
 * it, while its answer is awaited, and after it. So the crash matrix (test/integration/test_crashes.py) ends the
 * program at each of them in every driver without a list of them anywhere.
 *
 * A step may end inside its own run, when it has nothing to ask, or later. Both have to look the same to it, and a row
 * of a hundred that end at once must not deepen the stack. So steps_next, which call_next and its neighbours (core.c)
 * call, only notes the end of a step that is still inside its run, and the loop in run_from_current goes on once that
 * has returned; for one that ended later, it starts the loop anew. on_end is always the last thing that is done,
 * because it may free what holds the steps.
 *
 * What else would do. Coroutines make such work look like a plain function, and src/driver/mysql has one where a
 * library leaves no other way (fiber.h); but they need a stack for each call, and hide where a crash may fall. To
 * record each finished step in the store would save repeating it, at a durable commit for each, and would still not
 * know of the step whose answer was lost.
 *
 * The limits. Steps run one after another; what a server could do side by side in one call, it does not. A step whose
 * second run differs from its first, in a counter that goes up or a name drawn by chance, breaks the whole, and no
 * compiler sees it: only the crash matrix does. A table that has to begin again (somebody else was there first) does so
 * from the top, where its driver's `again` says so. A step that never ends is ended by the call's deadline (call.c),
 * and its driver's `end` gives the wire up. */
#include "driver/steps.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/crash.h"

#define VERB_SIZE 64

enum {
	STEPS_ENDED,     /* no step runs */
	STEPS_ENTERED,   /* inside a step's run, which has not ended the step */
	STEPS_WAITING,   /* its run returned; the step ends later */
	STEPS_CONTINUED, /* the step ended inside its run: the next one follows */
	STEPS_STOPPED,   /* the step ended the work inside its run */
};

static void end_work(struct steps *steps)
{
	struct error error = steps->error;

	steps->state = STEPS_ENDED;
	steps->on_end(steps->work, error.code, &error);
}

static void run_from_current(struct steps *steps)
{
	while (steps->table[steps->current].name != NULL) {
		steps->state = STEPS_ENTERED;
		crash_point("step:%s:before", steps_name(steps));
		steps->table[steps->current].run(steps->work);
		if (steps->state == STEPS_ENTERED) {
			steps->state = STEPS_WAITING;
			crash_point("step:%s:waiting", steps_name(steps));
			return;
		}
		if (steps->state == STEPS_STOPPED)
			break;
		steps->current++;
	}
	end_work(steps);
}

void steps_start(struct steps *steps, const struct step *table, void *work,
                 void (*on_end)(void *work, int code, const struct error *error))
{
	steps->table = table;
	steps->current = 0;
	steps->work = work;
	steps->on_end = on_end;
	error_clear(&steps->error);
	run_from_current(steps);
}

void steps_next(struct steps *steps)
{
	assert(steps->state == STEPS_ENTERED || steps->state == STEPS_WAITING);
	crash_point("step:%s:after", steps_name(steps));
	if (steps->state == STEPS_ENTERED) {
		steps->state = STEPS_CONTINUED;
		return;
	}
	steps->current++;
	run_from_current(steps);
}

void steps_finish(struct steps *steps)
{
	assert(steps->state == STEPS_ENTERED || steps->state == STEPS_WAITING);
	crash_point("step:%s:after", steps_name(steps));
	if (steps->state == STEPS_ENTERED)
		steps->state = STEPS_STOPPED;
	else
		end_work(steps);
}

void steps_fail(struct steps *steps, const struct error *error)
{
	assert(error->code != 0);
	steps->error = *error;
	steps_finish(steps);
}

const char *steps_name(const struct steps *steps)
{
	return steps->state == STEPS_ENDED ? "" : steps->table[steps->current].name;
}

void steps_fail_because(struct steps *steps, const char *what, const char *name, const char *subject,
                        const struct error *reason)
{
	const bool has_subject = subject != NULL && subject[0] != '\0';
	struct error error;
	char verb[VERB_SIZE];

	snprintf(verb, sizeof(verb), "%s", steps_name(steps));
	for (char *c = verb; *c != '\0'; c++)
		if (*c == '_')
			*c = ' ';
	error_set(&error, reason->code, "the %s \"%s\" could not %s%s%s%s: %s", what, name, verb,
	          has_subject ? " for \"" : "", has_subject ? subject : "", has_subject ? "\"" : "", reason->text);
	steps_fail(steps, &error);
}
