//! Waiting: `poll`, `epoll`, `eventfd`, futex, `io_uring`, timers and clocks.
//!
//! A flat table; values are those of the kernel headers, order and names those of strace 6.1. No logic.

use super::NameSet;

/// `struct pollfd` events.
#[rustfmt::skip]
pub static POLL: NameSet = NameSet { zero: None, unknown: Some("POLL???"), entries: &[
    (1, "POLLIN"), (2, "POLLPRI"), (4, "POLLOUT"), (8, "POLLERR"), (0x10, "POLLHUP"), (0x20, "POLLNVAL"),
    (0x40, "POLLRDNORM"), (0x80, "POLLRDBAND"), (0x100, "POLLWRNORM"), (0x200, "POLLWRBAND"),
    (0x400, "POLLMSG"), (0x1000, "POLLREMOVE"), (0x2000, "POLLRDHUP"), (0x8000, "POLL_BUSY_LOOP"),
] };

/// Argument of `epoll_create1`.
#[rustfmt::skip]
pub static EPOLL: NameSet = NameSet { zero: None, unknown: Some("EPOLL_???"), entries: &[
    (0x80000, "EPOLL_CLOEXEC"),
] };

/// Argument of `epoll_ctl`.
#[rustfmt::skip]
pub static EPOLL_CTL: NameSet = NameSet { zero: None, unknown: Some("EPOLL_CTL_???"), entries: &[
    (1, "EPOLL_CTL_ADD"), (2, "EPOLL_CTL_DEL"), (3, "EPOLL_CTL_MOD"),
] };

/// `struct epoll_event` events.
#[rustfmt::skip]
pub static EPOLL_EVENT: NameSet = NameSet { zero: None, unknown: Some("EPOLL???"), entries: &[
    (1, "EPOLLIN"), (2, "EPOLLPRI"), (4, "EPOLLOUT"), (8, "EPOLLERR"), (0x10, "EPOLLHUP"),
    (0x20, "EPOLLNVAL"), (0x40, "EPOLLRDNORM"), (0x80, "EPOLLRDBAND"), (0x100, "EPOLLWRNORM"),
    (0x200, "EPOLLWRBAND"), (0x400, "EPOLLMSG"), (0x2000, "EPOLLRDHUP"), (0x10000000, "EPOLLEXCLUSIVE"),
    (0x20000000, "EPOLLWAKEUP"), (0x40000000, "EPOLLONESHOT"), (0x80000000, "EPOLLET"),
] };

/// Argument of `eventfd2`.
#[rustfmt::skip]
pub static EFD: NameSet = NameSet { zero: None, unknown: Some("EFD_???"), entries: &[
    (1, "EFD_SEMAPHORE"), (0x80000, "EFD_CLOEXEC"), (0x800, "EFD_NONBLOCK"),
] };

/// Argument of `timerfd_create`.
#[rustfmt::skip]
pub static TFD: NameSet = NameSet { zero: None, unknown: Some("TFD_???"), entries: &[
    (1, "TFD_TIMER_ABSTIME"), (2, "TFD_TIMER_CANCEL_ON_SET"), (0x80000, "TFD_CLOEXEC"),
    (0x800, "TFD_NONBLOCK"),
] };

/// Argument of `timer_settime`.
#[rustfmt::skip]
pub static TIMER: NameSet = NameSet { zero: None, unknown: Some("TIMER_???"), entries: &[
    (1, "TIMER_ABSTIME"),
] };

/// Argument of `getitimer`.
#[rustfmt::skip]
pub static ITIMER: NameSet = NameSet { zero: None, unknown: Some("ITIMER_???"), entries: &[
    (0, "ITIMER_REAL"), (1, "ITIMER_VIRTUAL"), (2, "ITIMER_PROF"),
] };

/// Clock ids.
#[rustfmt::skip]
pub static CLOCK: NameSet = NameSet { zero: None, unknown: Some("CLOCK_???"), entries: &[
    (0, "CLOCK_REALTIME"), (1, "CLOCK_MONOTONIC"), (2, "CLOCK_PROCESS_CPUTIME_ID"),
    (3, "CLOCK_THREAD_CPUTIME_ID"), (4, "CLOCK_MONOTONIC_RAW"), (5, "CLOCK_REALTIME_COARSE"),
    (6, "CLOCK_MONOTONIC_COARSE"), (7, "CLOCK_BOOTTIME"), (8, "CLOCK_REALTIME_ALARM"),
    (9, "CLOCK_BOOTTIME_ALARM"), (0xa, "CLOCK_SGI_CYCLE"), (0xb, "CLOCK_TAI"),
] };

