/* The numbers that clients compiled against the historic header have in them. */
#include <stdio.h>
#include <sys/user.h>
#include <utrace.h>

#define IS(name, value) _Static_assert((name) == (value), #name)

IS(UTRACE_API_VERSION, 20091216);

IS(UTRACE_EVENT(QUIESCE), 0x0001);
IS(UTRACE_EVENT(REAP), 0x0002);
IS(UTRACE_EVENT(CLONE), 0x0004);
IS(UTRACE_EVENT(EXEC), 0x0008);
IS(UTRACE_EVENT(EXIT), 0x0010);
IS(UTRACE_EVENT(DEATH), 0x0020);
IS(UTRACE_EVENT(SYSCALL_ENTRY), 0x0040);
IS(UTRACE_EVENT(SYSCALL_EXIT), 0x0080);
IS(UTRACE_EVENT(SIGNAL), 0x0100);
IS(UTRACE_EVENT(SIGNAL_IGN), 0x0200);
IS(UTRACE_EVENT(SIGNAL_STOP), 0x0400);
IS(UTRACE_EVENT(SIGNAL_TERM), 0x0800);
IS(UTRACE_EVENT(SIGNAL_CORE), 0x1000);
IS(UTRACE_EVENT(JCTL), 0x2000);
IS(_UTRACE_NEVENTS, 14);
IS(UTRACE_EVENT_SYSCALL, 0x00c0);
IS(UTRACE_EVENT_SIGNAL_ALL, 0x1f00);

IS(UTRACE_STOP, 0);
IS(UTRACE_INTERRUPT, 1);
IS(UTRACE_REPORT, 2);
IS(UTRACE_SINGLESTEP, 3);
IS(UTRACE_BLOCKSTEP, 4);
IS(UTRACE_RESUME, 5);
IS(UTRACE_DETACH, 6);
IS(UTRACE_RESUME_MAX, 7);
IS(UTRACE_RESUME_MASK, 7);

IS(UTRACE_SIGNAL_DELIVER, 0x00);
IS(UTRACE_SIGNAL_IGN, 0x10);
IS(UTRACE_SIGNAL_TERM, 0x20);
IS(UTRACE_SIGNAL_CORE, 0x30);
IS(UTRACE_SIGNAL_STOP, 0x40);
IS(UTRACE_SIGNAL_TSTP, 0x50);
IS(UTRACE_SIGNAL_REPORT, 0x60);
IS(UTRACE_SIGNAL_HANDLER, 0x70);
IS(UTRACE_SIGNAL_MASK, 0xf0);
IS(UTRACE_SIGNAL_HOLD, 0x100);

IS(UTRACE_SYSCALL_RUN, 0x00);
IS(UTRACE_SYSCALL_ABORT, 0x10);
IS(UTRACE_SYSCALL_MASK, 0xf0);
IS(UTRACE_SYSCALL_RESUMED, 0x100);

IS(UTRACE_ATTACH_MATCH_OPS, 0x0001);
IS(UTRACE_ATTACH_MATCH_DATA, 0x0002);
IS(UTRACE_ATTACH_MATCH_MASK, 0x000f);
IS(UTRACE_ATTACH_CREATE, 0x0010);
IS(UTRACE_ATTACH_EXCLUSIVE, 0x0020);

IS(ERESTARTSYS, 512);
IS(sizeof(struct pt_regs), sizeof(struct user_regs_struct));
IS(offsetof(struct pt_regs, orig_ax), offsetof(struct user_regs_struct, orig_rax));
IS(offsetof(struct pt_regs, ip), offsetof(struct user_regs_struct, rip));
IS(offsetof(struct pt_regs, ss), offsetof(struct user_regs_struct, ss));

int main(void)
{
	/* The accessors take registers by place, so that they work with another struct pt_regs too. */
	struct pt_regs regs = { .orig_ax = 1, .ax = (unsigned long)-2, .ip = 3, .sp = 4 };
	unsigned long args[6];

	if (syscall_get_nr(NULL, &regs) != 1 || syscall_get_error(NULL, &regs) != -2 || instruction_pointer(&regs) != 3 ||
	    user_stack_pointer(&regs) != 4 || syscall_get_return_value(NULL, &regs) != -2)
		return 1;
	syscall_set_return_value(NULL, &regs, 0, 7);
	if (regs.ax != 7 || syscall_get_error(NULL, &regs))
		return 2;
	syscall_rollback(NULL, &regs);
	if (regs.ax != 1)
		return 3;
	regs.di = 10, regs.si = 11, regs.dx = 12, regs.r10 = 13, regs.r8 = 14, regs.r9 = 15;
	syscall_get_arguments(NULL, &regs, 0, 6, args);
	for (unsigned long i = 0; i < 6; i++)
		if (args[i] != 10 + i)
			return 4;
	args[0] = 20;
	syscall_set_arguments(NULL, &regs, 5, 1, args);
	if (regs.r9 != 20 || utrace_regs_arguments(&regs, 5, 2, args) != -EINVAL)
		return 5;
	regs.cs = 0x23, regs.bx = 0xffffffff00000001;
	syscall_get_arguments(NULL, &regs, 0, 1, args);
	if (args[0] != 1)
		return 6;
	printf("%zu callbacks\n", sizeof(struct utrace_engine_ops) / sizeof(void (*)(void)));
	return 0;
}
