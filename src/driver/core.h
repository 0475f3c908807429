/* What call.c asks of core.c. */
#ifndef DRIVER_CORE_H
#define DRIVER_CORE_H

#include "driver/driver.h"

/* Makes the call's work and begins its steps, at whose end the call is settled. */
void core_start(struct driver_call *call);
/* Ends the work in silence, in any state. */
void core_give_up(struct driver_call *call);

#endif
