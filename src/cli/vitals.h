/* Figures of the process itself: its version, its age, its memory, and how long its loop was held up. */
#ifndef CLI_VITALS_H
#define CLI_VITALS_H

#include "cli/program.h"

/* Adds them to the program's metrics. */
void vitals_open(struct program *program);

#endif
