/* What callbacks are given, and what becomes of their answers, on real threads. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/syscall.h>
#include "scene.h"

static const struct utrace_engine_ops none;

/* Runs a child of this program to its end with this engine on it from before its exec; answers its wait status. */
struct plan {
	const struct utrace_engine_ops *ops;
	unsigned long events;
	void *data;
};

static void adopt(struct task_struct *task, void *data)
{
	const struct plan *plan = data;
	struct utrace_engine *engine = attach(task, plan->ops, plan->data);

	IS(utrace_set_events(task, engine, plan->events), 0);
	utrace_engine_put(engine);
}

static int run_with(const char *does, const struct utrace_engine_ops *ops, unsigned long events, void *data)
{
	struct plan plan = { ops, events, data };
	struct utrace_process *process = child(does, adopt, &plan);
	int status = -1;

	IS(utrace_process_wait(process, &status), 0);
	utrace_process_put(process);
	IS(utrace_host_wait_idle(host), 0);
	return status;
}

/* ---- what children do; the rest is in scene.h ---- */

static int handled;

static void on_signal(int signal)
{
	handled = signal;
}

static int more(const char *does)
{
	if (!strcmp(does, "getppid"))
		return (int)syscall(SYS_getppid, 1, 2, 3, 4, 5, 6) == 77 ? 5 : 6;
	if (!strcmp(does, "mkdir"))
		return syscall(SYS_mkdir, "/no/such/place", 0) == -1 && errno == ENOSYS ? 5 : 6;
	if (!strcmp(does, "write"))
		return write(1 << 20, "from the child", 15) == 15 ? 5 : 6;
	if (!strcmp(does, "usr1")) {
		signal(SIGUSR1, on_signal);
		raise(SIGUSR1);
		return handled;
	}
	if (!strcmp(does, "term")) {
		raise(SIGTERM);
		return 5;
	}
	if (!strcmp(does, "fork")) {
		pid_t pid = fork();
		int status = 0;

		if (!pid)
			_exit(3);
		waitpid(pid, &status, 0);
		return WEXITSTATUS(status);
	}
	return -1;
}

/* ---- registers ---- */

static int seen;

static u32 getppid_entry(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	unsigned long args[6];
	struct user_regs_struct all;
	int i;

	(void)engine;
	if (syscall_get_nr(current, regs) != SYS_getppid)
		return utrace_syscall_action(action) | UTRACE_RESUME;
	seen++;
	IS(utrace_regs_arch(regs), 0xc000003e);
	syscall_get_arguments(current, regs, 0, 6, args);
	for (i = 0; i < 6; i++)
		IS(args[i], i + 1);
	IS(utrace_get_regs(current, &all), 0);
	IS(all.orig_rax, SYS_getppid);
	IS(all.rip == regs->ip && all.rsp == regs->sp && all.rbx == regs->bx, 1);
	IS(instruction_pointer(regs) == all.rip && user_stack_pointer(regs) == all.rsp, 1);
	IS(utrace_regset_get(current, 1, offsetof(struct user_regs_struct, orig_rax), 8, args), 0);
	IS(args[0], SYS_getppid);
	/* Another call, with an argument of ours: getpgid(-1) fails. */
	regs->orig_ax = SYS_getpgid;
	args[0] = (unsigned long)-1;
	syscall_set_arguments(current, regs, 0, 1, args);
	return UTRACE_SYSCALL_RUN | UTRACE_RESUME;
}

static u32 getppid_exit(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	(void)action;
	(void)engine;
	if (syscall_get_nr(current, regs) != SYS_getpgid)
		return UTRACE_RESUME;
	seen += 10;
	IS(syscall_get_error(current, regs), -ESRCH);
	syscall_set_return_value(current, regs, 0, 77);
	return UTRACE_RESUME;
}

static void registers(void)
{
	static const struct utrace_engine_ops ops = { .report_syscall_entry = getppid_entry,
						      .report_syscall_exit = getppid_exit };

	IS(run_with("getppid", &ops, UTRACE_EVENT_SYSCALL, NULL), 5 << 8);
	IS(seen, 11);
}

/* ---- abort, and the last word ---- */

static int verdict;

