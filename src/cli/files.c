/* Open files: how many the process may have, and how many of them connections leave to all else. */
#include "cli/files.h"

#include <sys/resource.h>

void files_raise(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

bool files_fit(struct config *config)
{
	struct rlimit files;

	/* RLIM_INFINITY is above INT64_MAX. */
	return getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > INT64_MAX ||
	       config_fit_files(config, (int64_t)files.rlim_cur);
}

void files_warn(const struct config *config, const struct log *log)
{
	struct rlimit files = {0};
	struct log_line line;

	getrlimit(RLIMIT_NOFILE, &files);
	log_begin(&line, log, LOG_WARNING, "connections-lowered");
	log_number(&line, "files", (int64_t)files.rlim_cur);
	log_number(&line, "connections", config->limits.connections);
	if (config->admin != NULL)
		log_number(&line, "admin_connections", config->limits.admin_connections);
	log_text(&line, "do", "raise the limit of open files (LimitNOFILE, ulimit -n), or lower limits.connections");
	log_end(&line);
}
