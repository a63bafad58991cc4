/*
 * utrace.h - the C interface of utrace: several tracers ("engines") on one thread, in user space.
 *
 * Names, values and error numbers are those of the kernel facility of 2006 to 2011 (API version 20091216), so
 * that a client of it ports by changing its includes. What a kernel gives for free and a program does not
 * (tasks, registers, memory, how to start tracing at all) has names of its own here: everything that the
 * library exports begins with utrace_; the kernel's own names (current, task_pid_nr, IS_ERR ...) are inline
 * functions and macros at the end of this file, left out if UTRACE_NO_KERNEL_NAMES is defined.
 *
 *   gcc client.c $(pkg-config --cflags --libs utrace)
 *
 * C99 or later, C++11 or later; where a strict dialect (-std=c99) hides POSIX, include it before other headers
 * or compile with -D_POSIX_C_SOURCE=200809L. Cannot share a file with <asm/ptrace.h> or <linux/ptrace.h> that
 * is included later: those name another struct pt_regs. <sys/ptrace.h> and <sys/user.h> are no trouble.
 *
 * THREADS. Every function may be called from any thread at any time, from callbacks too, unless it says
 * otherwise. Callbacks of all tasks of one host are made by one thread of the library, one after the other. A
 * callback must not block: everything traced by that host waits for it. It must not leave by longjmp() or by a
 * C++ exception.
 *
 * WAITING. The library waits for what it traces, in a thread of its own. A wait(2) of the program for such a
 * process, or for any child, takes that news away: the traced process then hangs. Wait with
 * utrace_process_wait(), and for other children by their id or with __WNOTHREAD.
 *
 * POINTERS. A pointer to a task, engine, pid, host or process is looked up, never followed: NULL and one that
 * was given back (as long as its address is not in use again) get an error number. What is checked for an
 * engine or a host is -EINVAL, for a task, pid or process -ESRCH. A buffer that you pass must be as large as
 * you say.
 *
 * ERRORS. int functions return 0 or a negative error number, pointer functions a pointer or an error pointer
 * (utrace_is_err(), utrace_ptr_err()). errno itself is not touched. -EIO from any function is a bug of the
 * library.
 *
 * MIT OR Apache-2.0.
 */
#ifndef UTRACE_H
#define UTRACE_H

/* A strict dialect of C shows nothing of POSIX unless asked, before the first header. */
#if defined(__STRICT_ANSI__) && !defined(_POSIX_C_SOURCE) && !defined(_XOPEN_SOURCE) && !defined(_GNU_SOURCE) && \
	!defined(_DEFAULT_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef SA_SIGINFO
#error "utrace.h needs siginfo_t: include it first, compile with -D_POSIX_C_SOURCE=200809L, or use -std=gnu99 or later"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define UTRACE_API_VERSION 20091216

#if defined(__GNUC__)
#define UTRACE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define UTRACE_MUST_CHECK
#endif

/* A wait was ended by a signal to the caller: call again. The kernel's number; no user-space header has it. */
#ifndef ERESTARTSYS
#define ERESTARTSYS 512
#endif

/* ---- Objects --------------------------------------------------------------------------------------------------- */

/*
 * One thread, alive or dead. A pointer is valid while you hold a reference (utrace_task_get()), while you hold
 * a reference on an engine that is or was attached to it, and during a callback that was given it. After that,
 * it is a stale pointer: calls answer -ESRCH. One thread has one such pointer, so pointers can be compared.
 */
struct task_struct;

/* The number of a thread, bound to that thread as soon as it is known: it never means another one later. */
struct pid;

/* One tracer thread of the library and everything that it traces. */
struct utrace_host;

/* A process that was launched or attached to, and how it ends. */
struct utrace_process;

/* Not used: report_exec() passes NULL. */
struct linux_binfmt;

/* What report_exec() can tell of the new program. Valid during the callback. */
struct linux_binprm {
	const char *filename; /* as execve was asked for it; a script's own name */
	const char *interp;   /* the file that runs: for a script, its interpreter */
};

/*
 * General registers, by the kernel's names. The order is that of struct user_regs_struct of <sys/user.h>, whose
 * size it has too. In a callback they may be changed: what differs when the callback returns is written to the
 * thread.
 */
#ifndef _ASM_X86_PTRACE_H
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di;
	unsigned long orig_ax; /* number of the system call that the thread is in */
	unsigned long ip, cs, flags, sp, ss;
	unsigned long fs_base, gs_base, ds, es, fs, gs;
};
#endif

/* The program's action for a signal. sa_mask, sa_flags and sa_restorer are filled as far as the host knows them. */
struct k_sigaction {
	struct sigaction sa;
};

/* What sa.sa_handler of an orig_ka says when the program has a handler whose address the host does not know. */
#define UTRACE_SIG_CAUGHT ((void (*)(int))2)

