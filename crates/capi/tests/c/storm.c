/*
 * Several threads attach to, change, look up and detach engines of tasks that are killed meanwhile. Whatever the calls
 * answer, every engine that was attached is released once, and none twice.
 */
#include "scene.h"

enum { THREADS = 4, ROUNDS = 10, ENGINES = 40 };

static int attached, released;

static void on_release(void *data)
{
	/* Each attach has a word of its own: a second release would find it used up. */
	IS(__atomic_exchange_n((int *)data, 2, __ATOMIC_SEQ_CST), 1);
	__atomic_add_fetch(&released, 1, __ATOMIC_SEQ_CST);
	free(data);
}

static u32 some_entry(u32 action, struct utrace_engine *engine, struct pt_regs *regs)
{
	unsigned long count = (regs->ip >> 3) + (unsigned long)(uintptr_t)engine;

	return utrace_syscall_action(action) | (count % 50 ? UTRACE_RESUME : UTRACE_DETACH);
}

static const struct utrace_engine_ops ops = { .report_syscall_entry = some_entry, .release = on_release };

static struct task_struct *victim;

static void *disturb(void *data)
{
	unsigned int seed = (unsigned int)(uintptr_t)data;
	struct utrace_engine *engine, *found;
	int i, error;
	int *word;

	for (i = 0; i < ENGINES; i++) {
		word = malloc(sizeof(*word));
		*word = 1;
		engine = utrace_attach_task(victim, UTRACE_ATTACH_CREATE, &ops, word);
		if (IS_ERR(engine)) {
			IS(PTR_ERR(engine), -ESRCH);
			free(word);
			return NULL;
		}
		__atomic_add_fetch(&attached, 1, __ATOMIC_SEQ_CST);
		error = utrace_set_events(victim, engine, UTRACE_EVENT(SYSCALL_ENTRY) | UTRACE_EVENT(REAP));
		IS(error == 0 || error == -ESRCH, 1);
		if (rand_r(&seed) % 2) {
			error = utrace_control(victim, engine, UTRACE_STOP);
			IS(error == 0 || error == -EINPROGRESS || error == -ESRCH, 1);
			error = utrace_control(victim, engine, UTRACE_RESUME);
			IS(error == 0 || error == -ESRCH, 1);
		}
		found = utrace_attach_task(victim, UTRACE_ATTACH_MATCH_OPS, &ops, NULL);
		if (!IS_ERR(found)) {
			/* Perhaps another thread's, and detached by that at this moment. */
			error = utrace_barrier(victim, found);
			IS(error == 0 || error == -ESRCH, 1);
			utrace_engine_put(found);
		} else {
			IS(PTR_ERR(found), -ENOENT);
		}
		switch (rand_r(&seed) % 3) {
		case 0:
			error = utrace_detach_sync(victim, engine);
			IS(error == 0 || error == -ESRCH, 1);
			break;
		case 1:
			error = utrace_control(victim, engine, UTRACE_DETACH);
			IS(error == 0 || error == -EINPROGRESS || error == -ESRCH || error == -EALREADY, 1);
			break;
		}
		utrace_engine_put(engine);
	}
	return NULL;
}

static void storm(void)
{
	struct utrace_process *process;
	pthread_t threads[THREADS];
	unsigned int seed = 7;
	int round;
	long i;

	for (round = 0; round < ROUNDS; round++) {
		process = child("calls", NULL, NULL);
		victim = utrace_process_task(process);
		for (i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, disturb, (void *)(round * THREADS + i + 1));
		for (i = rand_r(&seed) % 2000; i > 0; i--)
			sched_yield();
		kill(utrace_process_id(process), SIGKILL);
		for (i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		end(process);
		/* The task is gone, and with it the lists' own references. */
		IS(released, attached);
	}
	printf("%d engines\n", attached);
	IS(attached > ROUNDS, 1);
}

static const struct scene scenes[] = { { "storm", storm }, { NULL, NULL } };

int main(int argc, char *argv[])
{
	return play(argc, argv, scenes);
}
