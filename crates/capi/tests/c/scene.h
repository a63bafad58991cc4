/* What the C tests share: a host, a traced child of this very program, gates for callbacks, and checks. */
#ifndef SCENE_H
#define SCENE_H

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utrace.h>

static int failures, checks; /* storm counts them from several threads: roughly */

static void is(const char *what, int line, long got, long expected)
{
	checks++;
	if (got == expected)
		return;
	failures++;
	printf("line %d: %s is %ld, not %ld\n", line, what, got, expected);
}

/* The answer of a call, or an error pointer's number, is this. */
#define IS(call, expected) is(#call, __LINE__, (long)(call), (long)(expected))
#define IS_POINTER(pointer, expected) is(#pointer, __LINE__, (long)(intptr_t)(pointer), (long)(expected))

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem))
		;
}

/* A callback that arrives at a gate says so and waits to be let through. */
struct gate {
	sem_t arrived, open;
};

static inline void gate_init(struct gate *gate)
{
	sem_init(&gate->arrived, 0, 0);
	sem_init(&gate->open, 0, 0);
}

static inline void pass(struct gate *gate)
{
	sem_post(&gate->arrived);
	wait_for(&gate->open);
}

static struct utrace_host *host;
static char *self;

/* This program as a traced child that does one thing. */
static inline struct utrace_process *child(const char *does, utrace_task_fn adopt, void *data)
{
	char *argv[] = { self, (char *)"child", (char *)does, NULL };
	struct utrace_process *process = utrace_launch(host, argv, NULL, 0, adopt, data);

	if (IS_ERR(process)) {
		printf("no child: %ld\n", PTR_ERR(process));
		exit(1);
	}
	return process;
}

/* Ends a child and waits until nothing of it is left. */
static inline void end(struct utrace_process *process)
{
	int status = 0;

	kill(utrace_process_id(process), SIGKILL);
	IS(utrace_process_wait(process, &status), 0);
	IS(status, SIGKILL);
	utrace_process_put(process);
	IS(utrace_host_wait_idle(host), 0);
}

/* Waits until engines hold a task: a stop that was asked for takes effect soon. */
static inline void until_stopped(struct task_struct *task)
{
	int stopped;

	while (!(stopped = utrace_task_is_stopped(task)))
		sched_yield();
	IS(stopped, 1);
}

static inline struct utrace_engine *attach(struct task_struct *task, const struct utrace_engine_ops *ops, void *data)
{
	struct utrace_engine *engine = utrace_attach_task(task, UTRACE_ATTACH_CREATE, ops, data);

	IS(IS_ERR(engine), 0);
	return engine;
}

struct scene {
	const char *name;
	void (*play)(void);
};

static inline int be_a_child(const char *does)
{
	if (!strcmp(does, "spin"))
		for (;;)
			__asm__ volatile("");
	if (!strcmp(does, "calls"))
		for (;;)
			getppid();
	if (!strcmp(does, "pause"))
		for (;;)
			pause();
	return atoi(does);
}

/* `PROGRAM NAME` plays one scene; `PROGRAM child WHAT` is what is traced in it. */
static inline int play(int argc, char *argv[], const struct scene *scenes)
{
	self = (char *)"/proc/self/exe";
	if (argc == 3 && !strcmp(argv[1], "child"))
		return be_a_child(argv[2]);
	host = utrace_host_start(NULL, NULL);
	if (IS_ERR(host)) {
		printf("no host: %ld\n", PTR_ERR(host));
		return 1;
	}
	for (; scenes->name; scenes++) {
		if (argc == 2 && strcmp(argv[1], scenes->name))
			continue;
		checks = 0;
		scenes->play();
		printf("%s: %d checks\n", scenes->name, checks);
	}
	IS(utrace_host_stop(host), 0);
	return failures ? 1 : 0;
}

#endif
