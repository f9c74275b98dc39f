//! Captures and refunds.

use super::{Acquirer, Now};
use crate::{
    cards::Fault,
    fields::{Amount, Currency, Reference},
    ledger::{Details, Entry, Kind, Refund, State},
    request::{CaptureRequest, RefundRequest},
    response::{AcquirerError, Status, StatusResponse},
};

impl Acquirer {
    /// Captures an authorization. Returns the card's fault for a new capture, `None` for a repeated
    /// one.
    pub(crate) fn capture(
        &mut self,
        reference: &Reference,
        capture: &CaptureRequest,
        now: Now,
    ) -> Result<(StatusResponse, Option<Fault>), AcquirerError> {
        let Some(known) = self.ledger.authorizations.get(reference) else {
            return Err(self
                .processing(reference)
                .map_or(AcquirerError::NotFound, |_| AcquirerError::NotCapturable));
        };
        let details = known.details.as_ref().ok_or(AcquirerError::NotCapturable)?;
        let response = StatusResponse::new(reference, Status::Captured);
        check_limit(
            capture.amount,
            details.amount,
            capture.currency,
            details.currency,
        )?;
        match known.state {
            State::Captured(amount) if amount == capture.amount => Ok((response, None)),
            State::Captured(_) => Err(AcquirerError::AlreadyCaptured),
            State::Declined(_) | State::Voided => Err(AcquirerError::NotCapturable),
            State::Approved if details.fault == Some(Fault::CaptureRefused) => {
                Err(AcquirerError::NotCapturable)
            }
            State::Approved => {
                let (fault, amount) = (details.fault, Some(capture.amount));
                let entry = Entry::with_details(Kind::Captured, reference.clone(), details);
                self.record(Entry { amount, ..entry }, now)?;
                Ok((response, fault))
            }
        }
    }

    pub(crate) fn refund(
        &mut self,
        request: &RefundRequest,
        now: Now,
    ) -> Result<StatusResponse, AcquirerError> {
        let RefundRequest { reference, refund } = request;
        let response = StatusResponse::new(reference, Status::Refunded);
        if let Some(before) = self.ledger.refunds.get(reference) {
            return if before == refund {
                Ok(response)
            } else {
                Err(AcquirerError::ReferenceReused)
            };
        }
        let details = self.refundable(refund)?;
        let entry = Entry {
            authorization: Some(refund.authorization.clone()),
            amount: Some(refund.amount),
            ..Entry::with_details(Kind::Refunded, reference.clone(), details)
        };
        self.record(entry, now)?;
        Ok(response)
    }

    fn refundable(&self, refund: &Refund) -> Result<&Details, AcquirerError> {
        let Some(known) = self.ledger.authorizations.get(&refund.authorization) else {
            let processing = self.processing(&refund.authorization);
            return Err(processing.map_or(AcquirerError::NotFound, |_| AcquirerError::NotCaptured));
        };
        let (State::Captured(captured), Some(details)) = (known.state, &known.details) else {
            return Err(AcquirerError::NotCaptured);
        };
        if details.fault == Some(Fault::RefundRefused) {
            return Err(AcquirerError::NotRefundable);
        }
        let before = self.ledger.refunded.get(&refund.authorization);
        let sum = before.map_or(Some(refund.amount), |before| before.plus(refund.amount));
        check_limit(
            sum.ok_or(AcquirerError::AmountExceeded)?,
            captured,
            refund.currency,
            details.currency,
        )?;
        Ok(details)
    }
}

fn check_limit(
    amount: Amount,
    limit: Amount,
    currency: Currency,
    authorized_currency: Currency,
) -> Result<(), AcquirerError> {
    if currency != authorized_currency {
        return Err(AcquirerError::CurrencyDiffers);
    }
    if amount > limit {
        Err(AcquirerError::AmountExceeded)
    } else {
        Ok(())
    }
}
