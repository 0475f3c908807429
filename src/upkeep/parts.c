/* The parts of the upkeep in the order in which they begin and end. */
#include "upkeep/parts.h"

#include "queue/queue.h"
#include "upkeep/drift.h"
#include "upkeep/inspect.h"
#include "upkeep/reconcile.h"
#include "upkeep/rekey.h"
#include "upkeep/retention.h"
#include "upkeep/sweep.h"

void upkeep_open(struct upkeep *upkeep)
{
	sweep_open(upkeep);
	retention_open(upkeep);
	drift_open(upkeep);
	reconcile_open(upkeep);
}

void upkeep_close(struct upkeep *upkeep)
{
	sweep_close(upkeep);
	retention_close(upkeep);
	rekey_close(upkeep);
	drift_close(upkeep);
	reconcile_close(upkeep);
	inspect_close(upkeep);
}

/* What was found to be amiss may be mended now. (What could not be mended waits for the next pass.) */
void upkeep_renew(struct upkeep *upkeep, const struct job *job)
{
	if (job->kind == OPERATION_REMOVE || job->kind == OPERATION_RESTORE)
		retention_changed(upkeep);
	if (job->run->cleaned)
		inspect_forget(upkeep, job->incarnation);
	else if (job->run->verdict == VERDICT_DONE && inspect_finding(upkeep, job->incarnation) != NULL &&
	         TAILQ_NEXT(job, in_lane) == NULL)
		(void)inspect_start(upkeep, job->incarnation, NULL, NULL, NULL);
}
