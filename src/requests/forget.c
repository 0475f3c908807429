/* An operator has every record of an instance dropped. */
#include "records/forget.h"
#include "requests/intent.h"
#include "watch/watch.h"

static enum intent_next decide_forget(struct intent *intent)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held);

	if (rc != 0)
		return INTENT_REFUSE;
	changes_use_reserve(&intent->changes);
	rc = forget_records(&intent->arena, &intent->changes, &held, &intent->error);
	changes_put_audit(&intent->changes, &(struct audit){.action = "forget",
	                                                    .outcome = "done",
	                                                    .user = intent->request->caller.user,
	                                                    .request = intent->request->caller.request,
	                                                    .service = held.record.service,
	                                                    .instance = held.record.name,
	                                                    .incarnation = held.record.incarnation,
	                                                    .text = intent->request->description,
	                                                    .at = timers_wall(intent->requests->catalog->timers)});
	watch_forget(intent->requests->watch, held.record.incarnation);
	return rc == 0 ? INTENT_COMMIT : INTENT_REFUSE;
}

const struct asked ask_forget = {decide_forget, INTENT_NO_WAIT};
