/* One clone(2) that shares our memory and holds us until the program runs: no page table is copied, a failure before
 * the exec is known at once, and there is no moment in which a second process holds our descriptors. The child makes
 * nothing but system calls, on a stack of its own.
 *
 * A program with a user of its own is begun by a plain fork. A child that shares our memory and holds us must not
 * belong to somebody else: whoever has that user could stop it in that moment, and us with it. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (64 * 1024)
#define STACK_ALIGN 16

#define STATUS_LATER 75 /* EX_TEMPFAIL, see action.c */

struct child {
	const struct spawn *spawn;
	pid_t parent;
	const char *failed; /* what could not be done; NULL: the program runs */
	int reason;         /* errno */
};

/* ---- in the child ---- */

/* Handlers of ours must not run here, and what we ignore would stay ignored. */
static void reset_signals(void)
{
	const struct sigaction standard = {.sa_handler = SIG_DFL};

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &standard, NULL);
}

/* By way of higher numbers, so that none is overwritten before it is taken. What else is open closes on exec anyway. */
static bool take_files(const int files[3])
{
	int moved[3];

	for (int i = 0; i < 3; i++) {
		moved[i] = fcntl(files[i], F_DUPFD_CLOEXEC, 3);
		if (moved[i] < 0)
			return false;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(moved[i], i) < 0)
			return false;
	(void)close_range(3, ~0U, 0);
	return true;
}

static bool set_limits(int64_t memory)
{
	const struct rlimit space = {.rlim_cur = (rlim_t)memory, .rlim_max = (rlim_t)memory};
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return false;
	if (files.rlim_cur > SPAWN_FILES_MAX)
		files.rlim_cur = SPAWN_FILES_MAX;
	return setrlimit(RLIMIT_NOFILE, &files) == 0 && (memory == 0 || setrlimit(RLIMIT_AS, &space) == 0);
}

/* A program that outlived us would work beside the one that our successor begins. */
static bool die_with_parent(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

/* The system calls themselves: the library's functions would have all threads of ours follow. */
static bool become(const struct spawn_user *user)
{
	return syscall(SYS_setgroups, user->group_count, user->groups) == 0 &&
	       syscall(SYS_setresgid, user->gid, user->gid, user->gid) == 0 &&
	       syscall(SYS_setresuid, user->uid, user->uid, user->uid) == 0;
}

static const char *prepare(const struct child *child)
{
	sigset_t none;

	sigemptyset(&none);
	reset_signals();
	if (!take_files(child->spawn->files))
		return "take its descriptors";
	if (setsid() < 0)
		return "begin a session";
	/* What the broker may do so as to become others is not passed on. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return "give up its capabilities";
	if (child->spawn->user != NULL && !become(child->spawn->user))
		return "become its user";
	if (!die_with_parent(child->parent)) /* a change of user takes this back, so it comes behind */
		return "be tied to the broker";
	if (chdir(child->spawn->directory) != 0)
		return "enter its directory";
	if (!set_limits(child->spawn->memory))
		return "take its limits";
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? NULL : "unblock its signals";
}

/* Nobody waits for us, nor sees our memory: the sentence goes where the program's own would. */
static void tell_failure(const struct child *child)
{
	char sentence[512];
	int length = snprintf(sentence, sizeof(sentence), "the program \"%.300s\" could not %s: %s\n",
	                      child->spawn->arguments[0], child->failed, strerrordesc_np(child->reason));

	if (length > 0)
		(void)!write(STDERR_FILENO, sentence, (size_t)length);
}

static int run_child(void *arg)
{
	struct child *child = arg;
	const struct spawn *spawn = child->spawn;
	const char *failed = prepare(child);

	if (failed == NULL) {
		/* execve leaves them as they are; its type is older than const. */
		execve(spawn->arguments[0], (char *const *)(uintptr_t)spawn->arguments,
		       (char *const *)(uintptr_t)spawn->environment);
		failed = "be executed";
	}
	child->reason = errno;
	child->failed = failed;
	if (spawn->user != NULL)
		tell_failure(child);
	return spawn->user != NULL ? STATUS_LATER : 127;
}

/* ---- in the parent ---- */

/* All signals wait meanwhile: a handler that ran in the child would work on our memory. */
static pid_t clone_child(struct child *child, char *stack, int *ret_pidfd)
{
	const int flags = CLONE_PIDFD | SIGCHLD | (child->spawn->user == NULL ? CLONE_VM | CLONE_VFORK : 0);
	sigset_t all, before;
	int saved;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = clone(run_child, stack + STACK_BYTES, flags, child, ret_pidfd);
	saved = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return pid;
}

int spawn_program(const struct spawn *spawn, pid_t *ret_pid, int *ret_pidfd, struct error *error)
{
	struct child child = {.spawn = spawn, .parent = getpid()};
	char *stack = aligned_alloc(STACK_ALIGN, STACK_BYTES);
	int pidfd;
	pid_t pid;

	if (stack == NULL)
		return error_no_memory(error);
	pid = clone_child(&child, stack, &pidfd);
	if (pid < 0) {
		error_set(error, ERR_UNAVAILABLE, "no process can be made: %s", strerror(errno));
		free(stack);
		return ERR_UNAVAILABLE;
	}
	free(stack);
	if (child.failed != NULL) {
		close(pidfd);
		(void)waitpid(pid, NULL, 0);
		return error_set(error, ERR_UNAVAILABLE, "the program \"%s\" could not %s: %s", spawn->arguments[0],
		                 child.failed, strerror(child.reason));
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}