/* ---- Events ---------------------------------------------------------------------------------------------------- */

enum utrace_events {
	_UTRACE_EVENT_QUIESCE,       /* before any other callback of a report, and alone just before user mode */
	_UTRACE_EVENT_REAP,          /* the dead thread is released; the last callback */
	_UTRACE_EVENT_CLONE,         /* a child was made and has not run */
	_UTRACE_EVENT_EXEC,          /* a new program is loaded and has not run */
	_UTRACE_EVENT_EXIT,          /* the thread begins to exit, everything still there */
	_UTRACE_EVENT_DEATH,         /* the thread is dead */
	_UTRACE_EVENT_SYSCALL_ENTRY, /* a system call was asked for and has not run */
	_UTRACE_EVENT_SYSCALL_EXIT,  /* a system call returns */
	_UTRACE_EVENT_SIGNAL,        /* a signal whose handler will run */
	_UTRACE_EVENT_SIGNAL_IGN,    /* a signal without effect */
	_UTRACE_EVENT_SIGNAL_STOP,   /* a signal that stops the process */
	_UTRACE_EVENT_SIGNAL_TERM,   /* a signal that ends the process */
	_UTRACE_EVENT_SIGNAL_CORE,   /* a signal that ends the process with a core dump */
	_UTRACE_EVENT_JCTL,          /* a job control stop or continue is complete */
	_UTRACE_NEVENTS
};

/* The bit of an event: UTRACE_EVENT(EXEC) | UTRACE_EVENT(EXIT) is a mask for utrace_set_events(). */
#define UTRACE_EVENT(type) (1UL << _UTRACE_EVENT_##type)

#define UTRACE_EVENT_SYSCALL (UTRACE_EVENT(SYSCALL_ENTRY) | UTRACE_EVENT(SYSCALL_EXIT))

#define UTRACE_EVENT_SIGNAL_ALL \
	(UTRACE_EVENT(SIGNAL) | UTRACE_EVENT(SIGNAL_IGN) | UTRACE_EVENT(SIGNAL_STOP) | UTRACE_EVENT(SIGNAL_TERM) | \
	 UTRACE_EVENT(SIGNAL_CORE))

/* ---- Actions --------------------------------------------------------------------------------------------------- */

/*
 * What an engine wants of a task: callbacks return one, utrace_control() takes one. Of all engines' actions in
 * one report the smallest wins; UTRACE_DETACH takes no part.
 */
enum utrace_resume_action {
	UTRACE_STOP,       /* hold the task until this engine lets go */
	UTRACE_INTERRUPT,  /* report_signal() soon; ends a sleep as a stop signal would */
	UTRACE_REPORT,     /* some report before the thread is in user mode again; sleepers sleep on */
	UTRACE_SINGLESTEP, /* one instruction */
	UTRACE_BLOCKSTEP,  /* up to the next branch; one instruction where the machine cannot */
	UTRACE_RESUME,     /* nothing */
	UTRACE_DETACH,     /* drop this engine: no callback after this one */
	UTRACE_RESUME_MAX
};
#define UTRACE_RESUME_BITS 3
#define UTRACE_RESUME_MASK ((1 << UTRACE_RESUME_BITS) - 1)

/* What becomes of a signal: with a resume action in the argument and the return value of report_signal(). */
enum utrace_signal_action {
	UTRACE_SIGNAL_DELIVER = 0x00, /* as *return_ka says */
	UTRACE_SIGNAL_IGN = 0x10,     /* drop it */
	UTRACE_SIGNAL_TERM = 0x20,    /* end the process with it */
	UTRACE_SIGNAL_CORE = 0x30,    /* end the process with it and dump core */
	UTRACE_SIGNAL_STOP = 0x40,    /* stop the process, whatever else */
	UTRACE_SIGNAL_TSTP = 0x50,    /* stop the process as the terminal does */
	UTRACE_SIGNAL_REPORT = 0x60,  /* argument only: a report with no signal, that somebody asked for */
	UTRACE_SIGNAL_HANDLER = 0x70  /* argument only: a report with no signal, just after a handler was set up */
};
#define UTRACE_SIGNAL_MASK 0xf0
#define UTRACE_SIGNAL_HOLD 0x100 /* put the signal back, first in the thread's own queue */

/* Whether a system call runs: with a resume action in the argument and the return value of report_syscall_entry(). */
enum utrace_syscall_action {
	UTRACE_SYSCALL_RUN = 0x00,
	UTRACE_SYSCALL_ABORT = 0x10 /* skip it: it returns -ENOSYS, or what report_syscall_exit() makes of it */
};
#define UTRACE_SYSCALL_MASK 0xf0
#define UTRACE_SYSCALL_RESUMED 0x100 /* argument only: the same entry again, after a stop at it */

