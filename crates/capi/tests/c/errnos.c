/*
 * Every error number in the table of the calls (spec section 2), as a C caller gets it.
 *
 * Not here: -ENOMEM (lack of memory ends the program) and -EOPNOTSUPP (x86-64 can step).
 */
#include "scene.h"

#define CREATE UTRACE_ATTACH_CREATE
#define EXCLUSIVE UTRACE_ATTACH_EXCLUSIVE
#define MATCH_OPS UTRACE_ATTACH_MATCH_OPS
#define MATCH_DATA UTRACE_ATTACH_MATCH_DATA

static int word, other_word;

static const struct utrace_engine_ops none, other;

/* ---- attach and lookup ---- */

static void lookup(void)
{
	struct utrace_process *process = child("pause", NULL, NULL);
	struct task_struct *task = utrace_process_task(process);
	struct utrace_engine *engine, *found;

	IS_POINTER(utrace_attach_task(task, 0, NULL, NULL), -ENOENT);
	engine = attach(task, &none, &word);
	found = utrace_attach_task(task, 0, NULL, NULL);
	IS(found == engine, 1);
	utrace_engine_put(found);
	found = utrace_attach_task(task, MATCH_OPS | MATCH_DATA, &none, &word);
	IS(found == engine, 1);
	utrace_engine_put(found);
	IS_POINTER(utrace_attach_task(task, MATCH_OPS, &other, &word), -ENOENT);
	IS_POINTER(utrace_attach_task(task, MATCH_DATA, &none, &other_word), -ENOENT);
	/* data is the client's to change, and matched as it is now. */
	engine->data = &other_word;
	found = utrace_attach_task(task, MATCH_DATA, NULL, &other_word);
	IS(found == engine, 1);
	utrace_engine_put(found);
	IS(utrace_control(task, engine, UTRACE_DETACH), 0);
	IS_POINTER(utrace_attach_task(task, 0, NULL, NULL), -ENOENT);
	IS_POINTER(utrace_attach_task(task, MATCH_OPS, &none, NULL), -ENOENT);
	utrace_engine_put(engine);
	end(process);
}

static void exclusive(void)
{
	struct utrace_process *process = child("pause", NULL, NULL);
	struct task_struct *task = utrace_process_task(process);
	struct utrace_engine *first = utrace_attach_task(task, CREATE | EXCLUSIVE, &none, &word), *second;

	IS(IS_ERR(first), 0);
	IS_POINTER(utrace_attach_task(task, CREATE | EXCLUSIVE, &other, NULL), -EEXIST);
	IS_POINTER(utrace_attach_task(task, CREATE | EXCLUSIVE | MATCH_OPS, &none, NULL), -EEXIST);
	IS_POINTER(utrace_attach_task(task, CREATE | EXCLUSIVE | MATCH_DATA, &other, &word), -EEXIST);
	second = utrace_attach_task(task, CREATE | EXCLUSIVE | MATCH_OPS, &other, &word);
	IS(IS_ERR(second), 0);
	utrace_engine_put(second);
	utrace_engine_put(first);
	end(process);
}

static void arguments(void)
{
	struct utrace_process *process = child("pause", NULL, NULL);
	struct task_struct *task = utrace_process_task(process);

	IS_POINTER(utrace_attach_task(task, CREATE, NULL, NULL), -EINVAL);
	IS_POINTER(utrace_attach_task(task, CREATE | 0x8000, &none, NULL), -EINVAL);
	IS_POINTER(utrace_attach_task(NULL, CREATE, &none, NULL), -ESRCH);
	IS_POINTER(utrace_attach_task((struct task_struct *)&word, 0, &none, NULL), -ESRCH);
	end(process);
}

