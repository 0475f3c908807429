/* Steps about bindings that other calls share. */
#ifndef DRIVER_OSB_BINDINGS_H
#define DRIVER_OSB_BINDINGS_H

/* Removes every version of every bind of the call. */
void step_remove_all_bindings(void *arg);

#endif
