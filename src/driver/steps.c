/* The step runner. A step that ends inside its own run is noted, and the loop here goes on once run has returned: the
 * stack stays flat, and on_end may free what holds the steps. */
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

static void end(struct steps *steps)
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
	end(steps);
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
		end(steps);
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