static void by_pid(void)
{
	struct utrace_process *process = child("pause", NULL, NULL);
	struct pid *pid = find_get_pid(utrace_process_id(process)), *nobody, *kernel;
	struct utrace_engine *engine = utrace_attach_pid(pid, CREATE, &none, NULL);
	char comm[16] = "";
	FILE *file;

	IS(IS_ERR(engine), 0);
	IS(utrace_set_events_pid(pid, engine, UTRACE_EVENT(EXEC)), 0);
	IS(utrace_control_pid(pid, engine, UTRACE_RESUME), 0);
	IS(utrace_barrier_pid(pid, engine), 0);
	IS(utrace_control_pid(pid, engine, (enum utrace_resume_action)7), -EINVAL);
	IS_POINTER(utrace_attach_pid(NULL, CREATE, &none, NULL), -ESRCH);
	/* A number that no thread can have here (kernel.pid_max is at most 2^22). */
	nobody = find_get_pid(1 << 23);
	IS_POINTER(utrace_attach_pid(nobody, CREATE, &none, NULL), -ESRCH);
	put_pid(nobody);
	IS_POINTER(find_get_pid(0), 0);
	kernel = find_get_pid(2);
	file = fopen("/proc/2/comm", "r");
	if (file && fgets(comm, sizeof(comm), file) && !strcmp(comm, "kthreadd\n"))
		IS_POINTER(utrace_attach_pid(kernel, CREATE, &none, NULL), -EPERM);
	else
		printf("skipped: no kernel thread to be seen here\n");
	if (file)
		fclose(file);
	put_pid(kernel);
	end(process);
	/* It was bound to that thread: what has the number now is nobody's business. */
	IS_POINTER(utrace_attach_pid(pid, CREATE, &none, NULL), -ESRCH);
	IS(utrace_set_events_pid(pid, engine, 0), -ESRCH);
	IS(utrace_control_pid(pid, engine, UTRACE_DETACH), -ESRCH);
	IS(utrace_barrier_pid(pid, engine), -ESRCH);
	utrace_engine_put(engine);
	put_pid(pid);
}

/* ---- a callback that runs ---- */

static struct gate gate;

static u32 entry_waits(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	(void)engine;
	(void)regs;
	pass(&gate);
	return utrace_syscall_action(action) | UTRACE_RESUME;
}

static const struct utrace_engine_ops waits = { .report_syscall_entry = entry_waits };

static void in_progress(void)
{
	struct utrace_process *process;
	struct task_struct *task;
	struct utrace_engine *engine, *onlooker;

	gate_init(&gate);
	process = child("calls", NULL, NULL);
	task = utrace_process_task(process);
	engine = attach(task, &waits, NULL);
	onlooker = attach(task, &none, NULL);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(SYSCALL_ENTRY)), 0);
	IS(utrace_set_events(task, onlooker, UTRACE_EVENT(EXEC)), 0);
	wait_for(&gate.arrived);
	/* Adding is done at once, and so is taking away from one that is not being called. */
	IS(utrace_set_events(task, engine, UTRACE_EVENT(SYSCALL_ENTRY) | UTRACE_EVENT(EXEC)), 0);
	IS(utrace_set_events(task, onlooker, 0), 0);
	IS(utrace_barrier(task, onlooker), 0);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(EXEC)), -EINPROGRESS);
	IS(engine->flags, UTRACE_EVENT(EXEC));
	IS(utrace_set_events(task, engine, UTRACE_EVENT(EXEC)), -EINPROGRESS);
	sem_post(&gate.open);
	IS(utrace_barrier(task, engine), 0);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(EXEC)), 0);
	/* Again, to be detached in it. */
	IS(utrace_set_events(task, engine, UTRACE_EVENT(SYSCALL_ENTRY)), 0);
	wait_for(&gate.arrived);
	IS(utrace_control(task, engine, UTRACE_DETACH), -EINPROGRESS);
	IS(engine->flags, 0);
	IS(utrace_control(task, engine, UTRACE_DETACH), -ESRCH);
	IS(utrace_set_events(task, engine, 0), -ESRCH);
	sem_post(&gate.open);
	IS(utrace_barrier(task, engine), -ESRCH);
	utrace_engine_put(engine);
	utrace_engine_put(onlooker);
	end(process);
}

struct call {
	struct task_struct *task;
	struct utrace_engine *engine;
	int (*call)(struct task_struct *task, struct utrace_engine *engine);
	int result;
	volatile int over;
};

static void *make(void *data)
{
	struct call *call = data;

	call->result = call->call(call->task, call->engine);
	call->over = 1;
	return NULL;
}

