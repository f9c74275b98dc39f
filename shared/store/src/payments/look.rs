//! Looking at payments that somebody waits for.

use std::collections::HashMap;

use domain::id::{MerchantId, PaymentId};
use domain::merchant::Mode;
use domain::payment::Payment;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Row;
use crate::Result;
use crate::batch::Statement;

/// A look at a merchant's payment, together with whoever looks at the same time.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whose.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// Which.
    pub id: PaymentId,
}

impl Statement for Look {
    type Row = Look;
    /// `None`: the merchant has no such payment in this mode.
    type Answer = Option<Payment>;

    async fn run(db: &mut PgConnection, rows: &[Look]) -> Result<Vec<Option<Self::Answer>>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.0).collect();
        let merchants: Vec<Uuid> = rows.iter().map(|row| row.merchant_id.0).collect();
        let live: Vec<bool> = rows.iter().map(|row| row.mode.is_live()).collect();
        let seen = sqlx::query_as!(
            Row,
            r#"select p.id, p.merchant_id, p.live, p.state, p.failure, p.amount, p.currency,
                      p.description, p.metadata, p.customer_id, c.email as "customer_email?",
                      c.name as "customer_name?", c.phone as "customer_phone?", p.card_brand,
                      p.card_last4, p.card_exp_month, p.card_exp_year, p.intent_id, p.checkout,
                      p.refunded, p.created_at, p.updated_at
               from unnest($1::uuid[], $2::uuid[], $3::boolean[]) as i(id, merchant_id, live)
               join payments p
                 on p.id = i.id and p.merchant_id = i.merchant_id and p.live = i.live
               left join customers c on c.id = p.customer_id"#,
            &ids,
            &merchants,
            &live,
        )
        .fetch_all(db)
        .await?;
        let seen = seen
            .into_iter()
            .map(|row| row.read().map(|payment| (payment.id, payment)));
        let seen = seen.collect::<Result<HashMap<_, _>>>()?;
        let own = |row: &Look| {
            let payment = seen.get(&row.id)?;
            let is_own = (payment.merchant_id, payment.mode) == (row.merchant_id, row.mode);
            is_own.then(|| payment.clone())
        };
        Ok(rows.iter().map(|row| Some(own(row))).collect())
    }
}
