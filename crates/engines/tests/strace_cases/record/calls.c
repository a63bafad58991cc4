/*
 * Makes the syscalls of a case file under a seccomp filter that asks a supervisor, so that none of them does anything:
 * the supervisor changes memory as the case says and answers with the case's result. strace watches the caller only.
 *
 * File, in words of 8 bytes: number of cases; each: 64 or 32, number, six arguments, result, number of blobs before
 * and after; each blob: address, length, bytes padded to 8. record.py writes it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BASE ((char *)0x20000000)
#define SIZE 0x20000

static void call64(unsigned long nr, const unsigned long *a)
{
	unsigned long ret;
	register unsigned long r10 asm("r10") = a[3], r8 asm("r8") = a[4], r9 asm("r9") = a[5];
	asm volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
		     : "rcx", "r11", "memory");
}

void call32(unsigned long nr, const unsigned long *a);
asm(".text\n"
    "call32:\n"
    "	push %rbx\n	push %rbp\n	mov %rdi, %rax\n	mov %rsi, %r11\n"
    "	mov 0(%r11), %rbx\n	mov 8(%r11), %rcx\n	mov 16(%r11), %rdx\n"
    "	mov 32(%r11), %rdi\n	mov 40(%r11), %rbp\n	mov 24(%r11), %rsi\n"
    "	int $0x80\n	pop %rbp\n	pop %rbx\n	ret\n");

static unsigned long *skip(unsigned long *q, unsigned long blobs)
{
	while (blobs--)
		q += 2 + (q[1] + 7) / 8;
	return q;
}

static unsigned long *put(unsigned long *q, unsigned long blobs)
{
	for (; blobs--; q = skip(q, 1))
		memcpy((void *)q[0], q + 2, q[1]);
	return q;
}

/* Answers one notification a case, then waits to be killed with its parent. */
static void supervise(volatile int *listener, unsigned long *q, unsigned long cases)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (*listener < 0)
		sched_yield();
	while (cases--) {
		struct seccomp_notif ask;
		struct seccomp_notif_resp answer = {0};
		do
			memset(&ask, 0, sizeof ask);
		while (ioctl(*listener, SECCOMP_IOCTL_NOTIF_RECV, &ask) && (errno == EINTR || errno == ENOENT));
		long result = q[8];
		q = put(skip(q + 11, q[9]), q[10]);
		answer.id = ask.id;
		if (result < 0 && result >= -4095)
			answer.error = result;
		else
			answer.val = result;
		ioctl(*listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	int fd = open(argv[1], O_RDONLY);
	unsigned long *q = mmap(0, lseek(fd, 0, SEEK_END), PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	if (mmap(BASE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != BASE)
		return 3;
	volatile int *listener = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*listener = -1;
	unsigned long cases = *q++;
	if (!syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0))
		supervise(listener, q, cases);
	struct sock_filter ask[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)};
	struct sock_fprog filter = {1, ask};
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	*listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	while (cases--) {
		unsigned long *call = q;
		q = put(q + 11, call[9]);
		if (call[0] == 64)
			call64(call[1], call + 2);
		else
			call32(call[1], call + 2);
		q = skip(q, call[10]);
		memset(BASE, 0, SIZE);
	}
	__builtin_trap();
}
