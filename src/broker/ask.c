/* The requests of the broker's contract: each is handed to the requests as its row. */
#include "broker/internal.h"
#include "requests/requests.h"

#define HAND_OVER(name)                                                                                                \
	void broker_##name(struct broker *broker, const struct broker_request *request, broker_done *on_done,          \
	                   void *arg)                                                                                  \
	{                                                                                                              \
		requests_ask(&broker->requests, &ask_##name, request, on_done, arg);                                   \
	}

HAND_OVER(create)
HAND_OVER(update)
HAND_OVER(remove)
HAND_OVER(bind)
HAND_OVER(unbind)
HAND_OVER(allow_unit)
HAND_OVER(deny_unit)
HAND_OVER(rotate)
HAND_OVER(act)
HAND_OVER(retry)
HAND_OVER(purge)
HAND_OVER(restore)
HAND_OVER(adopt)
HAND_OVER(forget)
