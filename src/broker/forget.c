/* An operator has every record of an instance dropped. */
#include "records/forget.h"
#include "broker/intent.h"
#include "watch/watch.h"

static int decide_forget(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                         struct error *error)
{
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc != 0)
		return rc;
	changes_use_reserve(changes);
	rc = forget_records(intent->broker->records, &intent->arena, changes, &held, error);
	changes_put_audit(changes, &(struct audit){.action = "forget",
	                                           .outcome = "done",
	                                           .user = intent->request->caller.user,
	                                           .request = intent->request->caller.request,
	                                           .service = held.record.service,
	                                           .instance = held.record.name,
	                                           .incarnation = held.record.incarnation,
	                                           .text = intent->request->description,
	                                           .at = timers_wall(intent->broker->timers)});
	watch_forget(&intent->broker->watch, held.record.incarnation);
	*ret_next = INTENT_COMMIT;
	return rc;
}

void broker_forget(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	intent_start(broker, request, decide_forget, INTENT_NO_WAIT, on_done, arg);
}