static void on_usr1(int signal)
{
	(void)signal;
}

/* Starts a call that has to wait for a callback. */
static pthread_t call_in_thread(struct call *call, struct task_struct *task, struct utrace_engine *engine,
				int (*function)(struct task_struct *task, struct utrace_engine *engine))
{
	struct sigaction action = { .sa_handler = on_usr1 };
	pthread_t thread;

	sigaction(SIGUSR1, &action, NULL);
	*call = (struct call){ task, engine, function, 1, 0 };
	pthread_create(&thread, NULL, make, call);
	return thread;
}

static int nothing_sync(struct task_struct *task, struct utrace_engine *engine)
{
	return utrace_set_events_sync(task, engine, 0);
}

/* Ends the wait of a call by signals: the first may come before it waits. */
static void interrupt(struct call *call, pthread_t thread)
{
	while (!call->over) {
		pthread_kill(thread, SIGUSR1);
		sched_yield();
	}
	pthread_join(thread, NULL);
	IS(call->result, -ERESTARTSYS);
}

static void waiting(void)
{
	int (*const calls[])(struct task_struct *, struct utrace_engine *) = { utrace_barrier, nothing_sync,
									       utrace_detach_sync };
	struct utrace_process *process;
	struct task_struct *task;
	struct utrace_engine *engine;
	struct call call;
	pthread_t thread;
	unsigned int i;

	gate_init(&gate);
	process = child("calls", NULL, NULL);
	task = utrace_process_task(process);
	for (i = 0; i < 3; i++) {
		engine = attach(task, &waits, NULL);
		IS(utrace_set_events(task, engine, UTRACE_EVENT(SYSCALL_ENTRY)), 0);
		wait_for(&gate.arrived);
		/* The last callback, or a barrier might never find none running. */
		IS(utrace_set_events(task, engine, 0), -EINPROGRESS);
		/* Interrupted; and made again, as it was told to. */
		thread = call_in_thread(&call, task, engine, calls[i]);
		interrupt(&call, thread);
		thread = call_in_thread(&call, task, engine, calls[i]);
		IS(call.over, 0);
		sem_post(&gate.open);
		pthread_join(thread, NULL);
		IS(call.result, 0);
		IS(sem_trywait(&gate.arrived), -1);
		utrace_engine_put(engine);
	}
	end(process);
}

/* ---- stop ---- */

static u32 quiesce_stops(u32 action, struct utrace_engine *engine, unsigned long event)
{
	(void)action;
	(void)engine;
	(void)event;
	return UTRACE_STOP;
}

static const struct utrace_engine_ops stops = { .report_quiesce = quiesce_stops };

