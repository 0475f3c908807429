/* The subcommands of ctl; src/cli/commands.c says what each is for. */
#ifndef CLI_CTL_H
#define CLI_CTL_H

#include "cli/command.h"

int ctl_services(const struct invocation *invocation);
int ctl_instances(const struct invocation *invocation);
int ctl_show(const struct invocation *invocation);
int ctl_operations(const struct invocation *invocation);
int ctl_retry(const struct invocation *invocation);
int ctl_cancel(const struct invocation *invocation);
int ctl_claim(const struct invocation *invocation);
int ctl_drain(const struct invocation *invocation);
int ctl_undrain(const struct invocation *invocation);
int ctl_undelete(const struct invocation *invocation);
int ctl_remove(const struct invocation *invocation);
int ctl_unbind(const struct invocation *invocation);
int ctl_purge(const struct invocation *invocation);
int ctl_forget(const struct invocation *invocation);
int ctl_adopt(const struct invocation *invocation);
int ctl_verify(const struct invocation *invocation);
int ctl_drift(const struct invocation *invocation);
int ctl_audit(const struct invocation *invocation);
int ctl_health(const struct invocation *invocation);
int ctl_reconcile(const struct invocation *invocation);
int ctl_replicas(const struct invocation *invocation);
int ctl_step_down(const struct invocation *invocation);
int ctl_reload(const struct invocation *invocation);
int ctl_rekey(const struct invocation *invocation);

#endif