/// Kinds of CPU clock in a dynamic clock id.
#[rustfmt::skip]
pub static CLOCK_DYN: NameSet = NameSet { zero: None, unknown: Some("CPUCLOCK_???"), entries: &[
    (0, "CPUCLOCK_PROF"), (1, "CPUCLOCK_VIRT"), (2, "CPUCLOCK_SCHED"),
] };

/// Futex operations, without flags.
#[rustfmt::skip]
pub static FUTEX: NameSet = NameSet { zero: None, unknown: Some("FUTEX_???"), entries: &[
    (0, "FUTEX_WAIT"), (1, "FUTEX_WAKE"), (2, "FUTEX_FD"), (3, "FUTEX_REQUEUE"), (4, "FUTEX_CMP_REQUEUE"),
    (5, "FUTEX_WAKE_OP"), (6, "FUTEX_LOCK_PI"), (7, "FUTEX_UNLOCK_PI"), (8, "FUTEX_TRYLOCK_PI"),
    (9, "FUTEX_WAIT_BITSET"), (0xa, "FUTEX_WAKE_BITSET"), (0xb, "FUTEX_WAIT_REQUEUE_PI"),
    (0xc, "FUTEX_CMP_REQUEUE_PI"), (0xd, "FUTEX_LOCK_PI2"),
] };

/// `struct futex_waitv` flags.
#[rustfmt::skip]
pub static FUTEX2: NameSet = NameSet { zero: None, unknown: Some("FUTEX_???"), entries: &[
    (2, "FUTEX_32"), (0x80, "FUTEX_PRIVATE_FLAG"),
] };

