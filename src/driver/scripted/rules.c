/* Rules of the scripted driver and their file, whose form scripted.h describes. */
#include "driver/scripted/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define WORDS_MAX 4

static const char *const behaviour_names[] = {
    [SCRIPTED_OK] = "ok",
    [SCRIPTED_DELAY] = "delay",
    [SCRIPTED_FAIL_TRANSIENT] = "fail-transient",
    [SCRIPTED_FAIL_FINAL] = "fail-final",
    [SCRIPTED_FAIL_AFTER] = "fail-after",
    [SCRIPTED_HANG] = "hang",
    [SCRIPTED_HOLD] = "hold",
    [SCRIPTED_LOST] = "lost",
    [SCRIPTED_TWICE] = "twice",
    [SCRIPTED_LOCK] = "lock",
    [SCRIPTED_CRASH_BEFORE] = "crash-before",
    [SCRIPTED_CRASH_AFTER] = "crash-after",
};

#define COUNT(names) (sizeof(names) / sizeof(*(names)))

static void forget(struct scripted_rules *rules)
{
	free(rules->items);
	rules->items = NULL;
	rules->count = 0;
}

void rules_release(struct scripted_rules *rules)
{
	forget(rules);
	memset(&rules->seen, 0, sizeof(rules->seen));
}

int rules_add(struct scripted_rules *rules, const struct rule *rule, struct error *error)
{
	struct rule *items = realloc(rules->items, (rules->count + 1) * sizeof(*items));

	if (items == NULL)
		return error_no_memory(error);
	items[rules->count++] = *rule;
	rules->items = items;
	return 0;
}

bool rules_take(struct scripted_rules *rules, enum call_kind kind, struct rule *ret_rule)
{
	for (size_t i = 0; i < rules->count; i++) {
		struct rule *rule = &rules->items[i];

		if (rule->times == 0 || (rule->kind != 0 && rule->kind != kind))
			continue;
		if (rule->times > 0)
			rule->times--;
		*ret_rule = *rule;
		return true;
	}
	return false;
}

/* ---- the file ---- */

/* The word's place among names, or count. */
static size_t find_name(const char *word, const char *const *names, size_t count)
{
	size_t i = 0;

	while (i < count && (names[i] == NULL || strcmp(names[i], word) != 0))
		i++;
	return i;
}

static bool find_kind(const char *word, enum call_kind *ret_kind)
{
	for (enum call_kind kind = CALL_PROVISION; kind <= CALL_WRITE_MARK; kind++) {
		if (strcmp(call_kind_name(kind), word) != 0)
			continue;
		*ret_kind = kind;
		return true;
	}
	return false;
}

static bool parse_rule(char *const *words, size_t count, struct rule *ret_rule)
{
	enum call_kind kind = 0; /* any */
	size_t behaviour = count > 1 ? find_name(words[1], behaviour_names, COUNT(behaviour_names)) : 0;
	int64_t times = 0, delay = 0;

	if ((strcmp(words[0], "*") != 0 && !find_kind(words[0], &kind)) || behaviour == 0 ||
	    behaviour == COUNT(behaviour_names))
		return false;
	if (count > 2 && (text_parse_number(words[2], &times) != 0 || times < 0 || times > 1000000))
		return false;
	if (count > 3 && text_parse_duration(words[3], &delay) != 0)
		return false;
	*ret_rule = (struct rule){
	    .kind = kind,
	    .behaviour = (enum scripted_behaviour)behaviour,
	    .times = times == 0 ? -1 : (int)times,
	    .delay = delay,
	};
	return true;
}

static int add_line(struct scripted_rules *rules, char *line, int number, struct error *error)
{
	char *words[WORDS_MAX], *word, *rest = line;
	struct rule rule;
	size_t count = 0;

	line[strcspn(line, "#\r\n")] = '\0';
	while (count < WORDS_MAX && (word = strtok_r(rest, " \t", &rest)) != NULL)
		words[count++] = word;
	if (count == 0)
		return 0;
	if (strtok_r(rest, " \t", &rest) != NULL || !parse_rule(words, count, &rule))
		return error_set(error, ERR_INVALID,
		                 "line %d of the rules \"%s\" is not KIND BEHAVIOUR [TIMES] [DELAY]", number,
		                 rules->path);
	return rules_add(rules, &rule, error);
}

static int read_lines(struct scripted_rules *rules, FILE *file, struct error *error)
{
	char line[256];
	int rc = 0;

	for (int number = 1; rc == 0 && fgets(line, sizeof(line), file) != NULL; number++)
		rc = add_line(rules, line, number, error);
	return rc;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int rules_refresh(struct scripted_rules *rules, struct error *error)
{
	struct stat now;
	FILE *file;
	int rc;

	if (rules->path == NULL)
		return 0;
	if (stat(rules->path, &now) != 0) {
		rules->version++;
		rules_release(rules);
		return 0;
	}
	if (is_unchanged(&now, &rules->seen))
		return 0;
	rules->version++;
	rules_release(rules);
	file = now.st_size <= RULES_FILE_MAX ? fopen(rules->path, "re") : NULL;
	if (file == NULL)
		return error_set(error, ERR_INVALID, "the rules \"%s\" cannot be read", rules->path);
	rc = read_lines(rules, file, error);
	fclose(file);
	if (rc == 0)
		rules->seen = now;
	else
		forget(rules);
	return rc;
}
