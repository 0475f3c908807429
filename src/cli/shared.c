/* What the configuration says of a store that brokers share, as the store wants it. */
#include "cli/shared.h"

#include <stdio.h>
#include <unistd.h>

void shared_fill(const struct shared_store *config, char *name, struct store_shared *ret_shared)
{
	char machine[STORE_NAME_MAX + 1] = "";

	if (gethostname(machine, sizeof(machine) - 1) != 0)
		machine[0] = '\0';
	snprintf(name, STORE_NAME_MAX + 1, "%s", config->name != NULL ? config->name : machine);
	*ret_shared = (struct store_shared){
	    .url = config->postgres,
	    .password = config->password,
	    .name = name,
	    .address = "",
	    .lease = config->lease,
	    .notify = config->notify,
	};
}
