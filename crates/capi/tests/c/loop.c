/*
 * From the label begin to the label end it executes 1 + 2 * TURNS + 3 instructions, one of them a system call, and leaves
 * 7 in rax. Linked to a fixed address. It knows nothing of the library.
 */
#include <stdio.h>

#define TURNS 40
#define TEXT(number) #number
#define TEXT_OF(macro) TEXT(macro)

int main(void)
{
	long result;

	__asm__ volatile(".globl begin, end\n"
			 "begin: mov $" TEXT_OF(TURNS) ", %%ebx\n"
			 "1: dec %%ebx\n"
			 "jnz 1b\n"
			 "mov $110, %%eax\n" /* getppid */
			 "syscall\n"
			 "mov $7, %%eax\n"
			 "end: nop\n"
			 : "=a"(result)
			 :
			 : "rbx", "rcx", "r11", "memory");
	return result == 7 ? 23 : 1;
}
