/*
 * Opens its first argument and prints its first line, and unlinks its second: TIMES times in each of two threads
 * and in a child. It knows nothing of the library.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *opened, *unlinked;
static int times;

static void *work(void *unused)
{
	char line[32];
	int at;

	for (at = 0; at < times; at++) {
		int fd = open(opened, O_RDONLY);
		ssize_t length = read(fd, line, sizeof(line) - 1);
		if (fd < 0 || length < 0 || close(fd))
			exit(10);
		line[length] = '\0';
		if (strcmp(line, "other\n"))
			exit(11);
		if (unlink(unlinked) != -1 || errno != EPERM)
			exit(12);
		if (access(unlinked, F_OK))
			exit(13);
	}
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int status;

	if (argc != 4)
		return 2;
	opened = argv[1];
	unlinked = argv[2];
	times = atoi(argv[3]);
	if (pthread_create(&thread, NULL, work, NULL))
		return 3;
	work(NULL);
	pthread_join(thread, NULL);
	if (fork() == 0) {
		work(NULL);
		_exit(5);
	}
	if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 5)
		return 4;
	return 0;
}
