/* The requests of the broker's contract. */
#include "broker/internal.h"
#include "requests/requests.h"

void broker_create(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_create, request, on_done, arg);
}

void broker_update(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_update, request, on_done, arg);
}

void broker_remove(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_remove, request, on_done, arg);
}

void broker_bind(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_bind, request, on_done, arg);
}

void broker_unbind(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_unbind, request, on_done, arg);
}

void broker_allow_unit(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_allow_unit, request, on_done, arg);
}

void broker_deny_unit(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_deny_unit, request, on_done, arg);
}

void broker_rotate(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_rotate, request, on_done, arg);
}

void broker_act(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_act, request, on_done, arg);
}

void broker_retry(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_retry, request, on_done, arg);
}

void broker_purge(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_purge, request, on_done, arg);
}

void broker_restore(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_restore, request, on_done, arg);
}

void broker_adopt(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_adopt, request, on_done, arg);
}

void broker_forget(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	requests_ask(&broker->requests, &ask_forget, request, on_done, arg);
}
