//! The credentials of merchants as operators manage them: API keys, and the secrets of clients and of webhooks.

use std::time::Duration;

use domain::id::{EndpointId, KeyId, MerchantId};
use domain::merchant::{self, Mode};
use domain::surface::Surface;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::merchants::hash;
use crate::{Error, Result, endpoints};

/// The id of a credential, which is not secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialId {
    /// An API key, `key_…`.
    Key(KeyId),
    /// A client, `client_…`.
    Client(String),
    /// The signing secret of a webhook endpoint, `whk_…`.
    Endpoint(EndpointId),
    /// The secret that signs all webhooks of a merchant, `merchant_…`.
    Merchant(MerchantId),
}

impl CredentialId {
    /// Parses `key_…`, `client_…`, `whk_…` or `merchant_…`.
    pub fn parse(text: &str) -> Option<Self> {
        let key = KeyId::parse(text).map(CredentialId::Key);
        let endpoint = || EndpointId::parse(text).map(CredentialId::Endpoint);
        let merchant = || MerchantId::parse(text).map(CredentialId::Merchant);
        let client = || {
            let client = domain::id::parse("client", text);
            client.map(|_| CredentialId::Client(text.to_owned()))
        };
        key.or_else(endpoint).or_else(merchant).or_else(client)
    }
}

impl std::fmt::Display for CredentialId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CredentialId::Key(id) => id.fmt(f),
            CredentialId::Client(id) => f.write_str(id),
            CredentialId::Endpoint(id) => id.fmt(f),
            CredentialId::Merchant(id) => id.fmt(f),
        }
    }
}

/// A credential without its secret.
#[derive(Debug)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// Its merchant.
    pub merchant_id: MerchantId,
    /// The merchant's name.
    pub merchant: String,
    /// The mode whose data it can access.
    pub mode: Mode,
    /// The last four characters of an API key.
    pub last4: Option<String>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was revoked, if it was.
    pub revoked_at: Option<OffsetDateTime>,
    /// When a rolled key ends; of a client, when the secret before the current one ends.
    pub ends_at: Option<OffsetDateTime>,
}

/// The newest `most` keys and clients, of one merchant or of all.
pub async fn list(db: &PgPool, merchant: Option<MerchantId>, most: i64) -> Result<Vec<Credential>> {
    let rows = sqlx::query!(
        r#"select c.key_id as "key_id?", c.client_id as "client_id?", c.merchant_id as "merchant_id!",
                  m.name, c.live as "live!", c.last4 as "last4?", c.created_at as "created_at!",
                  c.revoked_at as "revoked_at?", c.ends_at as "ends_at?"
           from (select id as key_id, null as client_id, merchant_id, live, last4, created_at, revoked_at,
                        expires_at as ends_at
                 from api_keys
                 union all
                 select null, id, merchant_id, live, null, created_at, revoked_at, previous_expires_at
                 from api_clients) c
           join merchants m on m.id = c.merchant_id
           where $1::uuid is null or c.merchant_id = $1
           order by c.created_at desc, c.key_id desc limit $2"#,
        merchant.map(|merchant| merchant.0),
        most,
    )
    .fetch_all(db)
    .await?;
    let id = |key: Option<Uuid>, client: Option<String>| match key {
        Some(key) => CredentialId::Key(KeyId(key)),
        None => CredentialId::Client(client.unwrap_or_default()),
    };
    let read = rows.into_iter().map(|row| Credential {
        id: id(row.key_id, row.client_id),
        merchant_id: MerchantId(row.merchant_id),
        merchant: row.name,
        mode: Mode::of(row.live),
        last4: row.last4,
        created_at: row.created_at,
        revoked_at: row.revoked_at,
        ends_at: row.ends_at,
    });
    Ok(read.collect())
}

