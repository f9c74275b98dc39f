//! What an event makes of a payment and its attempt: the domain is asked, and everything that
//! follows is put together for one statement.

use apalis_core::error::BoxDynError;
use domain::authorization;
use domain::id::{AuthorizationId, PaymentId};
use domain::intent::{self, Intent, Paid};
use domain::ledger;
use domain::notice::{self, Notice, Subject};
use domain::payment::{self, State};
use store::payments::{Attempt, Change, Claimed, Job};
use time::OffsetDateTime;

/// The change that follows when something happened to an attempt, to the payment, or to both.
pub fn of(
    claimed: &Claimed,
    intent: Option<&Intent>,
    happened: Option<(Attempt, authorization::Event)>,
    outcome: Option<payment::Event>,
    fingerprint: Option<Vec<u8>>,
) -> Result<Change, BoxDynError> {
    let payment = &claimed.payment;
    let state = match outcome {
        Some(event) => payment.state.next(event)?,
        None => payment.state,
    };
    let authorization = match happened {
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
    let event = match (outcome, happened) {
        (Some(event), _) => event.name(),
        (None, Some((_, event))) => event.name(),
        (None, None) => return Err("nothing happened".into()),
    };
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
        event,
        state,
        failure,
        authorization,
        fingerprint,
        forget_card: outcome.is_some(),
        postings: outcome.map(books).unwrap_or_default(),
        notice: outcome
            .and(state.notice())
            .map(|kind| tell(kind, told, intent)),
        job: if is_left { Job::Keep } else { Job::Clear },
    })
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
        event: authorization::Event::Approved.name(),
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
