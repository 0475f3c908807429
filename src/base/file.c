#include "base/file.h"

#include <sys/stat.h>

bool file_is_special(const char *path)
{
	struct stat found;

	return stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}
