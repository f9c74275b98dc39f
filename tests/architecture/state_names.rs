//! SQL gets the names of states as parameters from the domain, so that a new state has one place. Only
//! migrations spell them out.

use std::fs;

use anyhow::Result;
use domain::{authorization, delivery, endpoint, payment, refund};

use super::{files, root};

fn names() -> Vec<&'static str> {
    let payments = payment::State::ALL.map(payment::State::name);
    let authorizations = authorization::State::ALL.map(authorization::State::name);
    let refunds = refund::State::ALL.map(refund::State::name);
    let deliveries = delivery::State::ALL.map(delivery::State::name);
    let endpoints = endpoint::Status::ALL.map(endpoint::Status::name);
    let all = payments.into_iter().chain(authorizations).chain(refunds);
    all.chain(deliveries).chain(endpoints).collect()
}

fn literals(text: &str) -> Vec<&'static str> {
    let is_literal = |name: &&str| text.contains(&format!("'{name}'"));
    names().into_iter().filter(is_literal).collect()
}

#[test]
fn no_state_name_is_a_literal_in_sql_outside_migrations() -> Result<()> {
    assert_eq!(literals("where state = 'delivering'"), ["delivering"]);
    let root = root();
    let mut wrong = Vec::new();
    for file in files()? {
        let path = file.strip_prefix(&root)?.display().to_string();
        let extension = file.extension().unwrap_or_default();
        if path.starts_with("shared/store/src/") && (extension == "rs" || extension == "sql") {
            for name in literals(&fs::read_to_string(&file)?) {
                wrong.push(format!("{path}: '{name}'"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
