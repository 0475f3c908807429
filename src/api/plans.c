/* GET /resources/plans, and what people see of it: the list is made of the configuration. */
#include "api/handlers.h"

#define PLANS_MAX (4 << 20) /* bytes of the list */

/* Without a pool, tsuru is told to ask its user for one. */
static const char no_cluster[] = "{\"msg\":\"this service runs in several clusters; name a pool with --pool\","
                                 "\"missing_params\":[\"cluster\"]}";

static bool lacks_cluster(const struct exchange *exchange)
{
	return exchange->service->multi_cluster && exchange->ask.pool == NULL && exchange->ask.cluster == NULL;
}

static void list_plans(const struct service *service, struct text *json)
{
	text_add(json, "[");
	for (size_t i = 0; i < service->plan_count; i++) {
		const struct plan *plan = &service->plans[i];

		text_add(json, i > 0 ? ",{\"name\":" : "{\"name\":");
		text_add_json(json, plan->name);
		text_add(json, ",\"description\":");
		text_add_json(json, plan->description != NULL ? plan->description : "");
		text_add(json, "}");
	}
	text_add(json, "]");
}

void answer_plans(struct exchange *exchange)
{
	if (lacks_cluster(exchange))
		http_reply_json(exchange->http, 400, no_cluster);
	else if (service_check_place(exchange->service, exchange->ask.cluster, exchange->ask.pool, &exchange->error) !=
	         0)
		exchange_refuse(exchange);
	else
		answer_all_plans(exchange);
}

void answer_all_plans(struct exchange *exchange)
{
	struct text json;

	text_init(&json, PLANS_MAX);
	list_plans(exchange->service, &json);
	exchange_show(exchange, &json);
	text_release(&json);
}
