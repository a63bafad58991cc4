//! The orderings and fences of this crate, by name, and for each the model that fails without it.
//!
//! Every atomic access outside this folder takes its ordering from here or is `Relaxed`. Under loom one of them
//! can be taken away by its name (`WEAKEN=mask_write`): an ordering becomes `Relaxed`, a fence nothing.
//! `ci/mutate.sh` does so with each row of this table and demands that the model of the row fails. What each pairs
//! with is told at the field: the tables of `record.rs` and `global.rs`.
//!
//! | name | where | model that fails without it |
//! |---|---|---|
//! | `lock_take` | taking a lock that is free | `controllers::inv_2_two_attach_at_once` |
//! | `lock_wait` | taking a lock after waiting for it | `controllers::inv_2_two_attach_at_once` |
//! | `lock_free` | giving a lock back | `controllers::inv_2_two_attach_at_once` |
//! | `record_fill` | publishing a task's record | `sync::publish::models::who_finds_a_value_finds_it_whole` |
//! | `record_get` | looking whether there is a record | `sync::publish::models::who_finds_a_value_finds_it_whole` |
//! | `record_lost` | finding that somebody published first | `sync::publish::models::who_finds_a_value_finds_it_whole` |
//! | `mask_write` | writing a task's mask | `pairs::pair_b_who_sees_a_wish_sees_the_record` |
//! | `mask_read` | reading it without the lock | `pairs::pair_b_who_sees_a_wish_sees_the_record` |
//! | `word_write` | writing an attachment's word | `pairs::pair_a_who_is_told_gone_after_a_detach_sees_the_last_callback_over` |
//! | `word_read` | reading it without the lock | `pairs::pair_a_who_is_told_gone_sees_the_last_callback_over` |
//! | `set_write` | writing an attachment's sets | `pairs::pair_a_an_old_event_never_goes_with_a_new_set` |
//! | `set_read` | reading them, before the word | `pairs::pair_a_an_old_event_never_goes_with_a_new_set_after_a_quiesce_call` |
//! | `reporting_clear` | a callback's end | `pairs::pair_a_barrier_orders_the_callback_before_its_answer` |
//! | `reporting_read` | looking whether a callback runs | `pairs::pair_a_barrier_orders_the_callback_before_its_answer` |
//! | `flag_write` | writing a task's flag | `global::pair_e_who_finds_its_flag_on_sees_what_was_made_ready` |
//! | `flag_read` | reading it | `global::pair_e_who_finds_its_flag_on_sees_what_was_made_ready` |
//! | `publish_fence` | pair A, reporting side | `pairs::pair_a_nothing_runs_after_set_events_said_done` |
//! | `heavy_fence` | pairs A and D, the other side | `pairs::pair_a_nothing_runs_after_set_events_said_done` |
//! | `unpublish_fence` | pair D, reporting side | `pairs::pair_d_barrier_sees_the_callback_end_and_is_woken` |
//! | `attach_fence` | pair C, the attach | `pairs::pair_c_an_attach_fails_or_is_reaped` |
//! | `reap_fence` | pair C, the reaper | `pairs::pair_c_an_attach_fails_or_is_reaped` |
//!
//! # Without a model
//!
//! - `Record::reporting`, published: `Release`, for the same reason as `reporting_clear`: who finds another engine there
//!   takes it that the callback of the one before is over. Loom cannot tell, because it makes the light fence
//!   between the two a full one. It costs nothing on x86-64.
//! - `Record::epoch`: `Release` and `Acquire`, so that who reads it after a bump finds the callback over and does not
//!   sleep on. The fences of pair D do that too where both are full ones, which is what loom models.
//! - `Relaxed` under the lock: each field with one of the `_write` names is read `Relaxed` by a holder of the lock,
//!   which all its writers hold.
//! - `Relaxed` as a hint: `Record::pending`, `syscalls` and `signals`, and the ids. Nothing is reached through them. Who
//!   finds something owed takes the lock before acting on it. Who finds nothing misses only what came in without
//!   the task being told: the calls that write them return before anything is promised, and the host's request
//!   that follows orders them.
//! - `Record::waiters`, `TaskInner::exit`: `Relaxed` with a full fence between the own write and the read of the
//!   other's, in pairs C and D.

use super::Ordering;

macro_rules! orderings {
    ($($name:ident = $ordering:ident;)*) => {
        $(
            /// See the table of this module.
            #[inline(always)]
            pub(crate) fn $name() -> Ordering {
                if is_weakened(stringify!($name)) { Ordering::Relaxed } else { Ordering::$ordering }
            }
        )*
    };
}

orderings! {
    lock_take = Acquire;
    lock_wait = Acquire;
    lock_free = Release;
    record_fill = Release;
    record_get = Acquire;
    record_lost = Acquire;
    mask_write = Release;
    mask_read = Acquire;
    word_write = Release;
    word_read = Acquire;
    set_write = Release;
    set_read = Acquire;
    reporting_clear = Release;
    reporting_read = Acquire;
    flag_write = Release;
    flag_read = Acquire;
}

macro_rules! full_fences {
    ($($name:ident;)*) => {
        $(
            /// A full fence; see the table of this module.
            #[inline]
            pub(crate) fn $name() {
                if !is_weakened(stringify!($name)) {
                    super::real::fence(Ordering::SeqCst);
                }
            }
        )*
    };
}

full_fences! {
    heavy_fence;
    attach_fence;
    reap_fence;
}

macro_rules! light_fences {
    ($($name:ident;)*) => {
        $(
            /// The reporting side of a fence pair; see the table of this module.
            ///
            /// With an asymmetric platform the other side's heavy fence (membarrier(2)) makes this thread pass a full
            /// fence, so that only the compiler must keep the order here; loom models that as a full fence.
            #[inline(always)]
            pub(crate) fn $name(symmetric: bool) {
                #[cfg(not(loom))]
                if !symmetric {
                    super::real::compiler_fence(Ordering::SeqCst);
                    return;
                }
                let _ = symmetric;
                if !is_weakened(stringify!($name)) {
                    super::real::fence(Ordering::SeqCst);
                }
            }
        )*
    };
}

light_fences! {
    publish_fence;
    unpublish_fence;
}

#[cfg(not(loom))]
#[inline(always)]
const fn is_weakened(_name: &str) -> bool {
    false
}

/// Whether this run of the models does without the ordering of this name.
#[cfg(loom)]
fn is_weakened(name: &str) -> bool {
    extern crate std;
    static WEAK: std::sync::OnceLock<Option<std::string::String>> = std::sync::OnceLock::new();
    WEAK.get_or_init(|| std::env::var("WEAKEN").ok()).as_deref() == Some(name)
}
