//! Nobody reads, lists, changes or refunds what is another merchant's, or of the other mode, by any
//! route of any surface, however it is asked.
//!
//! What is open to whoever holds an id is the documented exception: reading and paying an intent
//! under `/v1/payment-intents/public/`, and reading a payment that is paid on a page under
//! `/v1/payments/public/`, `/v1/payments/session/` and `/checkout/`. There outsiders ask for
//! everything else.

mod making;
mod operations;
mod requests;
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

/// How many requests each outsider makes by each route, unless `PROPTEST_CASES` says.
const CASES: u32 = 3;

/// Requests by chance, the same ones for the same `PROPTEST_RNG_SEED`.
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

/// Some requests of every outsider by every route.
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
    let given = gateway.send(request).await?;
    ensure!(given.status == 200, "{}", given.text);
    Ok(given.at("/access_token").to_owned())
}

/// Who has no business with the other merchant's things of a mode: another merchant in either mode,
/// and the same one in the other.
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

/// Makes a request, and checks that it is refused or answered with nothing of theirs. Returns
/// whether it was answered.
async fn attempt(
    gateway: &Gateway,
    outsider: &Outsider,
    case: &Case,
    theirs: &Theirs,
    nobodys: &Theirs,
) -> Result<bool> {
    let request = case.asked_by(gateway, outsider, theirs)?;
    let answer = gateway.send(request).await?;
    let (is_refused, told) = (answer.status >= 400, told(&answer));
    ensure!(answer.status < 500, "{told}");
    ensure!(
        case.is_open || answer.status != 401,
        "the key is right: {told}"
    );
    // What a refusal may say again.
    let said = Some(case.said()).filter(|_| is_refused);
    let leak = theirs.leak(&theirs.named(&said.unwrap_or_default()), &told);
    ensure!(leak.is_none(), "{leak:?} has leaked: {told}");
    if case.is_about_them(theirs) {
        ensure!(is_refused, "it is not refused: {told}");
        let request = case.asked_by(gateway, outsider, nobodys)?;
        let missing = gateway.send(request).await?;
        let found = (answer.status, theirs.hidden(&answer.text));
        let expected = (missing.status, nobodys.hidden(&missing.text));
        // finternet's contract tells another merchant that there is such an intent.
        let is_forbidden = (answer.status, missing.status) == (403, 404)
            && answer
                .text
                .contains("do not have access to this payment intent")
            && !outsider.is_other_mode;
        ensure!(
            found == expected || is_forbidden,
            "it is told from what does not exist: {expected:?}, but {told}"
        );
    }
    Ok(!is_refused)
}

fn told(answer: &Response) -> String {
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

/// Outsiders try everything in one mode, and nothing of it is told or changed.
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
    // Sums and counts carry no mark.
    same("what outsiders saw before", &seen, &view().await?)?;
    let nobodys = theirs.nobodys();
    let rows = theirs.rows(gateway).await?;
    let reads = theirs.reads(gateway, operations).await?;
    let names = theirs.sought(&reads, operations)?;
    let cases = cases(config, operations, &outsiders, &names)?;
    let mut answered = 0;
    for (outsider, case) in &cases {
        let tried = attempt(gateway, outsider, case, &theirs, &nobodys).await;
        let what = || format!("{}: {}", outsider.what, case.said());
        answered += usize::from(tried.with_context(what)?);
    }
    let all = cases.len();
    ensure!(answered * 8 > all, "only {answered} of {all} are answered");
    gateway.drain().await?;
    let heard = receiver.requests();
    let mine: Vec<_> = heard.iter().filter(|heard| heard.path == MINE).collect();
    ensure!(!mine.is_empty(), "outsiders are told nothing at all");
    for heard in mine {
        let leak = theirs.leak("", &heard.text);
        ensure!(leak.is_none(), "{leak:?} was told: {}", heard.text);
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
    making::test(&gateway, &gateway.merchant.test_key, &receiver, "mine").await?;
    for mode in [Mode::Test, Mode::Live] {
        let tried = try_all(&gateway, &receiver, &operations, mode, config.clone()).await;
        let again = || format!("{mode:?} mode; PROPTEST_RNG_SEED={seed} asks the same");
        tried.with_context(again)?;
    }
    gateway.finish().await
}
