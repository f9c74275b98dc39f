//! The one acquirer, shared by all requests. No response is sent before its record is in the log.

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
    time_scale::TimeScale,
};

#[derive(Debug)]
pub(crate) struct SharedAcquirer {
    acquirer: Mutex<Acquirer>,
    log: File,
    /// The number of the last record in the file.
    written: watch::Sender<u64>,
    wake_writer: Notify,
    time_scale: TimeScale,
}

impl SharedAcquirer {
    pub(crate) fn new(acquirer: Acquirer, log: File, time_scale: TimeScale) -> Self {
        let written = watch::Sender::new(acquirer.unwritten.last_seq());
        Self {
            acquirer: Mutex::new(acquirer),
            log,
            written,
            wake_writer: Notify::new(),
            time_scale,
        }
    }

    /// Runs an operation, and returns its result when all records up to now are in the log: the
    /// result may also depend on records of other requests.
    pub(crate) async fn call<T>(&self, operation: impl FnOnce(&mut Acquirer, Now) -> T) -> T {
        let (result, seq) = {
            let mut acquirer = self.acquirer();
            let now = Now {
                at: OffsetDateTime::now_utc(),
                instant: Instant::now(),
            };
            let result = operation(&mut acquirer, now);
            (result, acquirer.unwritten.last_seq())
        };
        self.wait_written(seq).await;
        result
    }

    async fn wait_written(&self, seq: u64) {
        let mut written = self.written.subscribe();
        if *written.borrow() < seq {
            self.wake_writer.notify_one();
            // The sender lives as long as `self`, so this cannot fail.
            let _ = written.wait_for(|written| *written >= seq).await;
        }
    }

    /// The only writer of the log. Returns only if the log cannot be written.
    pub(crate) async fn write(&self) -> io::Result<()> {
        loop {
            self.wake_writer.notified().await;
            let (lines, seq) = self.acquirer().unwritten.take();
            log::append(&self.log, &lines)?;
            self.written.send_replace(seq);
        }
    }

    pub(crate) async fn pause(&self, delay: Duration) {
        tokio::time::sleep(self.time_scale.apply(delay)).await;
    }

    fn acquirer(&self) -> MutexGuard<'_, Acquirer> {
        self.acquirer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
