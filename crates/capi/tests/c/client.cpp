/* A client in C++: callbacks with C linkage, an engine's data an object. */
#include <utrace.h>

#include <cstdio>

namespace {

struct Count {
	unsigned long entries = 0, exits = 0;
};

} // namespace

extern "C" {

static u32 on_entry(u32 action, utrace_engine *engine, pt_regs *regs)
{
	auto *count = static_cast<Count *>(engine->data);

	if (syscall_get_nr(utrace_current(), regs) >= 0)
		count->entries++;
	return utrace_syscall_action(action) | UTRACE_RESUME;
}

static u32 on_exit_of_thread(u32, utrace_engine *engine, long, long *)
{
	static_cast<Count *>(engine->data)->exits++;
	return UTRACE_DETACH;
}

static void adopt(task_struct *task, void *data)
{
	static utrace_engine_ops ops = {};
	ops.report_syscall_entry = on_entry;
	ops.report_exit = on_exit_of_thread;
	utrace_engine *engine = utrace_attach_task(task, UTRACE_ATTACH_CREATE, &ops, data);

	if (!IS_ERR(engine) && !utrace_set_events(task, engine, UTRACE_EVENT(SYSCALL_ENTRY) | UTRACE_EVENT(EXIT)))
		utrace_engine_put(engine);
}

} // extern "C"

int main(int argc, char *argv[])
{
	Count count;
	utrace_host *host = utrace_host_start(nullptr, nullptr);
	utrace_process *process = utrace_launch(host, argv + (argc > 1), nullptr, 0, adopt, &count);
	int status = -1;

	if (IS_ERR(process) || utrace_process_wait(process, &status) || utrace_host_stop(host))
		return 1;
	utrace_process_put(process);
	std::printf("%s, %lu exit, status %d\n", count.entries > 5 ? "calls" : "no calls", count.exits, status);
	return 0;
}
