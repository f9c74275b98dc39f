//! Where money moves: captures and refunds.

use super::{Acquirer, Now};
use crate::{
    answer::{Answer, Refusal, Status},
    book::{Entry, Kind, Order, Refund, State},
    cards::Fault,
    request::{CaptureRequest, RefundRequest},
    words::{Amount, Currency, Reference},
};

impl Acquirer {
    /// A capture done now comes with its card's fault, a repeated one without.
    pub(crate) fn capture(
        &mut self,
        reference: &Reference,
        capture: &CaptureRequest,
        now: Now,
    ) -> Result<(Answer, Option<Fault>), Refusal> {
        let Some(known) = self.book.authorizations.get(reference) else {
            return Err(self
                .processing(reference)
                .map_or(Refusal::NotFound, |_| Refusal::NotCapturable));
        };
        let order = known.order.as_ref().ok_or(Refusal::NotCapturable)?;
        let answer = Answer::plain(reference, Status::Captured);
        within(
            capture.amount,
            order.amount,
            capture.currency,
            order.currency,
        )?;
        match known.state {
            State::Captured(amount) if amount == capture.amount => Ok((answer, None)),
            State::Captured(_) => Err(Refusal::AlreadyCaptured),
            State::Declined(_) | State::Voided => Err(Refusal::NotCapturable),
            State::Approved if order.fault == Some(Fault::CaptureRefused) => {
                Err(Refusal::NotCapturable)
            }
            State::Approved => {
                let (fault, amount) = (order.fault, Some(capture.amount));
                let entry = Entry::about(Kind::Captured, reference.clone(), order);
                self.record(Entry { amount, ..entry }, now)?;
                Ok((answer, fault))
            }
        }
    }

    pub(crate) fn refund(&mut self, request: &RefundRequest, now: Now) -> Result<Answer, Refusal> {
        let RefundRequest { reference, refund } = request;
        let answer = Answer::plain(reference, Status::Refunded);
        if let Some(before) = self.book.refunds.get(reference) {
            return if before == refund {
                Ok(answer)
            } else {
                Err(Refusal::ReferenceReused)
            };
        }
        let order = self.refundable(refund)?;
        let entry = Entry {
            authorization: Some(refund.authorization.clone()),
            amount: Some(refund.amount),
            ..Entry::about(Kind::Refunded, reference.clone(), order)
        };
        self.record(entry, now)?;
        Ok(answer)
    }

    fn refundable(&self, refund: &Refund) -> Result<&Order, Refusal> {
        let Some(known) = self.book.authorizations.get(&refund.authorization) else {
            let processing = self.processing(&refund.authorization);
            return Err(processing.map_or(Refusal::NotFound, |_| Refusal::NotCaptured));
        };
        let (State::Captured(captured), Some(order)) = (known.state, &known.order) else {
            return Err(Refusal::NotCaptured);
        };
        if order.fault == Some(Fault::RefundRefused) {
            return Err(Refusal::NotRefundable);
        }
        let before = self.book.refunded.get(&refund.authorization);
        let sum = before.map_or(Some(refund.amount), |before| before.plus(refund.amount));
        within(
            sum.ok_or(Refusal::AmountExceeded)?,
            captured,
            refund.currency,
            order.currency,
        )?;
        Ok(order)
    }
}

fn within(
    amount: Amount,
    limit: Amount,
    currency: Currency,
    held: Currency,
) -> Result<(), Refusal> {
    if currency != held {
        return Err(Refusal::CurrencyDiffers);
    }
    if amount > limit {
        Err(Refusal::AmountExceeded)
    } else {
        Ok(())
    }
}
