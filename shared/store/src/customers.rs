//! Customers.

use std::collections::HashMap;

use domain::customer::Customer;
use domain::event::{Event, EventType, Subject};
use domain::id::{CustomerId, MerchantId};
use domain::job::Job;
use domain::merchant::Mode;
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::types::Json;
use sqlx::{Connection, PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::accept::{Key, response_of};
use crate::batch::Statement;
use crate::effects::{self, Effects};
use crate::idempotency::Existing;
use crate::page::{Size, readable};
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

/// A request to create a customer, or to update the one with the same email address: the provided
/// details replace the stored ones. Its ids are generated before the first try, so that the statement
/// may run again without a second customer or event.
#[derive(Debug, Clone)]
pub struct Upsert {
    /// The id of the customer if it is new.
    pub id: CustomerId,
    /// The id of the event.
    pub event_id: Uuid,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// The details.
    pub details: NewCustomer,
    /// The request's idempotency key, if the client sent one.
    pub idempotency: Option<Key>,
}

/// The outcome of an [`Upsert`].
#[derive(Debug)]
pub enum Upserted {
    /// The customer is stored. The jobs deliver its event, to publish.
    Stored(Box<Customer>, Vec<Job>),
    /// An earlier request used the idempotency key.
    Existing(Existing),
}

/// A row of the statement's input.
#[derive(Serialize)]
struct Input<'a> {
    ord: usize,
    id: Uuid,
    event_id: Uuid,
    merchant_id: Uuid,
    live: bool,
    email: Option<&'a str>,
    name: Option<&'a str>,
    phone: Option<&'a str>,
    description: Option<&'a str>,
    metadata: Option<&'a Map<String, Value>>,
    idem_key: Option<&'a str>,
    idem_fingerprint: Option<String>,
}

impl Upsert {
    fn input(&self, ord: usize) -> Input<'_> {
        let (details, key) = (&self.details, self.idempotency.as_ref());
        Input {
            ord,
            id: self.id.0,
            event_id: self.event_id,
            merchant_id: self.merchant_id.0,
            live: self.mode.is_live(),
            email: details.email.as_deref(),
            name: details.name.as_deref(),
            phone: details.phone.as_deref(),
            description: details.description.as_deref(),
            metadata: details.metadata.as_ref(),
            idem_key: key.map(|key| key.key.as_str()),
            idem_fingerprint: key.map(|key| hex::encode(&key.fingerprint)),
        }
    }

    fn effects(&self, is_new: bool, customer: &Customer) -> Effects {
        let event = event(is_new, customer);
        Effects::new(self.merchant_id, self.mode).event_with_id(self.event_id, &event)
    }
}

impl Statement for Upsert {
    type Row = Upsert;
    type Output = Upserted;
    const CONNECTIONS: u32 = 2;

    async fn run(db: &mut PgConnection, rows: &[Upsert]) -> Result<Vec<Option<Upserted>>> {
        let mut tx = db.begin().await?;
        match upsert(&mut tx, rows).await {
            Ok(outputs) => {
                tx.commit().await?;
                Ok(outputs)
            }
            // Nothing stays, and each row runs again alone.
            Err(Error::LeftOut) => Ok(rows.iter().map(|_| None).collect()),
            Err(Error::Unreadable { .. }) if rows.len() > 1 => {
                Ok(rows.iter().map(|_| None).collect())
            }
            Err(error) => Err(error),
        }
    }
}

async fn upsert(db: &mut PgConnection, rows: &[Upsert]) -> Result<Vec<Option<Upserted>>> {
    let input: Vec<_> = (0..).zip(rows).map(|(ord, row)| row.input(ord)).collect();
    let found = sqlx::query!("select * from upsert_customers($1)", Json(&input) as _)
        .fetch_all(&mut *db)
        .await?;
    let (mut outputs, mut effects) = (HashMap::with_capacity(rows.len()), Vec::new());
    for row in found {
        let ord = row.ord.and_then(|ord| usize::try_from(ord).ok());
        let Some((ord, request)) = ord.and_then(|ord| Some((ord, rows.get(ord)?))) else {
            continue;
        };
        let id = row.id.ok_or(Error::LeftOut)?;
        let output = if let Some(fingerprint) = row.fingerprint {
            Upserted::Existing(Existing {
                subject: id,
                fingerprint,
                response: response_of(row.status, row.body),
                stale: row.stale.unwrap_or(false),
            })
        } else {
            let (Some(metadata), Some(created_at), Some(updated_at)) =
                (row.metadata, row.created_at, row.updated_at)
            else {
                return Err(Error::Unreadable { table: "customers" });
            };
            let customer = Row {
                id,
                merchant_id: request.merchant_id.0,
                live: request.mode.is_live(),
                email: row.email,
                name: row.name,
                phone: row.phone,
                description: row.description,
                metadata,
                created_at,
                updated_at,
            }
            .read()?;
            // `None`: an earlier run recorded the event.
            effects.extend(row.is_new.map(|is_new| request.effects(is_new, &customer)));
            Upserted::Stored(Box::new(customer), Vec::new())
        };
        outputs.insert(ord, output);
    }
    let mut deliveries = effects::record_all(db, &effects).await?;
    let outputs = (0..).zip(rows).map(|(ord, row)| {
        let mut output = outputs.remove(&ord);
        if let Some(Upserted::Stored(_, due)) = &mut output {
            *due = deliveries.take(Some(row.event_id));
        }
        output
    });
    Ok(outputs.collect())
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
    let effects = Effects::new(merchant, mode).event(&event(false, &customer));
    let jobs = effects::record(tx, &effects).await?;
    Ok(Some((customer, jobs)))
}

fn event(is_new: bool, customer: &Customer) -> Event {
    Event {
        event_type: if is_new {
            EventType::CustomerCreated
        } else {
            EventType::CustomerUpdated
        },
        subject: Subject::Customer(customer.clone()),
    }
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

/// How many customers a merchant has, counted up to `most`.
pub async fn count(db: &PgPool, merchant: MerchantId, mode: Mode, most: i64) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select from customers
               where merchant_id = $1 and live = $2 and (select act_for($1, $2)) limit $3) c"#,
        merchant.0,
        mode.is_live(),
        most,
    )
    .fetch_one(db)
    .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// A merchant's customers that come after `after`, newest first; also returns whether more follow. Skips
/// `offset`; a skipped row costs as much as a returned one.
pub async fn list(
    db: &PgPool,
    merchant: MerchantId,
    mode: Mode,
    after: Option<CustomerId>,
    offset: i64,
    size: Size,
) -> Result<(Vec<Customer>, bool)> {
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
        size.queried(),
        offset,
    );
    let (rows, has_more) = size.read(rows.fetch(db), |row| &row.metadata).await?;
    Ok((readable(rows.into_iter().map(Row::read))?, has_more))
}