/* The resume action in a callback's action argument or return value. */
static inline enum utrace_resume_action utrace_resume_action(uint32_t action)
{
	return (enum utrace_resume_action)(action & UTRACE_RESUME_MASK);
}

/* The signal action in report_signal()'s action argument or return value. */
static inline enum utrace_signal_action utrace_signal_action(uint32_t action)
{
	return (enum utrace_signal_action)(action & UTRACE_SIGNAL_MASK);
}

/* The system call action in report_syscall_entry()'s action argument or return value. */
static inline enum utrace_syscall_action utrace_syscall_action(uint32_t action)
{
	return (enum utrace_syscall_action)(action & UTRACE_SYSCALL_MASK);
}

/* ---- Engines --------------------------------------------------------------------------------------------------- */

struct utrace_engine_ops;

/*
 * One tracer on one task. Made by utrace_attach_task(), never by you; more follows the members shown.
 *
 * One reference is held while the engine is attached; attaching and looking up give you one of your own. When
 * the last is gone, release(data) is called, once, in the thread that let go.
 */
struct utrace_engine {
	const struct utrace_engine_ops *ops; /* as it was attached with; read only */
	void *data;                          /* yours: read it and write it as you like */
	unsigned long flags;                 /* the event mask; 0 once the engine is detached; read only */
};

/*
 * The callbacks. Called for the events that were asked for with utrace_set_events(); one that is NULL counts as
 * one that returns UTRACE_RESUME, which ends a hold of this engine as any answer but UTRACE_STOP does. The
 * table is copied when the engine is attached; its address is what UTRACE_ATTACH_MATCH_OPS compares.
 *
 * action    what the engines called before this one want together, as a resume action, with the bits named
 * below engine    valid during the call; take a reference to keep it current   utrace_current() is the task,
 * but in report_reap()
 *
 * Each returns a resume action, with more bits where it says so. Order: as attached, for syscall entry the
 * other way round.
 */
struct utrace_engine_ops {
	/*
	 * Before each other callback (event: its bit), or alone just before user mode (event: 0). Asking for that
	 * event here has its callback made in the same report.
	 */
	uint32_t (*report_quiesce)(uint32_t action, struct utrace_engine *engine, unsigned long event);

	/*
	 * A signal is about to have its effect (never SIGKILL), or a report without a signal (see
	 * UTRACE_SIGNAL_REPORT, UTRACE_SIGNAL_HANDLER; for engines with QUIESCE). utrace_signal_action(action) is
	 * what would happen; return another to change it, or the same to leave it. UTRACE_SIGNAL_HOLD in the return
	 * value puts it back. info      may be changed, its number too orig_ka   the program's own action for the
	 * signal; NULL without a signal return_ka what UTRACE_SIGNAL_DELIVER will do: sa.sa_handler may be set to
	 * SIG_DFL or SIG_IGN for this one delivery If this is NULL, report_quiesce() is called instead.
	 */
	uint32_t (*report_signal)(uint32_t action, struct utrace_engine *engine, struct pt_regs *regs, siginfo_t *info,
				  const struct k_sigaction *orig_ka, struct k_sigaction *return_ka);

	/*
	 * The task made a child, which cannot run before the callback returns: attach to it here to follow it.
	 * clone_flags: as clone(2) takes them, exit signal included.
	 */
	uint32_t (*report_clone)(uint32_t action, struct utrace_engine *engine, unsigned long clone_flags,
				 struct task_struct *child);

	/* Job control: type is CLD_STOPPED or CLD_CONTINUED; notify the same if the parent is told, else 0. */
	uint32_t (*report_jctl)(uint32_t action, struct utrace_engine *engine, int type, int notify);

	/* A new program is loaded; regs are its first. fmt is NULL. */
	uint32_t (*report_exec)(uint32_t action, struct utrace_engine *engine, const struct linux_binfmt *fmt,
				const struct linux_binprm *bprm, struct pt_regs *regs);

	/*
	 * A system call has not run yet: orig_ax is its number, see utrace_regs_arguments(). Return
	 * UTRACE_SYSCALL_ABORT to skip it; to leave an earlier engine's choice, return
	 * utrace_syscall_action(action). UTRACE_STOP holds the task here; after it, UTRACE_REPORT or
	 * UTRACE_INTERRUPT by utrace_control() has this called again with UTRACE_SYSCALL_RESUMED.
	 */
	uint32_t (*report_syscall_entry)(uint32_t action, struct utrace_engine *engine, struct pt_regs *regs);

	/*
	 * A system call returns regs->ax, a negative error number for an error. May come without its entry.
	 * orig_ax is the call's number, also if it was skipped.
	 */
	uint32_t (*report_syscall_exit)(uint32_t action, struct utrace_engine *engine, struct pt_regs *regs);

	/*
	 * The thread begins to exit. Codes are wait(2) statuses; *code is what the parent sees, as far as the host
	 * can change it. UTRACE_STOP holds the thread here.
	 */
	uint32_t (*report_exit)(uint32_t action, struct utrace_engine *engine, long orig_code, long *code);

