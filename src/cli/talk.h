/* What the subcommands of ctl share: a talk with the broker's operators' listener, and its ends. */
#ifndef CLI_TALK_H
#define CLI_TALK_H

#include "cli/ask.h"
#include "cli/ctl.h"

#define CTL_PATH_MAX 1024

struct talk {
	const struct invocation *invocation;
	struct asker *asker;
	struct error error;
};

/* EXIT_GOOD, or what to exit with: it was said why. */
int talk_open(struct talk *talk, const struct invocation *invocation);
/* Says why it failed, when rc is not 0, and closes. What to exit with. */
int talk_end(struct talk *talk, int rc);

/* Whether --json was given; prints it then, and frees json in any case (unless it was not). */
bool talk_prints_json(const struct talk *talk);
void talk_print_json(const struct talk *talk, const struct cJSON *json);
/* The id of the instance that the operand names: SERVICE/NAME, or the id itself. ret_id holds 17. For a name that only
 * retained instances had, the one that was removed last. */
int talk_find(struct talk *talk, const char *operand, char *ret_id);
/* The same among those that were removed and are in one of the states, which end with NULL; NAME alone is looked for in
 * every service. Of several, none is chosen: they are listed. Without one, as talk_find. */
int talk_find_removed(struct talk *talk, const char *operand, const char *const *states, char *ret_id);
/* "SERVICE/NAME" in two; ERR_INVALID with a sentence. Both hold size. */
int talk_split(struct talk *talk, const char *operand, char *ret_first, char *ret_second, size_t size);
/* Asks every page of a list, with the filters of the invocation, into one list; *ret_items is the caller's. */
int talk_list(struct talk *talk, const char *path, const char *name, const char *state, struct cJSON **ret_items);
/* POSTs to path; prints "done" or "accepted", or the JSON. */
int talk_do(struct talk *talk, const char *path, const char *const *fields);

#endif
