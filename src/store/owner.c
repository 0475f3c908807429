/* A directory that holds a view has a file "view" in it, made before the first record, with the kernel's id of the boot
 * in which the view was written. A view is never synced, so that of another boot may be damaged; one that was found to
 * be damaged has no boot's id. */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define BOOT_ID     "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_MAX 64 /* bytes; it is 37 long */
#define MARK        "view"

static void name_file(const char *directory, const char *name, char *ret_path)
{
	snprintf(ret_path, PATH_MAX, "%s/%s", directory, name);
}

static bool has_file(const char *directory, const char *name)
{
	char path[PATH_MAX];

	name_file(directory, name, path);
	return access(path, F_OK) == 0;
}

/* "" when it cannot be read. */
static void read_line(const char *path, char *ret_line)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;

	if (fd >= 0) {
		length = read(fd, ret_line, BOOT_ID_MAX - 1);
		close(fd);
	}
	ret_line[length > 0 ? length : 0] = '\0';
}

int owner_check_alone(const char *directory, struct error *error)
{
	if (!has_file(directory, MARK))
		return 0;
	return error_set(
	    error, ERR_INVALID,
	    "the data directory \"%s\" holds the view of a store that brokers share: say which in \"store\", "
	    "or name another directory",
	    directory);
}

static int write_mark(const char *directory, const char *boot, struct error *error)
{
	char path[PATH_MAX];
	int fd, rc = 0;

	name_file(directory, MARK, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, boot, strlen(boot)) != (ssize_t)strlen(boot) || fsync(fd) != 0)
		rc = error_set(error, ERR_INTERNAL, "\"%s\" cannot be written: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc == 0 ? file_sync_directory(directory, error) : rc;
}

static int drop(const char *directory, const char *name, struct error *error)
{
	char path[PATH_MAX];

	name_file(directory, name, path);
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	return error_set(error, ERR_INTERNAL, "\"%s\" cannot be removed: %s", path, strerror(errno));
}

int owner_drop_view(const char *directory, struct error *error)
{
	const int rc = drop(directory, "data.mdb", error);

	return rc == 0 ? drop(directory, "lock.mdb", error) : rc;
}

void owner_condemn_view(const char *directory)
{
	(void)write_mark(directory, "damaged", NULL);
}

int owner_claim_view(const char *directory, struct error *error)
{
	char boot[BOOT_ID_MAX], marked[BOOT_ID_MAX] = "", path[PATH_MAX];
	const bool is_view = has_file(directory, MARK);
	int rc = 0;

	if (!is_view && has_file(directory, "data.mdb"))
		return error_set(
		    error, ERR_INVALID,
		    "the data directory \"%s\" holds records of its own: move them to the shared store with "
		    "export and import, and name an empty directory",
		    directory);
	read_line(BOOT_ID, boot);
	name_file(directory, MARK, path);
	read_line(path, marked);
	if (boot[0] == '\0' || strcmp(boot, marked) != 0)
		rc = owner_drop_view(directory, error);
	return rc == 0 ? write_mark(directory, boot, error) : rc;
}
