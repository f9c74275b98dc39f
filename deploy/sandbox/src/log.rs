//! The log file: one record a line, only ever appended to.
//!
//! One writer, one `write` for all records that came together, and no answer
//! leaves before its record is in the file. No fsync: the sandbox survives
//! its own death, not the machine's.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, Write},
    path::Path,
};

use anyhow::{Context, bail};

use crate::book::{Book, Record};

/// The lines that wait for the writer.
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

/// Opens the log for this process alone and reads it into a book.
pub(crate) fn open(path: &Path) -> anyhow::Result<(File, Book, u64)> {
    let file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)?;
    file.try_lock().context("another process writes this log")?;
    let mut book = Book::default();
    let (whole, last_seq) = replay(&file, &mut book)?;
    cut_torn_end(&file, whole)?;
    Ok((file, book, last_seq))
}

/// The length of the whole lines, and the last record's number.
fn replay(file: &File, book: &mut Book) -> anyhow::Result<(u64, u64)> {
    let (mut whole, mut last_seq) = (0, 0);
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok((whole, last_seq));
        }
        let at = || format!("the line at byte {whole}");
        let record: Record = serde_json::from_slice(&line).with_context(at)?;
        if record.seq != last_seq + 1 {
            bail!("{}: record {} follows record {last_seq}", at(), record.seq);
        }
        book.post(record.entry).with_context(at)?;
        last_seq = record.seq;
        whole += u64::try_from(length)?;
    }
}

/// A kill in the middle of a write leaves half a line, whose answer never
/// went out: it did not happen.
fn cut_torn_end(mut file: &File, whole: u64) -> io::Result<()> {
    let length = file.seek(io::SeekFrom::End(0))?;
    if length > whole {
        tracing::warn!(
            bytes = length - whole,
            "the log ended in a torn line; it is cut off"
        );
        file.set_len(whole)?;
    }
    Ok(())
}

pub(crate) fn append(mut file: &File, lines: &[u8]) -> io::Result<()> {
    file.write_all(lines)
}
