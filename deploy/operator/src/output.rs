//! What commands print. Names and errors come from merchants and providers, so control characters are
//! replaced before they reach a terminal.

use std::fmt;
use std::io::{self, Write};

use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

const MINUTE: StaticFormatDescription =
    format_description!("[year]-[month]-[day] [hour]:[minute] UTC");

/// Like the standard macro, but a reader that has closed the pipe, such as `head`, is no error.
macro_rules! println {
    () => {
        $crate::output::line(format_args!(""))
    };
    ($($arguments:tt)*) => {
        $crate::output::line(format_args!($($arguments)*))
    };
}

/// Prints a line. If nobody reads it, the command goes on, so that its exit code is right. If it cannot be
/// written for another reason, such as a full disk, the command fails: the line may hold a new secret.
pub fn line(text: fmt::Arguments<'_>) {
    let Err(error) = writeln!(io::stdout(), "{text}") else {
        return;
    };
    if error.kind() != io::ErrorKind::BrokenPipe {
        failure(&format!("cannot write the output: {error}"));
        std::process::exit(1);
    }
}

/// Prints why the command failed.
pub fn failure(why: &str) {
    // If nobody reads it, the exit code still says that it failed.
    let _ = writeln!(io::stderr(), "sluice: {why}");
}

/// Replaces control characters.
pub fn clean(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(clean).collect()
}

/// Prints rows below a header, in columns. Columns of numbers are aligned on the right.
pub fn table<const COLUMNS: usize>(header: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| clean(cell)))
        .collect();
    let mut columns = header.map(|name| (name.chars().count(), true));
    for row in &rows {
        for ((width, is_number), cell) in columns.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
            *is_number &= cell
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-');
        }
    }
    let print = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(columns).map(|(cell, (width, is_number))| {
            if is_number {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        let text: Vec<String> = cells.collect();
        println!("{}", text.join("  ").trim_end());
    };
    print(&header.map(str::to_owned));
    for row in &rows {
        print(row);
    }
}

/// A time for people, to the minute.
pub fn minute(time: OffsetDateTime) -> String {
    time.format(MINUTE).unwrap_or_default()
}

/// A time for programs (RFC 3339).
pub fn timestamp(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

/// A number of seconds in the largest unit that keeps it above one.
pub fn seconds(count: i64) -> String {
    match count {
        ..=119 => format!("{count} s"),
        120..=7_199 => format!("{} min", count / 60),
        7_200..=172_799 => format!("{} h", count / 3_600),
        _ => format!("{} d", count / 86_400),
    }
}

/// How long ago a time was.
pub fn since(time: OffsetDateTime) -> String {
    seconds((OffsetDateTime::now_utc() - time).whole_seconds().max(0))
}

/// `1 job`, `2 jobs`.
pub fn counted(count: i64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }

    #[test]
    fn a_duration_has_one_unit() {
        let shown = [0, 119, 120, 7_200, 172_800].map(seconds);
        assert_eq!(shown, ["0 s", "119 s", "2 min", "2 h", "2 d"]);
    }
}
