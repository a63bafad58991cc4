/* Fails to close a descriptor as often as it is told. */
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	for (int i = argc > 1 ? atoi(argv[1]) : 0; i > 0; i--)
		close(-1);
	return 0;
}
