/* The end of an instance's records. */
#ifndef RECORDS_FORGET_H
#define RECORDS_FORGET_H

#include "records/records.h"

/* Frees the instance's name, unless it belongs to a new incarnation by now. */
int forget_name(struct arena *arena, struct changes *changes, const struct instance *instance, struct error *error);
/* Takes every record of the instance away and leaves a tombstone. What its unbinds left behind goes with the sweep. */
int forget_records(struct arena *arena, struct changes *changes, const struct held_instance *held, struct error *error);

#endif
