/* Requests to the operators' listener of a running broker, one after another. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include "base/error.h"
#include "cli/command.h"

struct asker;
struct cJSON;

/* Finds the listener by the invocation's --url or its configuration. Errors are shown on its err. */
int ask_open(const struct invocation *invocation, struct asker **ret_asker);
/* Accepts NULL. */
void ask_close(struct asker *asker);

/* fields: pairs of name and value that end with a NULL name, sent as a JSON object; NULL: a GET. A pair without a value
 * is left away. On success *ret_json is the caller's. Otherwise the broker's sentence, or why it cannot be reached, is
 * in error; its code is ERR_NOT_FOUND for a 404. The first answer that is a standby's own is said to be that on the
 * invocation's err. */
int ask(struct asker *asker, const char *path, const char *const *fields, struct cJSON **ret_json, struct error *error);
/* As above, and any status is an answer. */
int ask_whatever(struct asker *asker, const char *path, struct cJSON **ret_json, struct error *error);

#endif
