//! The acquirer's moves, one after the other, on a clock of their own.

mod desk;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::*;
use crate::answer::Status;
use desk::Desk;

const APPROVED: &str = "4242424242424242";
const SLOW: &str = "4000000000010035";
const LATE: &str = "4000000000020125";
const LATE_DESPITE_VOID: &str = "4000000000021123";

fn answer(verdict: Result<Verdict, Refusal>) -> Result<Answer> {
    match verdict? {
        Verdict::Decided(answer, _) | Verdict::Repeated(answer) => Ok(answer),
        other => anyhow::bail!("no answer but {other:?}"),
    }
}

#[test]
fn an_authorization_is_decided_once() -> Result<()> {
    let mut desk = Desk::open();
    let first = answer(desk.authorize("a", APPROVED)?)?;
    assert_eq!(
        json!(first),
        json!({ "reference": "a", "status": "approved", "authorization_code": "A00001" })
    );
    assert_eq!(desk.authorize("a", APPROVED)?, Ok(Verdict::Repeated(first)));
    assert_eq!(desk.kinds(), [Kind::Approved]);
    let other_card = desk.authorize("a", "4000000000000002")?;
    let other_amount = desk.authorize_of("pay-1", "a", "50.01", APPROVED)?;
    let other_payment = desk.authorize_of("pay-2", "a", "50.00", APPROVED)?;
    for reused in [other_card, other_amount, other_payment] {
        assert_eq!(reused, Err(Refusal::ReferenceReused));
    }
    Ok(())
}

#[test]
fn declined_cards_say_why() -> Result<()> {
    let mut desk = Desk::open();
    let cards = ["4000000000000002", "4000000000009995", "4000000000000069"];
    for (card, why) in cards
        .iter()
        .zip(["card_declined", "insufficient_funds", "expired_card"])
    {
        let answer = answer(desk.authorize(why, card)?)?;
        assert_eq!(
            json!(answer),
            json!({ "reference": why, "status": "declined", "code": why })
        );
        assert_eq!(desk.capture(why, "50.00")?, Err(Refusal::NotCapturable));
    }
    Ok(())
}