	/*
	 * The thread is dead. group_dead: it was the last of its process. signal: what the parent gets, -1 if the
	 * thread reaps itself. Only UTRACE_DETACH means anything here.
	 */
	uint32_t (*report_death)(struct utrace_engine *engine, bool group_dead, int signal);

	/* The dead thread is released. The engine is detached when this returns. */
	void (*report_reap)(struct utrace_engine *engine, struct task_struct *task);

	/* The last reference is gone: free data. The table's copy at the time of the attach is used. */
	void (*release)(void *data);
};

/* Flags of utrace_attach_task() and utrace_attach_pid(). */
#define UTRACE_ATTACH_MATCH_OPS 0x0001  /* look only at engines with the same ops */
#define UTRACE_ATTACH_MATCH_DATA 0x0002 /* look only at engines with the same data */
#define UTRACE_ATTACH_MATCH_MASK 0x000f
#define UTRACE_ATTACH_CREATE 0x0010    /* attach a new engine; without it, look one up */
#define UTRACE_ATTACH_EXCLUSIVE 0x0020 /* with CREATE: not if an engine matches */

/*
 * Attaches a new engine to a task (UTRACE_ATTACH_CREATE), or looks one up. Engines are looked up in the order
 * in which they were attached; with no MATCH flag any matches; one that is being detached never does. A new
 * engine is called for nothing until utrace_set_events() or utrace_control() is.
 *
 * Returns the engine with a reference that is yours: give it back with utrace_engine_put(). Or an error
 * pointer:
 *   -ENOENT  nothing matches (lookup)
 *   -EEXIST  an engine matches (UTRACE_ATTACH_EXCLUSIVE)
 *   -EINVAL  ops is NULL (CREATE); a flag that is none
 *   -EPERM   the task may not be traced
 *   -ESRCH   the task is gone: reaped, or left by its host; or no such task
 *   -ENOMEM  historic; here a lack of memory ends the program
 * After an error release() is not called.
 */
UTRACE_MUST_CHECK struct utrace_engine *utrace_attach_task(struct task_struct *task, int flags,
							   const struct utrace_engine_ops *ops, void *data);

/*
 * The same for the thread that a pid stands for. If no host traces it and UTRACE_ATTACH_CREATE is given, the
 * host that was started first attaches to its whole process before. Further errors:
 *   -ESRCH    nobody has this number, or nobody any more
 *   -EPERM    a kernel thread, or the process may not be traced by us
 *   -EBUSY    another tracer has it
 *   -EDEADLK  the host would have to attach, and this is a callback
 */
UTRACE_MUST_CHECK struct utrace_engine *utrace_attach_pid(struct pid *pid, int flags,
							  const struct utrace_engine_ops *ops, void *data);

/* Takes another reference on an engine. An engine that is none is left alone. */
void utrace_engine_get(struct utrace_engine *engine);

/* Gives back a reference. The last one calls release(). More puts than references are ignored while that can be told. */
void utrace_engine_put(struct utrace_engine *engine);

/*
 * Says which events an engine wants from now on: an or of UTRACE_EVENT()s. Other bits are ignored. Does not
 * wait.
 *   0             so it is: nothing that the mask leaves out is being called or will be
 *   -EINPROGRESS  so it is, but a callback that the new mask leaves out may be running now, the last such. Call again, or
 *                 utrace_barrier(). Never from the task's own callbacks, nor when only events were added
 *   -ESRCH        the engine is detached, or the task is being reaped
 *   -EALREADY     nothing changed: DEATH or QUIESCE cannot be asked for after death, nor declined during report_death()
 *   -EINVAL       no such engine, or it is not on this task
 */
UTRACE_MUST_CHECK int utrace_set_events(struct task_struct *task, struct utrace_engine *engine,
					unsigned long eventmask);

/*
 * Has the task do something for an engine (see enum utrace_resume_action). Does not wait. Issued while a
 * callback of the engine runs, it counts as if before what that callback returns. Any action but UTRACE_STOP
 * ends this engine's hold.
 *   0             done. UTRACE_STOP: it is stopped. UTRACE_DETACH: no callback runs or will
 *   -EINPROGRESS  UTRACE_STOP: it will stop soon. UTRACE_DETACH: a callback runs now, the last: see utrace_barrier()
 *   -ESRCH        the engine is detached, the task is dead or being reaped
 *   -EALREADY     UTRACE_DETACH during report_death(): its callbacks clean up
 *   -EINVAL       no such action; UTRACE_REPORT or a step for an engine without UTRACE_EVENT(QUIESCE); no such engine, or it is
 *                 not on this task
 *   -EOPNOTSUPP   a step, and the machine has none
 */
