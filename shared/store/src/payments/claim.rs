//! Claiming payments for the card worker.

use std::time::Duration;

use domain::authorization::{NOT_FOUND_INTERVAL, NOT_FOUND_MIN_AGE, State, WATCH};
use domain::id::AuthorizationId;
use domain::payment::{self, Payment};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Attempt, Row, number};
use crate::jobs::{Claimed, Claims, Load};
use crate::vault::Sealed;
use crate::{Error, Result};

/// The acquirer of new attempts. There is only one; routing to others would start here.
const ACQUIRER: &str = "sandbox";

/// A payment that the card worker claimed.
#[derive(Debug)]
pub struct CardPayment {
    /// The payment.
    pub payment: Payment,
    /// The version that was read, which every transition names.
    pub version: i32,
    /// The merchant's fee in basis points.
    pub fee_basis_points: u16,
    /// How long until the payment expires, if it can; zero if it should have expired.
    pub expires_in: Option<Duration>,
    /// The sealed card, until the outcome is recorded.
    pub card: Option<Sealed>,
    /// The open attempt. If its id is the claim's, this claim created it and nothing has been sent yet.
    pub attempt: Option<Attempt>,
    /// Closed attempts that are still in progress: to void, or to enquire about once more.
    pub closed: Vec<Attempt>,
    /// How long until the enquiry about the reversed attempts.
    pub watch: Duration,
}

impl Load for CardPayment {
    async fn load(db: &mut PgConnection, claims: &Claims) -> Result<Vec<(Uuid, Claimed<Self>)>> {
        let open = State::ALL.into_iter().filter(|state| state.is_open());
        let open: Vec<_> = open.map(|state| state.name().to_owned()).collect();
        let unattempted = [payment::State::Authorizing.name().to_owned()];
        let rows = sqlx::query_file!(
            "src/payments/claim.sql",
            &claims.ids,
            &claims.seqs,
            &claims.leases,
            claims.session,
            claims.lease_seconds,
            &unattempted,
            ACQUIRER,
            State::Sending.name(),
            &open,
        )
        .fetch_all(db)
        .await?;
        let claimed = rows.into_iter().map(|row| {
            let (lease, claims) = (row.lease, row.claims);
            let read = || -> Result<Self> {
                let ids = row.ids.unwrap_or_default().into_iter();
                let mut attempts = ids
                    .zip(row.numbers.unwrap_or_default())
                    .zip(row.states.unwrap_or_default())
                    .zip(row.acquirers.unwrap_or_default())
                    .map(|(((id, number), state), acquirer)| {
                        Attempt::read(id, number, &state, acquirer)
                    })
                    .collect::<Result<Vec<_>>>()?;
                if row.opens {
                    attempts.push(Attempt {
                        id: AuthorizationId(lease),
                        number: number(row.attempts_made).saturating_add(1),
                        state: State::Sending,
                        acquirer: ACQUIRER.to_owned(),
                    });
                }
                let closed_at = attempts.iter().zip(row.moved_at.unwrap_or_default());
                let closed_at = closed_at.filter(|(attempt, _)| attempt.is_closed_in_progress());
                let watched = closed_at.map(|(_, at)| row.now - at).min();
                let watch = watched.and_then(|since| (WATCH - since).try_into().ok());
                let card = row.key_id.zip(row.sealed);
                let payment = Row {
                    id: row.id,
                    merchant_id: row.merchant_id,
                    live: row.live,
                    state: row.state,
                    failure: row.failure,
                    amount: row.amount,
                    currency: row.currency,
                    method: row.method,
                    description: row.description,
                    metadata: row.metadata,
                    customer_id: row.customer_id,
                    customer_email: row.customer_email,
                    customer_name: row.customer_name,
                    customer_phone: row.customer_phone,
                    card_brand: row.card_brand,
                    card_last4: row.card_last4,
                    card_exp_month: row.card_exp_month,
                    card_exp_year: row.card_exp_year,
                    intent_id: row.intent_id,
                    checkout: row.checkout,
                    refunded: row.refunded,
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                };
                Ok(Self {
                    payment: payment.read()?,
                    version: row.version,
                    fee_basis_points: u16::try_from(row.fee_basis_points).unwrap_or_default(),
                    expires_in: row.expires_in.map(seconds),
                    card: card.map(|(key_id, bytes)| Sealed { key_id, bytes }),
                    attempt: attempts.iter().find(|one| one.state.is_open()).cloned(),
                    closed: attempts
                        .into_iter()
                        .filter(Attempt::is_closed_in_progress)
                        .collect(),
                    watch: watch.unwrap_or_default(),
                })
            };
            let owner = read();
            (lease, Claimed { claims, owner })
        });
        Ok(claimed.collect())
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Notes that the acquirer does not know an attempt in this state. Returns how long to wait before the
/// answer is believed: zero if it came twice and the attempt is old enough.
pub async fn not_found(db: &sqlx::PgPool, id: AuthorizationId, state: State) -> Result<Duration> {
    let wait = sqlx::query_scalar!(
        r#"update authorizations set not_found_at = coalesce(not_found_at, now())
           where id = $1 and state = $2
           returning extract(epoch from greatest(created_at + make_interval(secs => $3),
                                                 not_found_at + make_interval(secs => $4)) - now())::float8 as "wait!""#,
        id.0,
        state.name(),
        NOT_FOUND_MIN_AGE.as_secs_f64(),
        NOT_FOUND_INTERVAL.as_secs_f64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(wait.map(seconds).unwrap_or_default())
}

/// Deletes the attempt that this claim created if nothing has been sent under it, so that its number is
/// free again: attempts are limited, and this one must not count.
pub async fn discard_unsent(db: &sqlx::PgPool, claim: Uuid) -> Result<()> {
    sqlx::query!(
        "delete from authorizations where id = $1 and state = $2",
        claim,
        State::Sending.name(),
    )
    .execute(db)
    .await
    .map_err(Error::from)?;
    Ok(())
}
