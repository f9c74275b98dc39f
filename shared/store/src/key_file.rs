//! Keys stored in files, so that no backup of the database contains them.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The file is missing, or the process may not read it.
    #[error("the key file {path} cannot be read")]
    File {
        /// The file's path.
        path: PathBuf,
        /// The I/O error.
        source: std::io::Error,
    },
    /// The file does not contain a key.
    #[error("the key file {path} does not contain 64 hex digits")]
    NotAKey {
        /// The file's path.
        path: PathBuf,
    },
}

/// Reads a file of 64 hex digits.
///
/// # Errors
/// [`Unreadable`] names the file, never its content.
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
