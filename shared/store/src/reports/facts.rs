//! What the domain allows, as lists of names for the reports' statements.

use domain::event::EventType;
use domain::ledger::{self, Kind};
use domain::money::{Currency, Money};
use domain::payment::{Event, Failure, State};
use domain::{authorization, delivery, refund};

use crate::accept;

/// Lists of names and pairs of names.
pub(super) struct Facts {
    pub steps: Vec<String>,
    pub failures: Vec<String>,
    pub holding_approval: Vec<String>,
    pub needing_card: Vec<String>,
    pub without_card: Vec<String>,
    pub having_job: Vec<String>,
    pub takes_no_money: Vec<String>,
    pub refundable: Vec<String>,
    pub finals: Vec<String>,
    pub final_events: Vec<String>,
    pub postings: Vec<String>,
    pub posting_events: Vec<String>,
    pub attempt_states: Vec<String>,
    pub undecided_attempts: Vec<String>,
    pub attempts_in_progress: Vec<String>,
    pub refunds_in_progress: Vec<String>,
    pub events: Vec<String>,
    pub currencies: Vec<String>,
    pub intent_currencies: Vec<String>,
    pub delivery_attempts: i32,
}

impl Facts {
    pub fn new() -> Self {
        use authorization::State as Attempt;
        let is_undecided = |state: &Attempt| state.is_open() && *state != Attempt::Approved;
        let has_job = |state: &State| state.is_in_progress() || *state == State::Created;
        let is_unpaid = |state: &State| matches!(state, State::Failed | State::Expired);
        let finals = State::ALL.into_iter().filter_map(|state| {
            let event_type = state.event_type()?;
            Some((state.name().to_owned(), event_type.name().to_owned()))
        });
        let (finals, final_events) = finals.unzip();
        let all = currencies();
        Self {
            steps: steps(),
            failures: failures(),
            holding_approval: names(&State::ALL, |state| state.holds_approval(), State::name),
            without_card: names(&State::ALL, |state| began_without_card(*state), State::name),
            needing_card: names(&State::ALL, |s| *s == State::Authorizing, State::name),
            having_job: names(&State::ALL, has_job, State::name),
            takes_no_money: names(&State::ALL, is_unpaid, State::name),
            refundable: names(&State::ALL, |s| *s == State::Captured, State::name),
            finals,
            final_events,
            postings: postings(),
            posting_events: posting_events(),
            attempt_states: attempt_states(),
            undecided_attempts: names(&Attempt::ALL, is_undecided, Attempt::name),
            attempts_in_progress: names(&Attempt::ALL, |s| s.is_in_progress(), Attempt::name),
            refunds_in_progress: names(
                &refund::State::ALL,
                |state| state.is_in_progress(),
                refund::State::name,
            ),
            events: names(&EventType::ALL, |_| true, EventType::name),
            currencies: all
                .iter()
                .map(|currency| format!("{currency} {}", currency.exponent()))
                .collect(),
            intent_currencies: all.iter().copied().filter_map(paid_in).collect(),
            delivery_attempts: delivery_attempts(),
        }
    }
}

/// Whether a payment in this state began without a card.
fn began_without_card(state: State) -> bool {
    let first = State::opened(false);
    let next = |event| first.next(event).ok();
    state == first
        || Event::ALL
            .into_iter()
            .filter_map(next)
            .any(|next| next == state)
}

/// The names of the values that match.
pub(crate) fn names<S: Copy>(
    values: &[S],
    matches: impl Fn(&S) -> bool,
    name: impl Fn(S) -> &'static str,
) -> Vec<String> {
    let matching = values.iter().copied().filter(|value| matches(value));
    matching.map(|value| name(value).to_owned()).collect()
}

/// The legal entries of a payment's history, as "state before, event, state after". The first has no state
/// before. An event of an attempt that changes nothing of the payment leaves its state.
fn steps() -> Vec<String> {
    let first = [true, false].map(State::opened);
    let mut steps: Vec<_> = first
        .map(|state| format!("{} {}", accept::CREATED, state.name()))
        .into();
    for state in State::ALL {
        let name = state.name();
        let next = |event: Event| Some((event.name(), state.next(event).ok()?));
        let next = Event::ALL.into_iter().filter_map(next);
        steps.extend(next.map(|(event, next)| format!("{name} {event} {}", next.name())));
        if matches!(state, State::Created | State::Expired) {
            continue;
        }
        for event in authorization::Event::ALL {
            if !is_payment_event(event) {
                steps.push(format!("{name} {} {name}", event.name()));
            }
        }
    }
    steps
}

