//! Keys that are kept in files, so that no backup of the database holds them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Why a key file gives no key.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file is not there, or not ours to read.
    #[error("the key file {path} cannot be read")]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("{path} does not hold 64 hex digits")]
    NotAKey {
        /// Its path.
        path: PathBuf,
    },
}

/// Reads a file of 64 hex digits.
///
/// # Errors
/// [`Unreadable`] names the file, never what it holds.
pub fn read(path: &Path) -> Result<Zeroizing<[u8; 32]>, Unreadable> {
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|source| Unreadable::File {
            path: path.to_owned(),
            source,
        })?;
    let mut key = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), &mut *key).map_err(|_| Unreadable::NotAKey {
        path: path.to_owned(),
    })?;
    Ok(key)
}
