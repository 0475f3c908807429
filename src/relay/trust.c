/* The certificates of a relay, read whole: a connection that is made later reads no file. */
#include "relay/trust.h"

#include <stdlib.h>

#include "driver/multi.h"

int relay_read_trust(const struct relay_files *files, struct relay_trust **ret_trust, struct error *error)
{
	struct relay_trust *trust = calloc(1, sizeof(*trust));
	int rc = 0;

	if (trust == NULL)
		return error_no_memory(error);
	text_init(&trust->authorities, MULTI_PEM_MAX);
	text_init(&trust->cert, MULTI_PEM_MAX);
	text_init(&trust->key, MULTI_PEM_MAX);
	if (files->authorities != NULL)
		rc = multi_read_certificates(files->authorities, &trust->authorities, error);
	if (rc == 0 && files->cert != NULL)
		rc = multi_read_certificates(files->cert, &trust->cert, error);
	if (rc == 0 && files->key != NULL)
		rc = multi_read_key(files->key, &trust->key, error);
	if (rc == 0)
		*ret_trust = trust;
	else
		relay_trust_free(trust);
	return rc;
}

void relay_trust_free(struct relay_trust *trust)
{
	if (trust == NULL)
		return;
	text_release(&trust->authorities);
	text_release(&trust->cert);
	text_wipe(&trust->key);
	free(trust);
}
