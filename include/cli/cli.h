/* The command line: one table of subcommands, each with its options, its help and its exit code. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

enum exit_code {
	EXIT_GOOD = 0,
	EXIT_FAILED = 1, /* the work failed, or the configuration is not good */
	EXIT_USAGE = 2,  /* the command line is wrong */
	EXIT_AMISS = 3,  /* ctl: it was looked, and something is not as it should be */
};

/* Does what the arguments say, results to out, everything else to err (both borrowed); returns the exit code. */
int cli_run(int argc, char **argv, FILE *out, FILE *err);

#endif
