/* Operators' calls at a broker that stands by: they go to the active one, but for those that are about this very
 * process. Some wait for their operation there; whoever asks waits as long. */
#include "admin/internal.h"

#define WAIT          25000  /* ms without anybody who has it: over the usual lease */
#define ANSWER_WITHIN 290000 /* ms; ctl waits for 300 s */
#define MOST          1000   /* at once: as many connections as limits.admin_connections has for operators */

/* An active one that operators' calls are not to be passed on to is told at once: nothing is to be waited for. */
void call_pass_on(struct admin_call *call)
{
	const struct passing_terms terms = {
	    .wait = WAIT, .answer_within = ANSWER_WITHIN, .is_once = call->endpoint->is_once, .most = MOST};

	if (http_request_forwarded(call->http) == NULL && passing_has_no_way(&call->passing))
		passing_answer_alone(&call->passing);
	else
		passing_begin(&call->passing, call->ask.caller.repeat, &terms);
}
