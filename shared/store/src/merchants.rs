//! Merchants and their keys.

use domain::endpoint;
use domain::id::{KeyId, MerchantId};
use domain::merchant::{self, Mode, PublicIntents};
use domain::money::Currency;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Error, Result, keys};

/// The details of a new merchant.
#[derive(Debug, Clone)]
pub struct New {
    /// Its name.
    pub name: String,
    /// Requests a minute for each key; `None` is the surface's default.
    pub rate_limit: Option<i32>,
    /// The fee in basis points of each captured amount, 0 to 10,000.
    pub fee_basis_points: i16,
    /// The support address for payers, 3 to 254 characters.
    pub email: Option<String>,
    /// The merchant's own currency; lists show rates in it.
    pub currency: Currency,
}

/// A new merchant's secrets, shown once.
pub struct Credentials {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// `sk_test_…`
    pub test_key: Zeroizing<String>,
    /// `sk_live_…`
    pub live_key: Zeroizing<String>,
    /// The client id for token routes, test mode.
    pub client_id: String,
    /// The client's secret.
    pub client_secret: Zeroizing<String>,
}

/// Creates a merchant with a test key, a live key and test client credentials.
pub async fn create(db: &PgPool, new: &New) -> Result<Credentials> {
    let merchant_id = MerchantId(crate::new_id());
    let credentials = Credentials {
        merchant_id,
        test_key: merchant::key(Mode::Test, &rand::random()),
        live_key: merchant::key(Mode::Live, &rand::random()),
        client_id: domain::id::render("client", crate::new_id()),
        client_secret: merchant::client_secret(&rand::random()),
    };
    let mut tx = db.begin().await?;
    sqlx::query!(
        "insert into merchants (id, name, rate_limit, fee_basis_points, email, currency)
         values ($1, $2, $3, $4, $5, $6)",
        merchant_id.0,
        new.name,
        new.rate_limit,
        new.fee_basis_points,
        new.email,
        new.currency.code(),
    )
    .execute(&mut *tx)
    .await?;
    for (mode, key) in [
        (Mode::Test, &credentials.test_key),
        (Mode::Live, &credentials.live_key),
    ] {
        keys::insert(&mut tx, KeyId(crate::new_id()), merchant_id.0, mode, key).await?;
    }
    sqlx::query!(
        "insert into api_clients (id, merchant_id, live, secret_hash) values ($1, $2, false, $3)",
        credentials.client_id,
        merchant_id.0,
        hash(&credentials.client_secret),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(credentials)
}

/// Whom a credential identifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// The id that its requests are counted under: the key's, or the client's for access tokens.
    pub key_id: Uuid,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// The mode whose data the credential can access.
    pub mode: Mode,
    /// The merchant's own limit, requests a minute; `None` is the surface's default.
    pub rate_limit: Option<u32>,
}

/// The result of looking up a key or an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialStatus {
    /// It is valid.
    Principal(Principal),
    /// It is valid, but its merchant is disabled.
    Disabled,
    /// The token has expired.
    Expired,
    /// The token's scope does not include payments.
    OutOfScope,
    /// There is no such key or token: it was never issued, is revoked, or ended, a token more than a
    /// day ago.
    Unknown,
}

/// Whom this access token identifies.
pub async fn principal_by_token(db: &PgPool, token: &str) -> Result<CredentialStatus> {
    let row = sqlx::query!(
        r#"select limited_as as "limited_as!", merchant_id as "merchant_id!", live as "live!",
                  rate_limit, is_disabled as "is_disabled!", is_expired as "is_expired!", scope
           from holder_of_token($1)"#,
        hash(token),
    )
    .fetch_optional(db)
    .await?;
    Ok(match row {
        None => CredentialStatus::Unknown,
        Some(row) if row.is_expired => CredentialStatus::Expired,
        Some(row) if row.is_disabled => CredentialStatus::Disabled,
        Some(row) if !row.scope.as_deref().is_none_or(opens_payments) => {
            CredentialStatus::OutOfScope
        }
        Some(row) => CredentialStatus::Principal(Principal {
            key_id: row.limited_as,
            merchant_id: MerchantId(row.merchant_id),
            mode: Mode::of(row.live),
            rate_limit: row.rate_limit.and_then(|limit| u32::try_from(limit).ok()),
        }),
    })
}

/// The whole API is one scope, `payments`. A token without a scope may access everything.
fn opens_payments(scope: &str) -> bool {
    scope.split(' ').any(|name| name == "payments")
}

/// Whom this API key identifies.
pub async fn principal_by_key(db: &PgPool, key: &str) -> Result<CredentialStatus> {
    // The lookup compares hashes of 256-bit random keys, so its timing reveals nothing useful.
    let row = sqlx::query!(
        r#"select id as "id!", merchant_id as "merchant_id!", live as "live!", rate_limit,
                  is_disabled as "is_disabled!"
           from holder_of_key($1)"#,
        hash(key),
    )
    .fetch_optional(db)
    .await?;
    Ok(match row {
        None => CredentialStatus::Unknown,
        Some(row) if row.is_disabled => CredentialStatus::Disabled,
        Some(row) => CredentialStatus::Principal(Principal {
            key_id: row.id,
            merchant_id: MerchantId(row.merchant_id),
            mode: Mode::of(row.live),
            rate_limit: row.rate_limit.and_then(|limit| u32::try_from(limit).ok()),
        }),
    })
}

