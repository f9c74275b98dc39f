//! The vault: the API seals cards to the card worker; a sealed card is deleted when its payment's outcome
//! is recorded.
//!
//! HPKE (RFC 9180) with X25519, HKDF-SHA256 and ChaCha20-Poly1305. The associated data names the
//! merchant and the payment, so that a sealed card does not open in another row. The database stores
//! the public keys; the private ones are files of the card worker. A private key that no sealed card
//! uses any more is destroyed, so that copies in the write-ahead log and backups cannot be opened.

use domain::card::Card;
use domain::id::{MerchantId, PaymentId};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use sqlx::PgPool;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Result;
use crate::retention::BATCH;

const INFO: &[u8] = b"sluice card v1";
/// The length of an encapsulated X25519 key, bytes.
const ENCAPSULATED: usize = 32;

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;

/// A sealed card and the key it is sealed to.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The sealing key.
    pub key_id: Uuid,
    /// Encapsulated key and ciphertext.
    pub bytes: Vec<u8>,
}

/// The card cannot be sealed or opened. No detail, on purpose: it could reveal card data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the card cannot be sealed or opened with this key")]
pub struct Unsealable;

/// The public half, for the API.
#[derive(Clone)]
pub struct SealingKey {
    /// Its id.
    pub id: Uuid,
    public: PublicKey,
}

impl SealingKey {
    /// Seals a card for one payment of one merchant.
    ///
    /// # Errors
    /// [`Unsealable`] if the key is invalid.
    pub fn seal(
        &self,
        card: &Card,
        merchant: MerchantId,
        payment: PaymentId,
    ) -> std::result::Result<Sealed, Unsealable> {
        let masked = card.masked();
        let plain = Zeroizing::new(format!(
            "{} {} {} {}",
            card.number(),
            masked.exp_month,
            masked.exp_year,
            card.cvc()
        ));
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &self.public,
                INFO,
                plain.as_bytes(),
                &associated_data(merchant, payment),
            )
            .map_err(|_| Unsealable)?;
        let bytes = [encapsulated.to_bytes().as_slice(), &ciphertext].concat();
        Ok(Sealed {
            key_id: self.id,
            bytes,
        })
    }
}

/// The private half, for the card worker.
pub struct OpeningKey(PrivateKey);

impl OpeningKey {
    /// Generates a key pair: the private half and the bytes of the public one.
    pub fn generate() -> (Self, Vec<u8>) {
        let (private, public) = X25519HkdfSha256::gen_keypair();
        (Self(private), public.to_bytes().to_vec())
    }

    /// Parses the bytes of [`OpeningKey::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        PrivateKey::from_bytes(bytes).ok().map(Self)
    }

    /// The bytes to store in the card worker's key file.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_bytes().to_vec())
    }

    /// Opens a card sealed for this payment of this merchant.
    ///
    /// # Errors
    /// [`Unsealable`] if the card was sealed to another key or for another payment, or was altered.
    pub fn open(
        &self,
        sealed: &[u8],
        merchant: MerchantId,
        payment: PaymentId,
    ) -> std::result::Result<Card, Unsealable> {
        let (encapsulated, ciphertext) = sealed.split_at_checked(ENCAPSULATED).ok_or(Unsealable)?;
        let encapsulated = Deserializable::from_bytes(encapsulated).map_err(|_| Unsealable)?;
        let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            INFO,
            ciphertext,
            &associated_data(merchant, payment),
        )
        .map_err(|_| Unsealable)?;
        let plain = Zeroizing::new(plain);
        read(&plain).ok_or(Unsealable)
    }
}

fn read(plain: &[u8]) -> Option<Card> {
    let mut parts = std::str::from_utf8(plain).ok()?.split(' ');
    let (number, month, year, cvc) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Card::new(number, month.parse().ok()?, year.parse().ok()?, cvc).ok()
}

fn associated_data(merchant: MerchantId, payment: PaymentId) -> [u8; 32] {
    let mut data = [0; 32];
    let (left, right) = data.split_at_mut(16);
    left.copy_from_slice(merchant.0.as_bytes());
    right.copy_from_slice(payment.0.as_bytes());
    data
}

