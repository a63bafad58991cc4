/*
 * Three processes, one with a second thread; each thread makes as many getppid(2) calls as it is told. How many
 * calls it makes beside these does not depend on who runs when: the thread says that it is done in memory, and
 * is never joined.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int times;
static volatile int done;

static void calls(void)
{
	for (int i = 0; i < times; i++)
		syscall(SYS_getppid);
}

static void *thread(void *unused)
{
	calls();
	done = 1;
	for (;;)
		__asm__ volatile("pause");
	return unused;
}

int main(int argc, char *argv[])
{
	pthread_t second;

	times = argc > 1 ? atoi(argv[1]) : 0;
	if (fork() == 0) {
		calls();
		if (fork() == 0) {
			calls();
			_exit(0);
		}
		wait(0);
		_exit(0);
	}
	wait(0);
	calls();
	pthread_create(&second, 0, thread, 0);
	while (!done)
		__asm__ volatile("pause");
	return 0;
}
