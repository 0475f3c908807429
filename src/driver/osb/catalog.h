/* The upstream's catalog (GET /v2/catalog): its one service that we offer, and that one's plans. Shared by calls while
 * a newer one takes its place, therefore counted. */
#ifndef DRIVER_OSB_CATALOG_H
#define DRIVER_OSB_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct cJSON;
struct osb_catalog;

/* A plan of the service with what the service says for all. Texts are borrowed from the catalog. */
struct offer {
	const char *service_id, *plan_id;
	const char *plan_name, *description;
	bool bindable, updateable;
	bool instances_retrievable, bindings_retrievable;
	int64_t maximum_polling;     /* ms; 0: it does not say */
	const struct cJSON *schemas; /* of parameters; NULL: none */
};

/* service is a name or an id. ERR_UNAVAILABLE when the text is no catalog, ERR_REFUSED when it lacks the service: the
 * sentence names those it has. */
int catalog_parse(const char *json, const char *service, struct osb_catalog **ret_catalog, struct error *error);
struct osb_catalog *catalog_hold(struct osb_catalog *catalog);
/* Accepts NULL. */
void catalog_drop(struct osb_catalog *catalog);

/* plan is a name or an id. ERR_REFUSED names the plans that there are. */
int catalog_find(const struct osb_catalog *catalog, const char *plan, struct offer *ret_offer, struct error *error);

#endif
