/* The mysql driver: databases and accounts on MariaDB servers, 10.5 and later, and MySQL, 8.0 and later. An instance is
 * a database; a bind is an account with rights in it alone. */
#ifndef DRIVER_MYSQL_MARIA_H
#define DRIVER_MYSQL_MARIA_H

#include <stddef.h>

#include "driver/driver.h"
#include "target.h"

/* A grant's pattern of a database has 64 bytes, two for every "_" of the name. */
#define INSTANCE_MAX 32
#define LOGIN_MAX    32
#define RETIRED_END  "_retired"
#define MARK_USER    "tsuru-broker-mark" /* the locked account whose host is the server's mark */

struct pool;
struct reaper;

struct mysql_host {
	struct mysql_target target;
	struct pool *pool;
	struct reaper *reaper;
};

/* The steps of each kind of call: update and adopt are in provision.c, unbind in bind.c, restore in retire.c, check in
 * observe.c and list in inspect.c. */
extern const struct step maria_provision_steps[];
extern const struct step maria_update_steps[];
extern const struct step maria_deprovision_steps[];
extern const struct step maria_deprovision_retired_steps[];
extern const struct step maria_bind_steps[];
extern const struct step maria_unbind_steps[];
extern const struct step maria_check_steps[];
extern const struct step maria_observe_steps[];
extern const struct step maria_retire_steps[];
extern const struct step maria_restore_steps[];
extern const struct step maria_inspect_steps[];
extern const struct step maria_list_steps[];
extern const struct step maria_adopt_steps[];
extern const struct step maria_read_mark_steps[];
extern const struct step maria_write_mark_steps[];

#endif
