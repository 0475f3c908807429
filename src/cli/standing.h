/* How this broker stands among those that share a store. */
#ifndef CLI_STANDING_H
#define CLI_STANDING_H

#include "base/error.h"

struct program;
struct store_standing;

/* Before the store is opened. */
int standing_watch(struct program *program, struct error *error);
/* The store's on_standing; arg is the program. The call may come while the store runs completions: what follows waits
 * for the loop. */
void standing_changed(void *arg, const struct store_standing *standing);
/* At the program's end, while the loop turns still: hands over, if there is another broker, which takes up what waits
 * here, too. */
void standing_leave(struct program *program);
/* The program has another keyring: by that its addresses are signed, and those of others looked at, from here on. */
void standing_rekeyed(struct program *program);
/* Once the loop has ended. */
void standing_end(struct program *program);

#endif
