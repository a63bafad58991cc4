//! utrace: the ptrace host, which runs reports for the threads of any process
