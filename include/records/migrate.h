/* Stores that an earlier program wrote: what this one keeps beside is made up once, at the start. */
#ifndef RECORDS_MIGRATE_H
#define RECORDS_MIGRATE_H

#include "records/records.h"

int migrate(struct records *records, struct error *error);

#endif
