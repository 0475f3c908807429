/* Answers that anybody may ask for, whose cost is limited. To make one costs more with each service and server, up to
 * some milliseconds, and a thousand strangers may ask in one turn of the loop. So making them gets a share of the
 * loop's time, and whoever asks when that is used up is given the last answer again. Its age is bounded by a multiple
 * of what it cost. */
#include "admin/internal.h"

#define SHARE 10               /* a tenth of the time */
#define BURST ((int64_t)20000) /* microseconds at once */

static bool has_time(struct admin_server *admin)
{
	const int64_t now = timers_now(admin->options.timers);

	admin->open_time += (now - admin->open_filled) * 1000 / SHARE;
	if (admin->open_time > BURST)
		admin->open_time = BURST;
	admin->open_filled = now;
	return admin->open_time > 0;
}

bool open_answer_renew(struct admin_server *admin, struct open_answer *answer, open_make *make)
{
	const int64_t began = timers_clock();

	if (answer->status != 0 && !has_time(admin))
		return true;
	text_release(&answer->text);
	text_init(&answer->text, ANSWER_MAX);
	answer->status = make(admin, &answer->text);
	admin->open_time -= timers_clock() - began;
	if (answer->text.failed)
		answer->status = 0;
	return !answer->text.failed;
}

void open_answer_release(struct open_answer *answer)
{
	text_release(&answer->text);
}
