//! A client that never rests: rounds of it, one after the other, until it is told to stop.

use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Res;
use crate::server::{Kind, Server};

/// Longer than a round and a stop take by far.
const PATIENCE: Duration = Duration::from_secs(120);

/// What clients said.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) errors: Vec<String>,
}

/// The client of one server; killed when dropped, as some never end once their server is gone.
pub(crate) struct Load {
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    rounds: AtomicU32,
    /// The client's process id while there is one.
    client: AtomicI32,
    outcome: Mutex<Outcome>,
}

impl Load {
    /// Starts the client of this server.
    pub(crate) fn start(kind: &'static Kind, server: &Server) -> Load {
        let shared = Arc::new(Shared::default());
        let (for_thread, words) = (Arc::clone(&shared), server.fill(kind.client));
        let thread = thread::spawn(move || {
            while !for_thread.over.load(Ordering::Relaxed) {
                let round = run(&words, kind, &for_thread.client);
                let mut all = for_thread.outcome.lock().unwrap_or_else(PoisonError::into_inner);
                all.requests += round.requests;
                all.errors.extend(round.errors);
                for_thread.rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        Load { thread: Some(thread), shared }
    }

    /// Waits until so many more rounds have begun and ended.
    pub(crate) fn wait_rounds(&self, more: u32) -> Res<()> {
        let (until, start) = (self.shared.rounds.load(Ordering::Relaxed) + more, Instant::now());
        while self.shared.rounds.load(Ordering::Relaxed) < until {
            if start.elapsed() > PATIENCE {
                return Err("its client hangs".to_owned());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends it; what all rounds said.
    pub(crate) fn finish(mut self) -> Outcome {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        std::mem::take(&mut *self.shared.outcome.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            if let Some(pid) = Pid::from_raw(self.shared.client.load(Ordering::Relaxed)) {
                let _ = kill_process(pid, Signal::KILL);
            }
            let _ = thread.join();
        }
    }
}

fn output(words: &[String], running: &AtomicI32) -> std::io::Result<Output> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let client = command.spawn()?;
    running.store(client.id().cast_signed(), Ordering::Relaxed);
    let output = client.wait_with_output();
    running.store(0, Ordering::Relaxed);
    output
}

fn run(words: &[String], kind: &Kind, running: &AtomicI32) -> Outcome {
    let output = match output(words, running) {
        Ok(output) => output,
        Err(error) => {
            thread::sleep(Duration::from_secs(1));
            return Outcome { requests: 0, errors: vec![format!("{}: {error}", words[0])] };
        }
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let mut outcome = Outcome::default();
    for line in text.split(['\n', '\r']).map(str::trim) {
        if kind.client_errors.iter().any(|word| line.contains(word)) && !line.contains("transactions: 0 (") {
            outcome.errors.push(line.to_owned());
        }
        outcome.requests += (kind.requests)(line).unwrap_or(0);
    }
    if !output.status.success() {
        outcome.errors.push(format!("{}: {}", words[0], output.status));
    }
    outcome
}