/// Argument of `membarrier`.
#[rustfmt::skip]
pub static MEMBARRIER: NameSet = NameSet { zero: None, unknown: Some("MEMBARRIER_CMD_???"), entries: &[
    (0, "MEMBARRIER_CMD_QUERY"), (1, "MEMBARRIER_CMD_GLOBAL"), (2, "MEMBARRIER_CMD_GLOBAL_EXPEDITED"),
    (4, "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED"), (8, "MEMBARRIER_CMD_PRIVATE_EXPEDITED"),
    (0x10, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED"),
    (0x20, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE"),
    (0x40, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE"),
    (0x80, "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ"),
    (0x100, "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ"),
] };

/// Argument of `membarrier`.
#[rustfmt::skip]
pub static MEMBARRIER_FLAG: NameSet = NameSet { zero: None, unknown: Some("MEMBARRIER_CMD_FLAG_???"), entries: &[
    (1, "MEMBARRIER_CMD_FLAG_CPU"),
] };

/// Argument of `io_uring_enter`.
#[rustfmt::skip]
pub static IORING_ENTER: NameSet = NameSet { zero: None, unknown: Some("IORING_ENTER_???"), entries: &[
    (1, "IORING_ENTER_GETEVENTS"), (2, "IORING_ENTER_SQ_WAKEUP"), (4, "IORING_ENTER_SQ_WAIT"),
    (8, "IORING_ENTER_EXT_ARG"), (0x10, "IORING_ENTER_REGISTERED_RING"),
] };

/// Argument of `io_uring_register`.
#[rustfmt::skip]
pub static IORING_REGISTER: NameSet = NameSet { zero: None, unknown: Some("IORING_REGISTER_???"), entries: &[
    (0, "IORING_REGISTER_BUFFERS"), (1, "IORING_UNREGISTER_BUFFERS"), (2, "IORING_REGISTER_FILES"),
    (3, "IORING_UNREGISTER_FILES"), (4, "IORING_REGISTER_EVENTFD"), (5, "IORING_UNREGISTER_EVENTFD"),
    (6, "IORING_REGISTER_FILES_UPDATE"), (7, "IORING_REGISTER_EVENTFD_ASYNC"), (8, "IORING_REGISTER_PROBE"),
    (9, "IORING_REGISTER_PERSONALITY"), (0xa, "IORING_UNREGISTER_PERSONALITY"),
    (0xb, "IORING_REGISTER_RESTRICTIONS"), (0xc, "IORING_REGISTER_ENABLE_RINGS"),
    (0xd, "IORING_REGISTER_FILES2"), (0xe, "IORING_REGISTER_FILES_UPDATE2"),
    (0xf, "IORING_REGISTER_BUFFERS2"), (0x10, "IORING_REGISTER_BUFFERS_UPDATE"),
    (0x11, "IORING_REGISTER_IOWQ_AFF"), (0x12, "IORING_UNREGISTER_IOWQ_AFF"),
    (0x13, "IORING_REGISTER_IOWQ_MAX_WORKERS"), (0x14, "IORING_REGISTER_RING_FDS"),
    (0x15, "IORING_UNREGISTER_RING_FDS"), (0x16, "IORING_REGISTER_PBUF_RING"),
    (0x17, "IORING_UNREGISTER_PBUF_RING"),
] };

/// `struct io_uring_params` flags.
#[rustfmt::skip]
pub static IORING_SETUP: NameSet = NameSet { zero: None, unknown: Some("IORING_SETUP_???"), entries: &[
    (1, "IORING_SETUP_IOPOLL"), (2, "IORING_SETUP_SQPOLL"), (4, "IORING_SETUP_SQ_AFF"),
    (8, "IORING_SETUP_CQSIZE"), (0x10, "IORING_SETUP_CLAMP"), (0x20, "IORING_SETUP_ATTACH_WQ"),
    (0x40, "IORING_SETUP_R_DISABLED"), (0x80, "IORING_SETUP_SUBMIT_ALL"),
    (0x100, "IORING_SETUP_COOP_TASKRUN"), (0x200, "IORING_SETUP_TASKRUN_FLAG"),
    (0x400, "IORING_SETUP_SQE128"), (0x800, "IORING_SETUP_CQE32"),
] };

/// `io_uring` features.
#[rustfmt::skip]
pub static IORING_FEAT: NameSet = NameSet { zero: None, unknown: Some("IORING_FEAT_???"), entries: &[
    (1, "IORING_FEAT_SINGLE_MMAP"), (2, "IORING_FEAT_NODROP"), (4, "IORING_FEAT_SUBMIT_STABLE"),
    (8, "IORING_FEAT_RW_CUR_POS"), (0x10, "IORING_FEAT_CUR_PERSONALITY"), (0x20, "IORING_FEAT_FAST_POLL"),
    (0x40, "IORING_FEAT_POLL_32BITS"), (0x80, "IORING_FEAT_SQPOLL_NONFIXED"),
    (0x100, "IORING_FEAT_EXT_ARG"), (0x200, "IORING_FEAT_NATIVE_WORKERS"), (0x400, "IORING_FEAT_RSRC_TAGS"),
    (0x800, "IORING_FEAT_CQE_SKIP"), (0x1000, "IORING_FEAT_LINKED_FILE"),
] };

/// `struct timex` modes.
#[rustfmt::skip]
pub static ADJ: NameSet = NameSet { zero: None, unknown: Some("ADJ_???"), entries: &[
    (0xa001, "ADJ_OFFSET_SS_READ"), (0x8001, "ADJ_OFFSET_SINGLESHOT"), (1, "ADJ_OFFSET"),
    (2, "ADJ_FREQUENCY"), (4, "ADJ_MAXERROR"), (8, "ADJ_ESTERROR"), (0x10, "ADJ_STATUS"),
    (0x20, "ADJ_TIMECONST"), (0x80, "ADJ_TAI"), (0x100, "ADJ_SETOFFSET"), (0x1000, "ADJ_MICRO"),
    (0x2000, "ADJ_NANO"), (0x4000, "ADJ_TICK"),
] };

/// `struct timex` status.
#[rustfmt::skip]
pub static STA: NameSet = NameSet { zero: None, unknown: Some("STA_???"), entries: &[
    (1, "STA_PLL"), (2, "STA_PPSFREQ"), (4, "STA_PPSTIME"), (8, "STA_FLL"), (0x10, "STA_INS"),
    (0x20, "STA_DEL"), (0x40, "STA_UNSYNC"), (0x80, "STA_FREQHOLD"), (0x100, "STA_PPSSIGNAL"),
    (0x200, "STA_PPSJITTER"), (0x400, "STA_PPSWANDER"), (0x800, "STA_PPSERROR"), (0x1000, "STA_CLOCKERR"),
    (0x2000, "STA_NANO"), (0x4000, "STA_MODE"), (0x8000, "STA_CLK"),
] };

/// Clock states.
#[rustfmt::skip]
pub static TIME_STATE: NameSet = NameSet { zero: None, unknown: None, entries: &[
    (0, "TIME_OK"), (1, "TIME_INS"), (2, "TIME_DEL"), (3, "TIME_OOP"), (4, "TIME_WAIT"), (5, "TIME_ERROR"),
] };
