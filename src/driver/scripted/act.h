/* What a call that may act does to the world of its pretended server. */
#ifndef DRIVER_SCRIPTED_ACT_H
#define DRIVER_SCRIPTED_ACT_H

#include "driver/scripted/world.h"

/* Also takes in what was done to the journal since; refuses to change a world that another broker's mark is on. */
int scripted_act(struct driver_call *call, struct world *world, struct error *error);

#endif