static u32 mkdir_entry(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	if (syscall_get_nr(current, regs) != SYS_mkdir)
		return utrace_syscall_action(action) | UTRACE_RESUME;
	/* Entry is told to the last attached first: engine 2 aborts, 1 is shown that, and has the last word. */
	if (engine->data == (void *)2) {
		IS(utrace_syscall_action(action), UTRACE_SYSCALL_RUN);
		return UTRACE_SYSCALL_ABORT | UTRACE_RESUME;
	}
	IS(utrace_syscall_action(action), UTRACE_SYSCALL_ABORT);
	return (verdict ? UTRACE_SYSCALL_RUN : utrace_syscall_action(action)) | UTRACE_RESUME;
}

static const struct utrace_engine_ops aborts = { .report_syscall_entry = mkdir_entry };

static void adopt_two(struct task_struct *task, void *data)
{
	struct utrace_engine *engine;
	long i;

	(void)data;
	for (i = 1; i <= 2; i++) {
		engine = attach(task, &aborts, (void *)i);
		IS(utrace_set_events(task, engine, UTRACE_EVENT(SYSCALL_ENTRY)), 0);
		utrace_engine_put(engine);
	}
}

static void abort_(void)
{
	struct utrace_process *process;
	int status;

	for (verdict = 0; verdict < 2; verdict++) {
		process = child("mkdir", adopt_two, NULL);
		IS(utrace_process_wait(process, &status), 0);
		/* Skipped: -ENOSYS. Run after all: -ENOENT. */
		IS(status, (verdict ? 6 : 5) << 8);
		utrace_process_put(process);
	}
	IS(utrace_host_wait_idle(host), 0);
}

/* ---- memory ---- */

static char wrote[16];

static u32 write_entry(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	unsigned long args[3];

	(void)action;
	(void)engine;
	if (syscall_get_nr(current, regs) != SYS_write)
		return UTRACE_RESUME;
	syscall_get_arguments(current, regs, 0, 3, args);
	if (args[0] != 1 << 20)
		return UTRACE_RESUME;
	IS(access_process_vm(current, args[1], wrote, (int)args[2], 0), 15);
	/* Its text is read-only; a tracer may write there. */
	IS(access_process_vm(current, args[1], (void *)(uintptr_t)"FROM", 4, 1), 4);
	IS(access_process_vm(current, args[1], wrote + 10, 4, 0), 4);
	syscall_set_return_value(current, regs, 0, 15);
	return UTRACE_SYSCALL_ABORT | UTRACE_RESUME;
}

static void memory(void)
{
	static const struct utrace_engine_ops ops = { .report_syscall_entry = write_entry };

	/* The result that stands in the registers when a call is skipped is what the program gets. */
	IS(run_with("write", &ops, UTRACE_EVENT(SYSCALL_ENTRY), NULL), 5 << 8);
	IS(strncmp(wrote, "from the cFROM", 14), 0);
}

/* ---- signals ---- */

struct signals {
	unsigned int shown; /* the action that was shown */
	unsigned int answer;
	void (*handler)(int); /* for *return_ka, if answer is DELIVER */
	void (*orig)(int);
	int number, rewrite;
	bool used;
};

static u32 signal_report(u32 action, struct utrace_engine *engine, struct pt_regs *regs, siginfo_t *info,
			 const struct k_sigaction *orig_ka, struct k_sigaction *return_ka)
{
	struct signals *signals = engine->data;

	if (!orig_ka || signals->used)
		return utrace_signal_action(action) | UTRACE_RESUME;
	signals->used = true;
	signals->shown = utrace_signal_action(action);
	signals->number = info->si_signo;
	signals->orig = orig_ka->sa.sa_handler;
	IS(info->si_code, SI_TKILL);
	IS(info->si_pid, task_pid_nr(current));
	IS(regs->ip != 0, 1);
	if (signals->rewrite)
		info->si_signo = signals->rewrite;
	if (signals->handler)
		return_ka->sa.sa_handler = signals->handler == SIG_ERR ? SIG_DFL : signals->handler;
	return signals->answer | UTRACE_RESUME;
}

static const struct utrace_engine_ops signal_ops = { .report_signal = signal_report };