/// A merchant as payers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The support address for payers.
    pub email: Option<String>,
    /// The merchant's own currency.
    pub currency: Currency,
}

/// What payers see of a merchant. The merchant must exist.
pub async fn profile(db: &PgPool, merchant: MerchantId) -> Result<Profile> {
    let row = sqlx::query!(
        r#"select name as "name!", email, currency as "currency!" from merchant_profile($1)"#,
        merchant.0,
    )
    .fetch_one(db)
    .await?;
    let currency = Currency::parse_stored(&row.currency);
    Ok(Profile {
        name: row.name,
        email: row.email,
        currency: currency.ok_or(Error::Unreadable { table: "merchants" })?,
    })
}

/// What a merchant lets payers, who have no key, do and see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForPayers {
    /// What they may read of an intent.
    pub public_intents: PublicIntents,
    /// Whether the merchant is disabled, so that nothing can be paid.
    pub is_disabled: bool,
}

/// What a merchant lets payers do and see. The merchant must exist.
pub async fn for_payers(db: &PgPool, merchant: MerchantId) -> Result<ForPayers> {
    let row = sqlx::query!(
        r#"select public_intents as "public_intents!", is_disabled as "is_disabled!"
           from merchant_for_payers($1)"#,
        merchant.0
    )
    .fetch_one(db)
    .await?;
    let public_intents = PublicIntents::parse(&row.public_intents);
    Ok(ForPayers {
        public_intents: public_intents.ok_or(Error::Unreadable { table: "merchants" })?,
        is_disabled: row.is_disabled,
    })
}

/// Sets what anonymous callers may read of a merchant's intents; `false` if there is no such merchant.
pub async fn set_public_intents(
    db: &PgPool,
    merchant: MerchantId,
    choice: PublicIntents,
) -> Result<bool> {
    let done = sqlx::query!(
        "update merchants set public_intents = $2 where id = $1",
        merchant.0,
        choice.name(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets how many requests a minute each of a merchant's keys may make; `None` restores the surfaces'
/// defaults. `false` if there is no such merchant.
pub async fn set_rate_limit(db: &PgPool, merchant: MerchantId, limit: Option<i32>) -> Result<bool> {
    let done = sqlx::query!(
        "update merchants set rate_limit = $2 where id = $1",
        merchant.0,
        limit,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A merchant as operators see it.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// Since when it is disabled, and why.
    pub disabled: Option<(OffsetDateTime, String)>,
    /// The support address for payers.
    pub email: Option<String>,
    /// Its own currency.
    pub currency: String,
    /// The fee in basis points.
    pub fee_basis_points: i16,
    /// Its own limit, requests a minute and key.
    pub rate_limit: Option<i32>,
    /// What anonymous callers may read of its intents.
    pub public_intents: String,
    /// Webhook endpoints that are not deleted.
    pub endpoints: i64,
}

struct Row {
    id: Uuid,
    name: String,
    created_at: OffsetDateTime,
    disabled_at: Option<OffsetDateTime>,
    disabled_reason: Option<String>,
    email: Option<String>,
    currency: String,
    fee_basis_points: i16,
    rate_limit: Option<i32>,
    public_intents: String,
    endpoints: i64,
}

impl From<Row> for Merchant {
    fn from(row: Row) -> Self {
        Self {
            id: MerchantId(row.id),
            name: row.name,
            created_at: row.created_at,
            disabled: row.disabled_at.zip(row.disabled_reason),
            email: row.email,
            currency: row.currency,
            fee_basis_points: row.fee_basis_points,
            rate_limit: row.rate_limit,
            public_intents: row.public_intents,
            endpoints: row.endpoints,
        }
    }
}

/// A merchant; `None` if there is no such merchant.
pub async fn find(db: &PgPool, id: MerchantId) -> Result<Option<Merchant>> {
    let found = select(db, Some(id), None, 1).await?;
    Ok(found.into_iter().next())
}

/// The newest `most` merchants, of those created before `after` if there is one.
pub async fn list(db: &PgPool, after: Option<MerchantId>, most: i64) -> Result<Vec<Merchant>> {
    select(db, None, after, most).await
}

async fn select(
    db: &PgPool,
    id: Option<MerchantId>,
    after: Option<MerchantId>,
    most: i64,
) -> Result<Vec<Merchant>> {
    // Ids sort by the time they were created.
    let rows = sqlx::query_as!(
        Row,
        r#"select m.id, m.name, m.created_at, m.disabled_at, m.disabled_reason, m.email, m.currency,
                  m.fee_basis_points, m.rate_limit, m.public_intents,
                  (select count(*) from webhook_endpoints e
                   where e.merchant_id = m.id and e.status <> $3) as "endpoints!"
           from merchants m
           where ($1::uuid is null or m.id = $1) and ($4::uuid is null or m.id < $4)
           order by m.id desc limit $2"#,
        id.map(|id| id.0),
        most,
        endpoint::Status::Deleted.name(),
        after.map(|after| after.0),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(Merchant::from).collect())
}

/// Refuses a merchant's requests from now on; what is in progress goes on. `false` if there is no such
/// merchant. One that is disabled already stays disabled since the same time, for the same reason.
pub async fn disable(db: &PgPool, merchant: MerchantId, reason: &str) -> Result<bool> {
    let done = sqlx::query!(
        "update merchants
         set disabled_at = coalesce(disabled_at, now()), disabled_reason = coalesce(disabled_reason, $2)
         where id = $1",
        merchant.0,
        reason,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
