/* The program: everything begins in src/cli. */
#include <stdio.h>

#include "base/hide.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
	struct error error;

	if (hide_process(&error) != 0) {
		fprintf(stderr, "tsuru-broker: %s\n", error.text);
		return 1;
	}
	return cli_run(argc, argv, stdout, stderr);
}
