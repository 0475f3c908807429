/* A timer that beats while the program runs, and how late it was. */
#include "cli/pulse.h"

static int beat(struct pulse *pulse)
{
	pulse->due = timers_now(pulse->timers) + PULSE_BEAT;
	return timer_start(pulse->timers, &pulse->timer, PULSE_BEAT);
}

void pulse_note(struct pulse *pulse, int64_t late)
{
	struct log_line line;

	if (late > pulse->longest)
		pulse->longest = late;
	if (late <= PULSE_STALL)
		return;
	pulse->stalls++;
	log_begin(&line, pulse->log, LOG_WARNING, "loop-stall");
	log_number(&line, "ms", late);
	log_end(&line);
}

static void on_beat(void *arg)
{
	struct pulse *pulse = arg;

	pulse_note(pulse, timers_now(pulse->timers) - pulse->due);
	beat(pulse); /* its slot in the heap was just freed: this cannot fail */
}

int pulse_start(struct pulse *pulse, struct timers *timers, const struct log *log, struct error *error)
{
	*pulse = (struct pulse){.timers = timers, .log = log};
	timer_init(&pulse->timer, on_beat, pulse);
	return beat(pulse) != 0 ? error_no_memory(error) : 0;
}

void pulse_stop(struct pulse *pulse)
{
	if (pulse->timers != NULL)
		timer_stop(pulse->timers, &pulse->timer);
}
