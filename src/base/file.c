/* Files that an operator names: what kind of file a path leads to, and the sync of a directory. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_is_special(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

int file_sync_directory(const char *path, struct error *error)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) != 0)
		rc = error_set(error, ERR_INTERNAL, "the directory \"%s\" cannot be synced: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}