/// The newest sealing key, if the card worker has published one.
pub async fn newest_key(db: &PgPool) -> Result<Option<SealingKey>> {
    let row = sqlx::query!(
        "select id, public_key from sealing_keys order by created_at desc, id desc limit 1"
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| {
        let public = PublicKey::from_bytes(&row.public_key).ok()?;
        Some(SealingKey { id: row.id, public })
    }))
}

/// Destroys up to [`BATCH`] cards that were sealed more than `age` seconds ago, whatever became of their
/// payments. The payments' jobs are made due, parked or not, so that a payment that can no longer be
/// authorized fails. Returns how many cards.
pub(crate) async fn destroy_expired(db: &PgPool, age: f64) -> Result<u64> {
    let destroyed = sqlx::query_scalar!(
        r#"with expired as (
             select payment_id from sealed_cards where created_at < now() - make_interval(secs => $2)
             order by created_at limit $1
         ), destroyed as (
             delete from sealed_cards where payment_id = any(array(select payment_id from expired))
             returning payment_id
         ), woken as (
             update jobs
             set due_at = now(), parked_at = null, claims = 0, publish_count = 0, seq = seq + 1
             where id = any(array(select payment_id from destroyed))
         )
         select count(*) as "count!" from destroyed"#,
        BATCH,
        age,
    )
    .fetch_one(db)
    .await?;
    Ok(destroyed.cast_unsigned())
}

/// Publishes a public key unless the newest is less than a day old. Returns whether it was published.
pub async fn publish_key_if_due(db: &PgPool, id: Uuid, public_key: &[u8]) -> Result<bool> {
    let done = sqlx::query!(
        "insert into sealing_keys (id, public_key)
         select $1, $2 where not exists (
             select from sealing_keys where created_at > now() - interval '1 day')",
        id,
        public_key,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes public keys older than two days that no card is sealed to, but never the newest one. Returns
/// the remaining keys; the private halves of all others may be destroyed. A card being sealed to a
/// deleted key cannot be stored: the foreign key of `sealed_cards` rejects it.
pub async fn retire_keys(db: &PgPool) -> Result<Vec<Uuid>> {
    sqlx::query!(
        "delete from sealing_keys k
         where created_at < now() - interval '2 days'
           and not exists (select from sealed_cards s where s.key_id = k.id)
           and exists (select from sealing_keys y where y.created_at > k.created_at)"
    )
    .execute(db)
    .await?;
    let remaining = sqlx::query_scalar!("select id from sealing_keys")
        .fetch_all(db)
        .await?;
    Ok(remaining)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_card_opens_for_its_own_payment_only() -> std::result::Result<(), Unsealable> {
        let (private, public) = OpeningKey::generate();
        let public = PublicKey::from_bytes(&public).map_err(|_| Unsealable)?;
        let key = SealingKey {
            id: Uuid::nil(),
            public,
        };
        let card = Card::new("4242424242424242", 12, 2025, "123").map_err(|_| Unsealable)?;
        let (merchant, payment) = (
            MerchantId(Uuid::from_u128(1)),
            PaymentId(Uuid::from_u128(2)),
        );
        let sealed = key.seal(&card, merchant, payment)?;
        let opened = private.open(&sealed.bytes, merchant, payment)?;
        assert_eq!((opened.number(), opened.cvc()), (card.number(), card.cvc()));
        assert_eq!(opened.masked(), card.masked());

        let other = PaymentId(Uuid::from_u128(3));
        assert_eq!(
            private.open(&sealed.bytes, merchant, other).err(),
            Some(Unsealable)
        );
        let (other_key, _) = OpeningKey::generate();
        assert_eq!(
            other_key.open(&sealed.bytes, merchant, payment).err(),
            Some(Unsealable)
        );
        for cut in 0..sealed.bytes.len() {
            let cut = sealed.bytes.get(..cut).unwrap_or_default();
            assert_eq!(private.open(cut, merchant, payment).err(), Some(Unsealable));
        }
        Ok(())
    }
}
