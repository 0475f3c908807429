/* One look at an instance on its server: what of it is not as the records say. What is safe to mend is mended by an
 * ordinary operation; what was found is kept until it is found no more. */
#ifndef UPKEEP_INSPECT_H
#define UPKEEP_INSPECT_H

#include "upkeep/upkeep.h"

#define FINDINGS_MAX 10000 /* instances whose drift is kept in memory */

/* What was found of one instance. */
struct finding {
	UT_hash_handle hh;
	char incarnation[INCARNATION_LENGTH + 1];
	char service[SERVICE_NAME_MAX + 1], server[SERVER_NAME_MAX + 1];
	struct arena arena;
	const char *instance;
	struct pair *drifts; /* kind and text */
	size_t count;
	int64_t found_at; /* wall ms */
};

/* json: {"id", "drift": [{"kind","found"}...]}; with a code, text says why the server could not be asked. Borrowed. */
typedef void inspect_done(void *arg, int code, const char *text, const char *json);
/* Begins it; on_done (NULL: nobody waits) gets the findings as JSON. ERR_NOT_FOUND, ERR_INVALID for an instance that is
 * not ready or whose server is not configured, ERR_NO_MEMORY: on_done will not fire. */
int inspect_start(struct upkeep *upkeep, const char *incarnation, inspect_done *on_done, void *arg,
                  struct error *error);
const struct finding *inspect_finding(const struct upkeep *upkeep, const char *incarnation);
void inspect_forget(struct upkeep *upkeep, const char *incarnation);
/* The member "found": all that was found. */
void inspect_show(const struct upkeep *upkeep, struct text *json);
/* Answers ERR_UNAVAILABLE to all who wait for one. */
void inspect_give_up_all(struct upkeep *upkeep);
/* At the broker's end: cancels and frees all. */
void inspect_close(struct upkeep *upkeep);

#endif
