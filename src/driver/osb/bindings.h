/* Steps about bindings that other calls share. */
#ifndef DRIVER_OSB_BINDINGS_H
#define DRIVER_OSB_BINDINGS_H

/* Removes every version of every bind of the call. */
void osb_step_remove_bindings(void *arg);

#endif