static void stop(void)
{
	struct utrace_process *process = child("spin", NULL, NULL);
	struct task_struct *task = utrace_process_task(process);
	struct utrace_engine *engine = attach(task, &stops, NULL), *second;
	struct utrace_examiner exam;
	struct user_regs_struct regs;

	IS(utrace_control(task, engine, (enum utrace_resume_action)UTRACE_RESUME_MAX), -EINVAL);
	IS(utrace_control(task, engine, (enum utrace_resume_action)99), -EINVAL);
	IS(utrace_control(task, engine, UTRACE_REPORT), -EINVAL);
	IS(utrace_control(task, engine, UTRACE_SINGLESTEP), -EINVAL);
	IS(utrace_control(task, engine, UTRACE_BLOCKSTEP), -EINVAL);
	IS(utrace_control(task, engine, UTRACE_INTERRUPT), 0);
	IS(utrace_prepare_examine(task, engine, &exam), -EINVAL);
	IS(utrace_finish_examine(task, engine, &exam), -EINVAL);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(QUIESCE)), 0);
	IS(utrace_control(task, engine, UTRACE_STOP), -EINPROGRESS);
	until_stopped(task);
	IS(utrace_control(task, engine, UTRACE_STOP), 0);
	IS(utrace_prepare_examine(task, engine, NULL), -EINVAL);
	IS(utrace_prepare_examine(task, engine, &exam), 0);
	IS(utrace_get_regs(task, &regs), 0);
	IS(utrace_finish_examine(task, engine, &exam), 0);
	/* Another engine holds nothing. */
	second = attach(task, &none, NULL);
	IS(utrace_prepare_examine(task, second, &exam), -EINVAL);
	IS(utrace_control(task, second, UTRACE_RESUME), 0);
	IS(utrace_task_is_stopped(task), 1);
	IS(utrace_control(task, second, UTRACE_DETACH), 0);
	IS(utrace_set_events(task, engine, 0), 0);
	IS(utrace_control(task, engine, UTRACE_RESUME), 0);
	IS(utrace_prepare_examine(task, engine, &exam), -EINVAL);
	IS(utrace_get_regs(task, &regs), -EAGAIN);
	/* A hold is over when its engine is detached, at once. */
	IS(utrace_control(task, engine, UTRACE_STOP), -EINPROGRESS);
	until_stopped(task);
	IS(utrace_control(task, engine, UTRACE_DETACH), 0);
	IS(utrace_control(task, engine, UTRACE_DETACH), -ESRCH);
	IS(utrace_control(task, engine, UTRACE_STOP), -ESRCH);
	IS(utrace_control(task, engine, UTRACE_INTERRUPT), -ESRCH);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(EXEC)), -ESRCH);
	IS(utrace_barrier(task, engine), -ESRCH);
	IS(utrace_prepare_examine(task, engine, &exam), -EINVAL);
	IS(utrace_finish_examine(task, engine, &exam), -EINVAL);
	utrace_engine_put(second);
	utrace_engine_put(engine);
	end(process);
}

/* -EAGAIN: with the library's thread kept in a callback of another task, nobody can stop the one that spins. */
static void runs(void)
{
	struct utrace_process *busy = child("spin", NULL, NULL), *blocker;
	struct task_struct *task = utrace_process_task(busy);
	struct utrace_engine *engine = attach(task, &stops, NULL), *keeper;
	struct utrace_examiner exam, late;

	gate_init(&gate);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(QUIESCE)), 0);
	IS(utrace_control(task, engine, UTRACE_STOP), -EINPROGRESS);
	until_stopped(task);
	IS(utrace_prepare_examine(task, engine, &late), 0);
	blocker = child("calls", NULL, NULL);
	keeper = attach(utrace_process_task(blocker), &waits, NULL);
	IS(utrace_set_events(utrace_process_task(blocker), keeper, UTRACE_EVENT(SYSCALL_ENTRY)), 0);
	IS(utrace_control(task, engine, UTRACE_RESUME), 0);
	wait_for(&gate.arrived);
	/* It spins in user mode by now or stays stopped until the gate opens: one call later it certainly spins. */
	IS(utrace_set_events(utrace_process_task(blocker), keeper, 0), -EINPROGRESS);
	sem_post(&gate.open);
	IS(utrace_barrier(utrace_process_task(blocker), keeper), 0);
	IS(utrace_set_events(utrace_process_task(blocker), keeper, UTRACE_EVENT(SYSCALL_ENTRY)), 0);
	wait_for(&gate.arrived);
	IS(utrace_control(task, engine, UTRACE_STOP), -EINPROGRESS);
	IS(utrace_prepare_examine(task, engine, &exam), -EAGAIN);
	IS(utrace_finish_examine(task, engine, &late), -EAGAIN);
	IS(utrace_set_events(utrace_process_task(blocker), keeper, 0), -EINPROGRESS);
	sem_post(&gate.open);
	until_stopped(task);
	/* It holds again, but not since then. */
	IS(utrace_finish_examine(task, engine, &late), -EAGAIN);
	IS(utrace_prepare_examine(task, engine, &exam), 0);
	IS(utrace_finish_examine(task, engine, &exam), 0);
	utrace_engine_put(keeper);
	utrace_engine_put(engine);
	kill(utrace_process_id(blocker), SIGKILL);
	IS(utrace_process_wait(blocker, NULL), 0);
	utrace_process_put(blocker);
	end(busy);
}

/* ---- from the task's own callbacks, death and reap ---- */

static struct utrace_engine *kept;
static int own_calls, deaths, reaps;

