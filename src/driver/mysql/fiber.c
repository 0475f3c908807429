/* Fibers by ucontext; the stack of each is a mapping of its own. */
#include "fiber.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

struct fiber {
	ucontext_t own, resumer;
	unsigned char *stack;
	size_t size;
	void (*run)(void *arg);
	void *arg;
	bool ended;
};

/* The library's callback for waiting is told nothing but the socket, so what runs has to be known here. */
static _Thread_local struct fiber *running;

static void enter(void)
{
	struct fiber *fiber = running;

	fiber->run(fiber->arg);
	fiber->ended = true;
	fiber_leave(fiber);
}

/* The lowest page is the guard. */
static bool make_context(struct fiber *fiber)
{
	const size_t guard = (size_t)sysconf(_SC_PAGESIZE);

	fiber->size = FIBER_STACK + guard;
	fiber->stack = mmap(NULL, fiber->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (fiber->stack == MAP_FAILED || mprotect(fiber->stack, guard, PROT_NONE) != 0 || getcontext(&fiber->own) != 0)
		return false;
	fiber->own.uc_stack.ss_sp = fiber->stack + guard;
	fiber->own.uc_stack.ss_size = FIBER_STACK;
	makecontext(&fiber->own, enter, 0);
	return true;
}

struct fiber *fiber_new(void (*run)(void *arg), void *arg)
{
	struct fiber *const fiber = calloc(1, sizeof(*fiber));

	if (fiber == NULL)
		return NULL;
	fiber->run = run;
	fiber->arg = arg;
	if (!make_context(fiber)) {
		fiber_free(fiber);
		return NULL;
	}
	return fiber;
}

void fiber_free(struct fiber *fiber)
{
	if (fiber == NULL)
		return;
	if (fiber->stack != NULL && fiber->stack != MAP_FAILED)
		munmap(fiber->stack, fiber->size);
	free(fiber);
}

bool fiber_resume(struct fiber *fiber)
{
	assert(running == NULL && !fiber->ended);
	running = fiber;
	swapcontext(&fiber->resumer, &fiber->own);
	running = NULL;
	return fiber->ended;
}

void fiber_leave(struct fiber *fiber)
{
	swapcontext(&fiber->own, &fiber->resumer);
}

void *fiber_running(void)
{
	return running->arg;
}
