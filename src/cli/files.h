/* Open files: the process takes as many as it may have, some of which are kept from connections. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "base/log.h"
#include "config/config.h"

/* Raises the process's own limit to the one that the system sets it. */
void files_raise(void);
/* Fits the configuration's limits of connections under it; false: they had to be lowered, which files_warn tells. */
bool files_fit(struct config *config);
void files_warn(const struct config *config, const struct log *log);

#endif
