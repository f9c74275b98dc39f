//! The desk: one acquirer, asked by many; nothing is said before it is written.

use std::{
    fs::File,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{
    acquirer::{Acquirer, Now},
    log,
    pace::Pace,
};

#[derive(Debug)]
pub(crate) struct Desk {
    acquirer: Mutex<Acquirer>,
    log: File,
    /// The number of the last record in the file.
    written: watch::Sender<u64>,
    bell: Notify,
    pace: Pace,
}

impl Desk {
    pub(crate) fn new(acquirer: Acquirer, log: File, pace: Pace) -> Self {
        let written = watch::Sender::new(acquirer.unwritten.last_seq());
        Self {
            acquirer: Mutex::new(acquirer),
            log,
            written,
            bell: Notify::new(),
            pace,
        }
    }

    /// Asks the acquirer, and gives its answer out once everything it rests
    /// on is in the log, also what others did.
    pub(crate) async fn ask<T>(&self, question: impl FnOnce(&mut Acquirer, Now) -> T) -> T {
        let (answer, seq) = {
            let mut acquirer = self.acquirer();
            let now = Now {
                at: OffsetDateTime::now_utc(),
                instant: Instant::now(),
            };
            let answer = question(&mut acquirer, now);
            (answer, acquirer.unwritten.last_seq())
        };
        self.written_up_to(seq).await;
        answer
    }

    async fn written_up_to(&self, seq: u64) {
        let mut written = self.written.subscribe();
        if *written.borrow() < seq {
            self.bell.notify_one();
            // The sender lives as long as `self`: this cannot fail.
            let _ = written.wait_for(|written| *written >= seq).await;
        }
    }

    /// The one writer. It ends only if the log can no longer be written.
    pub(crate) async fn write(&self) -> io::Result<()> {
        loop {
            self.bell.notified().await;
            let (lines, seq) = self.acquirer().unwritten.take();
            log::append(&self.log, &lines)?;
            self.written.send_replace(seq);
        }
    }

    pub(crate) async fn pause(&self, delay: Duration) {
        tokio::time::sleep(self.pace.of(delay)).await;
    }

    fn acquirer(&self) -> MutexGuard<'_, Acquirer> {
        self.acquirer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
