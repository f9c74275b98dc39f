//! Customers.

use domain::customer::Customer;
use domain::event::{Event, EventType, Subject};
use domain::id::{CustomerId, MerchantId};
use domain::job::Job;
use domain::merchant::Mode;
use serde_json::{Map, Value};
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::effects::{self, Effects};
use crate::{Error, Result, Tx};

struct Row {
    id: Uuid,
    merchant_id: Uuid,
    live: bool,
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
    description: Option<String>,
    metadata: Value,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<Customer> {
        let Value::Object(metadata) = self.metadata else {
            return Err(Error::Unreadable { table: "customers" });
        };
        Ok(Customer {
            id: CustomerId(self.id),
            merchant_id: MerchantId(self.merchant_id),
            mode: Mode::of(self.live),
            email: self.email,
            name: self.name,
            phone: self.phone,
            description: self.description,
            metadata,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The details of a customer that a request provides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewCustomer {
    /// The email address; unique per merchant and mode.
    pub email: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// The merchant's own note.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Option<Map<String, Value>>,
}

/// Creates a customer with this id, or updates the one with the same email address: the provided
/// details replace the stored ones. Records the event, and returns the jobs to publish after the
/// commit.
pub async fn upsert(
    tx: &mut Tx,
    id: CustomerId,
    merchant: MerchantId,
    mode: Mode,
    details: &NewCustomer,
) -> Result<(Customer, Vec<Job>)> {
    let row = sqlx::query_as!(
        Row,
        "insert into customers as c
             (id, merchant_id, live, email, name, phone, description, metadata)
         values ($1, $2, $3, $4, $5, $6, $7, coalesce($8, '{}'::jsonb))
         on conflict (merchant_id, live, lower(email)) where email is not null do update
         set name = coalesce(excluded.name, c.name), phone = coalesce(excluded.phone, c.phone),
             description = coalesce(excluded.description, c.description),
             metadata = coalesce($8::jsonb, c.metadata), updated_at = now()
         returning id, merchant_id, live, email, name, phone, description, metadata, created_at,
                   updated_at",
        id.0,
        merchant.0,
        mode.is_live(),
        details.email,
        details.name,
        details.phone,
        details.description,
        details.metadata.clone().map(Value::Object),
    )
    .fetch_one(&mut **tx)
    .await?;
    let customer = row.read()?;
    let event_type = if customer.id == id {
        EventType::CustomerCreated
    } else {
        EventType::CustomerUpdated
    };
    let jobs = record(tx, event_type, &customer).await?;
    Ok((customer, jobs))
}

/// Changes to a customer. An outer `None` keeps the field, an inner `None` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The email address; unique per merchant and mode.
    pub email: Option<Option<String>>,
    /// Its name.
    pub name: Option<Option<String>>,
    /// Its telephone number.
    pub phone: Option<Option<String>>,
    /// The merchant's own note.
    pub description: Option<Option<String>>,
    /// The merchant's own keys and values; replaces all of them.
    pub metadata: Option<Map<String, Value>>,
}

/// Updates a merchant's customer and records the event; `None` if the merchant has no such customer.
/// If another customer has the new email address, the constraint `customers_email_unique` rejects the
/// update.
pub async fn update(
    tx: &mut Tx,
    merchant: MerchantId,
    mode: Mode,
    id: CustomerId,
    changes: &Changes,
) -> Result<Option<(Customer, Vec<Job>)>> {
    let row = sqlx::query_as!(
        Row,
        "update customers
         set email = case when $4 then $5 else email end,
             name = case when $6 then $7 else name end,
             phone = case when $8 then $9 else phone end,
             description = case when $10 then $11 else description end,
             metadata = coalesce($12::jsonb, metadata), updated_at = now()
         where id = $1 and merchant_id = $2 and live = $3
         returning id, merchant_id, live, email, name, phone, description, metadata, created_at,
                   updated_at",
        id.0,
        merchant.0,
        mode.is_live(),
        changes.email.is_some(),
        changes.email.clone().flatten(),
        changes.name.is_some(),
        changes.name.clone().flatten(),
        changes.phone.is_some(),
        changes.phone.clone().flatten(),
        changes.description.is_some(),
        changes.description.clone().flatten(),
        changes.metadata.clone().map(Value::Object),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let customer = row.read()?;
    let jobs = record(tx, EventType::CustomerUpdated, &customer).await?;
    Ok(Some((customer, jobs)))
}

async fn record(tx: &mut Tx, event_type: EventType, customer: &Customer) -> Result<Vec<Job>> {
    let event = Event {
        event_type,
        subject: Subject::Customer(customer.clone()),
    };
    let effects = Effects::new(customer.merchant_id, customer.mode);
    effects::record(tx, &effects.event(&event)).await
}

/// A merchant's customer.
pub async fn get(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    id: CustomerId,
) -> Result<Option<Customer>> {
    let row = sqlx::query_as!(
        Row,
        "select id, merchant_id, live, email, name, phone, description, metadata, created_at,
                updated_at
         from customers
         where id = $1 and merchant_id = $2 and live = $3 and (select act_for($2, $3))",
        id.0,
        merchant.0,
        mode.is_live(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::read).transpose()
}

/// How many customers a merchant has.
pub async fn count(db: &PgPool, merchant: MerchantId, mode: Mode) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from customers
           where merchant_id = $1 and live = $2 and (select act_for($1, $2))"#,
        merchant.0,
        mode.is_live(),
    )
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// A merchant's customers that come after `after`, newest first: skips `offset` and returns at most
/// `limit`. A skipped row costs as much as a returned one.
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    after: Option<CustomerId>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Customer>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, merchant_id, live, email, name, phone, description, metadata, created_at,
                updated_at
         from customers
         where merchant_id = $1 and live = $2 and (select act_for($1, $2)) and id < $3
         order by id desc limit $4 offset $5",
        merchant.0,
        mode.is_live(),
        after.map_or(Uuid::max(), |after| after.0),
        limit,
        offset,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::read).collect()
}
