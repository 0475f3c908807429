/* One run of a program: its input is all there when it begins, what it writes is read as it comes, and its end is an
 * event on the loop. Nothing here blocks. */
#ifndef DRIVER_EXEC_PROCESS_H
#define DRIVER_EXEC_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/error.h"
#include "base/text.h"
#include "spawn.h"

#define PROCESS_MESSAGES_MAX 8192 /* bytes at the end of what it wrote to descriptor 2 */

struct event_base;
struct process;

LIST_HEAD(processes, process);

/* How it ended; borrowed until on_end returns. */
struct process_end {
	int status;             /* its exit status, when no signal ended it */
	int signal;             /* 0: none */
	bool flooded;           /* it wrote more than allowed, and was ended for it */
	const char *output;     /* of descriptor 1 */
	size_t output_length;   /* bytes; there is a NUL behind them */
	const char *messages;   /* of descriptor 2: the last PROCESS_MESSAGES_MAX bytes */
	size_t messages_length; /* bytes */
};

struct process_options {
	struct event_base *base;
	struct processes *list; /* which it stands in until it has been reaped */
	struct spawn spawn;     /* without the files */
	const struct text *input;
	size_t output_max; /* bytes */
	/* Called once, from the loop. The program and all that is left of its group are ended by then. */
	void (*on_end)(void *arg, const struct process_end *end);
	void *arg;
};

/* options are borrowed for the call, base, list and arg for its life. ERR_UNAVAILABLE or ERR_NO_MEMORY. */
int process_start(const struct process_options *options, struct process **ret_process, struct error *error);
/* Kills the program and its group; on_end will not be called. It is reaped and freed when it has gone. */
void process_give_up(struct process *process);
/* Frees what was given up and has not gone yet; the system reaps it. */
void processes_forget(struct processes *list);

#endif
