/* A caller's mistakes: each is an error number, and none is followed. */
#include "scene.h"

static const struct utrace_engine_ops none;
static char junk[256];

/* Every call with these pointers; what each kind of object that is none answers. */
static void with(struct task_struct *task, struct utrace_engine *engine, struct pid *pid, struct utrace_process *process,
		 struct utrace_host *nowhere)
{
	struct utrace_examiner exam = { 1, 0 };
	struct user_regs_struct regs;
	unsigned long values[6];
	char comm[16];
	char *argv[] = { (char *)"true", NULL };
	int status;
	long number;

	IS_POINTER(utrace_attach_task(task, UTRACE_ATTACH_CREATE, &none, NULL), -ESRCH);
	IS_POINTER(utrace_attach_task(task, 0, NULL, NULL), -ESRCH);
	IS_POINTER(utrace_attach_pid(pid, UTRACE_ATTACH_CREATE, &none, NULL), -ESRCH);
	utrace_engine_get(engine);
	utrace_engine_put(engine);
	IS(utrace_set_events(task, engine, 1), -EINVAL);
	IS(utrace_set_events_sync(task, engine, 1), -EINVAL);
	IS(utrace_control(task, engine, UTRACE_STOP), -EINVAL);
	IS(utrace_barrier(task, engine), -EINVAL);
	IS(utrace_detach_sync(task, engine), -EINVAL);
	IS(utrace_set_events_pid(pid, engine, 1), -EINVAL);
	IS(utrace_control_pid(pid, engine, UTRACE_STOP), -EINVAL);
	IS(utrace_barrier_pid(pid, engine), -EINVAL);
	IS(utrace_prepare_examine(task, engine, &exam), -EINVAL);
	IS(utrace_finish_examine(task, engine, &exam), -EINVAL);
	utrace_task_get(task);
	utrace_task_put(task);
	IS(utrace_task_tid(task), -ESRCH);
	IS(utrace_task_tgid(task), -ESRCH);
	IS(utrace_task_is_stopped(task), -ESRCH);
	IS(utrace_task_comm(task, comm), -ESRCH);
	IS_POINTER(utrace_task_pid(task), 0);
	IS(utrace_task_memory(task, 0, comm, 1, 0), -ESRCH);
	IS(utrace_task_memory(task, 0, comm, 1, 1), -ESRCH);
	IS(utrace_get_regs(task, &regs), -ESRCH);
	IS(utrace_set_regs(task, &regs), -ESRCH);
	IS(utrace_regset_get(task, 1, 0, 8, values), -ESRCH);
	IS(utrace_regset_set(task, 1, 0, 8, values), -ESRCH);
	IS(utrace_regset_size(task, 1), -ESRCH);
	IS(utrace_task_signal(task, SIGTERM), -ESRCH);
	IS(utrace_task_syscall(task, &number, NULL, 0, NULL, NULL), -ESRCH);
	utrace_pid_get(pid);
	utrace_pid_put(pid);
	IS(utrace_pid_number(pid), -ESRCH);
	IS_POINTER(utrace_pid_task(pid), 0);
	IS(utrace_process_id(process), -ESRCH);
	IS_POINTER(utrace_process_task(process), 0);
	IS(utrace_process_wait(process, &status), -ESRCH);
	IS(utrace_process_ended(process, &status), -ESRCH);
	IS(utrace_detach_process(process), -ESRCH);
	utrace_process_put(process);
	IS(utrace_host_stop(nowhere), -EINVAL);
	IS(utrace_host_wait_idle(nowhere), -EINVAL);
	IS_POINTER(utrace_launch(nowhere, argv, NULL, 0, NULL, NULL), -EINVAL);
	IS_POINTER(utrace_attach_process(nowhere, getppid(), NULL, NULL), -EINVAL);
}

static void null(void)
{
	with(NULL, NULL, NULL, NULL, NULL);
}

static void foreign(void)
{
	int on_the_stack[64];

	with((void *)junk, (void *)junk, (void *)junk, (void *)junk, (void *)junk);
	with((void *)on_the_stack, (void *)on_the_stack, (void *)on_the_stack, (void *)on_the_stack, (void *)on_the_stack);
	/* An address at which nothing is, and an error that the caller took for a pointer. */
	with((void *)8, (void *)8, (void *)8, (void *)8, (void *)8);
	with(ERR_PTR(-ESRCH), ERR_PTR(-ESRCH), ERR_PTR(-ESRCH), ERR_PTR(-ESRCH), ERR_PTR(-ESRCH));
	/* Functions: readable, and no objects. */
	with((void *)(uintptr_t)foreign, (void *)(uintptr_t)foreign, (void *)(uintptr_t)foreign, (void *)(uintptr_t)foreign,
	     (void *)(uintptr_t)foreign);
}