UTRACE_MUST_CHECK int utrace_control(struct task_struct *task, struct utrace_engine *engine,
				     enum utrace_resume_action action);

/*
 * Waits until no callback of an engine runs; does not wait for the task. Not to be called with a lock that
 * callbacks take.
 *   0             none runs, and what the last one returned is in force; or this is the task's own callback
 *   -ESRCH        the engine is detached, or the task is being reaped
 *   -ERESTARTSYS  a signal came: call again
 *   -EINVAL       no such engine, or it is not on this task
 */
UTRACE_MUST_CHECK int utrace_barrier(struct task_struct *task, struct utrace_engine *engine);

/* The three calls above for the thread that a pid stands for. -ESRCH also if that thread is gone. */
UTRACE_MUST_CHECK int utrace_set_events_pid(struct pid *pid, struct utrace_engine *engine, unsigned long eventmask);
UTRACE_MUST_CHECK int utrace_control_pid(struct pid *pid, struct utrace_engine *engine,
					 enum utrace_resume_action action);
UTRACE_MUST_CHECK int utrace_barrier_pid(struct pid *pid, struct utrace_engine *engine);

/* What utrace_prepare_examine() leaves for utrace_finish_examine(). The members are private. */
struct utrace_examiner {
	long state;
	unsigned long ncsw;
};

/*
 * Begins to look at a task that this engine holds stopped: after UTRACE_STOP was answered with 0, or after a
 * callback returned it. Look with utrace_get_regs(), utrace_regset_get() and utrace_task_memory(); then ask
 * utrace_finish_examine() whether it was all of one moment. Not needed, and 0, in the task's own callbacks.
 *   0        look
 *   -EINVAL  this engine does not hold the task; no such engine, or it is not on this task; exam is NULL
 *   -ESRCH   the task is dead
 *   -EAGAIN  it still runs: try again
 */
UTRACE_MUST_CHECK int utrace_prepare_examine(struct task_struct *task, struct utrace_engine *engine,
					     struct utrace_examiner *exam);

/*
 * Ends it.
 *   0        the task did not run in between: what was read is good
 *   -EAGAIN  it ran, or died: throw away what was read
 *   -EINVAL  as above
 */
UTRACE_MUST_CHECK int utrace_finish_examine(struct task_struct *task, struct utrace_engine *engine,
					    struct utrace_examiner *exam);

/*
 * utrace_set_events(), and waits for a callback that the new mask leaves out to end. (Proposed in 2009, never
 * merged.) As utrace_set_events(), but never -EINPROGRESS, and -ERESTARTSYS as utrace_barrier().
 */
UTRACE_MUST_CHECK int utrace_set_events_sync(struct task_struct *task, struct utrace_engine *engine,
					     unsigned long eventmask);

/*
 * Detaches an engine, and waits for a callback of it to end.
 *   0             all callbacks are over
 *   -ESRCH        report_reap() is running, ran or will run: it cleans up
 *   -ERESTARTSYS  a signal came: call again
 *   -EALREADY     only in the engine's own report_death(): return UTRACE_DETACH instead
 *   -EINVAL       no such engine, or it is not on this task
 */
UTRACE_MUST_CHECK int utrace_detach_sync(struct task_struct *task, struct utrace_engine *engine);

/* ---- Tasks and pids -------------------------------------------------------------------------------------------- */

/* The task whose callback the calling thread is in, NULL outside. Valid for the callback. */
struct task_struct *utrace_current(void);

/* Takes a reference on a task; gives it back. A pointer that is no task's is left alone. */
void utrace_task_get(struct task_struct *task);
void utrace_task_put(struct task_struct *task);

/* The task of the thread with this id, if a host traces it, with a reference that is yours; else NULL. */
struct task_struct *utrace_task_find(pid_t tid);

/* The thread's id, and its process's; -ESRCH if there is no such task. The last one that a dead thread had. */
pid_t utrace_task_tid(const struct task_struct *task);
pid_t utrace_task_tgid(const struct task_struct *task);

/* 1 if engines hold the task stopped now, 0 if not, -ESRCH if there is no such task. */
int utrace_task_is_stopped(const struct task_struct *task);

/* The short name of the task's program, up to 15 bytes and a NUL. 0, -EINVAL (buf is NULL), -ESRCH (gone, or no such task). */
int utrace_task_comm(const struct task_struct *task, char buf[16]);

/* The pid of a task; valid as long as the task pointer is. NULL if there is no such task. */
struct pid *utrace_task_pid(struct task_struct *task);

/*
 * The pid with this number, with a reference that is yours (utrace_pid_put()). Whether somebody has the number
 * shows when it is used: it is bound to a thread at once if that is traced, else when utrace_attach_pid()
 * attaches. NULL if no thread can have it.
 */
struct pid *utrace_pid_find(pid_t number);

/* Takes a reference on a pid; gives it back. */
void utrace_pid_get(struct pid *pid);
void utrace_pid_put(struct pid *pid);

