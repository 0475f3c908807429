/* Subcommands, options, and an invocation of them: what src/cli/cli.c reads from the command line and each subcommand
 * is given. The help, the manual page and the completion are written from the same tables (src/cli/help.c). */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"

enum option_id {
	OPTION_HELP,
	OPTION_CONFIG,
	OPTION_ENDPOINT,
	OPTION_OPERATIONS,
	OPTION_URL,
	OPTION_USER,
	OPTION_JSON,
	OPTION_SERVICE,
	OPTION_TEAM,
	OPTION_STATE,
	OPTION_SERVER,
	OPTION_NAME,
	OPTION_LIMIT,
	OPTION_AS,
	OPTION_REASON,
	OPTION_RESOURCE,
	OPTION_PLAN,
	OPTION_YES,
	OPTION_KEEP_OWNER,
	OPTION_PROTECTED,
	OPTION_APPLY,
	OPTION_FORCE,
	OPTION_COUNT
};

#define TAKES(option) (1u << (option))

struct cli_option {
	char letter;       /* on the command line; 0: none */
	const char *name;  /* without the dashes */
	const char *value; /* what its argument is called; NULL: none */
	const char *help;
};

struct invocation {
	const struct command *commands; /* all there are */
	const char *config_file;
	const char *operand;              /* NULL: none was given */
	const char *second;               /* operand, likewise */
	const char *values[OPTION_COUNT]; /* NULL: not given; "" for one without an argument */
	FILE *out, *err;                  /* borrowed */
};

struct command {
	const char *name;    /* NULL ends a table */
	const char *operand; /* what its operand is called, or its two; NULL: none; one "[NAME]" may be left away */
	unsigned options;    /* TAKES() of those beside help */
	const char *summary; /* one line */
	const char *help;    /* the rest, whole lines */
	int (*run)(const struct invocation *invocation);
	const struct command *subcommands; /* instead of run; NULL: none */
};

/* options.c */
extern const struct cli_option cli_options[OPTION_COUNT];
bool command_takes(const struct command *command, enum option_id option);

/* commands.c */
extern const struct command cli_commands[], ctl_commands[], store_commands[];

/* help.c */
void help_overview(FILE *file, const char *path, const struct command *commands);
void help_command(FILE *file, const char *path, const struct command *command);

int run_serve(const struct invocation *invocation);
int run_check(const struct invocation *invocation);
int run_manifest(const struct invocation *invocation);
int run_ping(const struct invocation *invocation);
int run_version(const struct invocation *invocation);
int run_man(const struct invocation *invocation);
int run_completion(const struct invocation *invocation);
int run_new_key(const struct invocation *invocation);
int run_export(const struct invocation *invocation);
int run_import(const struct invocation *invocation);
int run_store_check(const struct invocation *invocation);
int run_backup(const struct invocation *invocation);

#endif
