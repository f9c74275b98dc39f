//! The card worker's keys: files that no other process reads.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
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

/// A private half without a public one is left alone for this long: it may just be being made.
const ORPHAN: Duration = Duration::from_hours(1);
/// The extension of a file that is being written.
const NEW: &str = "new";

/// The folder of keys. All card workers share it.
pub struct Keys {
    folder: PathBuf,
    fingerprint: Zeroizing<[u8; 32]>,
    opened: Mutex<HashMap<Uuid, OpeningKey>>,
}

impl Keys {
    /// Opens the folder; makes it, and the fingerprint key, where they are not there yet.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let path = folder.join("fingerprint.hex");
        if !path.exists() {
            let random = Zeroizing::new(rand::random::<[u8; 32]>());
            let text = Zeroizing::new(hex::encode(*random));
            // Another card worker may be first; then its key counts.
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

    /// Opens a sealed card.
    pub fn open_card(
        &self,
        sealed: &Sealed,
        merchant: MerchantId,
        payment: PaymentId,
    ) -> Result<Card, Unsealable> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match opened.entry(sealed.key_id) {
            Entry::Occupied(key) => key.into_mut(),
            Entry::Vacant(place) => {
                let bytes = fs::read(self.path(sealed.key_id)).map_err(|_| Unsealable)?;
                let key = OpeningKey::from_bytes(&Zeroizing::new(bytes)).ok_or(Unsealable)?;
                place.insert(key)
            }
        };
        key.open(&sealed.bytes, merchant, payment)
    }

    /// Makes today's key if nobody has, and destroys those that no card is sealed to any more.
    pub async fn rotate(&self, db: &PgPool) -> anyhow::Result<()> {
        let id = store::new_id();
        let (private, public) = OpeningKey::generate();
        // The private half is safe on disk before anyone can seal to the public one.
        write_new(&self.path(id), &private.to_bytes())?;
        match vault::publish_key_if_due(db, id, &public).await {
            Ok(true) => tracing::info!(key = %id, "made a sealing key"),
            Ok(false) => fs::remove_file(self.path(id))?,
            // Whether it was published is not known; as an orphan it goes later.
            Err(error) => bail!(error),
        }
        let kept = vault::retire_keys(db).await?;
        self.destroy_others(&kept)
    }

    fn destroy_others(&self, kept: &[Uuid]) -> anyhow::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.metadata()?.modified()?.elapsed().unwrap_or_default() < ORPHAN {
                continue;
            }
            let id = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(id_of);
            if let Some(id) = id.filter(|id| !kept.contains(id)) {
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

/// Writes a file that only its owner reads and that survives a power cut, unless it is there.
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
