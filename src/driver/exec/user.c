/* Users are looked up when a configuration is opened, and never again: a name service that hangs must not hang the
 * loop. */
#include "user.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

/* Root may be without them, in a container, and others may have them. */
static bool may_become_others(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
	const uint32_t needed = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL;

	return syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & needed) == needed;
}

static const struct passwd *look_up(const char *user)
{
	int64_t number;

	if (text_parse_number(user, &number) == 0)
		return number >= 0 && number < UINT32_MAX ? getpwuid((uid_t)number) : NULL;
	return getpwnam(user);
}

static int find_group(const char *group, gid_t *ret_gid, struct error *error)
{
	const struct group *found;
	int64_t number;

	if (text_parse_number(group, &number) == 0 && number > 0 && number < UINT32_MAX) {
		*ret_gid = (gid_t)number;
		return 0;
	}
	found = getgrnam(group);
	if (found == NULL)
		return error_set(error, ERR_INVALID, "\"group\" is \"%.100s\"; there is no such group on this machine",
		                 group);
	*ret_gid = found->gr_gid;
	return 0;
}

static int find_groups(const char *name, struct spawn_user *user, struct error *error)
{
	int count = USER_GROUPS_MAX;

	if (getgrouplist(name, user->gid, user->groups, &count) < 0)
		return error_set(error, ERR_INVALID, "\"user\" is \"%.100s\", which is in more than %d groups", name,
		                 USER_GROUPS_MAX);
	user->group_count = (size_t)count;
	return 0;
}

int user_find(const char *user, const char *group, struct spawn_user *ret_user, struct error *error)
{
	const struct passwd *found = look_up(user);
	int rc = 0;

	if (found == NULL)
		return error_set(error, ERR_INVALID, "\"user\" is \"%.100s\"; there is no such user on this machine",
		                 user);
	if (found->pw_uid == 0 || found->pw_uid == geteuid())
		return error_set(error, ERR_INVALID,
		                 "\"user\" is \"%.100s\", which is %s; it has to be a user of the program's own", user,
		                 found->pw_uid == 0 ? "root" : "the broker's own user");
	if (!may_become_others())
		return error_set(error, ERR_REFUSED,
		                 "\"user\" is \"%.100s\", and the broker may not run programs as another user: it has "
		                 "to be root, or to have CAP_SETUID, CAP_SETGID and CAP_KILL",
		                 user);
	*ret_user = (struct spawn_user){.uid = found->pw_uid, .gid = found->pw_gid};
	if (group != NULL)
		rc = find_group(group, &ret_user->gid, error);
	return rc == 0 ? find_groups(found->pw_name, ret_user, error) : rc;
}