/* The number; -ESRCH if there is no such pid. */
pid_t utrace_pid_number(const struct pid *pid);

/* The living task that a pid stands for, with a reference that is yours; NULL if there is none or it is not traced. */
struct task_struct *utrace_pid_task(struct pid *pid);

/* ---- Registers, memory, signals of a task ---------------------------------------------------------------------- */

/*
 * Memory of a living task: moves as many bytes as can be and returns how many. Works at any time, in callbacks
 * too; it is of one moment only if the task is held. write: nonzero to write, also where the program itself
 * cannot.
 *   -EFAULT  not even the first byte is there
 *   -ESRCH   the task is dead, left by its host, or none
 *   -EINVAL  buf is NULL
 */
ssize_t utrace_task_memory(struct task_struct *task, unsigned long address, void *buf, size_t size, int write);

/*
 * The task's general registers, as struct user_regs_struct of <sys/user.h>. In a callback, of its own task;
 * elsewhere of a task that is held stopped. In a callback that has regs, change those instead.
 *   0, -EAGAIN (it is not held), -ESRCH (dead or none), -EINVAL (regs is NULL)
 */
struct user_regs_struct;
UTRACE_MUST_CHECK int utrace_get_regs(struct task_struct *task, struct user_regs_struct *regs);
UTRACE_MUST_CHECK int utrace_set_regs(struct task_struct *task, const struct user_regs_struct *regs);

/*
 * A register set by its note type of <elf.h> (NT_PRSTATUS, NT_PRFPREG, NT_X86_XSTATE): size bytes from offset
 * on.
 *   0, -EINVAL (buf is NULL, or the range is not inside the set), -EOPNOTSUPP (no such set), -EAGAIN, -ESRCH as above
 */
UTRACE_MUST_CHECK int utrace_regset_get(struct task_struct *task, unsigned int note, size_t offset, size_t size,
					void *buf);
UTRACE_MUST_CHECK int utrace_regset_set(struct task_struct *task, unsigned int note, size_t offset, size_t size,
					const void *buf);

/* Size of a register set in bytes, or an error as above. */
ssize_t utrace_regset_size(struct task_struct *task, unsigned int note);

/* The six arguments of the system call in regs, counted from 0; for a 32-bit call, as that takes them. 0 or -EINVAL. */
int utrace_regs_arguments(const struct pt_regs *regs, unsigned int first, unsigned int count, unsigned long *values);
int utrace_regs_set_arguments(struct pt_regs *regs, unsigned int first, unsigned int count,
			      const unsigned long *values);

/*
 * Which table the number of the system call in regs is of: AUDIT_ARCH_X86_64 or AUDIT_ARCH_I386 of
 * <linux/audit.h>. Exact for the regs of a syscall callback; elsewhere by the mode that the thread is in. 0 if
 * regs is NULL.
 */
unsigned int utrace_regs_arch(const struct pt_regs *regs);

/* Sends a signal to the thread. 0, -EINVAL (no such signal), -ESRCH, or what tgkill(2) says. */
int utrace_task_signal(struct task_struct *task, int signal);

/*
 * The system call that a task sleeps or is stopped in, without stopping it; *number is -1 if it is in none. Any
 * of the pointers may be NULL. 0, -EAGAIN (it runs), -ESRCH (dead or none), -EINVAL (more than 6 arguments).
 */
int utrace_task_syscall(struct task_struct *task, long *number, unsigned long *args, unsigned int count,
			unsigned long *sp, unsigned long *pc);

/* ---- Hosts and processes: what a kernel had no need of --------------------------------------------------------- */

/* Hears what the library has to say of its own troubles, in a line of text. From threads of the library: do not block. */
typedef void (*utrace_notice_fn)(const char *message, void *data);

/* Is shown a task before it can report anything: the place to attach to it. Called like a callback; must not block. */
typedef void (*utrace_task_fn)(struct task_struct *task, void *data);

/*
 * Starts a host. notice may be NULL. End it with utrace_host_stop(). Several may run; a process belongs to one.
 * Errors: what the system said, where nothing can be traced at all.
 */
UTRACE_MUST_CHECK struct utrace_host *utrace_host_start(utrace_notice_fn notice, void *data);

/*
 * Leaves everything that the host traces, ends its thread and frees it. Attached processes go on as if nothing
 * had been; launched ones are killed, or go on (UTRACE_LAUNCH_KEEP). Engines are detached without a death or
 * reap callback.
 *   0, -EINVAL (no such host), -EDEADLK (from a callback)
 */
int utrace_host_stop(struct utrace_host *host);

/* Waits until the host traces nothing any more. 0, -EINVAL (no such host), -EDEADLK (from a callback). */
int utrace_host_wait_idle(struct utrace_host *host);

