//! Tests of the acquirer's operations, with a clock that the test controls.

mod fixture;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::*;
use crate::response::Status;
use fixture::TestAcquirer;

const APPROVED: &str = "4242424242424242";
const SLOW: &str = "4000000000010035";
const LATE: &str = "4000000000020125";
const LATE_DESPITE_VOID: &str = "4000000000021123";

fn response_of(decision: Result<Decision, AcquirerError>) -> Result<StatusResponse> {
    match decision? {
        Decision::Decided(response, _) | Decision::Repeated(response) => Ok(response),
        other => anyhow::bail!("expected a response, got {other:?}"),
    }
}

#[test]
fn an_authorization_is_decided_once() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    let first = response_of(acquirer.authorize("a", APPROVED)?)?;
    assert_eq!(
        json!(first),
        json!({ "reference": "a", "status": "approved", "authorization_code": "A00001" })
    );
    assert_eq!(
        acquirer.authorize("a", APPROVED)?,
        Ok(Decision::Repeated(first))
    );
    assert_eq!(acquirer.kinds(), [Kind::Approved]);
    let other_card = acquirer.authorize("a", "4000000000000002")?;
    let other_amount = acquirer.authorize_of("pay-1", "a", "50.01", APPROVED)?;
    let other_payment = acquirer.authorize_of("pay-2", "a", "50.00", APPROVED)?;
    for reused in [other_card, other_amount, other_payment] {
        assert_eq!(reused, Err(AcquirerError::ReferenceReused));
    }
    Ok(())
}

#[test]
fn declined_cards_have_a_reason() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    let cards = ["4000000000000002", "4000000000009995", "4000000000000069"];
    for (card, why) in cards
        .iter()
        .zip(["card_declined", "insufficient_funds", "expired_card"])
    {
        let response = response_of(acquirer.authorize(why, card)?)?;
        assert_eq!(
            json!(response),
            json!({ "reference": why, "status": "declined", "code": why })
        );
        assert_eq!(
            acquirer.capture(why, "50.00")?,
            Err(AcquirerError::NotCapturable)
        );
    }
    Ok(())
}

#[test]
fn a_record_contains_everything_but_the_card() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    acquirer.authorize("a", APPROVED)??;
    let record = acquirer.log.last().context("no record")?;
    assert_eq!(
        json!(record),
        json!({
            "seq": 1, "at": "1970-01-01T00:00:00Z", "kind": "approved", "reference": "a",
            "payment": "pay-1", "amount": "50.00", "currency": "USD", "code": "A00001",
            "card_last4": "4242",
        })
    );
    Ok(())
}

#[test]
fn a_void_before_the_authorization_declines_it_permanently() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    acquirer.void("a")??;
    assert_eq!(
        acquirer.enquire("a")?,
        json!({ "reference": "a", "status": "voided" })
    );
    for _ in 0..2 {
        let response = response_of(acquirer.authorize("a", APPROVED)?)?;
        assert_eq!(
            (response.status, response.code),
            (Status::Declined, Some(Decline::Voided))
        );
    }
    assert_eq!(acquirer.kinds(), [Kind::Voided, Kind::Refused]);
    Ok(())
}

#[test]
fn a_repeated_void_is_recorded_once() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    acquirer.authorize("a", APPROVED)??;
    assert_eq!(acquirer.void("a")??, acquirer.void("a")??);
    assert_eq!(acquirer.kinds(), [Kind::Approved, Kind::Voided]);
    assert_eq!(
        acquirer.capture("a", "50.00")?,
        Err(AcquirerError::NotCapturable)
    );
    assert_eq!(
        response_of(acquirer.authorize("a", APPROVED)?)?.code,
        Some(Decline::Voided)
    );
    Ok(())
}

#[test]
fn a_capture_stays_within_the_authorization() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    assert_eq!(
        acquirer.capture("a", "50.00")?,
        Err(AcquirerError::NotFound)
    );
    acquirer.authorize("a", APPROVED)??;
    assert_eq!(
        acquirer.capture("a", "50.01")?,
        Err(AcquirerError::AmountExceeded)
    );
    assert_eq!(acquirer.capture("a", "40.00")?, Ok(Status::Captured));
    assert_eq!(acquirer.capture("a", "40.00")?, Ok(Status::Captured));
    assert_eq!(
        acquirer.capture("a", "50.00")?,
        Err(AcquirerError::AlreadyCaptured)
    );
    assert_eq!(acquirer.void("a")?, Err(AcquirerError::AlreadyCaptured));
    assert_eq!(acquirer.kinds(), [Kind::Approved, Kind::Captured]);
    let enquiry = acquirer.enquire("a")?;
    assert_eq!(enquiry.get("captured"), Some(&json!("40.00")));
    assert_eq!(enquiry.get("status"), Some(&json!("captured")));
    Ok(())
}

#[test]
fn refunds_stay_within_the_capture() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    assert_eq!(
        acquirer.refund("r1", "a", "1.00")?,
        Err(AcquirerError::NotFound)
    );
    acquirer.authorize("a", APPROVED)??;
    assert_eq!(
        acquirer.refund("r1", "a", "1.00")?,
        Err(AcquirerError::NotCaptured)
    );
    acquirer.capture("a", "50.00")??;
    assert_eq!(acquirer.refund("r1", "a", "30.00")?, Ok(Status::Refunded));
    assert_eq!(acquirer.refund("r1", "a", "30.00")?, Ok(Status::Refunded));
    assert_eq!(
        acquirer.refund("r1", "a", "20.00")?,
        Err(AcquirerError::ReferenceReused)
    );
    assert_eq!(
        acquirer.refund("r2", "a", "20.01")?,
        Err(AcquirerError::AmountExceeded)
    );
    assert_eq!(acquirer.refund("r2", "a", "20.00")?, Ok(Status::Refunded));
    assert_eq!(
        acquirer.refund("r3", "a", "0.01")?,
        Err(AcquirerError::AmountExceeded)
    );
    assert_eq!(acquirer.log.len(), 4);
    Ok(())
}

