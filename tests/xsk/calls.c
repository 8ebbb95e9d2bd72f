/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls: how often this thread calls the kernel, whichever function does it. */
#include "calls.h"

#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif
#define LET 0
#define CATCH 1

/* What the kernel looks at before each call: caught, a call is a SIGSYS instead. */
static volatile char selector = LET;
static volatile unsigned calls;

/* Ends the handler. A call of its own, and the one that is not to be caught. */
void calls_return(void);
__asm__(".text\n"
	"calls_return:\n"
	"	mov $15, %eax\n" /* rt_sigreturn */
	"	syscall\n"
	"	ud2\n");
#define RETURN_BYTES 16

/* The kernel's own, which is not the C library's. */
struct kernel_action {
	void (*handler)(int signal, siginfo_t *info, void *context);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};
#define WITH_RESTORER 0x04000000ul

static long call(const greg_t *r)
{
	register long r10 __asm__("r10") = r[REG_R10];
	register long r8 __asm__("r8") = r[REG_R8];
	register long r9 __asm__("r9") = r[REG_R9];
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(r[REG_RAX]), "D"(r[REG_RDI]), "S"(r[REG_RSI]), "d"(r[REG_RDX]),
			   "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* Counts it and makes it. */
static void call_caught(int signal, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	selector = LET;
	calls = calls + 1;
	r[REG_RAX] = call(r);
	selector = CATCH;
}

bool calls_ready(void)
{
	const struct kernel_action action = { .handler = call_caught,
					      .flags = SA_SIGINFO | WITH_RESTORER,
					      .restorer = calls_return };

	return !syscall(SYS_rt_sigaction, SIGSYS, &action, NULL, sizeof(action.mask)) &&
	       !prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, calls_return, RETURN_BYTES,
		      &selector);
}

void calls_begin(void)
{
	calls = 0;
	selector = CATCH;
}

unsigned calls_end(void)
{
	selector = LET;
	return calls;
}
