/* Old parameters are found by making the bind's anew, as its next bind would. */
#include "view/old.h"

#include <cjson/cJSON.h>

#include "catalog/generation.h"
#include "model/defaults.h"
#include "model/parameters.h"

int present_open(struct present *present, struct catalog *catalog, const struct instance *instance, struct error *error)
{
	const struct offering *offering = catalog_offering(catalog, instance->service);

	*present = (struct present){0};
	if (offering == NULL)
		return 0;
	present->reads = offering->backend->driver->hands_down_read_only;
	return parameters_parse(instance->parameters, &present->parameters, error);
}

void present_close(struct present *present)
{
	cJSON_Delete(present->parameters);
	present->parameters = NULL;
}

int present_compare(const struct present *present, const struct bind *bind, struct arena *arena, const char **ret_names,
                    struct error *error)
{
	const char *next = NULL, *names = "";
	int rc;

	*ret_names = NULL;
	if (present->parameters == NULL || bind->state == BIND_UNBINDING)
		return 0;
	rc = defaults_apply(bind, bind_sent(bind), present->parameters, present->reads, arena, &next, error);
	if (rc == 0)
		rc = defaults_compare(bind->parameters, next, arena, &names, error);
	if (rc == 0 && names[0] != '\0')
		*ret_names = names;
	return rc == ERR_TOO_LARGE ? 0 : rc; /* the next bind will say so */
}