#[test]
fn a_card_may_reject_every_refund() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    acquirer.authorize("a", "4000000000074098")??;
    assert_eq!(
        acquirer.refund("r1", "a", "1.00")?,
        Err(AcquirerError::NotCaptured)
    );
    assert_eq!(acquirer.capture("a", "50.00")?, Ok(Status::Captured));
    assert_eq!(
        acquirer.refund("r1", "a", "1.00")?,
        Err(AcquirerError::NotRefundable)
    );
    assert_eq!(
        acquirer.refund("r1", "a", "1.00")?,
        Err(AcquirerError::NotRefundable)
    );
    assert_eq!(acquirer.kinds(), [Kind::Approved, Kind::Captured]);
    Ok(())
}

#[test]
fn a_slow_authorization_is_processing_first() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    let until = acquirer.now.instant + Duration::from_secs(3);
    assert_eq!(
        acquirer.authorize("a", SLOW)?,
        Ok(Decision::Pending { until })
    );
    assert_eq!(
        acquirer.authorize("a", SLOW)?,
        Ok(Decision::Pending { until })
    );
    assert_eq!(
        acquirer.enquire("a")?.get("status"),
        Some(&json!("processing"))
    );
    assert_eq!(
        acquirer.capture("a", "50.00")?,
        Err(AcquirerError::NotCapturable)
    );
    let finished = acquirer.finish_pending("a")??;
    assert_eq!(finished.status, Status::Approved);
    assert_eq!(acquirer.finish_pending("a")??, finished);
    assert_eq!(acquirer.kinds(), [Kind::Approved]);
    Ok(())
}

#[test]
fn a_slow_authorization_voided_meanwhile_is_declined() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    acquirer.authorize("a", SLOW)??;
    acquirer.void("a")??;
    assert_eq!(acquirer.enquire("a")?.get("status"), Some(&json!("voided")));
    assert_eq!(acquirer.finish_pending("a")??.code, Some(Decline::Voided));
    assert_eq!(acquirer.kinds(), [Kind::Voided, Kind::Refused]);
    Ok(())
}

#[test]
fn a_late_authorization_is_unknown_until_it_is_approved() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    acquirer.authorize("a", LATE)??;
    assert_eq!(acquirer.enquire("a")?, json!("not_found"));
    assert_eq!(
        acquirer.capture("a", "50.00")?,
        Err(AcquirerError::NotFound)
    );
    assert_eq!(
        response_of(acquirer.authorize("b", LATE)?)?.status,
        Status::Approved
    );
    assert_eq!(acquirer.finish_pending("a")??.status, Status::Approved);
    assert_eq!(acquirer.kinds(), [Kind::Approved, Kind::Approved]);
    Ok(())
}

#[test]
fn a_late_authorization_voided_meanwhile_is_declined() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    acquirer.authorize("a", LATE)??;
    acquirer.void("a")??;
    assert_eq!(acquirer.finish_pending("a")??.code, Some(Decline::Voided));
    assert_eq!(acquirer.kinds(), [Kind::Voided, Kind::Refused]);
    Ok(())
}

#[test]
fn an_approval_despite_a_void_can_be_voided_again() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    acquirer.authorize("a", LATE_DESPITE_VOID)??;
    acquirer.void("a")??;
    assert_eq!(acquirer.finish_pending("a")??.status, Status::Approved);
    assert_eq!(
        acquirer.enquire("a")?.get("status"),
        Some(&json!("approved"))
    );
    acquirer.void("a")??;
    assert_eq!(acquirer.enquire("a")?.get("status"), Some(&json!("voided")));
    assert_eq!(
        acquirer.kinds(),
        [Kind::Voided, Kind::Approved, Kind::Voided]
    );
    Ok(())
}

#[test]
fn replaying_the_log_restores_the_state() -> Result<()> {
    let mut acquirer = TestAcquirer::new();
    for (reference, card) in [
        ("a", APPROVED),
        ("b", "4000000000000002"),
        ("c", "4000000000064099"),
    ] {
        acquirer.authorize(reference, card)??;
    }
    acquirer.authorize_of("pay-2", "d", "9.99", "4000000000045031")??;
    acquirer.authorize_of("pay-2", "e", "9.99", "4000000000045031")??;
    acquirer.capture("a", "50.00")??;
    acquirer.refund("r", "a", "20.00")??;
    acquirer.void("c")??;
    acquirer.void("never-seen")??;
    let mut replayed = TestAcquirer::replay(&acquirer.log);
    assert_eq!(
        replayed.acquirer.ledger.authorizations,
        acquirer.acquirer.ledger.authorizations
    );
    assert_eq!(
        replayed.acquirer.ledger.refunds,
        acquirer.acquirer.ledger.refunds
    );
    assert_eq!(
        replayed.acquirer.ledger.refunded,
        acquirer.acquirer.ledger.refunded
    );
    assert_eq!(replayed.acquirer.attempted, acquirer.acquirer.attempted);
    assert_eq!(
        response_of(replayed.authorize("a", APPROVED)?)?,
        response_of(acquirer.authorize("a", APPROVED)?)?
    );
    Ok(())
}
