//! The errors that a surface may answer, explained. Each surface lists its own beside the errors
//! themselves, and a test there finds a code that is not listed.

/// An error that a surface may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The HTTP status.
    pub status: u16,
    /// What programs compare.
    pub code: &'static str,
    /// When it comes.
    pub when: &'static str,
    /// What the client can do about it.
    pub remedy: &'static str,
}

/// An entry of a catalogue.
pub(crate) const fn entry(
    status: u16,
    code: &'static str,
    when: &'static str,
    remedy: &'static str,
) -> Entry {
    Entry {
        status,
        code,
        when,
        remedy,
    }
}

/// The texts in quotation marks of a source, up to its tests.
#[cfg(test)]
pub(crate) fn texts(source: &str) -> impl Iterator<Item = &str> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("//") && !line.starts_with('#')
    });
    lines.flat_map(|line| line.split('"').skip(1).step_by(2))
}

/// Whether a text is written as codes in words are, `amount_too_small`.
#[cfg(test)]
pub(crate) fn is_words(text: &str) -> bool {
    let is_one = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    text.contains('_') && text.split('_').all(is_one)
}
