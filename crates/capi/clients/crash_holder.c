/*
 * Runs a program and holds a thread that is about to die of a crash (a signal that dumps core), so that it can
 * be looked at while its memory and registers are still there. One line on standard input lets go: the program
 * then dies of the signal, as it would have.
 *
 *   crash_holder PROGRAM [ARG...]
 *
 * A client inside a kernel would look the same from struct watch down to examine(); what it had no need of is
 * in main().
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <utrace.h>

/* One thread. Freed by release(), which comes after the last callback and the last reference. */
struct watch {
	struct task_struct *task; /* valid with a reference on its engine */
	struct utrace_engine *engine;
	siginfo_t info;
	bool held;
};

static struct watch *crashed;
static sem_t crash;

static u32 on_signal(u32 action, struct utrace_engine *engine, struct pt_regs *regs, siginfo_t *info,
		     const struct k_sigaction *orig_ka, struct k_sigaction *return_ka)
{
	struct watch *watch = engine->data;

	(void)regs;
	(void)return_ka;
	if (!orig_ka || utrace_signal_action(action) != UTRACE_SIGNAL_CORE)
		return utrace_signal_action(action) | UTRACE_RESUME;
	if (watch->held) {
		*info = watch->info;
		return UTRACE_SIGNAL_CORE | UTRACE_RESUME;
	}
	/* Put the signal back and stop: it comes again when the stop is over. */
	watch->held = true;
	watch->task = current;
	watch->engine = engine;
	watch->info = *info;
	utrace_engine_get(engine);
	crashed = watch;
	sem_post(&crash);
	return UTRACE_SIGNAL_HOLD | UTRACE_SIGNAL_IGN | UTRACE_STOP;
}

static u32 on_clone(u32 action, struct utrace_engine *engine, unsigned long clone_flags, struct task_struct *child);

static const struct utrace_engine_ops ops = {
	.report_signal = on_signal,
	.report_clone = on_clone,
	.release = free,
};

static void watch_task(struct task_struct *task, void *unused)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct utrace_engine *engine;

	(void)unused;
	if (!watch)
		return;
	engine = utrace_attach_task(task, UTRACE_ATTACH_CREATE, &ops, watch);
	if (IS_ERR(engine)) {
		free(watch);
		return;
	}
	if (utrace_set_events(task, engine, UTRACE_EVENT(SIGNAL_CORE) | UTRACE_EVENT(CLONE)))
		fprintf(stderr, "too late to watch %d\n", task_pid_nr(task));
	utrace_engine_put(engine);
}

static u32 on_clone(u32 action, struct utrace_engine *engine, unsigned long clone_flags, struct task_struct *child)
{
	(void)action;
	(void)engine;
	(void)clone_flags;
	watch_task(child, NULL);
	return UTRACE_RESUME;
}

/* Reads registers and the code at the crash, until what was read is all of one moment. */
static int examine(const struct watch *watch, struct user_regs_struct *regs, unsigned char code[4])
{
	struct utrace_examiner exam;
	int error;

	do {
		error = utrace_prepare_examine(watch->task, watch->engine, &exam);
		if (!error)
			error = utrace_get_regs(watch->task, regs);
		if (!error && access_process_vm(watch->task, regs->rip, code, 4, 0) != 4)
			error = -EFAULT;
		if (!error)
			error = utrace_finish_examine(watch->task, watch->engine, &exam);
	} while (error == -EAGAIN);
	return error;
}

static int hold(void)
{
	struct user_regs_struct regs;
	unsigned char code[4];
	char line[16];
	int error;

	/* The callback that told us has yet to return UTRACE_STOP. */
	do
		error = utrace_barrier(crashed->task, crashed->engine);
	while (error == -ERESTARTSYS);
	if (!error)
		error = examine(crashed, &regs, code);
	if (error)
		return error;
	printf("held: thread %d of %d, signal %d, code %d, ip %#llx, bytes %02x %02x %02x %02x, rax %#llx\n",
	       task_pid_nr(crashed->task), task_tgid_nr(crashed->task), crashed->info.si_signo, crashed->info.si_code,
	       (unsigned long long)regs.rip, code[0], code[1], code[2], code[3], (unsigned long long)regs.rax);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		printf("nobody releases it\n");
	return 0;
}

/* A program that ends without a crash lets main() go on too. */
static void *await_end(void *process)
{
	(void)utrace_process_wait(process, NULL);
	sem_post(&crash);
	return NULL;
}

int main(int argc, char *argv[])
{
	struct utrace_host *host;
	struct utrace_process *process;
	pthread_t waiter;
	int error, status = 0;

	if (argc < 2 || sem_init(&crash, 0, 0)) {
		fprintf(stderr, "usage: crash_holder PROGRAM [ARG...]\n");
		return 2;
	}
	host = utrace_host_start(NULL, NULL);
	if (IS_ERR(host))
		return 3;
	process = utrace_launch(host, argv + 1, NULL, 0, watch_task, NULL);
	if (IS_ERR(process)) {
		fprintf(stderr, "%s: error %ld\n", argv[1], PTR_ERR(process));
		utrace_host_stop(host);
		return 3;
	}
	if (pthread_create(&waiter, NULL, await_end, process))
		return 3;
	while (sem_wait(&crash))
		;
	if (crashed) {
		error = hold();
		if (error)
			fprintf(stderr, "error %d\n", error);
		error = utrace_control(crashed->task, crashed->engine, UTRACE_RESUME);
		if (error)
			fprintf(stderr, "it was killed meanwhile: error %d\n", error);
		utrace_engine_put(crashed->engine);
	}
	pthread_join(waiter, NULL);
	error = utrace_process_wait(process, &status);
	printf("ended: error %d, signal %d, status %d\n", error, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 0);
	utrace_process_put(process);
	return utrace_host_stop(host) ? 3 : 0;
}
