/* Mending of what the drift pass found: the ordinary operations that make a server what the records say. */
#ifndef BROKER_MEND_H
#define BROKER_MEND_H

#include "broker/broker.h"

#define MEND_USER "drift" /* who asks, in the history and the audit */

/* Brings the instance, or the one bind that the request names, to what its record says; nothing when something else is
 * under way for it. */
void broker_mend(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg);

/* Asks again for the end of every login of the instance whose unbind failed for good; nothing when something is under
 * way for it. */
void broker_end_logins(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg);

#endif
