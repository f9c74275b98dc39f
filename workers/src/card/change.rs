//! What an event makes of a payment and its attempt: the domain is asked, and everything that
//! follows is put together for one statement.

use apalis_core::error::BoxDynError;
use domain::authorization;
use domain::id::{AuthorizationId, PaymentId};
use domain::intent::{self, Intent, Paid};
use domain::ledger;
use domain::notice::{self, Notice, Subject};
use domain::payment::{self, State};
use store::payments::{Attempt, Change, Claimed, Happened, Job};
use time::OffsetDateTime;

/// The change that follows when something happened to an attempt, then to the payment, or to both.
pub fn of(
    claimed: &Claimed,
    intent: Option<&Intent>,
    attempted: Option<(Attempt, authorization::Event)>,
    outcomes: &[payment::Event],
    fingerprint: Option<Vec<u8>>,
) -> Result<Change, BoxDynError> {
    let payment = &claimed.payment;
    let happened = history(payment.state, attempted, outcomes)?;
    let state = happened.last().ok_or("nothing happened")?.state;
    let authorization = match attempted {
        Some((attempt, event)) => Some((attempt.id, attempt.state.next(event)?)),
        None => None,
    };
    let moved = authorization.map(|(id, _)| id);
    let others = claimed
        .closed
        .iter()
        .filter(|attempt| Some(attempt.id) != moved);
    let is_left = state.is_work()
        || authorization.is_some_and(|(_, state)| state.is_work())
        || others.count() > 0;
    let outcome = outcomes.last().copied();
    let failure = outcome.and_then(payment::Event::failure);
    let told = payment::Payment {
        state,
        failure: failure.or(payment.failure),
        updated_at: OffsetDateTime::now_utc(),
        ..payment.clone()
    };
    let books = |event| ledger::postings(event, payment.money, claimed.fee_basis_points);
    Ok(Change {
        payment_id: payment.id,
        version: claimed.version,
        happened,
        state,
        failure,
        authorization,
        fingerprint,
        forget_card: outcome.is_some(),
        postings: outcomes.iter().copied().flat_map(books).collect(),
        notice: outcome
            .and(state.notice())
            .map(|kind| tell(kind, told, intent)),
        job: if is_left { Job::Keep } else { Job::Clear },
    })
}

/// The lines of history: what happened to an attempt stands with what it made of the payment first.
fn history(
    state: State,
    attempted: Option<(Attempt, authorization::Event)>,
    outcomes: &[payment::Event],
) -> Result<Vec<Happened>, payment::Refused> {
    let mut authorization = attempted.map(|(attempt, _)| attempt.id);
    let mut lines = Vec::with_capacity(outcomes.len().max(1));
    let mut state = state;
    for outcome in outcomes {
        state = state.next(*outcome)?;
        lines.push(Happened {
            event: outcome.name(),
            state,
            authorization: authorization.take(),
        });
    }
    if let (Some((_, event)), true) = (attempted, lines.is_empty()) {
        lines.push(Happened {
            event: event.name(),
            state,
            authorization,
        });
    }
    Ok(lines)
}

/// What the merchant is told: of the intent, if the payment pays one.
fn tell(kind: notice::Kind, payment: payment::Payment, intent: Option<&Intent>) -> Notice {
    let Some(intent) = intent else {
        let subject = Subject::Payment(payment);
        return Notice { kind, subject };
    };
    let now = Intent {
        paid: Some(Paid::by(&payment)),
        ..intent.clone()
    };
    Notice {
        kind: notice::Kind::IntentStatusChanged,
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
) -> Change {
    Change {
        payment_id: payment,
        version,
        happened: vec![Happened {
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
        notice: None,
        job: Job::Put,
    }
}
