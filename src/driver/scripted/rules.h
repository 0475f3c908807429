/* The rules that say how a scripted call behaves: added one by one, or read from a file. */
#ifndef DRIVER_SCRIPTED_RULES_H
#define DRIVER_SCRIPTED_RULES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "driver/driver.h"

#define RULES_FILE_MAX (64 * 1024) /* bytes */

enum scripted_behaviour {
	SCRIPTED_OK = 1,         /* "ok": acts (after the delay, if there is one) and settles */
	SCRIPTED_DELAY,          /* "delay": the same; the name says what matters */
	SCRIPTED_FAIL_TRANSIENT, /* "fail-transient": does nothing, settles ERR_UNAVAILABLE */
	SCRIPTED_FAIL_FINAL,     /* "fail-final": does nothing, settles ERR_REFUSED */
	SCRIPTED_FAIL_AFTER,     /* "fail-after": acts, then settles ERR_REFUSED */
	SCRIPTED_HANG,           /* "hang": does nothing until scripted_release, then acts and settles */
	SCRIPTED_HOLD,           /* "hold": waits until the rules' file is another one, then acts and settles */
	SCRIPTED_LOST,  /* "lost": acts at once; settles ERR_TIMEOUT after the delay or the release, else never */
	SCRIPTED_TWICE, /* "twice": acts, gives each of its results twice, and settles */
	SCRIPTED_LOCK,  /* "lock": waits for the delay, does nothing, settles ERR_LOCKED */
	SCRIPTED_CRASH_BEFORE, /* "crash-before": the process ends */
	SCRIPTED_CRASH_AFTER,  /* "crash-after": acts, then the process ends */
};

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
	unsigned version; /* another one whenever the file was found to be */
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
