//! Reading payments that requests wait for.

use std::collections::HashMap;

use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::payment::Payment;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Row;
use crate::Result;
use crate::batch::Statement;

/// A read of a merchant's payment. Concurrent reads share one statement.
#[derive(Debug, Clone, Copy)]
pub struct Read {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// The payment.
    pub id: PaymentId,
}

impl Statement for Read {
    type Row = Read;
    /// `None`: the merchant has no such payment in this mode.
    type Output = Option<Payment>;

    async fn run(db: &mut PgConnection, rows: &[Read]) -> Result<Vec<Option<Self::Output>>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        let merchants: Vec<Uuid> = rows.iter().map(|row| row.merchant_id.0).collect();
        let live: Vec<bool> = rows.iter().map(|row| row.mode.is_live()).collect();
        let found = sqlx::query_as!(
            Row,
            r#"select id as "id!", merchant_id as "merchant_id!", live as "live!", state as "state!",
                      failure, amount as "amount!", currency as "currency!", method as "method!", description,
                      metadata as "metadata!", customer_id, customer_email, customer_name,
                      customer_phone, card_brand, card_last4, card_exp_month, card_exp_year,
                      intent_id, checkout, refunded as "refunded!", created_at as "created_at!",
                      updated_at as "updated_at!"
               from payments_by_ids($1, $2, $3)"#,
            &ids,
            &merchants,
            &live,
        )
        .fetch_all(db)
        .await?;
        let found = found
            .into_iter()
            .map(|row| row.read().map(|payment| (payment.id, payment)));
        let found = found.collect::<Result<HashMap<_, _>>>()?;
        // Two rows of a batch may name the same id for different merchants.
        let own = |row: &Read| {
            let payment = found.get(&row.id)?;
            let is_own = (payment.merchant_id, payment.mode) == (row.merchant_id, row.mode);
            is_own.then(|| payment.clone())
        };
        Ok(rows.iter().map(|row| Some(own(row))).collect())
    }
}