/* What was given back is none any more; one kind of object is not another. */
static void stale(void)
{
	struct utrace_host *second = utrace_host_start(NULL, NULL);
	struct utrace_process *process = child("pause", NULL, NULL), *kept;
	struct task_struct *task = utrace_process_task(process);
	struct utrace_engine *engine = attach(task, &none, NULL);
	struct pid *pid = find_get_pid(utrace_process_id(process));
	struct utrace_process *other = child("pause", NULL, NULL);

	IS(utrace_host_stop(second), 0);
	/* An engine on another task than the one that is said. */
	IS(utrace_set_events(utrace_process_task(other), engine, 1), -EINVAL);
	IS(utrace_control(utrace_process_task(other), engine, UTRACE_STOP), -EINVAL);
	IS(utrace_barrier(utrace_process_task(other), engine), -EINVAL);
	IS(utrace_control(NULL, engine, UTRACE_STOP), -ESRCH);
	/* Each kind in the place of the others. */
	with((void *)engine, (void *)task, (void *)process, (void *)pid, (void *)task);
	/* More puts than references: the list's own is not ours to give. */
	utrace_engine_put(engine);
	utrace_engine_put(engine);
	utrace_engine_put(engine);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(EXEC)), 0);
	utrace_engine_get(engine);
	IS(utrace_control(task, engine, UTRACE_DETACH), 0);
	utrace_engine_put(engine);
	put_pid(pid);
	put_pid(pid);
	kill(utrace_process_id(other), SIGKILL);
	IS(utrace_process_wait(other, NULL), 0);
	utrace_process_put(other);
	kept = process;
	end(process);
	with(task, engine, pid, kept, second);
}

static void buffers(void)
{
	struct utrace_process *process = child("spin", NULL, NULL);
	struct task_struct *task = utrace_process_task(process);
	struct utrace_engine *engine = attach(task, &none, NULL);
	struct pt_regs regs;
	unsigned long value;
	char byte = 0;

	IS(utrace_control(task, engine, UTRACE_STOP), -EINPROGRESS);
	until_stopped(task);
	IS(utrace_prepare_examine(task, engine, NULL), -EINVAL);
	IS(utrace_finish_examine(task, engine, NULL), -EINVAL);
	IS(utrace_get_regs(task, NULL), -EINVAL);
	IS(utrace_set_regs(task, NULL), -EINVAL);
	IS(utrace_regset_get(task, 1, 0, 8, NULL), -EINVAL);
	IS(utrace_regset_set(task, 1, 0, 8, NULL), -EINVAL);
	IS(utrace_regset_size(task, 1), sizeof(struct user_regs_struct));
	IS(utrace_regset_get(task, 1, 0, 8, &value), 0);
	/* Outside the set, also by a sum that wraps. */
	IS(utrace_regset_get(task, 1, sizeof(struct user_regs_struct) - 7, 8, &value), -EINVAL);
	IS(utrace_regset_get(task, 1, (size_t)-1, 8, &value), -EINVAL);
	IS(utrace_regset_set(task, 1, (size_t)-7, 8, &value), -EINVAL);
	IS(utrace_regset_get(task, 1, 0, (size_t)-1, &value), -EINVAL);
	IS(utrace_regset_set(task, 1, 0, (size_t)1 << 40, &value), -EINVAL);
	/* No such set. */
	IS(utrace_regset_size(task, 0x7777), -EOPNOTSUPP);
	IS(utrace_regset_get(task, 0x7777, 0, 8, &value), -EOPNOTSUPP);
	IS(utrace_task_memory(task, 0, NULL, 1, 0), -EINVAL);
	IS(utrace_task_memory(task, 0, &byte, 1, 0), -EFAULT);
	IS(utrace_task_memory(task, 0, &byte, 1, 1), -EFAULT);
	IS(utrace_task_memory(task, 0, &byte, (size_t)-1, 0), -EINVAL);
	IS(access_process_vm(task, 0, &byte, 1, 0), 0);
	IS(utrace_task_comm(task, NULL), -EINVAL);
	IS(utrace_task_syscall(task, NULL, &value, 7, NULL, NULL), -EINVAL);
	IS(utrace_regs_arguments(NULL, 0, 1, &value), -EINVAL);
	IS(utrace_regs_arguments(&regs, 6, 1, &value), -EINVAL);
	IS(utrace_regs_arguments(&regs, (unsigned int)-1, 2, &value), -EINVAL);
	IS(utrace_regs_set_arguments(&regs, 0, 1, NULL), -EINVAL);
	IS(utrace_regs_arch(NULL), 0);
	IS(utrace_task_signal(task, 0), -EINVAL);
	IS(utrace_task_signal(task, 65), -EINVAL);
	IS(utrace_task_signal(task, -1), -EINVAL);
	utrace_engine_put(engine);
	end(process);
}

