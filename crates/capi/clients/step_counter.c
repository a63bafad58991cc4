/*
 * Counts the instructions that a program executes from one address to another, by single steps, and shows its
 * registers when it is there.
 *
 *   step_counter FROM TO PROGRAM [ARG...]      (addresses in hexadecimal)
 *
 * A breakpoint is put at FROM as soon as the program is loaded. When it is hit, it is taken out again and the
 * thread steps. At TO it is held, looked at, left, and runs on by itself.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <utrace.h>

/* The breakpoint instruction, int3. */
static const unsigned char trap = 0xcc;

enum stage { NOT_THERE, STEPPING, ARRIVED };

/* The one thread that is watched. Its callbacks alone write to it, until it is held at TO. */
struct stepper {
	struct task_struct *task;
	struct utrace_engine *engine;
	enum stage stage;
	unsigned char saved;
	unsigned long steps;
};

static struct stepper stepper;
static unsigned long from, to;
/* It is at TO, or it has ended. */
static sem_t news;

static u32 next_step(void)
{
	return stepper.stage == STEPPING ? UTRACE_SINGLESTEP : UTRACE_RESUME;
}

/* A step has to be asked for in the last report before user mode: another engine may have asked for one more. */
static u32 on_quiesce(u32 action, struct utrace_engine *engine, unsigned long event)
{
	(void)action;
	(void)engine;
	(void)event;
	return next_step();
}

static u32 on_exec(u32 action, struct utrace_engine *engine, const struct linux_binfmt *fmt,
		   const struct linux_binprm *bprm, struct pt_regs *regs)
{
	(void)action;
	(void)engine;
	(void)fmt;
	(void)bprm;
	(void)regs;
	if (access_process_vm(current, from, &stepper.saved, 1, 0) != 1 ||
	    access_process_vm(current, from, (void *)(uintptr_t)&trap, 1, 1) != 1)
		fprintf(stderr, "nothing can be put at %#lx\n", from);
	return UTRACE_RESUME;
}

static u32 on_signal(u32 action, struct utrace_engine *engine, struct pt_regs *regs, siginfo_t *info,
		     const struct k_sigaction *orig_ka, struct k_sigaction *return_ka)
{
	(void)engine;
	(void)return_ka;
	if (!orig_ka || info->si_signo != SIGTRAP)
		return utrace_signal_action(action) | next_step();
	if (stepper.stage == NOT_THERE && instruction_pointer(regs) == from + 1) {
		regs->ip = from;
		if (access_process_vm(current, from, &stepper.saved, 1, 1) != 1)
			return UTRACE_SIGNAL_DELIVER | UTRACE_RESUME;
		stepper.stage = STEPPING;
		return UTRACE_SIGNAL_IGN | UTRACE_SINGLESTEP;
	}
	if (stepper.stage != STEPPING)
		return utrace_signal_action(action) | UTRACE_RESUME;
	stepper.steps++;
	if (instruction_pointer(regs) != to)
		return UTRACE_SIGNAL_IGN | UTRACE_SINGLESTEP;
	stepper.stage = ARRIVED;
	sem_post(&news);
	return UTRACE_SIGNAL_IGN | UTRACE_STOP;
}

static const struct utrace_engine_ops ops = {
	.report_quiesce = on_quiesce,
	.report_exec = on_exec,
	.report_signal = on_signal,
};

static void watch(struct task_struct *task, void *unused)
{
	(void)unused;
	stepper.task = task;
	stepper.engine = utrace_attach_task(task, UTRACE_ATTACH_CREATE, &ops, NULL);
	if (IS_ERR(stepper.engine) ||
	    utrace_set_events(task, stepper.engine,
			      UTRACE_EVENT(QUIESCE) | UTRACE_EVENT(EXEC) | UTRACE_EVENT(SIGNAL_CORE)))
		fprintf(stderr, "it cannot be watched\n");
}

/* Looks at the thread where it is held, and leaves it. */
static int arrive(void)
{
	struct utrace_examiner exam;
	struct user_regs_struct regs;
	int error;

	/* The callback that told us has yet to return UTRACE_STOP. */
	do
		error = utrace_barrier(stepper.task, stepper.engine);
	while (error == -ERESTARTSYS);
	while (!error) {
		error = utrace_prepare_examine(stepper.task, stepper.engine, &exam);
		if (!error)
			error = utrace_get_regs(stepper.task, &regs);
		if (!error)
			error = utrace_finish_examine(stepper.task, stepper.engine, &exam);
		if (!error)
			break;
		if (error == -EAGAIN)
			error = 0;
	}
	if (error)
		return error;
	printf("%lu instructions, then at %#llx with rax %lld\n", stepper.steps, (unsigned long long)regs.rip,
	       (long long)regs.rax);
	/* It is held, so this ends everything at once. */
	return utrace_control(stepper.task, stepper.engine, UTRACE_DETACH);
}

/* A program that never gets there lets main() go on too. */
static void *await_end(void *process)
{
	(void)utrace_process_wait(process, NULL);
	sem_post(&news);
	return NULL;
}

int main(int argc, char *argv[])
{
	struct utrace_host *host;
	struct utrace_process *process;
	pthread_t waiter;
	int error, status = 0;

	if (argc < 4 || sem_init(&news, 0, 0)) {
		fprintf(stderr, "usage: step_counter FROM TO PROGRAM [ARG...]\n");
		return 2;
	}
	from = strtoul(argv[1], NULL, 16);
	to = strtoul(argv[2], NULL, 16);
	host = utrace_host_start(NULL, NULL);
	if (IS_ERR(host))
		return 3;
	process = utrace_launch(host, argv + 3, NULL, 0, watch, NULL);
	if (IS_ERR(process)) {
		fprintf(stderr, "%s: error %ld\n", argv[3], PTR_ERR(process));
		return 3;
	}
	if (pthread_create(&waiter, NULL, await_end, process))
		return 3;
	while (sem_wait(&news))
		;
	if (stepper.stage == ARRIVED) {
		error = arrive();
		if (error)
			fprintf(stderr, "error %d\n", error);
	} else {
		printf("it never got from the one to the other\n");
	}
	pthread_join(waiter, NULL);
	utrace_engine_put(stepper.engine);
	error = utrace_process_wait(process, &status);
	printf("ended: error %d, signal %d, status %d\n", error, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	utrace_process_put(process);
	return utrace_host_stop(host) ? 3 : 0;
}