static u32 own_entry(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	struct utrace_examiner exam;
	struct utrace_engine *found;

	(void)regs;
	if (own_calls++)
		return utrace_syscall_action(action) | UTRACE_RESUME;
	IS(utrace_barrier(current, engine), 0);
	IS(utrace_prepare_examine(current, engine, &exam), 0);
	IS(utrace_finish_examine(current, engine, &exam), 0);
	IS(utrace_set_events(current, engine, UTRACE_EVENT(DEATH) | UTRACE_EVENT(REAP) | UTRACE_EVENT(QUIESCE)), 0);
	IS(utrace_set_events_sync(current, engine, UTRACE_EVENT(DEATH) | UTRACE_EVENT(REAP)), 0);
	found = utrace_attach_task(current, MATCH_OPS | MATCH_DATA, engine->ops, engine->data);
	IS(found == engine, 1);
	utrace_engine_put(found);
	/* What waits for the library's thread cannot be waited for on it. */
	IS(utrace_host_stop(host), -EDEADLK);
	IS(utrace_host_wait_idle(host), -EDEADLK);
	IS_POINTER(utrace_attach_process(host, 1, NULL, NULL), -EDEADLK);
	return UTRACE_RESUME;
}

static u32 own_death(struct utrace_engine *engine, bool group_dead, int signal)
{
	struct utrace_engine *late;
	struct user_regs_struct regs;
	char byte;

	deaths++;
	IS(group_dead, 1);
	IS(signal, SIGCHLD);
	IS(utrace_set_events(current, engine, UTRACE_EVENT(REAP)), -EALREADY);
	IS(utrace_set_events(current, engine, UTRACE_EVENT(DEATH) | UTRACE_EVENT(REAP) | UTRACE_EVENT(QUIESCE)), -EALREADY);
	IS(utrace_set_events(current, engine, UTRACE_EVENT(DEATH) | UTRACE_EVENT(REAP) | UTRACE_EVENT(EXEC)), 0);
	IS(utrace_control(current, engine, UTRACE_DETACH), -EALREADY);
	IS(utrace_control(current, engine, UTRACE_STOP), -ESRCH);
	IS(utrace_control(current, engine, UTRACE_INTERRUPT), -ESRCH);
	IS(utrace_control(current, engine, UTRACE_RESUME), -ESRCH);
	IS(utrace_detach_sync(current, engine), -EALREADY);
	/* A zombie can be attached to; only its reap can be asked for. */
	late = attach(current, &none, NULL);
	IS(utrace_set_events(current, late, UTRACE_EVENT(DEATH)), -EALREADY);
	IS(utrace_set_events(current, late, UTRACE_EVENT(QUIESCE)), -EALREADY);
	IS(utrace_set_events(current, late, UTRACE_EVENT(REAP)), 0);
	utrace_engine_put(late);
	IS(utrace_get_regs(current, &regs), -ESRCH);
	IS(utrace_task_memory(current, 0, &byte, 1, 0), -ESRCH);
	utrace_engine_get(engine);
	kept = engine;
	return UTRACE_RESUME;
}

static void own_reap(struct utrace_engine *engine, struct task_struct *task)
{
	reaps++;
	IS_POINTER(current, 0);
	IS(utrace_set_events(task, engine, 0), -ESRCH);
	IS(utrace_control(task, engine, UTRACE_DETACH), -ESRCH);
	IS(utrace_control(task, engine, UTRACE_STOP), -ESRCH);
	IS(utrace_barrier(task, engine), -ESRCH);
	IS_POINTER(utrace_attach_task(task, 0, NULL, NULL), -ENOENT);
	IS_POINTER(utrace_attach_task(task, CREATE, &none, NULL), -ESRCH);
}

static const struct utrace_engine_ops life = {
	.report_syscall_entry = own_entry,
	.report_death = own_death,
	.report_reap = own_reap,
};

static void adopt_life(struct task_struct *task, void *data)
{
	struct utrace_engine *engine = attach(task, &life, data);

	IS(utrace_set_events(task, engine, UTRACE_EVENT(SYSCALL_ENTRY)), 0);
	utrace_engine_put(engine);
}