static void signals(void)
{
	struct signals caught = { .answer = UTRACE_SIGNAL_DELIVER }, term = { .answer = UTRACE_SIGNAL_TERM };
	struct signals dropped = { .answer = UTRACE_SIGNAL_IGN }, core = { .answer = UTRACE_SIGNAL_CORE };

	/* The child answers with the number that its handler got. */
	IS(run_with("usr1", &signal_ops, UTRACE_EVENT(SIGNAL), &caught), SIGUSR1 << 8);
	IS(caught.shown, UTRACE_SIGNAL_DELIVER);
	IS(caught.number, SIGUSR1);
	IS(caught.orig != SIG_DFL && caught.orig != SIG_IGN, 1);
	IS(run_with("usr1", &signal_ops, UTRACE_EVENT(SIGNAL), &dropped), 0);
	IS(run_with("term", &signal_ops, UTRACE_EVENT(SIGNAL_TERM), &term), SIGTERM);
	IS(term.shown, UTRACE_SIGNAL_TERM);
	IS(term.orig == SIG_DFL, 1);
	dropped.used = false;
	IS(run_with("term", &signal_ops, UTRACE_EVENT(SIGNAL_TERM), &dropped), 5 << 8);
	/* One that dumps core instead of one that does not, as far as a core may be written here. */
	IS(run_with("term", &signal_ops, UTRACE_EVENT(SIGNAL_TERM), &core) & 0x7f, SIGTERM);
	/* Not asked for: not told. */
	caught.used = false;
	IS(run_with("usr1", &signal_ops, UTRACE_EVENT(SIGNAL_TERM), &caught), SIGUSR1 << 8);
	IS(caught.used, 0);
}

/* A signal that is dropped and stopped on is found again, whole, in the report that an interrupt makes. */

static sem_t reported;
static int signal_reports;

static u32 stops_on_it(u32 action, struct utrace_engine *engine, struct pt_regs *regs, siginfo_t *info,
		       const struct k_sigaction *orig_ka, struct k_sigaction *return_ka)
{
	(void)engine;
	(void)regs;
	(void)return_ka;
	if (orig_ka && info->si_signo == SIGTERM) {
		IS(utrace_signal_action(action), UTRACE_SIGNAL_TERM);
		sem_post(&reported);
		return UTRACE_SIGNAL_IGN | UTRACE_STOP;
	}
	if (utrace_signal_action(action) != UTRACE_SIGNAL_REPORT || !info->si_signo)
		return utrace_signal_action(action) | UTRACE_RESUME;
	signal_reports++;
	IS_POINTER(orig_ka, 0);
	IS(info->si_signo, SIGTERM);
	IS(info->si_pid, task_pid_nr(current));
	return UTRACE_SIGNAL_TERM | UTRACE_RESUME;
}

static void adopt_and_keep(struct task_struct *task, void *data)
{
	static const struct utrace_engine_ops ops = { .report_signal = stops_on_it };
	struct utrace_engine **engine = data;

	*engine = attach(task, &ops, NULL);
	IS(utrace_set_events(task, *engine, UTRACE_EVENT(SIGNAL_TERM)), 0);
}

static void reexamined(void)
{
	struct utrace_engine *engine;
	struct utrace_process *process;
	int status;

	sem_init(&reported, 0, 0);
	process = child("term", adopt_and_keep, &engine);
	wait_for(&reported);
	IS(utrace_barrier(utrace_process_task(process), engine), 0);
	until_stopped(utrace_process_task(process));
	IS(utrace_set_events(utrace_process_task(process), engine, UTRACE_EVENT(SIGNAL_TERM) | UTRACE_EVENT(QUIESCE)), 0);
	IS(utrace_control(utrace_process_task(process), engine, UTRACE_INTERRUPT), 0);
	IS(utrace_process_wait(process, &status), 0);
	IS(status, SIGTERM);
	IS(signal_reports, 1);
	utrace_engine_put(engine);
	utrace_process_put(process);
	IS(utrace_host_wait_idle(host), 0);
}

/* A step from a signal's delivery is reported once its handler is set up, before the handler runs. */

static int handler_reports;
static unsigned long handler_ip, delivered_ip;

static u32 steps_in(u32 action, struct utrace_engine *engine, struct pt_regs *regs, siginfo_t *info,
		    const struct k_sigaction *orig_ka, struct k_sigaction *return_ka)
{
	(void)engine;
	(void)return_ka;
	if (orig_ka && info->si_signo == SIGUSR1) {
		delivered_ip = regs->ip;
		return UTRACE_SIGNAL_DELIVER | UTRACE_SINGLESTEP;
	}
	if (utrace_signal_action(action) == UTRACE_SIGNAL_HANDLER) {
		handler_reports++;
		handler_ip = regs->ip;
	}
	return utrace_signal_action(action) | UTRACE_RESUME;
}

