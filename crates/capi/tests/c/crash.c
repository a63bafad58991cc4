/* Stores to address 0, with a known value in rax: mov %rax,(%rbx). */
int main(void)
{
	__asm__ volatile("mov %0, %%rax\n\tmov $0, %%rbx\n\tmov %%rax, (%%rbx)" : : "i"(0x1234) : "rax", "rbx", "memory");
	return 0;
}