/// Whether an attempt's event always comes with one of the payment, under whose name it is recorded.
const fn is_payment_event(event: authorization::Event) -> bool {
    use authorization::Event as Attempt;
    matches!(event, Attempt::Declined | Attempt::VoidRequired)
}

/// What the last recorded event of an attempt and its state may be, as "event, state".
fn attempt_states() -> Vec<String> {
    use authorization::{Event as Attempt, State as From};
    let mut states = vec![From::Sending.name().to_owned()];
    for from in From::ALL {
        for event in Attempt::ALL {
            let Ok(to) = from.next(event) else { continue };
            let declined = Event::Declined(Failure::CardDeclined);
            let names = match event {
                Attempt::Approved if from.is_open() => vec![Event::Authorized.name()],
                Attempt::Declined => vec![declined.name()],
                Attempt::VoidRequired => vec![Event::CaptureRejected.name()],
                Attempt::Acknowledged if from == From::Reversing => {
                    vec![event.name(), Event::AttemptsExhausted.name()]
                }
                event => vec![event.name()],
            };
            let pairs = names.into_iter();
            states.extend(pairs.map(|name| format!("{name} {}", to.name())));
        }
    }
    states
}

/// The failures that each event may cause, as "event, failure". An acquirer's decline has any reason but that
/// the payment expired.
fn failures() -> Vec<String> {
    let caused = |event: Event| match event {
        Event::Declined(_) => names(
            &Failure::ALL,
            |f| *f != Failure::PaymentExpired,
            Failure::name,
        ),
        event => event
            .failure()
            .map(|f| f.name().to_owned())
            .into_iter()
            .collect(),
    };
    let events = Event::ALL.into_iter();
    let pairs = events.flat_map(|event| {
        let failures = caused(event).into_iter();
        failures.map(move |failure| format!("{} {failure}", event.name()))
    });
    pairs.collect()
}

/// The kinds of postings that a payment in each state may have, as "state, kinds". An authorization that is
/// captured in the same commit posts the capture alone.
fn postings() -> Vec<String> {
    let expected: [(State, &[Kind]); 8] = [
        (State::Created, &[]),
        (State::Authorizing, &[]),
        (State::Expired, &[]),
        (State::Failed, &[]),
        (State::Failed, &[Kind::Hold, Kind::Release]),
        (State::Capturing, &[Kind::Hold]),
        (State::Captured, &[Kind::Capture]),
        (State::Captured, &[Kind::Capture, Kind::Hold, Kind::Release]),
    ];
    let expected = expected.into_iter().map(|(state, kinds)| {
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        format!("{} {}", state.name(), kinds.join(", "))
    });
    expected.map(|pair| pair.trim_end().to_owned()).collect()
}

/// The events that post each kind, as "kind, event".
fn posting_events() -> Vec<String> {
    let money = Currency::parse("USD").and_then(|dollars| Money::from_minor(100, dollars).ok());
    let events = money.into_iter().flat_map(|money| {
        let events = Event::ALL.into_iter();
        events.flat_map(move |event| {
            let postings = ledger::postings(&[event], money, 0).into_iter();
            postings.map(move |posting| format!("{} {}", posting.kind.name(), event.name()))
        })
    });
    events.collect()
}

/// Every currency that can be stored.
fn currencies() -> Vec<Currency> {
    let letters = || 'A'..='Z';
    let codes = letters().flat_map(|a| {
        letters().flat_map(move |b| letters().map(move |c| String::from_iter([a, b, c])))
    });
    let iso = codes.filter_map(|code| Currency::parse_stored(&code));
    let tokens = ["USDC", "USDT", "DAI"].into_iter();
    iso.chain(tokens.filter_map(Currency::parse_token))
        .collect()
}

/// What an intent in this currency is paid in, as "intent's currency, payment's currency".
fn paid_in(currency: Currency) -> Option<String> {
    let money = Money::from_major(1.into(), currency)
        .ok()?
        .on_a_card()
        .ok()?;
    Some(format!("{currency} {}", money.currency()))
}

/// After how many failed attempts a delivery is given up.
fn delivery_attempts() -> i32 {
    let is_last = |attempt: &u32| {
        let next = delivery::next(delivery::Event::Failed { retry_after: None }, *attempt, 0);
        next.state == delivery::State::Exhausted
    };
    let last = (1..=u32::from(u8::MAX)).find(is_last);
    last.and_then(|attempt| i32::try_from(attempt).ok())
        .unwrap_or(i32::MAX)
}