static void into_handler(void)
{
	static const struct utrace_engine_ops ops = { .report_signal = steps_in };

	IS(run_with("usr1", &ops, UTRACE_EVENT_SIGNAL_ALL | UTRACE_EVENT(QUIESCE), NULL), SIGUSR1 << 8);
	IS(handler_reports, 1);
	IS(handler_ip != 0 && handler_ip != delivered_ip, 1);
}

static void rewritten(void)
{
	struct signals other = { .answer = UTRACE_SIGNAL_TERM, .rewrite = SIGHUP };
	struct signals by_default = { .answer = UTRACE_SIGNAL_DELIVER, .handler = SIG_ERR };
	struct signals ignored = { .answer = UTRACE_SIGNAL_DELIVER, .handler = SIG_IGN };

	IS(run_with("term", &signal_ops, UTRACE_EVENT(SIGNAL_TERM), &other), SIGHUP);
	/* The disposition that the callback leaves counts, for this once. */
	IS(run_with("usr1", &signal_ops, UTRACE_EVENT(SIGNAL), &by_default), SIGUSR1);
	IS(run_with("usr1", &signal_ops, UTRACE_EVENT(SIGNAL), &ignored), 0);
}

/* ---- clone, exec, exit, job control ---- */

static int clones, execs;
static unsigned long flags_seen;
static pid_t born;
static char exec_name[64], exec_interp[256];

static u32 clone_report(u32 action, struct utrace_engine *engine, unsigned long clone_flags, struct task_struct *task)
{
	(void)action;
	(void)engine;
	clones++;
	flags_seen = clone_flags;
	born = task_pid_nr(task);
	IS(task != current, 1);
	IS(same_thread_group(task, current), !!(clone_flags & CLONE_THREAD));
	IS(thread_group_leader(task), !(clone_flags & CLONE_THREAD));
	return UTRACE_RESUME;
}

static u32 exec_report(u32 action, struct utrace_engine *engine, const struct linux_binfmt *fmt,
		       const struct linux_binprm *bprm, struct pt_regs *regs)
{
	char comm[TASK_COMM_LEN];

	(void)action;
	(void)engine;
	execs++;
	IS_POINTER(fmt, 0);
	IS(regs->ip != 0, 1);
	snprintf(exec_name, sizeof(exec_name), "%s", bprm->filename);
	snprintf(exec_interp, sizeof(exec_interp), "%s", bprm->interp);
	IS(get_task_comm(comm, current) == comm, 1);
	IS(strlen(comm) > 0, 1);
	return UTRACE_RESUME;
}

static void exec_and_clone(void)
{
	static const struct utrace_engine_ops ops = { .report_clone = clone_report, .report_exec = exec_report };
	char own[256] = "";

	IS(run_with("fork", &ops, UTRACE_EVENT(CLONE) | UTRACE_EVENT(EXEC), NULL), 3 << 8);
	IS(clones, 1);
	IS(execs, 1);
	/* The signal that the parent gets is part of the flags. */
	IS(flags_seen & 0xff, SIGCHLD);
	IS(flags_seen & CLONE_THREAD, 0);
	IS(born > 0, 1);
	IS(strcmp(exec_name, "/proc/self/exe"), 0);
	IS(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0, 1);
	IS(strcmp(exec_interp, own), 0);
}

static long exit_code;
static int exits, stopped, continued;

static u32 exit_report(u32 action, struct utrace_engine *engine, long orig_code, long *code)
{
	(void)action;
	(void)engine;
	exits++;
	exit_code = orig_code;
	IS(*code, orig_code);
	return UTRACE_RESUME;
}

static u32 jctl_report(u32 action, struct utrace_engine *engine, int type, int notify)
{
	(void)action;
	(void)engine;
	if (type == CLD_STOPPED)
		stopped++;
	if (type == CLD_CONTINUED)
		continued++;
	IS(notify == 0 || notify == type, 1);
	if (type == CLD_STOPPED)
		kill(task_tgid_nr(current), SIGCONT);
	return UTRACE_RESUME;
}