/// The result of rolling a credential.
pub enum Rolled {
    /// There is a new secret.
    New {
        /// The id of the credential with the new secret: a new key's, or the same client's.
        id: CredentialId,
        /// The new secret, shown once.
        secret: Zeroizing<String>,
        /// Until when the old secret is accepted too, if it still is.
        old_until: Option<OffsetDateTime>,
    },
    /// A webhook endpoint or a merchant has a new secret, which is derived from this version.
    NewVersion {
        /// The version.
        version: u32,
        /// Until when webhooks are signed with the old secret too, if they still are.
        old_until: Option<OffsetDateTime>,
    },
    /// There is no such credential.
    Missing,
    /// It was rolled before, and its old secret is still accepted until then.
    StillOverlapping(OffsetDateTime),
}

/// Replaces a credential's secret. The old one is accepted for `overlap` longer; not at all if that is
/// zero or if it was revoked.
pub async fn roll(db: &PgPool, id: &CredentialId, overlap: Duration) -> Result<Rolled> {
    match id {
        CredentialId::Key(id) => roll_key(db, *id, overlap).await,
        CredentialId::Client(id) => roll_client(db, id, overlap).await,
        CredentialId::Endpoint(id) => roll_endpoint(db, *id, overlap).await,
        CredentialId::Merchant(id) => roll_merchant(db, *id, overlap).await,
    }
}

