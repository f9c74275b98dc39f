//! Claiming a payment for the card worker.

use std::collections::HashMap;

use domain::authorization::WATCH;
use domain::id::{AuthorizationId, PaymentId};
use domain::payment::Payment;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Attempt, LEASE, Row, attempt_of};
use crate::Result;
use crate::batch::Statement;
use crate::vault::Sealed;

/// A ring of the card worker's bell, on its way to a claim.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// The payment.
    pub payment_id: PaymentId,
    /// The ring's sequence; a stale one claims nothing.
    pub seq: i64,
    /// Names this claim. If the payment needs a new attempt, it becomes the attempt's id, and so
    /// our reference, stored before anything is sent.
    pub lease: AuthorizationId,
}

/// A payment in the card worker's hands until the lease ends.
#[derive(Debug)]
pub struct Claimed {
    /// The payment.
    pub payment: Payment,
    /// Its version, the guard of every change.
    pub version: i32,
    /// Consecutive claims without success, this one included.
    pub claims: i16,
    /// The merchant's fee in ten-thousandths.
    pub fee_basis_points: u16,
    /// How long until the payment expires, if it can; zero if that is past.
    pub expires_in_seconds: Option<f64>,
    /// The sealed card, while it is kept.
    pub card: Option<Sealed>,
    /// The open attempt.
    pub attempt: Option<Attempt>,
    /// Closed attempts that are still work: to be voided, or to be looked at once more.
    pub closed: Vec<Attempt>,
    /// How long until the closed attempts are to be looked at.
    pub watch_seconds: f64,
}

impl Statement for Claim {
    type Row = Claim;
    /// `None`: somebody else holds the job, or the ring is stale.
    type Output = Option<Claimed>;
    const CONNECTIONS: u32 = 2;

    async fn run(db: &mut PgConnection, rows: &[Claim]) -> Result<Vec<Option<Self::Output>>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.payment_id.0).collect();
        let seqs: Vec<i64> = rows.iter().map(|row| row.seq).collect();
        let leases: Vec<Uuid> = rows.iter().map(|row| row.lease.0).collect();
        let claimed = sqlx::query_file!(
            "src/payments/claim.sql",
            &ids,
            &seqs,
            &leases,
            LEASE.as_secs_f64(),
            WATCH.as_secs_f64(),
        )
        .fetch_all(db)
        .await?;
        let mut found = HashMap::with_capacity(claimed.len());
        for row in claimed {
            let lease = AuthorizationId(row.lease);
            let attempt = attempt_of(row.attempt_id, row.attempt, row.attempt_state.as_deref())?;
            let closed = row.closed_ids.unwrap_or_default().into_iter();
            let closed = closed
                .zip(row.closed_attempts.unwrap_or_default())
                .zip(row.closed_states.unwrap_or_default())
                .map(|((id, number), state)| attempt_of(Some(id), Some(number), Some(&state)))
                .filter_map(Result::transpose)
                .collect::<Result<Vec<_>>>()?;
            let card = row.key_id.zip(row.sealed);
            let payment = Row {
                id: row.id,
                merchant_id: row.merchant_id,
                live: row.live,
                state: row.state,
                failure: row.failure,
                amount: row.amount,
                currency: row.currency,
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
            let claimed = Claimed {
                payment: payment.read()?,
                version: row.version,
                claims: row.claims,
                fee_basis_points: u16::try_from(row.fee_basis_points).unwrap_or_default(),
                expires_in_seconds: row.expires_in,
                card: card.map(|(key_id, bytes)| Sealed { key_id, bytes }),
                attempt,
                closed,
                watch_seconds: row.watch_seconds.unwrap_or_default(),
            };
            found.insert(lease, claimed);
        }
        Ok(rows
            .iter()
            .map(|row| Some(found.remove(&row.lease)))
            .collect())
    }
}