/* Calls fn for every task that the host traces now, in the calling thread. The number of calls, or -EINVAL. */
int utrace_host_for_each_task(struct utrace_host *host, utrace_task_fn fn, void *data);

/* The launched tree lives on untraced when the host ends; without it, it dies. Costs the seccomp filter's speed. */
#define UTRACE_LAUNCH_KEEP 0x0001

/*
 * Launches a program, found along PATH as execvp(3) does; envp may be NULL for ours. adopt (or NULL) is shown
 * its task before its execve, which is the first system call reported. Children are traced too and shown by
 * report_clone().
 *
 * Returns the process: utrace_process_put() gives it back, which does not end it. Errors: -ENOENT, -EACCES (no
 * such program, not executable), -EINVAL (no such host, argv empty, a flag that is none), -ESHUTDOWN (the host
 * has ended), -EDEADLK (from a callback), or what fork(2) says. A later failure of the exec is told by
 * utrace_process_wait().
 */
UTRACE_MUST_CHECK struct utrace_process *utrace_launch(struct utrace_host *host, char *const argv[],
						       char *const envp[], int flags, utrace_task_fn adopt,
						       void *data);

/*
 * Attaches to a running process: all its threads, each shown to adopt (or NULL), and those that it makes from
 * then on.
 *
 * Errors: -ESRCH (no such process, or dead), -EPERM (not permitted, a kernel thread, or ourselves), -EBUSY
 * (another tracer has it), -EEXIST (a host of ours has it), -EINVAL (no such host), -ESHUTDOWN (the host has
 * ended), -EDEADLK (from a callback).
 */
UTRACE_MUST_CHECK struct utrace_process *utrace_attach_process(struct utrace_host *host, pid_t pid,
							       utrace_task_fn adopt, void *data);

/*
 * Leaves every thread of a process, which goes on untraced and does not notice. Engines on them are detached,
 * without a death or reap callback, before this returns. Children that it made before are processes of their
 * own, and stay traced.
 *   0            utrace_process_wait() says -ECHILD once the last thread is left
 *   -ESRCH       it ended, was left before, or is no process
 *   -EOPNOTSUPP  it was launched without UTRACE_LAUNCH_KEEP: it cannot live without its tracer
 *   -ESHUTDOWN   the host has ended
 *   -EDEADLK     from a callback
 */
int utrace_detach_process(struct utrace_process *process);

/* The process's id, or -ESRCH. */
pid_t utrace_process_id(const struct utrace_process *process);

/* The task of its first thread (or, when attached, one of its threads); valid until utrace_process_put(). NULL if none. */
struct task_struct *utrace_process_task(const struct utrace_process *process);

/*
 * Waits until the process has ended; *status (or NULL) is then what wait(2) gives.
 *   0        it ended
 *   -ECHILD  the host left it; it goes on without us
 *   -ESRCH   no such process
 *   -EDEADLK from a callback
 *   others   it was launched and its exec failed with this error
 */
int utrace_process_wait(struct utrace_process *process, int *status);

/* The same without waiting: -EINPROGRESS if it has not ended. */
int utrace_process_ended(struct utrace_process *process, int *status);

/* Gives the process back. */
void utrace_process_put(struct utrace_process *process);

/* ---- Error pointers -------------------------------------------------------------------------------------------- */

/* Whether a pointer is one of the last 4095, which stand for errors. NULL is none. */
static inline bool utrace_is_err(const void *pointer)
{
	return (uintptr_t)pointer >= (uintptr_t)-4095;
}

/* The negative error number that an error pointer stands for. */
static inline long utrace_ptr_err(const void *pointer)
{
	return (long)(intptr_t)pointer;
}

/* The pointer that stands for a negative error number. */
static inline void *utrace_err_ptr(long error)
{
	return (void *)(intptr_t)error;
}

/* ---- The kernel's own names ------------------------------------------------------------------------------------ */

#ifndef UTRACE_NO_KERNEL_NAMES

typedef uint32_t u32;

#ifndef MAX_ERRNO
#define MAX_ERRNO 4095
#endif

/* C++ has a function of this name (std::source_location::current): there, say utrace_current(). */
#ifndef __cplusplus
#define current utrace_current()
#endif

static inline bool IS_ERR(const void *pointer)
{
	return utrace_is_err(pointer);
}

static inline bool IS_ERR_OR_NULL(const void *pointer)
{
	return !pointer || utrace_is_err(pointer);
}

static inline long PTR_ERR(const void *pointer)
{
	return utrace_ptr_err(pointer);
}

static inline void *ERR_PTR(long error)
{
	return utrace_err_ptr(error);
}

/* Pointers are looked up, so there is nothing to protect. */
static inline void rcu_read_lock(void)
{
}

static inline void rcu_read_unlock(void)
{
}

static inline void get_task_struct(struct task_struct *task)
{
	utrace_task_get(task);
}

