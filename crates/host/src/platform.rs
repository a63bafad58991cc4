//! How the core waits and fences here: futex(2) and membarrier(2).

use std::sync::OnceLock;

use utrace_core::{Fences, Platform, Wakeup};

use crate::sys::{Errno, futex};

/// Does at once what takes long later: for a process that is going to be a host, to be called while it has one thread.
///
/// Where there are several, the kernel waits for all processors before membarrier(2) is registered (`synchronize_rcu()` in
/// kernel/sched/membarrier.c): some 10 ms. Not needed, but for that time.
pub fn prepare() {
    let _ = linux();
}

/// The one platform of the process.
pub(crate) fn linux() -> &'static Linux {
    static LINUX: OnceLock<Linux> = OnceLock::new();
    LINUX.get_or_init(|| Linux {
        fences: if futex::register_barrier().is_ok() { Fences::Asymmetric } else { Fences::Symmetric },
    })
}

/// Linux as a [`Platform`]: reports pay a compiler fence, controllers a membarrier(2).
#[derive(Debug)]
pub(crate) struct Linux {
    fences: Fences,
}

impl Platform for Linux {
    fn wait(&self, word: &core::sync::atomic::AtomicU32, expected: u32) -> Wakeup {
        match futex::wait(word, expected) {
            Err(Errno::EINTR) => Wakeup::Interrupted,
            _ => Wakeup::Look,
        }
    }

    fn wake_all(&self, word: &core::sync::atomic::AtomicU32) {
        futex::wake_all(word);
    }

    fn fences(&self) -> Fences {
        self.fences
    }

    fn heavy_fence(&self) {
        core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
        if self.fences == Fences::Asymmetric {
            // Cannot fail once registered (membarrier(2)).
            let _ = futex::barrier();
        }
    }
}
