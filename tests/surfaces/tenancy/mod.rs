//! No route of any surface reads, lists, changes or refunds objects of another merchant or mode,
//! whatever the request.
//!
//! Public operations, which need an id only, are the documented exception: reading and paying an intent
//! under `/v1/payment-intents/public/`, and reading a payment that is paid on a page under
//! `/v1/payments/public/`, `/v1/payments/session/` and `/checkout/`. There outsiders
//! ask for everything else.

mod fixtures;
pub mod operations;
pub mod requests;
mod theirs;

use std::fmt::Debug;

use anyhow::{Context, Result, ensure};
use domain::merchant::Mode;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngSeed, TestRunner};
use reqwest::Method;
use serde_json::json;
use store::merchants::Credentials;
use tests::{Gateway, Receiver, Response};

use operations::Operation;
use requests::{Case, Outsider, any_case};
use theirs::{MINE, Names, Read, Theirs, reads};

/// How many requests each outsider sends to each route; `PROPTEST_CASES` overrides it.
const CASES: u32 = 3;

/// Random requests, the same for the same `PROPTEST_RNG_SEED`.
fn chance() -> (u64, Config) {
    let usual = Config::default();
    let seed = match usual.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => rand::random(),
    };
    let cases = std::env::var_os("PROPTEST_CASES").map_or(CASES, |_| usual.cases);
    let rng_seed = RngSeed::Fixed(seed);
    let config = Config {
        cases,
        rng_seed,
        ..usual
    };
    (seed, config)
}

/// Some requests of every outsider to every route.
fn cases<'a>(
    config: Config,
    operations: &[Operation],
    outsiders: &'a [Outsider],
    names: &Names,
) -> Result<Vec<(&'a Outsider, Case)>> {
    let each = config.cases;
    let mut runner = TestRunner::new(config);
    let mut cases = Vec::new();
    for operation in operations {
        let any = any_case(operation, names);
        for outsider in outsiders {
            for _ in 0..each {
                let tree = any.new_tree(&mut runner);
                let tree = tree.map_err(|why| anyhow::anyhow!("nothing was made: {why}"))?;
                cases.push((outsider, tree.current()));
            }
        }
    }
    Ok(cases)
}

async fn token(gateway: &Gateway, whose: &Credentials) -> Result<String> {
    let body = json!({"client_id": whose.client_id, "client_secret": whose.client_secret.as_str()});
    let request = gateway.request(Method::POST, "/v1/auth/token").json(&body);
    let issued = gateway.send(request).await?;
    ensure!(issued.status == 200, "{}", issued.text);
    Ok(issued.at("/access_token").to_owned())
}

/// Those who have no access to the victim's objects of a mode: another merchant in either mode, and
/// the victim in the other mode.
async fn outsiders(gateway: &Gateway, mode: Mode) -> Result<[Outsider; 3]> {
    let (mine, other) = (&gateway.merchant, &gateway.other_merchant);
    let outsider = |what, key: &str, token, is_other_mode| Outsider {
        what,
        key: key.to_owned(),
        token,
        is_other_mode,
    };
    Ok([
        outsider(
            "mine",
            &mine.test_key,
            Some(token(gateway, mine).await?),
            false,
        ),
        outsider("my live one", &mine.live_key, None, false),
        match mode {
            Mode::Test => outsider("their live one", &other.live_key, None, true),
            Mode::Live => {
                let token = token(gateway, other).await?;
                outsider("their test one", &other.test_key, Some(token), true)
            }
        },
    ])
}