static void hosts(void)
{
	char *nothing[] = { NULL };
	char *missing[] = { (char *)"/no/such/program", NULL };
	char *directory[] = { (char *)"/etc", NULL };
	char *unnamed[] = { (char *)"no-such-program-here", NULL };
	char *script[] = { self, (char *)"child", (char *)"0", NULL };
	struct utrace_process *process;

	IS_POINTER(utrace_launch(host, NULL, NULL, 0, NULL, NULL), -EINVAL);
	IS_POINTER(utrace_launch(host, nothing, NULL, 0, NULL, NULL), -EINVAL);
	IS_POINTER(utrace_launch(host, script, NULL, 0x40, NULL, NULL), -EINVAL);
	IS_POINTER(utrace_launch(host, missing, NULL, 0, NULL, NULL), -ENOENT);
	IS_POINTER(utrace_launch(host, unnamed, NULL, 0, NULL, NULL), -ENOENT);
	IS_POINTER(utrace_launch(host, directory, NULL, 0, NULL, NULL), -EACCES);
	IS_POINTER(utrace_attach_process(host, 0, NULL, NULL), -ESRCH);
	IS_POINTER(utrace_attach_process(host, -1, NULL, NULL), -ESRCH);
	IS_POINTER(utrace_attach_process(host, 1 << 23, NULL, NULL), -ESRCH);
	IS_POINTER(utrace_attach_process(host, getpid(), NULL, NULL), -EPERM);
	process = child("pause", NULL, NULL);
	IS_POINTER(utrace_attach_process(host, utrace_process_id(process), NULL, NULL), -EEXIST);
	IS(utrace_process_ended(process, NULL), -EINPROGRESS);
	IS(utrace_host_for_each_task(host, NULL, NULL), -EINVAL);
	end(process);
	/* After its end, a host is none. */
	IS(utrace_host_stop(host), 0);
	IS(utrace_host_stop(host), -EINVAL);
	IS_POINTER(utrace_launch(host, script, NULL, 0, NULL, NULL), -EINVAL);
	host = utrace_host_start(NULL, NULL);
	IS(IS_ERR(host), 0);
}

/* Any number in the place of an enum, and any bits in a mask. */
static void numbers(void)
{
	struct utrace_process *process = child("pause", NULL, NULL);
	struct task_struct *task = utrace_process_task(process);
	struct utrace_engine *engine = attach(task, &none, NULL);
	int i;

	for (i = 7; i < 300; i++)
		IS(utrace_control(task, engine, (enum utrace_resume_action)i), -EINVAL);
	IS(utrace_control(task, engine, (enum utrace_resume_action)0x7fffffff), -EINVAL);
	IS(utrace_set_events(task, engine, ~0UL << 14), 0);
	IS(engine->flags, 0);
	IS(utrace_set_events(task, engine, ~0UL), 0);
	IS(engine->flags, (1 << 14) - 1);
	for (i = 0; i < 32; i++)
		if (!(0x33 & 1 << i))
			IS_POINTER(utrace_attach_task(task, 1 << i, &none, NULL), -EINVAL);
	utrace_engine_put(engine);
	end(process);
}

static const struct scene scenes[] = {
	{ "null", null },       { "foreign", foreign }, { "stale", stale }, { "buffers", buffers }, { "hosts", hosts },
	{ "numbers", numbers }, { NULL, NULL },
};

int main(int argc, char *argv[])
{
	return play(argc, argv, scenes);
}