static void exit_and_jctl(void)
{
	static const struct utrace_engine_ops ops = { .report_exit = exit_report,
						      .report_jctl = jctl_report,
						      .report_exec = exec_report };
	struct plan plan = { &ops, UTRACE_EVENT(EXIT) | UTRACE_EVENT(JCTL) | UTRACE_EVENT(EXEC), NULL };
	struct utrace_process *process;
	int status;

	IS(run_with("9", &ops, UTRACE_EVENT(EXIT), NULL), 9 << 8);
	IS(exits, 1);
	IS(exit_code, 9 << 8);
	execs = 0;
	process = child("pause", adopt, &plan);
	/* What happens before its execve is the library's own. */
	while (!*(volatile int *)&execs)
		sched_yield();
	kill(utrace_process_id(process), SIGSTOP);
	while (!*(volatile int *)&continued)
		sched_yield();
	IS(stopped, 1);
	kill(utrace_process_id(process), SIGTERM);
	IS(utrace_process_wait(process, &status), 0);
	IS(status, SIGTERM);
	IS(exit_code, SIGTERM);
	utrace_process_put(process);
	IS(utrace_host_wait_idle(host), 0);
}

/* ---- detach and release ---- */

static int released, late_calls;
static struct utrace_engine *own;

static void count_release(void *data)
{
	(void)data;
	released++;
}

static u32 detaches(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	(void)action;
	(void)regs;
	late_calls++;
	/* A reference of our own keeps data after the detach. */
	if (engine->data) {
		utrace_engine_get(engine);
		own = engine;
	}
	return UTRACE_DETACH;
}

static void detach_and_release(void)
{
	static const struct utrace_engine_ops ops = { .report_syscall_entry = detaches, .release = count_release };
	struct utrace_process *process;
	struct utrace_engine *engine;

	IS(run_with("7", &ops, UTRACE_EVENT(SYSCALL_ENTRY), NULL), 7 << 8);
	IS(late_calls, 1);
	IS(released, 1);
	IS(run_with("7", &ops, UTRACE_EVENT(SYSCALL_ENTRY), &released), 7 << 8);
	IS(late_calls, 2);
	IS(released, 1);
	IS(own->data == &released, 1);
	IS(own->flags, 0);
	utrace_engine_put(own);
	IS(released, 2);
	/* By the controller, with its own reference the last. */
	process = child("pause", NULL, NULL);
	engine = attach(utrace_process_task(process), &ops, NULL);
	IS(utrace_detach_sync(utrace_process_task(process), engine), 0);
	IS(released, 2);
	utrace_engine_put(engine);
	IS(released, 3);
	/* A failed attach owes none. */
	engine = attach(utrace_process_task(process), &ops, NULL);
	IS_POINTER(utrace_attach_task(utrace_process_task(process), UTRACE_ATTACH_CREATE | UTRACE_ATTACH_EXCLUSIVE, &ops,
				      NULL),
		   -EEXIST);
	IS(released, 3);
	utrace_engine_put(engine);
	end(process);
	/* By the reap. */
	IS(released, 4);
}

/* ---- attaching to a running process, all its threads; and what a sleeper tells ---- */

static void *sleeps(void *data)
{
	sem_post(data);
	for (;;)
		pause();
	return NULL;
}

static int adopted;

static void count_task(struct task_struct *task, void *data)
{
	IS(utrace_task_tgid(task), *(pid_t *)data);
	IS_POINTER(utrace_current(), 0);
	adopted++;
}

static void threads(void)
{
	struct utrace_process *process;
	unsigned long args[6], sp = 0, pc = 0;
	struct task_struct *task;
	long number = 0;
	int status, ready[2];
	char byte;
	pid_t pid;

	IS(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		pthread_t thread;
		sem_t started;

		sem_init(&started, 0, 0);
		for (int i = 0; i < 3; i++)
			pthread_create(&thread, NULL, sleeps, &started);
		for (int i = 0; i < 3; i++)
			wait_for(&started);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		sleeps(&started);
	}
	IS(read(ready[0], &byte, 1), 1);
	process = utrace_attach_process(host, pid, count_task, &pid);
	IS(IS_ERR(process), 0);
	IS(adopted, 4);
	IS(utrace_process_id(process), pid);
	task = utrace_process_task(process);
	IS(task_pid_nr(task), pid);
	adopted = 0;
	IS(utrace_host_for_each_task(host, count_task, &pid), 4);
	IS(adopted, 4);
	/* It sleeps, or is about to: nobody stopped it. */
	while ((status = task_current_syscall(task, &number, args, 6, &sp, &pc)) == -EAGAIN || number != SYS_pause)
		sched_yield();
	IS(status, 0);
	IS(sp != 0 && pc != 0, 1);
	IS(utrace_task_is_stopped(task), 0);
	IS(send_sig(SIGTERM, task, 1), 0);
	IS(utrace_process_wait(process, &status), 0);
	IS(status, SIGTERM);
	utrace_process_put(process);
	IS(utrace_host_wait_idle(host), 0);
	waitpid(pid, NULL, 0);
}