/// Sends a request, and checks that it is refused or that its response shows nothing of the victim.
/// Returns whether it was accepted.
async fn attempt(
    gateway: &Gateway,
    outsider: &Outsider,
    case: &Case,
    theirs: &Theirs,
    unknown: &Theirs,
) -> Result<bool> {
    let request = case.asked_by(gateway, outsider, theirs)?;
    let answer = gateway.send(request).await?;
    let (is_refused, shown) = (answer.status >= 400, shown(&answer));
    ensure!(answer.status < 500, "{shown}");
    ensure!(
        case.is_open || answer.status != 401,
        "the key is right: {shown}"
    );
    // An error may repeat the request.
    let sent = Some(case.described()).filter(|_| is_refused);
    let leak = theirs.leak(&theirs.named(&sent.unwrap_or_default()), &shown);
    ensure!(leak.is_none(), "{leak:?} has leaked: {shown}");
    if case.is_about_them(theirs) {
        ensure!(is_refused, "it is not refused: {shown}");
        let request = case.asked_by(gateway, outsider, unknown)?;
        let missing = gateway.send(request).await?;
        let found = (answer.status, theirs.hidden(&answer.text));
        let expected = (missing.status, unknown.hidden(&missing.text));
        // finternet's contract reveals that another merchant's intent exists.
        let is_forbidden = (answer.status, missing.status) == (403, 404)
            && answer
                .text
                .contains("do not have access to this payment intent")
            && !outsider.is_other_mode;
        ensure!(
            found == expected || is_forbidden,
            "it differs from an unknown object: {expected:?}, but {shown}"
        );
    }
    Ok(!is_refused)
}

fn shown(answer: &Response) -> String {
    let Response {
        status,
        headers,
        text,
        ..
    } = answer;
    format!("{status} {headers:?} {text}")
}

fn same<T: PartialEq + Debug>(what: &str, before: &[T], after: &[T]) -> Result<()> {
    for (before, after) in before.iter().zip(after) {
        ensure!(
            before == after,
            "{what}: it was {before:?} and is {after:?}"
        );
    }
    let (before, after) = (before.len(), after.len());
    ensure!(before == after, "{what}: {before} have become {after}");
    Ok(())
}

/// Outsiders try everything in one mode, and nothing is shown or changed.
async fn try_all(
    gateway: &Gateway,
    receiver: &Receiver,
    operations: &[Operation],
    mode: Mode,
    config: Config,
) -> Result<()> {
    let outsiders = outsiders(gateway, mode).await?;
    let view = async || -> Result<Vec<Read>> {
        let mut view = Vec::new();
        for outsider in &outsiders {
            view.extend(reads(gateway, operations, &outsider.key, &[]).await?);
        }
        Ok(view)
    };
    let seen = view().await?;
    let theirs = Theirs::make(gateway, &gateway.other_merchant, mode, receiver).await?;
    // Sums and counts have no mark.
    same("what outsiders saw before", &seen, &view().await?)?;
    let unknown = theirs.unknown();
    let rows = theirs.rows(gateway).await?;
    let reads = theirs.reads(gateway, operations).await?;
    let names = theirs.sought(&reads, operations)?;
    let cases = cases(config, operations, &outsiders, &names)?;
    let mut answered = 0;
    for (outsider, case) in &cases {
        let tried = attempt(gateway, outsider, case, &theirs, &unknown).await;
        let what = || format!("{}: {}", outsider.what, case.described());
        answered += usize::from(tried.with_context(what)?);
    }
    let all = cases.len();
    ensure!(answered * 8 > all, "only {answered} of {all} are answered");
    gateway.drain().await?;
    let webhooks = receiver.requests();
    let mine: Vec<_> = webhooks
        .iter()
        .filter(|webhooks| webhooks.path == MINE)
        .collect();
    ensure!(!mine.is_empty(), "outsiders receive no webhook at all");
    for webhooks in mine {
        let leak = theirs.leak("", &webhooks.text);
        ensure!(leak.is_none(), "{leak:?} was sent: {}", webhooks.text);
    }
    same("their rows", &rows, &theirs.rows(gateway).await?)?;
    let after = theirs.reads(gateway, operations).await?;
    same("what they read", &reads, &after)
}

#[tokio::test]
async fn no_route_reaches_another_merchants_objects() -> Result<()> {
    let gateway = Gateway::start().await?;
    let receiver = Receiver::start().await?;
    let operations = operations::all(&gateway).await?;
    let (seed, config) = chance();
    fixtures::test(&gateway, &gateway.merchant.test_key, &receiver, "mine").await?;
    for mode in Mode::ALL {
        let tried = try_all(&gateway, &receiver, &operations, mode, config.clone()).await;
        let again = || format!("{mode:?} mode; PROPTEST_RNG_SEED={seed} asks the same");
        tried.with_context(again)?;
    }
    fixtures::remove_live(&gateway).await?;
    gateway.finish().await
}