static void dies(void)
{
	struct utrace_process *process = child("7", adopt_life, &word);
	struct task_struct *task = utrace_process_task(process);
	struct utrace_examiner exam = { 1, 0 };
	struct user_regs_struct regs;
	long number;
	int status = 0;
	char comm[16], byte;

	get_task_struct(task);
	IS(utrace_process_wait(process, &status), 0);
	IS(status, 7 << 8);
	IS(utrace_process_ended(process, &status), 0);
	utrace_process_put(process);
	IS(utrace_host_wait_idle(host), 0);
	IS(own_calls > 0, 1);
	IS(deaths, 1);
	IS(reaps, 1);
	/* Gone: every call says so, though the task pointer is stale. The mask is empty, so REPORT says -EINVAL first. */
	IS(kept->flags, 0);
	IS(utrace_set_events(task, kept, 0), -ESRCH);
	IS(utrace_set_events_sync(task, kept, 0), -ESRCH);
	IS(utrace_detach_sync(task, kept), -ESRCH);
	IS(utrace_control(task, kept, UTRACE_INTERRUPT), -ESRCH);
	IS(utrace_control(task, kept, UTRACE_REPORT), -EINVAL);
	IS(utrace_barrier(task, kept), -ESRCH);
	IS(utrace_prepare_examine(task, kept, &exam), -EINVAL);
	IS(utrace_finish_examine(task, kept, &exam), -EINVAL);
	IS_POINTER(utrace_attach_task(task, 0, NULL, NULL), -ENOENT);
	IS_POINTER(utrace_attach_task(task, CREATE, &none, NULL), -ESRCH);
	IS(utrace_get_regs(task, &regs), -ESRCH);
	IS(utrace_regset_size(task, 1), -ESRCH);
	IS(utrace_task_memory(task, 0, &byte, 1, 0), -ESRCH);
	IS(utrace_task_comm(task, comm), -ESRCH);
	IS(utrace_task_signal(task, SIGTERM), -ESRCH);
	IS(utrace_task_syscall(task, &number, NULL, 0, NULL, NULL), -ESRCH);
	utrace_engine_put(kept);
	put_task_struct(task);
	IS(utrace_task_tid(task), -ESRCH);
}

/* A controller that looks while the death callback runs. */
static u32 death_waits(struct utrace_engine *engine, bool group_dead, int signal)
{
	(void)engine;
	(void)group_dead;
	(void)signal;
	pass(&gate);
	return UTRACE_DETACH;
}

static const struct utrace_engine_ops dying = { .report_death = death_waits };

static void killed_while_examined(void)
{
	struct utrace_process *process = child("spin", NULL, NULL);
	struct task_struct *task = utrace_process_task(process);
	struct utrace_engine *engine = attach(task, &dying, NULL);
	struct utrace_examiner exam;

	gate_init(&gate);
	IS(utrace_control(task, engine, UTRACE_STOP), -EINPROGRESS);
	until_stopped(task);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(DEATH) | UTRACE_EVENT(EXEC)), 0);
	IS(utrace_prepare_examine(task, engine, &exam), 0);
	kill(utrace_process_id(process), SIGKILL);
	wait_for(&gate.arrived);
	IS(utrace_finish_examine(task, engine, &exam), -EAGAIN);
	IS(utrace_prepare_examine(task, engine, &exam), -ESRCH);
	IS(utrace_control(task, engine, UTRACE_DETACH), -EALREADY);
	IS(utrace_control(task, engine, UTRACE_RESUME), -ESRCH);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(EXEC)), -EALREADY);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(DEATH)), 0);
	sem_post(&gate.open);
	end(process);
	IS(utrace_barrier(task, engine), -ESRCH);
	utrace_engine_put(engine);
}

static const struct scene scenes[] = {
	{ "lookup", lookup },
	{ "exclusive", exclusive },
	{ "arguments", arguments },
	{ "by_pid", by_pid },
	{ "in_progress", in_progress },
	{ "waiting", waiting },
	{ "stop", stop },
	{ "runs", runs },
	{ "dies", dies },
	{ "killed_while_examined", killed_while_examined },
	{ NULL, NULL },
};

int main(int argc, char *argv[])
{
	return play(argc, argv, scenes);
}