static inline void put_task_struct(struct task_struct *task)
{
	utrace_task_put(task);
}

/* With a reference that is yours, as later kernels do it. */
static inline struct task_struct *find_get_task_by_vpid(pid_t tid)
{
	return utrace_task_find(tid);
}

static inline pid_t task_pid_nr(const struct task_struct *task)
{
	return utrace_task_tid(task);
}

static inline pid_t task_pid_vnr(const struct task_struct *task)
{
	return utrace_task_tid(task);
}

static inline pid_t task_tgid_nr(const struct task_struct *task)
{
	return utrace_task_tgid(task);
}

static inline pid_t task_tgid_vnr(const struct task_struct *task)
{
	return utrace_task_tgid(task);
}

static inline bool same_thread_group(const struct task_struct *one, const struct task_struct *other)
{
	return utrace_task_tgid(one) == utrace_task_tgid(other);
}

static inline bool thread_group_leader(const struct task_struct *task)
{
	return utrace_task_tid(task) == utrace_task_tgid(task);
}

#define TASK_COMM_LEN 16

static inline char *get_task_comm(char *buf, struct task_struct *task)
{
	if (utrace_task_comm(task, buf))
		buf[0] = '\0';
	return buf;
}

enum pid_type { PIDTYPE_PID };

static inline struct pid *find_get_pid(pid_t number)
{
	return utrace_pid_find(number);
}

static inline struct pid *get_pid(struct pid *pid)
{
	utrace_pid_get(pid);
	return pid;
}

static inline void put_pid(struct pid *pid)
{
	utrace_pid_put(pid);
}

static inline pid_t pid_nr(const struct pid *pid)
{
	return pid ? utrace_pid_number(pid) : 0;
}

static inline pid_t pid_vnr(const struct pid *pid)
{
	return pid_nr(pid);
}

static inline struct pid *task_pid(struct task_struct *task)
{
	return utrace_task_pid(task);
}

static inline struct task_struct *get_pid_task(struct pid *pid, enum pid_type type)
{
	(void)type;
	return utrace_pid_task(pid);
}

/* Bytes moved: 0 if none could be. */
static inline int access_process_vm(struct task_struct *task, unsigned long address, void *buf, int size, int write)
{
	ssize_t moved = size > 0 ? utrace_task_memory(task, address, buf, (size_t)size, write) : 0;
	return moved < 0 ? 0 : (int)moved;
}

static inline int send_sig(int signal, struct task_struct *task, int priv)
{
	(void)priv;
	return utrace_task_signal(task, signal);
}

static inline int task_current_syscall(struct task_struct *task, long *number, unsigned long args[6],
				       unsigned int count, unsigned long *sp, unsigned long *pc)
{
	return utrace_task_syscall(task, number, args, count, sp, pc);
}

/* Places in the registers, so that these work with the struct pt_regs of <asm/ptrace.h> too. */
static inline unsigned long *utrace_reg_(struct pt_regs *regs, int place)
{
	return (unsigned long *)(void *)regs + place;
}

static inline long syscall_get_nr(struct task_struct *task, struct pt_regs *regs)
{
	(void)task;
	return (long)*utrace_reg_(regs, 15);
}

static inline void syscall_rollback(struct task_struct *task, struct pt_regs *regs)
{
	(void)task;
	*utrace_reg_(regs, 10) = *utrace_reg_(regs, 15);
}

static inline long syscall_get_error(struct task_struct *task, struct pt_regs *regs)
{
	long value = (long)*utrace_reg_(regs, 10);
	(void)task;
	return value >= -MAX_ERRNO && value < 0 ? value : 0;
}

static inline long syscall_get_return_value(struct task_struct *task, struct pt_regs *regs)
{
	(void)task;
	return (long)*utrace_reg_(regs, 10);
}

static inline void syscall_set_return_value(struct task_struct *task, struct pt_regs *regs, int error, long value)
{
	(void)task;
	*utrace_reg_(regs, 10) = (unsigned long)(error ? (long)error : value);
}

static inline void syscall_get_arguments(struct task_struct *task, struct pt_regs *regs, unsigned int first,
					 unsigned int count, unsigned long *args)
{
	(void)task;
	utrace_regs_arguments(regs, first, count, args);
}

static inline void syscall_set_arguments(struct task_struct *task, struct pt_regs *regs, unsigned int first,
					 unsigned int count, const unsigned long *args)
{
	(void)task;
	utrace_regs_set_arguments(regs, first, count, args);
}

static inline unsigned long instruction_pointer(struct pt_regs *regs)
{
	return *utrace_reg_(regs, 16);
}

static inline unsigned long user_stack_pointer(struct pt_regs *regs)
{
	return *utrace_reg_(regs, 19);
}

#endif /* UTRACE_NO_KERNEL_NAMES */

#ifdef __cplusplus
}
#endif

#endif /* UTRACE_H */