/* One process is left while the host goes on; what was launched behind a filter cannot be. */
static void left(void)
{
	char *argv[] = { self, (char *)"child", (char *)"pause", NULL };
	struct utrace_process *stays = child("pause", NULL, NULL), *goes;
	struct utrace_engine *engine;
	struct task_struct *task;
	int status;

	goes = utrace_launch(host, argv, NULL, UTRACE_LAUNCH_KEEP, NULL, NULL);
	IS(IS_ERR(goes), 0);
	task = utrace_process_task(goes);
	engine = attach(task, &none, NULL);
	IS(utrace_set_events(task, engine, UTRACE_EVENT(EXIT)), 0);
	IS(utrace_detach_process(goes), 0);
	IS(utrace_process_wait(goes, &status), -ECHILD);
	IS(utrace_detach_process(goes), -ESRCH);
	IS(utrace_set_events(task, engine, 0), -ESRCH);
	IS(kill(utrace_process_id(goes), 0), 0);
	IS(kill(utrace_process_id(goes), SIGKILL), 0);
	utrace_engine_put(engine);
	utrace_process_put(goes);
	IS(utrace_process_ended(stays, &status), -EINPROGRESS);
	end(stays);
}

/* A pid attaches by itself; it and its task are found again by each other. */
static void pids(void)
{
	pid_t child_id = fork();
	struct task_struct *task, *same;
	struct utrace_engine *engine;
	struct pid *pid;

	if (!child_id)
		for (;;)
			pause();
	IS_POINTER(utrace_task_find(child_id), 0);
	pid = find_get_pid(child_id);
	IS(pid_nr(pid), child_id);
	IS_POINTER(get_pid_task(pid, PIDTYPE_PID), 0);
	IS_POINTER(utrace_attach_pid(pid, 0, NULL, NULL), -ESRCH);
	engine = utrace_attach_pid(pid, UTRACE_ATTACH_CREATE, &none, NULL);
	IS(IS_ERR(engine), 0);
	task = get_pid_task(pid, PIDTYPE_PID);
	IS(task != NULL, 1);
	same = find_get_task_by_vpid(child_id);
	IS(same == task, 1);
	IS(pid_nr(task_pid(task)), child_id);
	IS(task_tgid_vnr(task), child_id);
	IS(utrace_set_events_pid(pid, engine, UTRACE_EVENT(EXIT)), 0);
	put_task_struct(same);
	kill(child_id, SIGKILL);
	/* A wait of ours would take the library's news of it. */
	IS(utrace_host_wait_idle(host), 0);
	IS_POINTER(get_pid_task(pid, PIDTYPE_PID), 0);
	IS(utrace_set_events_pid(pid, engine, 0), -ESRCH);
	IS(pid_nr(pid), child_id);
	utrace_engine_put(engine);
	put_task_struct(task);
	put_pid(pid);
	IS(utrace_pid_number(pid), -ESRCH);
}

static const struct scene scenes[] = {
	{ "registers", registers },
	{ "abort", abort_ },
	{ "memory", memory },
	{ "signals", signals },
	{ "rewritten", rewritten },
	{ "reexamined", reexamined },
	{ "into_handler", into_handler },
	{ "exec_and_clone", exec_and_clone },
	{ "exit_and_jctl", exit_and_jctl },
	{ "detach_and_release", detach_and_release },
	{ "threads", threads },
	{ "pids", pids },
	{ "left", left },
	{ NULL, NULL },
};

int main(int argc, char *argv[])
{
	int done;

	if (argc == 3 && !strcmp(argv[1], "child")) {
		done = more(argv[2]);
		if (done >= 0)
			return done;
	}
	return play(argc, argv, scenes);
}
