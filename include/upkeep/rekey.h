/* Another master key: everything that an earlier key of the keyring sealed is sealed anew with the first one. */
#ifndef UPKEEP_REKEY_H
#define UPKEEP_REKEY_H

#include "upkeep/upkeep.h"

/* Begins it, unless it is under way. */
void rekey_start(struct upkeep *upkeep);
/* Stops it; what is done stays done. */
void rekey_close(struct upkeep *upkeep);

#endif
