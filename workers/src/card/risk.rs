//! Applies the rules against card testing: judges a card before it is sent, and counts outcomes.

use apalis_core::error::BoxDynError;
use domain::card::Card;
use domain::payment::Payment;
use domain::risk::{self, Counts, MERCHANT_BLOCK, Rule, Verdict};
use store::PgPool;
use store::batch::Batch;
use store::risk::{KnownOf, Outcome, judge_merchant};

/// The counters of the rules.
#[derive(Clone)]
pub struct Risk {
    db: PgPool,
    known: Batch<KnownOf>,
    outcomes: Batch<Outcome>,
}

impl Risk {
    /// Starts the batches' tasks; they end when the last clone is dropped.
    pub fn start(db: &PgPool) -> Self {
        Self {
            db: db.clone(),
            known: Batch::start(db),
            outcomes: Batch::start(db),
        }
    }

    /// Judges a card before it is sent.
    pub async fn judge(
        &self,
        payment: &Payment,
        card: &Card,
        fingerprint: &[u8],
    ) -> store::Result<Option<Verdict>> {
        let customer = payment.customer.as_ref();
        let of = KnownOf {
            fingerprint: fingerprint.to_owned(),
            bin: card.bin(8).to_owned(),
            email: customer.and_then(|customer| customer.email.clone()),
            merchant_id: payment.merchant_id,
            mode: payment.mode,
        };
        let known = self.known.run(of).await?;
        if known.is_listed {
            return Ok(Some(risk::of_blocklist()));
        }
        Ok(risk::of_card(payment.mode, known.at_merchant, known.at_all))
    }

    /// Counts an outcome that is already written. A decline is counted when this returns, so that the next
    /// try of the same client finds it; nobody waits for an approval.
    pub async fn count(&self, outcome: Outcome) {
        let risk = self.clone();
        let is_declined = outcome.is_declined;
        let counting = tokio::spawn(async move {
            if let Err(error) = risk.add(outcome).await {
                tracing::warn!(%error, "an outcome is not counted against card testing");
            }
        });
        if is_declined {
            // The task logs its own errors.
            let _ = counting.await;
        }
    }

    async fn add(&self, outcome: Outcome) -> Result<(), BoxDynError> {
        let (merchant, mode) = (outcome.merchant_id, outcome.mode);
        let Some(counts) = self.outcomes.run(outcome).await? else {
            return Ok(());
        };
        let Some(verdict) = risk::of_merchant(mode, counts) else {
            return Ok(());
        };
        if judge_merchant(&self.db, merchant, mode, verdict).await? {
            let Counts { tries, declines } = counts;
            let minutes = MERCHANT_BLOCK.as_secs() / 60;
            let then = match verdict.rule {
                Rule::Merchant => "refuse cards",
                _ => "answer slowly",
            };
            tracing::warn!(%merchant, mode = mode.name(), tries, declines, minutes, "card testing at a merchant, its public routes {then} for these minutes");
        }
        Ok(())
    }
}
