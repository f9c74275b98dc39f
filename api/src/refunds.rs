//! Giving money back, whatever surface asked for it: store, ring, wait.

use domain::id::{PaymentId, RefundId};
use domain::money::{Money, NotMoney};
use domain::payment::{Payment, State};
use domain::refund::{self, Refund};
use domain::work::{Job, Worker};
use rust_decimal::Decimal;
use store::accept::{Answer, Key};
use store::merchants::Caller;
use store::outbox::FIRST_SEQ;
use store::refunds;
use time::OffsetDateTime;
use wire::fields::Wrong;

use crate::once::{self, Answered};
use crate::refused::Refused;
use crate::{App, payments, wait};

/// How much to give back.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// What is left.
    Rest,
    /// In minor units of the payment's currency.
    Minor(i64),
    /// In major units of the payment's currency.
    Major(Decimal),
}

/// What a merchant asks for.
pub struct New {
    pub payment_id: PaymentId,
    pub amount: Amount,
    pub reason: Option<String>,
}

/// Gives money back and answers when the outcome is known, or when the limit is reached.
pub async fn create(
    app: &App,
    caller: Caller,
    new: New,
    key: Option<Key>,
    render: impl Fn(&Refund) -> Answer + Send + Sync,
) -> Result<Answered, Refused> {
    let id = RefundId(store::fresh_id());
    let mut waiter = app.replies.wait(id.0);
    // Read before the transaction: requests that hold one connection and wait for a second wait for
    // each other.
    let payment = payments::find(app, caller, new.payment_id).await?;
    let mut tx = store::begin(&app.db, caller.merchant_id, caller.mode).await?;
    let before = once::begin(&mut tx, caller, key.as_ref(), id.0).await?;
    if let Some((id, answer)) = before {
        drop(tx);
        return again(app, caller, key, RefundId(id), answer, render).await;
    }
    let mut refund = Refund {
        id,
        payment_id: payment.id,
        merchant_id: caller.merchant_id,
        mode: caller.mode,
        state: refund::State::Refunding,
        money: money(&payment, new.amount)?,
        reason: new.reason,
        created_at: OffsetDateTime::UNIX_EPOCH,
    };
    let created_at = refunds::create(&mut tx, &refund).await?;
    // Another refund took the amount meanwhile.
    refund.created_at = created_at.ok_or(Refused::RefundTooLarge)?;
    store::commit(tx).await?;
    let job = Job {
        worker: Worker::Refund,
        id: id.0,
        seq: FIRST_SEQ,
    };
    app.bell.ring(job, app.replies.name());
    let refund = wait::until_rest(app, &mut waiter, refund).await?;
    let answer = once::keep(app, caller, key.as_ref(), render(&refund)).await?;
    Ok(Answered::anew(answer))
}

/// The amount, if the payment has that much left.
fn money(payment: &Payment, amount: Amount) -> Result<Money, Refused> {
    if payment.state != State::Captured {
        return Err(Refused::NotRefundable);
    }
    let (currency, whole) = (payment.money.currency(), payment.money.amount());
    let rest = whole
        .checked_sub(payment.refunded)
        .ok_or(Refused::Internal)?;
    let asked = match amount {
        Amount::Rest if rest.is_zero() => return Err(Refused::RefundTooLarge),
        Amount::Rest => Money::from_major(rest, currency),
        Amount::Minor(minor) => Money::from_minor(minor, currency),
        Amount::Major(major) => Money::from_major(major, currency),
    };
    let asked = asked.map_err(|wrong| match wrong {
        NotMoney::TooLarge => Refused::RefundTooLarge,
        NotMoney::NotPositive => invalid("must be more than zero"),
        NotMoney::TooFine => invalid("must be a whole number of the currency's smallest unit"),
    })?;
    if asked.amount() > rest {
        return Err(Refused::RefundTooLarge);
    }
    Ok(asked)
}

fn invalid(why: &str) -> Refused {
    Refused::Field(Wrong::Invalid {
        param: "amount".to_owned(),
        why: why.to_owned(),
    })
}

/// The answer for a refund whose request came before: the one given then, or, if it died before it
/// answered, what is known now.
async fn again(
    app: &App,
    caller: Caller,
    key: Option<Key>,
    id: RefundId,
    answer: Option<Answer>,
    render: impl Fn(&Refund) -> Answer + Send + Sync,
) -> Result<Answered, Refused> {
    if let Some(answer) = answer {
        return Ok(Answered {
            answer,
            is_replay: true,
        });
    }
    let mut waiter = app.replies.wait(id.0);
    let known = refunds::get(&app.db, caller.merchant_id, caller.mode, id).await?;
    let known = known.ok_or(Refused::Internal)?;
    let refund = if known.state.is_work() {
        wait::until_rest(app, &mut waiter, known).await?
    } else {
        known
    };
    let answer = once::keep(app, caller, key.as_ref(), render(&refund)).await?;
    Ok(Answered {
        answer,
        is_replay: true,
    })
}
