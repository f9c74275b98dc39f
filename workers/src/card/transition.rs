//! Builds the transition of a payment and its attempt from events: the domain decides the new states, and
//! one statement writes them with all effects.

use std::time::Duration;

use apalis_core::error::BoxDynError;
use domain::authorization::InvalidTransition;
use domain::event::{Event, EventType, Subject};
use domain::intent::{self, Intent, Paid};
use domain::job::Worker;
use domain::ledger::{self, Cause};
use domain::payment::{self, Payment, State};
use store::effects::{Effects, HistoryEntry};
use store::jobs::Lease;
use store::payments::{AttemptTransition, CardPayment, Transition};
use time::OffsetDateTime;

use super::run::{AttemptEvent, OpenedCard};

/// The transition for an event of an attempt, events of the payment, or both; and whether the job is then
/// complete.
pub fn of(
    claimed: &CardPayment,
    intent: Option<&Intent>,
    attempt_event: Option<&AttemptEvent>,
    payment_events: &[payment::Event],
    card: Option<&OpenedCard>,
    lease: Lease,
    lasts: Duration,
) -> Result<(Transition, bool), BoxDynError> {
    let payment = &claimed.payment;
    let history = history(payment.state, attempt_event, payment_events)?;
    let to = history.last().ok_or("a transition has no events")?.state;
    let attempt = attempt_event.map(attempt_transition).transpose()?;
    let outcome = payment_events.last().copied();
    let failure = outcome.and_then(payment::Event::failure);
    let is_complete = !is_in_progress(claimed, to, attempt.as_ref());

    let mut effects = Effects::new(payment.merchant_id, payment.mode);
    effects = effects.history(payment.id, claimed.version, &history);
    let currency = payment.money.currency().code();
    for posting in ledger::postings(payment_events, payment.money, claimed.fee_basis_points) {
        effects = effects.posting(Cause::Payment(payment.id), currency, posting);
    }
    if let Some(event_type) = outcome.and(to.event_type()) {
        let now = Payment {
            state: to,
            failure: failure.or(payment.failure),
            updated_at: OffsetDateTime::now_utc(),
            ..payment.clone()
        };
        effects = effects.event(&event_of(event_type, now, intent));
    }
    effects = if is_complete {
        effects.complete(lease)
    } else {
        effects.extend(lease, lasts)
    };
    let transition = Transition {
        payment_id: payment.id,
        version: claimed.version,
        from: payment.state,
        to,
        failure,
        attempt,
        fingerprint: card.map(|card| card.fingerprint.clone()),
        verdict: card.and_then(|card| card.verdict),
        forget_card: outcome.is_some(),
        effects,
    };
    Ok((transition, is_complete))
}

/// Whether the payment or one of its attempts is in progress after the transition.
fn is_in_progress(claimed: &CardPayment, to: State, attempt: Option<&AttemptTransition>) -> bool {
    let moved = attempt.map(|attempt| attempt.id);
    let mut closed = claimed.closed.iter();
    to.is_in_progress()
        || attempt.is_some_and(|attempt| attempt.to.is_in_progress())
        || closed.any(|attempt| Some(attempt.id) != moved)
}

fn attempt_transition(event: &AttemptEvent) -> Result<AttemptTransition, InvalidTransition> {
    Ok(AttemptTransition {
        id: event.attempt.id,
        from: event.attempt.state,
        to: event.attempt.state.next(event.event)?,
        approval: event.approval.clone(),
    })
}

/// The history entries. The attempt's event gets an entry of its own only if no event of the payment
/// follows from it; otherwise the first of those names the attempt.
fn history(
    state: State,
    attempt_event: Option<&AttemptEvent>,
    payment_events: &[payment::Event],
) -> Result<Vec<HistoryEntry>, payment::InvalidTransition> {
    let mut authorization = attempt_event.map(|event| event.attempt.id);
    let mut entries = Vec::with_capacity(payment_events.len().max(1));
    let mut state = state;
    for outcome in payment_events {
        state = state.next(*outcome)?;
        entries.push(HistoryEntry {
            event: outcome.name(),
            state,
            authorization: authorization.take(),
        });
    }
    if let (Some(event), true) = (attempt_event, entries.is_empty()) {
        entries.push(HistoryEntry {
            event: event.event.name(),
            state,
            authorization,
        });
    }
    Ok(entries)
}

/// The event that the merchant receives. It is about the intent if the payment pays one.
fn event_of(event_type: EventType, payment: Payment, intent: Option<&Intent>) -> Event {
    let Some(intent) = intent else {
        let subject = Subject::Payment(payment);
        return Event {
            event_type,
            subject,
        };
    };
    let now = Intent {
        paid: Some(Paid::by(&payment)),
        ..intent.clone()
    };
    Event {
        event_type: EventType::IntentStatusChanged,
        subject: Subject::Intent {
            now,
            previous: Some(intent::State::Processing),
        },
    }
}

/// The transition that makes an approval of a closed attempt be voided. The payment does not change; its
/// job is due at once, because nobody may be working on it.
pub fn late_approval(
    payment: &Payment,
    state: State,
    version: i32,
    event: &AttemptEvent,
) -> Result<Transition, InvalidTransition> {
    let entry = HistoryEntry {
        event: event.event.name(),
        state,
        authorization: Some(event.attempt.id),
    };
    let effects = Effects::new(payment.merchant_id, payment.mode)
        .history(payment.id, version, &[entry])
        .wake(Worker::Card, payment.id.0);
    Ok(Transition {
        payment_id: payment.id,
        version,
        from: state,
        to: state,
        failure: None,
        attempt: Some(attempt_transition(event)?),
        fingerprint: None,
        verdict: None,
        forget_card: false,
        effects,
    })
}
