/* What tells a store from its copies. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "point.h"
#include "store_internal.h"

/* A journal is copied as a database; its history tells it from others. "" before the view is there. */
static void identify_journal(struct store *store, char *ret_text)
{
	struct store_value value;

	if (store_get(store, KEYSPACE_META, POINT_KEY, strlen(POINT_KEY), &value) != 0 || value.length < POINT_ID_BYTES)
		return;
	for (size_t i = 0; i < POINT_ID_BYTES; i++)
		sprintf(ret_text + 2 * i, "%02x", ((const unsigned char *)value.bytes)[i]);
}

void store_identity(struct store *store, char *ret_text)
{
	struct statx file;
	int fd = -1;

	ret_text[0] = '\0';
	if (store->journal != NULL) {
		identify_journal(store, ret_text);
		return;
	}
	if (mdb_env_get_fd(store->env, &fd) != 0 || statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &file) != 0)
		return;
	if ((file.stx_mask & STATX_BTIME) == 0)
		file.stx_btime = (struct statx_timestamp){0};
	snprintf(ret_text, STORE_IDENTITY_MAX + 1, "%llx.%lld.%u", (unsigned long long)file.stx_ino,
	         (long long)file.stx_btime.tv_sec, file.stx_btime.tv_nsec);
}
