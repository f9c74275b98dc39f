//! The card worker's keys, in files that no other process reads.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use domain::card::Card;
use domain::id::{MerchantId, PaymentId};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::PgPool;
use store::key_file;
use store::vault::{self, OpeningKey, Sealed, Unsealable};
use uuid::Uuid;
use zeroize::Zeroizing;

/// How old a private key without a public one must be before it is destroyed. A younger one may belong to
/// another card worker that is about to publish the public key.
const ORPHAN: Duration = Duration::from_hours(1);
/// The extension of unfinished files.
const NEW: &str = "new";

/// The folder of keys, which all card workers share.
pub struct Keys {
    folder: PathBuf,
    fingerprint: Zeroizing<[u8; 32]>,
    opened: Mutex<HashMap<Uuid, OpeningKey>>,
}

impl Keys {
    /// Opens the folder. Creates it and the fingerprint key if missing.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let path = folder.join("fingerprint.hex");
        if !path.exists() {
            let random = Zeroizing::new(rand::random::<[u8; 32]>());
            let text = Zeroizing::new(hex::encode(*random));
            // If another card worker writes one first, its key stays and is read below.
            write_new(&path, text.as_bytes())?;
        }
        let fingerprint = key_file::read(&path)?;
        Ok(Self {
            folder: folder.to_owned(),
            fingerprint,
            opened: Mutex::default(),
        })
    }

    /// HMAC-SHA256 of the whole card number (PCI DSS 3.5.1.1).
    pub fn fingerprint(&self, card: &Card) -> Vec<u8> {
        // HMAC takes keys of any length; this one has 32 bytes.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.fingerprint) else {
            return Vec::new();
        };
        mac.update(card.number().as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Opens a sealed card. An I/O error may pass; a card whose key is missing or wrong stays sealed.
    pub fn open_card(
        &self,
        sealed: &Sealed,
        merchant: MerchantId,
        payment: PaymentId,
    ) -> io::Result<Result<Card, Unsealable>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match opened.entry(sealed.key_id) {
            Entry::Occupied(key) => key.into_mut(),
            Entry::Vacant(entry) => {
                let bytes = match fs::read(self.path(sealed.key_id)) {
                    Ok(bytes) => Zeroizing::new(bytes),
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        return Ok(Err(Unsealable));
                    }
                    Err(error) => return Err(error),
                };
                let Some(key) = OpeningKey::from_bytes(&bytes) else {
                    return Ok(Err(Unsealable));
                };
                entry.insert(key)
            }
        };
        Ok(key.open(&sealed.bytes, merchant, payment))
    }

    /// Creates today's key if missing, and destroys the keys that no card is sealed to any more.
    pub async fn rotate(&self, db: &PgPool) -> anyhow::Result<()> {
        let id = store::new_id();
        let (private, public) = OpeningKey::generate();
        // The private key must be on disk before anyone can seal to the public one; otherwise a crash
        // could leave sealed cards that nobody can open.
        write_new(&self.path(id), &private.to_bytes())?;
        match vault::publish_key_if_due(db, id, &public).await {
            Ok(true) => tracing::info!(key = %id, "created a sealing key"),
            Ok(false) => fs::remove_file(self.path(id))?,
            // It may have been published, so the file stays. If it was not, it is destroyed later as an
            // orphan.
            Err(error) => bail!(error),
        }
        let published = vault::retire_keys(db).await?;
        self.destroy_others(&published)
    }

    fn destroy_others(&self, published: &[Uuid]) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.metadata()?.modified()?.elapsed().unwrap_or_default() < ORPHAN {
                continue;
            }
            let id = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(id_of);
            if let Some(id) = id.filter(|id| !published.contains(id)) {
                self.opened
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&id);
                fs::remove_file(&path)?;
                tracing::info!(key = %id, "destroyed a sealing key");
            } else if path.extension().is_some_and(|extension| extension == NEW) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(format!("{id}.key"))
    }
}

fn id_of(name: &str) -> Option<Uuid> {
    name.strip_suffix(".key")?.parse().ok()
}

/// Writes a file that only its owner can read, unless it exists. It is complete whenever it is visible,
/// and survives a power cut: hence the temporary file, the hard link and the syncs.
fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let temporary = path.with_extension(format!("{}.{NEW}", store::new_id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(|| format!("writing {}", temporary.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
