//! Rendezvous for tests: a callback waits at a gate until the test opens it, so that an interleaving is forced,
//! not hoped for.
//!
//! Key types: [`Gate`]; [`wait_for`], a bounded wait on a condition variable. Nothing here sleeps to let something
//! happen: every wait ends with an event, and a wait that outlasts [`PATIENCE`] is a failed test.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a test waits for what must happen before it fails. Long, because nothing is ever awaited that does
/// not come by itself, and the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Locks, also after a panic elsewhere: the test that panicked has failed already.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `ready` answers something.
///
/// # Panics
/// After [`PATIENCE`], naming `what`.
pub fn wait_for<'a, S, T>(
    changed: &Condvar,
    mut guard: MutexGuard<'a, S>,
    what: &str,
    mut ready: impl FnMut(&mut S) -> Option<T>,
) -> (MutexGuard<'a, S>, T) {
    let start = Instant::now();
    loop {
        if let Some(found) = ready(&mut guard) {
            return (guard, found);
        }
        let left = PATIENCE.saturating_sub(start.elapsed());
        assert!(!left.is_zero(), "waited {PATIENCE:?} in vain for: {what}");
        guard = changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    arrivals: usize,
    open: bool,
}

/// A gate. Clones are the same gate.
///
/// ```
/// use utrace_testkit::gate::Gate;
/// let gate = Gate::new("demo");
/// let inside = gate.clone();
/// let thread = std::thread::spawn(move || inside.pass());
/// gate.until_reached();
/// // Here the other thread certainly stands at the gate.
/// gate.open();
/// thread.join().unwrap();
/// ```
#[derive(Clone)]
pub struct Gate {
    name: &'static str,
    inner: Arc<Inner>,
}

impl Gate {
    /// A closed gate. `name` says what is awaited, should it be in vain.
    pub fn new(name: &'static str) -> Gate {
        Gate { name, inner: Arc::default() }
    }

    /// Arrives, and waits until the gate is open.
    pub fn pass(&self) {
        let mut state = lock(&self.inner.state);
        state.arrivals += 1;
        self.inner.changed.notify_all();
        drop(wait_for(&self.inner.changed, state, self.name, |state| state.open.then_some(())));
    }

    /// Waits until somebody has arrived.
    pub fn until_reached(&self) {
        let state = lock(&self.inner.state);
        drop(wait_for(&self.inner.changed, state, self.name, |state| (state.arrivals > 0).then_some(())));
    }

    /// Whether somebody has arrived.
    pub fn is_reached(&self) -> bool {
        lock(&self.inner.state).arrivals > 0
    }

    /// Opens it for good.
    pub fn open(&self) {
        lock(&self.inner.state).open = true;
        self.inner.changed.notify_all();
    }
}