#[test]
fn a_record_says_everything_but_the_card() -> Result<()> {
    let mut desk = Desk::open();
    desk.authorize("a", APPROVED)??;
    let record = desk.log.last().context("no record")?;
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
fn a_void_before_the_authorization_refuses_it_for_ever() -> Result<()> {
    let mut desk = Desk::open();
    desk.void("a")??;
    assert_eq!(
        desk.enquire("a")?,
        json!({ "reference": "a", "status": "voided" })
    );
    for _ in 0..2 {
        let answer = answer(desk.authorize("a", APPROVED)?)?;
        assert_eq!(
            (answer.status, answer.code),
            (Status::Declined, Some(Decline::Voided))
        );
    }
    assert_eq!(desk.kinds(), [Kind::Voided, Kind::Refused]);
    Ok(())
}

#[test]
fn a_void_of_an_approved_one_is_recorded_once() -> Result<()> {
    let mut desk = Desk::open();
    desk.authorize("a", APPROVED)??;
    assert_eq!(desk.void("a")??, desk.void("a")??);
    assert_eq!(desk.kinds(), [Kind::Approved, Kind::Voided]);
    assert_eq!(desk.capture("a", "50.00")?, Err(Refusal::NotCapturable));
    assert_eq!(
        answer(desk.authorize("a", APPROVED)?)?.code,
        Some(Decline::Voided)
    );
    Ok(())
}

#[test]
fn a_capture_stays_within_the_authorization() -> Result<()> {
    let mut desk = Desk::open();
    assert_eq!(desk.capture("a", "50.00")?, Err(Refusal::NotFound));
    desk.authorize("a", APPROVED)??;
    assert_eq!(desk.capture("a", "50.01")?, Err(Refusal::AmountExceeded));
    assert_eq!(desk.capture("a", "40.00")?, Ok(Status::Captured));
    assert_eq!(desk.capture("a", "40.00")?, Ok(Status::Captured));
    assert_eq!(desk.capture("a", "50.00")?, Err(Refusal::AlreadyCaptured));
    assert_eq!(desk.void("a")?, Err(Refusal::AlreadyCaptured));
    assert_eq!(desk.kinds(), [Kind::Approved, Kind::Captured]);
    let standing = desk.enquire("a")?;
    assert_eq!(standing.get("captured"), Some(&json!("40.00")));
    assert_eq!(standing.get("status"), Some(&json!("captured")));
    Ok(())
}

#[test]
fn refunds_stay_within_the_capture() -> Result<()> {
    let mut desk = Desk::open();
    assert_eq!(desk.refund("r1", "a", "1.00")?, Err(Refusal::NotFound));
    desk.authorize("a", APPROVED)??;
    assert_eq!(desk.refund("r1", "a", "1.00")?, Err(Refusal::NotCaptured));
    desk.capture("a", "50.00")??;
    assert_eq!(desk.refund("r1", "a", "30.00")?, Ok(Status::Refunded));
    assert_eq!(desk.refund("r1", "a", "30.00")?, Ok(Status::Refunded));
    assert_eq!(
        desk.refund("r1", "a", "20.00")?,
        Err(Refusal::ReferenceReused)
    );
    assert_eq!(
        desk.refund("r2", "a", "20.01")?,
        Err(Refusal::AmountExceeded)
    );
    assert_eq!(desk.refund("r2", "a", "20.00")?, Ok(Status::Refunded));
    assert_eq!(
        desk.refund("r3", "a", "0.01")?,
        Err(Refusal::AmountExceeded)
    );
    assert_eq!(desk.log.len(), 4);
    Ok(())
}

#[test]
fn a_card_may_refuse_every_refund() -> Result<()> {
    let mut desk = Desk::open();
    desk.authorize("a", "4000000000074098")??;
    assert_eq!(desk.refund("r1", "a", "1.00")?, Err(Refusal::NotCaptured));
    assert_eq!(desk.capture("a", "50.00")?, Ok(Status::Captured));
    assert_eq!(desk.refund("r1", "a", "1.00")?, Err(Refusal::NotRefundable));
    assert_eq!(desk.refund("r1", "a", "1.00")?, Err(Refusal::NotRefundable));
    assert_eq!(desk.kinds(), [Kind::Approved, Kind::Captured]);
    Ok(())
}

#[test]
fn a_slow_one_shows_that_it_is_processing() -> Result<()> {
    let mut desk = Desk::open();
    let until = desk.now.instant + Duration::from_secs(3);
    assert_eq!(desk.authorize("a", SLOW)?, Ok(Verdict::Thinking { until }));
    assert_eq!(desk.authorize("a", SLOW)?, Ok(Verdict::Thinking { until }));
    assert_eq!(desk.enquire("a")?.get("status"), Some(&json!("processing")));
    assert_eq!(desk.capture("a", "50.00")?, Err(Refusal::NotCapturable));
    let settled = desk.settle("a")??;
    assert_eq!(settled.status, Status::Approved);
    assert_eq!(desk.settle("a")??, settled);
    assert_eq!(desk.kinds(), [Kind::Approved]);
    Ok(())
}

#[test]
fn a_slow_one_voided_meanwhile_is_refused() -> Result<()> {
    let mut desk = Desk::open();
    desk.authorize("a", SLOW)??;
    desk.void("a")??;
    assert_eq!(desk.enquire("a")?.get("status"), Some(&json!("voided")));
    assert_eq!(desk.settle("a")??.code, Some(Decline::Voided));
    assert_eq!(desk.kinds(), [Kind::Voided, Kind::Refused]);
    Ok(())
}

#[test]
fn a_late_one_leaves_no_trace_until_it_is_approved() -> Result<()> {
    let mut desk = Desk::open();
    desk.authorize("a", LATE)??;
    assert_eq!(desk.enquire("a")?, json!("not_found"));
    assert_eq!(desk.capture("a", "50.00")?, Err(Refusal::NotFound));
    assert_eq!(answer(desk.authorize("b", LATE)?)?.status, Status::Approved);
    assert_eq!(desk.settle("a")??.status, Status::Approved);
    assert_eq!(desk.kinds(), [Kind::Approved, Kind::Approved]);
    Ok(())
}

#[test]
fn a_void_meets_a_late_one_before_it_is_approved() -> Result<()> {
    let mut desk = Desk::open();
    desk.authorize("a", LATE)??;
    desk.void("a")??;
    assert_eq!(desk.settle("a")??.code, Some(Decline::Voided));
    assert_eq!(desk.kinds(), [Kind::Voided, Kind::Refused]);
    Ok(())
}

#[test]
fn a_broken_promise_can_be_voided_again() -> Result<()> {
    let mut desk = Desk::open();
    desk.authorize("a", LATE_DESPITE_VOID)??;
    desk.void("a")??;
    assert_eq!(desk.settle("a")??.status, Status::Approved);
    assert_eq!(desk.enquire("a")?.get("status"), Some(&json!("approved")));
    desk.void("a")??;
    assert_eq!(desk.enquire("a")?.get("status"), Some(&json!("voided")));
    assert_eq!(desk.kinds(), [Kind::Voided, Kind::Approved, Kind::Voided]);
    Ok(())
}

#[test]
fn the_log_restores_what_stood() -> Result<()> {
    let mut desk = Desk::open();
    for (named, card) in [
        ("a", APPROVED),
        ("b", "4000000000000002"),
        ("c", "4000000000064099"),
    ] {
        desk.authorize(named, card)??;
    }
    desk.authorize_of("pay-2", "d", "9.99", "4000000000045031")??;
    desk.authorize_of("pay-2", "e", "9.99", "4000000000045031")??;
    desk.capture("a", "50.00")??;
    desk.refund("r", "a", "20.00")??;
    desk.void("c")??;
    desk.void("never-seen")??;
    let mut again = Desk::reading(&desk.log);
    assert_eq!(
        again.acquirer.book.authorizations,
        desk.acquirer.book.authorizations
    );
    assert_eq!(again.acquirer.book.refunds, desk.acquirer.book.refunds);
    assert_eq!(again.acquirer.book.refunded, desk.acquirer.book.refunded);
    assert_eq!(again.acquirer.attempted, desk.acquirer.attempted);
    assert_eq!(
        answer(again.authorize("a", APPROVED)?)?,
        answer(desk.authorize("a", APPROVED)?)?
    );
    Ok(())
}