async fn roll_key(db: &PgPool, id: KeyId, overlap: Duration) -> Result<Rolled> {
    let mut tx = db.begin().await?;
    let old = sqlx::query!(
        r#"select merchant_id, live, revoked_at, expires_at,
                  expires_at > now() as is_overlapping
           from api_keys where id = $1 for update"#,
        id.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(old) = old else {
        return Ok(Rolled::Missing);
    };
    if let (None, Some(ends_at), Some(true)) = (old.revoked_at, old.expires_at, old.is_overlapping)
    {
        return Ok(Rolled::StillOverlapping(ends_at));
    }
    let old_until = sqlx::query_scalar!(
        r#"update api_keys
           set expires_at = case when $2 > 0.0::float8 then now() + make_interval(secs => $2) end,
               revoked_at = case when $2 > 0.0::float8 then null else now() end
           where id = $1 and revoked_at is null and expires_at is null
           returning expires_at"#,
        id.0,
        overlap.as_secs_f64(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let secret = merchant::key(Mode::of(old.live), &rand::random());
    let new = KeyId(crate::new_id());
    insert(&mut tx, new, old.merchant_id, Mode::of(old.live), &secret).await?;
    tx.commit().await?;
    Ok(Rolled::New {
        id: CredentialId::Key(new),
        secret,
        old_until: old_until.flatten(),
    })
}

/// Stores a new key.
pub(crate) async fn insert(
    tx: &mut sqlx::PgTransaction<'_>,
    id: KeyId,
    merchant: Uuid,
    mode: Mode,
    key: &str,
) -> Result<()> {
    sqlx::query!(
        "insert into api_keys (id, merchant_id, live, hash, last4) values ($1, $2, $3, $4, $5)",
        id.0,
        merchant,
        mode.is_live(),
        hash(key),
        key.get(key.len().saturating_sub(4)..).unwrap_or_default(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn roll_client(db: &PgPool, client: &str, overlap: Duration) -> Result<Rolled> {
    let mut tx = db.begin().await?;
    let old = sqlx::query!(
        r#"select revoked_at, previous_expires_at, previous_expires_at > now() as is_overlapping
           from api_clients where id = $1 for update"#,
        client,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(old) = old else {
        return Ok(Rolled::Missing);
    };
    if let (Some(ends_at), Some(true), false) = (
        old.previous_expires_at,
        old.is_overlapping,
        overlap.is_zero(),
    ) {
        return Ok(Rolled::StillOverlapping(ends_at));
    }
    let secret = merchant::client_secret(&rand::random());
    let overlap = if old.revoked_at.is_some() {
        Duration::ZERO
    } else {
        overlap
    };
    let old_until = sqlx::query_scalar!(
        r#"update api_clients
           set previous_secret_hash = case when $2 > 0.0::float8 then secret_hash end,
               previous_expires_at = case when $2 > 0.0::float8 then now() + make_interval(secs => $2) end,
               secret_hash = $3, revoked_at = null
           where id = $1
           returning previous_expires_at"#,
        client,
        overlap.as_secs_f64(),
        hash(&secret),
    )
    .fetch_one(&mut *tx)
    .await?;
    if overlap.is_zero() {
        delete_tokens(&mut tx, client).await?;
    }
    tx.commit().await?;
    Ok(Rolled::New {
        id: CredentialId::Client(client.to_owned()),
        secret,
        old_until,
    })
}

async fn roll_endpoint(db: &PgPool, id: EndpointId, overlap: Duration) -> Result<Rolled> {
    let mut tx = db.begin().await?;
    let old = sqlx::query!(
        r#"select surface, case when previous_secret_until > now() then previous_secret_until end as old_until
           from webhook_endpoints where id = $1 for no key update"#,
        id.0,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(old) = old else {
        return Ok(Rolled::Missing);
    };
    if let (Some(until), false) = (old.old_until, overlap.is_zero()) {
        return Ok(Rolled::StillOverlapping(until));
    }
    let surface = Surface::parse(&old.surface).ok_or(Error::Unreadable {
        table: "webhook_endpoints",
    })?;
    let Some(rolled) = endpoints::roll_secret(&mut tx, surface, id, overlap).await? else {
        return Ok(Rolled::Missing);
    };
    tx.commit().await?;
    Ok(Rolled::NewVersion {
        version: rolled.secret_version,
        old_until: rolled.previous_secret_until,
    })
}

async fn roll_merchant(db: &PgPool, id: MerchantId, overlap: Duration) -> Result<Rolled> {
    let rolled = sqlx::query!(
        r#"update merchants
           set webhook_secret_version = webhook_secret_version + 1,
               previous_webhook_secret_until =
                   case when $2 > 0.0::float8 then now() + make_interval(secs => $2) end
           where id = $1
             and ($2 = 0.0::float8 or coalesce(previous_webhook_secret_until <= now(), true))
           returning webhook_secret_version, previous_webhook_secret_until"#,
        id.0,
        overlap.as_secs_f64(),
    )
    .fetch_optional(db)
    .await?;
    if let Some(rolled) = rolled {
        return Ok(Rolled::NewVersion {
            version: u32::try_from(rolled.webhook_secret_version).unwrap_or_default(),
            old_until: rolled.previous_webhook_secret_until,
        });
    }
    let query = sqlx::query_scalar!(
        "select previous_webhook_secret_until from merchants where id = $1",
        id.0
    );
    let until = query.fetch_optional(db).await?.flatten();
    Ok(until.map_or(Rolled::Missing, Rolled::StillOverlapping))
}

async fn delete_tokens(tx: &mut sqlx::PgTransaction<'_>, client: &str) -> Result<()> {
    sqlx::query!("delete from access_tokens where client_id = $1", client)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Ends a key, or a client with its secrets and access tokens. `false` if there is no such credential, or if
/// its secret signs webhooks, which are always signed. The time of an earlier revocation stays.
pub async fn revoke(db: &PgPool, id: &CredentialId) -> Result<bool> {
    let mut tx = db.begin().await?;
    let done = match id {
        CredentialId::Key(id) => {
            sqlx::query!(
                "update api_keys set revoked_at = coalesce(revoked_at, now()) where id = $1",
                id.0,
            )
            .execute(&mut *tx)
            .await?
        }
        CredentialId::Client(id) => {
            delete_tokens(&mut tx, id).await?;
            sqlx::query!(
                "update api_clients
                 set revoked_at = coalesce(revoked_at, now()), previous_secret_hash = null,
                     previous_expires_at = null
                 where id = $1",
                id,
            )
            .execute(&mut *tx)
            .await?
        }
        CredentialId::Endpoint(_) | CredentialId::Merchant(_) => return Ok(false),
    };
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}
