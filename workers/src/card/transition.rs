//! What an event makes of a payment and its attempt: the domain is asked, and everything that
//! follows is put together for one statement.

use apalis_core::error::BoxDynError;
use domain::authorization;
use domain::event::{self, Event, Subject};
use domain::id::{AuthorizationId, PaymentId};
use domain::intent::{self, Intent, Paid};
use domain::ledger;
use domain::payment::{self, State};
use store::payments::{Attempt, Claimed, HistoryEntry, Job, Transition};
use time::OffsetDateTime;

/// The change that follows when something happened to an attempt, then to the payment, or to both.
pub fn of(
    claimed: &Claimed,
    intent: Option<&Intent>,
    attempted: Option<(Attempt, authorization::Event)>,
    outcomes: &[payment::Event],
    fingerprint: Option<Vec<u8>>,
) -> Result<Transition, BoxDynError> {
    let payment = &claimed.payment;
    let history = history(payment.state, attempted, outcomes)?;
    let state = history.last().ok_or("nothing happened")?.state;
    let authorization = match attempted {
        Some((attempt, event)) => Some((attempt.id, attempt.state.next(event)?)),
        None => None,
    };
    let moved = authorization.map(|(id, _)| id);
    let others = claimed
        .closed
        .iter()
        .filter(|attempt| Some(attempt.id) != moved);
    let is_left = state.is_in_progress()
        || authorization.is_some_and(|(_, state)| state.is_in_progress())
        || others.count() > 0;
    let outcome = outcomes.last().copied();
    let failure = outcome.and_then(payment::Event::failure);
    let recorded = payment::Payment {
        state,
        failure: failure.or(payment.failure),
        updated_at: OffsetDateTime::now_utc(),
        ..payment.clone()
    };
    let books = |event| ledger::postings(event, payment.money, claimed.fee_basis_points);
    Ok(Transition {
        payment_id: payment.id,
        version: claimed.version,
        history,
        state,
        failure,
        authorization,
        fingerprint,
        forget_card: outcome.is_some(),
        postings: outcomes.iter().copied().flat_map(books).collect(),
        event: outcome
            .and(state.event_type())
            .map(|kind| event_of(kind, recorded, intent)),
        job: if is_left { Job::Extend } else { Job::Complete },
    })
}

/// The lines of history: what happened to an attempt stands with what it made of the payment first.
fn history(
    state: State,
    attempted: Option<(Attempt, authorization::Event)>,
    outcomes: &[payment::Event],
) -> Result<Vec<HistoryEntry>, payment::InvalidTransition> {
    let mut authorization = attempted.map(|(attempt, _)| attempt.id);
    let mut lines = Vec::with_capacity(outcomes.len().max(1));
    let mut state = state;
    for outcome in outcomes {
        state = state.next(*outcome)?;
        lines.push(HistoryEntry {
            event: outcome.name(),
            state,
            authorization: authorization.take(),
        });
    }
    if let (Some((_, event)), true) = (attempted, lines.is_empty()) {
        lines.push(HistoryEntry {
            event: event.name(),
            state,
            authorization,
        });
    }
    Ok(lines)
}

/// What the merchant is told: of the intent, if the payment pays one.
fn event_of(kind: event::EventType, payment: payment::Payment, intent: Option<&Intent>) -> Event {
    let Some(intent) = intent else {
        let subject = Subject::Payment(payment);
        return Event {
            event_type: kind,
            subject,
        };
    };
    let now = Intent {
        paid: Some(Paid::by(&payment)),
        ..intent.clone()
    };
    Event {
        event_type: event::EventType::IntentStatusChanged,
        subject: Subject::Intent {
            now,
            previous: Some(intent::State::Processing),
        },
    }
}

/// The change that voids an approval which reached a closed attempt. The payment stays as it is.
pub fn late_approval(
    payment: PaymentId,
    state: State,
    version: i32,
    authorization: (AuthorizationId, authorization::State),
) -> Transition {
    Transition {
        payment_id: payment,
        version,
        history: vec![HistoryEntry {
            event: authorization::Event::Approved.name(),
            state,
            authorization: Some(authorization.0),
        }],
        state,
        failure: None,
        authorization: Some(authorization),
        fingerprint: None,
        forget_card: false,
        postings: vec![],
        event: None,
        job: Job::Enqueue,
    }
}
