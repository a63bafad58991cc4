/*
 * Has an agent decide, outside of the traced program, what becomes of some of its system calls: whoever opens FROM
 * gets TO, and nothing is unlinked.
 *
 *   call_agent FROM TO PROGRAM [ARG...]
 *
 * This is how virtualisers used the facility: at a call's entry the engine stops the task and hands the call to
 * the agent, which takes its time, looks at the arguments in the program's memory, and asks for the entry to be
 * reported once more. Then the engine does what was decided: it rewrites an argument, or has the call skipped
 * and gives it an answer of its own at its exit.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <utrace.h>

#define PATH_LENGTH 256
/* Below the stack pointer a function may use so much without saying so (System V ABI, AMD64, 3.2.2). */
#define RED_ZONE 128

enum decision { UNDECIDED, LET, REDIRECT, REFUSE };

/* One thread of the program. Only one side touches it at a time: the callbacks, or the agent while the task is held. */
struct caller {
	struct task_struct *task;
	struct utrace_engine *engine;
	struct caller *next; /* in the agent's queue */
	enum decision decision;
	int argument; /* which one is the path */
	unsigned long path, scratch;
};

static const char *from, *to;
static struct caller *queue;
static bool over;
static unsigned long redirected, refused;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;

/* Which argument of a call is the path that we care about; -1 if none is. */
static int path_argument(long number)
{
	switch (number) {
	case SYS_open:
	case SYS_unlink:
		return 0;
	case SYS_openat:
	case SYS_unlinkat:
		return 1;
	default:
		return -1;
	}
}

static bool unlinks(long number)
{
	return number == SYS_unlink || number == SYS_unlinkat;
}

static u32 on_entry(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	struct caller *caller = engine->data;
	long number = syscall_get_nr(current, regs);
	enum decision decision = caller->decision;

	caller->argument = path_argument(number);
	if (caller->argument < 0)
		return utrace_syscall_action(action) | UTRACE_RESUME;
	if (!(action & UTRACE_SYSCALL_RESUMED) || decision == UNDECIDED) {
		syscall_get_arguments(current, regs, (unsigned int)caller->argument, 1, &caller->path);
		caller->scratch = (user_stack_pointer(regs) - RED_ZONE - PATH_LENGTH) & ~15UL;
		caller->decision = unlinks(number) ? REFUSE : UNDECIDED;
		pthread_mutex_lock(&lock);
		caller->next = queue;
		queue = caller;
		pthread_cond_signal(&work);
		pthread_mutex_unlock(&lock);
		return utrace_syscall_action(action) | UTRACE_STOP;
	}
	if (decision == REDIRECT)
		syscall_set_arguments(current, regs, (unsigned int)caller->argument, 1, &caller->scratch);
	if (decision == REFUSE)
		return UTRACE_SYSCALL_ABORT | UTRACE_RESUME;
	return utrace_syscall_action(action) | UTRACE_RESUME;
}

static u32 on_exit_of_call(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	struct caller *caller = engine->data;

	(void)action;
	if (caller->decision == REFUSE && unlinks(syscall_get_nr(current, regs)))
		syscall_set_return_value(current, regs, -EPERM, 0);
	caller->decision = UNDECIDED;
	return UTRACE_RESUME;
}

static u32 on_clone(u32 action, struct utrace_engine *engine, unsigned long clone_flags, struct task_struct *child);

static const struct utrace_engine_ops ops = {
	.report_syscall_entry = on_entry,
	.report_syscall_exit = on_exit_of_call,
	.report_clone = on_clone,
	.release = free,
};

static void follow(struct task_struct *task, void *unused)
{
	struct caller *caller = calloc(1, sizeof(*caller));
	struct utrace_engine *engine;

	(void)unused;
	if (!caller)
		return;
	engine = utrace_attach_task(task, UTRACE_ATTACH_CREATE, &ops, caller);
	if (IS_ERR(engine)) {
		free(caller);
		return;
	}
	/* Valid as long as the engine is attached, and the agent takes a reference of its own. */
	caller->task = task;
	caller->engine = engine;
	if (utrace_set_events(task, engine, UTRACE_EVENT_SYSCALL | UTRACE_EVENT(CLONE) | UTRACE_EVENT(QUIESCE)))
		fprintf(stderr, "too late to follow %d\n", task_pid_nr(task));
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

/* Looks at the path of a held call, and says what becomes of it. */
static enum decision decide(const struct caller *caller)
{
	char path[PATH_LENGTH] = "";
	int length;

	if (caller->decision == REFUSE)
		return REFUSE;
	/* What is behind the path may not be there: then fewer bytes come. */
	length = access_process_vm(caller->task, caller->path, path, sizeof(path) - 1, 0);
	path[length] = '\0';
	if (strcmp(path, from))
		return LET;
	length = (int)strlen(to) + 1;
	if (access_process_vm(caller->task, caller->scratch, (void *)(uintptr_t)to, length, 1) != length)
		return LET;
	return REDIRECT;
}

static void *agent(void *unused)
{
	struct caller *caller;
	struct utrace_engine *engine;
	int error;

	for (;;) {
		pthread_mutex_lock(&lock);
		while (!queue && !over)
			pthread_cond_wait(&work, &lock);
		caller = queue;
		if (caller)
			queue = caller->next;
		pthread_mutex_unlock(&lock);
		if (!caller)
			return unused;
		engine = caller->engine;
		/* The callback that sent it here has yet to return UTRACE_STOP. */
		do
			error = utrace_barrier(caller->task, engine);
		while (error == -ERESTARTSYS);
		if (error)
			continue;
		caller->decision = decide(caller);
		redirected += caller->decision == REDIRECT;
		refused += caller->decision == REFUSE;
		error = utrace_control(caller->task, engine, UTRACE_REPORT);
		if (error)
			fprintf(stderr, "it was killed meanwhile: error %d\n", error);
	}
}

int main(int argc, char *argv[])
{
	struct utrace_host *host;
	struct utrace_process *process;
	pthread_t thread;
	int status = 0;

	if (argc < 4 || strlen(argv[2]) >= PATH_LENGTH) {
		fprintf(stderr, "usage: call_agent FROM TO PROGRAM [ARG...]\n");
		return 2;
	}
	from = argv[1];
	to = argv[2];
	host = utrace_host_start(NULL, NULL);
	if (IS_ERR(host) || pthread_create(&thread, NULL, agent, NULL))
		return 3;
	process = utrace_launch(host, argv + 3, NULL, 0, follow, NULL);
	if (IS_ERR(process)) {
		fprintf(stderr, "%s: error %ld\n", argv[3], PTR_ERR(process));
		return 3;
	}
	if (utrace_process_wait(process, &status) || utrace_host_wait_idle(host))
		fprintf(stderr, "it did not end\n");
	utrace_process_put(process);
	pthread_mutex_lock(&lock);
	over = true;
	pthread_cond_signal(&work);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	if (utrace_host_stop(host))
		return 3;
	printf("%lu redirected, %lu refused\n", redirected, refused);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
