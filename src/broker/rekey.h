/* Another master key: everything that an earlier key of the keyring sealed is sealed anew with the first one. */
#ifndef BROKER_REKEY_H
#define BROKER_REKEY_H

#include "broker/internal.h"

/* Stops it; what is done stays done. */
void rekey_close(struct broker *broker);

#endif
