/* An operator has every record of an instance dropped. */
#include "records/forget.h"
#include "requests/intent.h"
#include "watch/watch.h"

static int decide_forget(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                         struct error *error)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc != 0)
		return rc;
	changes_use_reserve(changes);
	rc = forget_records(intent->requests->records, &intent->arena, changes, &held, error);
	changes_put_audit(changes, &(struct audit){.action = "forget",
	                                           .outcome = "done",
	                                           .user = intent->request->caller.user,
	                                           .request = intent->request->caller.request,
	                                           .service = held.record.service,
	                                           .instance = held.record.name,
	                                           .incarnation = held.record.incarnation,
	                                           .text = intent->request->description,
	                                           .at = timers_wall(intent->requests->timers)});
	watch_forget(intent->requests->watch, held.record.incarnation);
	*ret_next = INTENT_COMMIT;
	return rc;
}

const struct asked ask_forget = {decide_forget, INTENT_NO_WAIT};
