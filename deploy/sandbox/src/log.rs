//! The log file: one JSON record per line, append-only.
//!
//! One task writes all pending records with a single `write`, and no response is sent before its
//! record is in the file. There is no fsync: the log survives a crash of the sandbox, but not one
//! of the machine.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, Write},
    path::Path,
};

use anyhow::{Context, bail};

use crate::ledger::{Ledger, Record};

/// Lines that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Unwritten {
    lines: Vec<u8>,
    last_seq: u64,
}

impl Unwritten {
    pub(crate) fn after(last_seq: u64) -> Self {
        Self {
            lines: Vec::new(),
            last_seq,
        }
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.last_seq
    }

    pub(crate) fn push(&mut self, line: &[u8], seq: u64) {
        self.lines.extend_from_slice(line);
        self.lines.push(b'\n');
        self.last_seq = seq;
    }

    pub(crate) fn take(&mut self) -> (Vec<u8>, u64) {
        (std::mem::take(&mut self.lines), self.last_seq)
    }
}

/// Locks the log for this process and replays it.
pub(crate) fn open(path: &Path) -> anyhow::Result<(File, Ledger, u64)> {
    let file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)?;
    file.try_lock().context("another process uses this log")?;
    let mut ledger = Ledger::default();
    let (length, last_seq) = replay(&file, &mut ledger)?;
    truncate(&file, length)?;
    Ok((file, ledger, last_seq))
}

/// Returns the length of all complete lines in bytes, and the number of the last record.
fn replay(file: &File, ledger: &mut Ledger) -> anyhow::Result<(u64, u64)> {
    let (mut complete, mut last_seq) = (0, 0);
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok((complete, last_seq));
        }
        let at = || format!("line at byte {complete}");
        let record: Record = serde_json::from_slice(&line).with_context(at)?;
        if record.seq != last_seq + 1 {
            bail!("{}: record {} follows record {last_seq}", at(), record.seq);
        }
        ledger.apply(record.entry).with_context(at)?;
        last_seq = record.seq;
        complete += u64::try_from(length)?;
    }
}

/// Removes an incomplete last line, which a kill during a write leaves behind. Its response was
/// never sent, so no client relies on it.
fn truncate(mut file: &File, complete: u64) -> io::Result<()> {
    let length = file.seek(io::SeekFrom::End(0))?;
    if length > complete {
        tracing::warn!(
            bytes = length - complete,
            "removed an incomplete last line from the log"
        );
        file.set_len(complete)?;
    }
    Ok(())
}

pub(crate) fn append(mut file: &File, lines: &[u8]) -> io::Result<()> {
    file.write_all(lines)
}
