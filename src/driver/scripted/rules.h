/* The rules that say how a scripted call behaves: added one by one, or read from a file. */
#ifndef DRIVER_SCRIPTED_RULES_H
#define DRIVER_SCRIPTED_RULES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "driver/scripted/scripted.h"

#define RULES_FILE_MAX (64 * 1024) /* bytes */

struct rule {
	enum call_kind kind; /* 0: any */
	enum scripted_behaviour behaviour;
	int times;     /* left; -1: always */
	int64_t delay; /* ms */
	int code;      /* 0: the behaviour's own */
};

struct scripted_rules {
	const char *path; /* borrowed; NULL: no file */
	struct stat seen; /* of the file when it was read */
	struct rule *items;
	size_t count;
};

void rules_release(struct scripted_rules *rules);
int rules_add(struct scripted_rules *rules, const struct rule *rule, struct error *error);
/* Reads the file again when it changed; no file is no rules. ERR_INVALID names the line that is not good. */
int rules_refresh(struct scripted_rules *rules, struct error *error);
/* Takes one time of the first rule that fits kind into ret_rule. */
bool rules_take(struct scripted_rules *rules, enum call_kind kind, struct rule *ret_rule);

#endif
