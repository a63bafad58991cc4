/*
 * Counts the system calls of a program and of everything that it starts: per process, and how many failed.
 *
 *   syscall_counter PROGRAM [ARG...]
 *
 * Engines need no reference to be kept: each thread's is attached, told what to report, and forgotten. Its data
 * goes with it, in release(), which adds what it counted.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <utrace.h>

struct count {
	pid_t process;
	unsigned long calls, errors;
};

/* What is counted already, one entry a process. */
static struct count total[4096];
static int processes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static u32 on_entry(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	struct count *count = engine->data;

	(void)regs;
	count->calls++;
	return utrace_syscall_action(action) | UTRACE_RESUME;
}

static u32 on_exit_of_call(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	struct count *count = engine->data;

	(void)action;
	if (syscall_get_error(current, regs))
		count->errors++;
	return UTRACE_RESUME;
}

static void add(void *data)
{
	struct count *count = data;
	int at = 0;

	pthread_mutex_lock(&lock);
	while (at < processes && total[at].process != count->process)
		at++;
	if (at < (int)(sizeof(total) / sizeof(*total))) {
		total[at].process = count->process;
		total[at].calls += count->calls;
		total[at].errors += count->errors;
		if (at == processes)
			processes++;
	}
	pthread_mutex_unlock(&lock);
	free(count);
}

static u32 on_clone(u32 action, struct utrace_engine *engine, unsigned long clone_flags, struct task_struct *child);

static const struct utrace_engine_ops ops = {
	.report_syscall_entry = on_entry,
	.report_syscall_exit = on_exit_of_call,
	.report_clone = on_clone,
	.release = add,
};

static void follow(struct task_struct *task, void *unused)
{
	struct count *count = calloc(1, sizeof(*count));
	struct utrace_engine *engine;

	(void)unused;
	if (!count)
		return;
	count->process = task_tgid_nr(task);
	engine = utrace_attach_task(task, UTRACE_ATTACH_CREATE | UTRACE_ATTACH_EXCLUSIVE | UTRACE_ATTACH_MATCH_OPS, &ops,
				    count);
	if (IS_ERR(engine)) {
		free(count);
		return;
	}
	if (utrace_set_events(task, engine, UTRACE_EVENT_SYSCALL | UTRACE_EVENT(CLONE)))
		fprintf(stderr, "too late to count %d\n", task_pid_nr(task));
	utrace_engine_put(engine);
}

static u32 on_clone(u32 action, struct utrace_engine *engine, unsigned long clone_flags, struct task_struct *child)
{
	(void)action;
	(void)engine;
	(void)clone_flags;
	follow(child, NULL);
	return UTRACE_RESUME;
}

int main(int argc, char *argv[])
{
	struct utrace_host *host = utrace_host_start(NULL, NULL);
	struct utrace_process *process;
	unsigned long calls = 0;
	int at, status = 0;

	if (argc < 2 || IS_ERR(host)) {
		fprintf(stderr, "usage: syscall_counter PROGRAM [ARG...]\n");
		return 2;
	}
	process = utrace_launch(host, argv + 1, NULL, 0, follow, NULL);
	if (IS_ERR(process)) {
		fprintf(stderr, "%s: error %ld\n", argv[1], PTR_ERR(process));
		return 3;
	}
	if (utrace_process_wait(process, &status) || utrace_host_wait_idle(host))
		fprintf(stderr, "it did not end\n");
	utrace_process_put(process);
	/* When the host is gone, so are its engines: every count is in. */
	if (utrace_host_stop(host))
		return 3;
	for (at = 0; at < processes; at++) {
		printf("process %d: %lu calls, %lu errors\n", total[at].process, total[at].calls, total[at].errors);
		calls += total[at].calls;
	}
	printf("%d processes, %lu calls\n", processes, calls);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
