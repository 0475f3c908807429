/* A subcommand and its invocation: what src/cli/cli.c reads from the command line and each subcommand is given. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"

/* An option of the command line; the letter is its name in the code, and on the command line where is_short. */
struct cli_option {
	char letter;
	bool is_short;
	const char *name;  /* without the dashes */
	const char *value; /* what its argument is called; NULL: none */
	const char *help;
};

struct invocation {
	const char *config_file;
	const char *operand; /* NULL: the command has none */
	const char *endpoint, *team;
	bool operations;
	FILE *out, *err; /* borrowed */
};

struct command {
	const char *name;    /* NULL ends the table */
	const char *operand; /* what its one operand is called; NULL: none */
	const char *options; /* the letters of its options */
	const char *summary; /* one line */
	const char *help;    /* the rest, whole lines */
	int (*run)(const struct invocation *invocation);
};

int run_serve(const struct invocation *invocation);
int run_check(const struct invocation *invocation);
int run_manifest(const struct invocation *invocation);
int run_ping(const struct invocation *invocation);
int run_version(const struct invocation *invocation);

#endif
