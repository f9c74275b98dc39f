//! Errors in the operator's words, and pipes that are closed.

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use store::Role;
use tests::{Gateway, Ran};

/// What no output may contain: the words of libraries, and passwords.
const NEVER_SHOWN: [&str; 7] = [
    "error returned from database",
    "error communicating",
    "pool timed out",
    "SQLSTATE",
    "secret",
    "panicked",
    "select ",
];

/// Every command that needs the database.
const COMMANDS: [&[&str]; 18] = [
    &["jobs", "list"],
    &["jobs", "redrive", "--all"],
    &["merchant", "list"],
    &["merchant", "show", "merchant_0000000000000000000000"],
    &[
        "merchant",
        "disable",
        "merchant_0000000000000000000000",
        "--reason=x",
    ],
    &["merchant", "rate-limit", "merchant_0000000000000000000000"],
    &["merchant", "create", "--name=x"],
    &["key", "list"],
    &["key", "revoke", "key_0000000000000000000000"],
    &["proposal", "list"],
    &["audit"],
    &["blocklist", "list"],
    &["blocklist", "add", "bin", "424242"],
    &["blocklist", "remove", "1"],
    &["rates", "list"],
    &["verify"],
    &["operator", "list"],
    &["migrate"],
];

fn check(ran: &Ran, arguments: &[&str], expected: &str) -> Result<()> {
    let text = format!("{}{}", ran.output, ran.errors);
    // Not everything could be compared.
    let code = if arguments == ["verify"] { 2 } else { 1 };
    ensure!(ran.code == Some(code), "{arguments:?}: {ran:#?}");
    ensure!(
        ran.errors.starts_with("sluice: "),
        "{arguments:?}: {ran:#?}"
    );
    ensure!(
        text.contains(expected),
        "{arguments:?}: {expected}: {ran:#?}"
    );
    for never in NEVER_SHOWN {
        ensure!(!text.contains(never), "{arguments:?}: {never}: {ran:#?}");
    }
    Ok(())
}

pub async fn failures_say_what_to_do(gateway: &Gateway) -> Result<()> {
    let nowhere = "postgres://ada:secret@127.0.0.1:1/sluice";
    let wrong_password = gateway.url_of_login("sluice_operator", "secret")?;
    // Each waits two seconds for the database.
    let unreachable = COMMANDS.map(|arguments| gateway.sluice_as(nowhere, arguments));
    let unreachable = try_join_all(unreachable).await?;
    for (arguments, ran) in COMMANDS.into_iter().zip(unreachable) {
        check(&ran, arguments, "Is Postgres running")?;
        let ran = gateway.sluice_as(&wrong_password, arguments).await?;
        check(&ran, arguments, "its password is wrong")?;
    }
    let list: &[&str] = &["jobs", "list"];
    let operator = gateway.role_url(Role::Operator)?;
    let no_database = operator.replace(gateway.name(), "no_such_database");
    let ran = gateway.sluice_as(&no_database, list).await?;
    check(&ran, list, "there is no database no_such_database")?;
    let ran = gateway.sluice_as("not a url", list).await?;
    check(&ran, list, "Expected postgres://")?;
    let card = gateway.role_url(Role::Card)?;
    check(
        &gateway.sluice_as(&card, list).await?,
        list,
        "sluice_card is not an operator's",
    )?;
    let migrate: &[&str] = &["migrate"];
    check(
        &gateway.sluice_as(&operator, migrate).await?,
        migrate,
        "tables' owner",
    )?;
    let schema = gateway.without_tables(&["operator_actions"], async {
        gateway.sluice_as(&operator, &["audit"]).await
    });
    check(&schema.await?, &["audit"], "Run `sluice migrate`")?;
    let none = gateway
        .sluice_script("cd / && env -u DATABASE_URL \"$SLUICE\" jobs list")
        .await?;
    check(&none, list, "set DATABASE_URL")?;
    let usage = gateway
        .sluice(&["jobs", "list", "--worker", "cards"])
        .await?;
    assert_eq!(usage.code, Some(2), "{usage:#?}");
    Ok(())
}

pub async fn a_closed_pipe_is_no_failure(gateway: &Gateway) -> Result<()> {
    for command in [
        "status",
        "jobs list",
        "merchant list",
        "key list",
        "proposal list",
        "audit",
        "blocklist list",
        "rates list",
        "verify",
        "--help",
        "jobs list --json",
    ] {
        // `true` reads nothing; the exit code is the command's.
        let script = format!("set -o pipefail; \"$SLUICE\" {command} | true");
        let ran = gateway.sluice_script(&script).await?;
        ensure!(
            ran.code == Some(0) && ran.errors.is_empty(),
            "{command}: {ran:#?}"
        );
        let script = format!("\"$SLUICE\" {command} | head -1");
        let ran = gateway.sluice_script(&script).await?;
        ensure!(
            ran.errors.is_empty() && ran.output.lines().count() <= 1,
            "{command}: {ran:#?}"
        );
    }
    // An output that cannot be written is not lost in silence: it may be a new secret.
    let ran = gateway
        .sluice_script("\"$SLUICE\" merchant list > /dev/full")
        .await?;
    ensure!(
        ran.code == Some(1) && ran.errors.contains("cannot write the output"),
        "{ran:#?}"
    );
    Ok(())
}
