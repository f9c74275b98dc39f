//! Logins of operators, what is recorded under them, and what takes two of them.

use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::{Gateway, Ran};

use super::{Login, json, read, value};

pub async fn logins_are_added_and_removed(gateway: &Gateway) -> Result<()> {
    let owner = gateway.database_url();
    let name = format!("ada_{}", gateway.name());
    let file = gateway.directory().join("ada.password");
    let path = file.display().to_string();
    let add = ["operator", "add", &name, "--password-file", &path];
    let ran = gateway.sluice_as(&owner, &add).await?;
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let password = std::fs::read_to_string(&file)?;
    ensure!(!ran.output.contains(password.trim()), "{ran:#?}");
    let mode = std::fs::metadata(&file)?.permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let url = gateway.url_of_login(&name, password.trim())?;
    let list = gateway.sluice_as(&url, &["merchant", "list"]).await?;
    assert_eq!(list.code, Some(0), "{list:#?}");
    // Without the role, the login may do nothing.
    let db = store::connect_owner(&url)?;
    let alone = sqlx::query("select id from merchants").execute(&db).await;
    ensure!(alone.is_err(), "the login has rights of its own");

    let twice = gateway
        .sluice_as(&owner, &["operator", "add", &name])
        .await?;
    ensure!(
        twice.code == Some(1) && twice.errors.contains("already"),
        "{twice:#?}"
    );
    let listed = json(
        &gateway
            .sluice_as(&owner, &["operator", "list", "--json"])
            .await?,
    )?;
    let listed = listed.as_array().context("no list")?;
    ensure!(
        listed.iter().any(|one| one["name"] == name.as_str()),
        "{listed:?}"
    );
    let by_themselves = gateway.sluice_as(&url, &["operator", "add", "eve"]).await?;
    ensure!(
        by_themselves.code == Some(1) && by_themselves.errors.contains("tables' owner"),
        "{by_themselves:#?}"
    );
    for reserved in ["sluice_card", "postgres", "a;b"] {
        let ran = gateway
            .sluice_as(&owner, &["operator", "add", reserved])
            .await?;
        assert_eq!(ran.code, Some(2), "{ran:#?}");
    }

    let removed = gateway
        .sluice_as(&owner, &["operator", "remove", &name])
        .await?;
    assert_eq!(removed.code, Some(0), "{removed:#?}");
    // Its open connection has ended too.
    ensure!(store::ping(&db).await.is_err(), "the login still works");
    let refused = gateway.sluice_as(&url, &["merchant", "list"]).await?;
    ensure!(
        refused
            .errors
            .contains(&format!("refused the login {name}")),
        "{refused:#?}"
    );
    for unknown in [name.as_str(), "nobody_at_all"] {
        let ran = gateway
            .sluice_as(&owner, &["operator", "remove", unknown])
            .await?;
        ensure!(ran.errors.contains("there is no operator"), "{ran:#?}");
    }
    Ok(())
}

fn expect_failure(ran: &Ran, why: &str) -> Result<()> {
    ensure!(
        ran.code == Some(1) && ran.errors.contains(why),
        "{why}: {ran:#?}"
    );
    Ok(())
}

pub async fn enabling_takes_two_logins(gateway: &Gateway) -> Result<()> {
    let (ada, ben) = (
        Login::add(gateway, "ada").await?,
        Login::add(gateway, "ben").await?,
    );
    let id = gateway.merchant.merchant_id.to_string();
    let enable = ["merchant", "enable", &id, "--reason", "all is well"];
    expect_failure(&ada.run(gateway, &enable).await?, "no disabled merchant")?;
    let disable = ["merchant", "disable", &id, "--reason", "chargebacks"];
    gateway.operate(&disable).await?;
    // The shared login names no person.
    expect_failure(&gateway.sluice(&enable).await?, "log in as yourself")?;

    let proposed = ada.run(gateway, &enable).await?;
    assert_eq!(proposed.code, Some(0), "{proposed:#?}");
    let proposal = value(&proposed.output, "proposal")?;
    let proposal = proposal.split(':').next().unwrap_or_default().to_owned();
    let approve = ["proposal", "approve", &proposal];
    expect_failure(
        &ada.run(gateway, &approve).await?,
        "another operator must approve",
    )?;
    expect_failure(&gateway.sluice(&approve).await?, "log in as yourself")?;
    expect_failure(
        &ben.run(gateway, &["proposal", "approve", "999999"]).await?,
        "no such proposal",
    )?;
    // No name is taken from the client, whatever it tries.
    let db = store::connect_operator(&ada.url)?;
    for sql in [
        "update merchants set disabled_at = null, disabled_reason = null",
        "insert into approvals (proposal_id, proposed_by, approved_by) select id, proposed_by, 'eve' from proposals",
        "insert into approvals (proposal_id, proposed_by) select id, 'eve' from proposals",
        "insert into proposals (action, merchant_id, reason, proposed_by)
         select 'merchant.enable', id, 'eve', 'eve' from merchants",
        "insert into operator_actions (action, subject, details) values ('merchant.created', 'x', '{}')",
        "update operator_actions set operator = 'eve'",
        "delete from operator_actions",
        "set session authorization 'sluice_card'",
    ] {
        let done = sqlx::query(sql).execute(&db).await;
        ensure!(done.is_err(), "{sql}: {done:?}");
    }
    db.close().await;
    // The tables' owner changes nothing either.
    for sql in [
        "update operator_actions set operator = 'eve'",
        "delete from operator_actions",
        "truncate operator_actions",
        "update proposals set reason = 'x'",
    ] {
        let done = sqlx::query(sql).execute(gateway.database()).await;
        ensure!(done.is_err(), "{sql}: {done:?}");
    }
    let listed = json(&ben.run(gateway, &["proposal", "list", "--json"]).await?)?;
    let listed = listed.as_array().context("no list")?;
    let listed = listed.iter().find(|one| one["merchant_id"] == id.as_str());
    let listed = listed.context("the proposal is not listed")?;
    assert_eq!(listed["proposed_by"], ada.name.as_str());
    assert_eq!(listed["reason"], "all is well");

    // A proposal expires when the merchant is disabled again.
    let again = "update merchants set disabled_at = now() where disabled_at is not null";
    sqlx::query(again).execute(gateway.database()).await?;
    expect_failure(&ben.run(gateway, &approve).await?, "expired")?;
    let proposed = ada.run(gateway, &enable).await?;
    let proposal = value(&proposed.output, "proposal")?;
    let proposal = proposal.split(':').next().unwrap_or_default().to_owned();
    let approve = ["proposal", "approve", &proposal];
    let approved = ben.run(gateway, &approve).await?;
    assert_eq!(approved.code, Some(0), "{approved:#?}");
    expect_failure(&ben.run(gateway, &approve).await?, "approved already")?;
    let paid = gateway.pay(tests::cards::APPROVED).await?;
    assert_eq!(paid.status, 200, "{}", paid.text);

    let audit = read(gateway, &["audit", "--merchant", &id, "--json"]).await?;
    let done: Vec<(&str, &str)> = audit
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one["operator"].as_str()?, one["action"].as_str()?)))
        .collect();
    let (ada_name, ben_name) = (ada.name.as_str(), ben.name.as_str());
    let expected = [
        (ada_name, "proposal.created"),
        (ada_name, "proposal.created"),
        ("sluice_operator", "merchant.updated"),
    ];
    assert_eq!(done, expected);
    let all = read(gateway, &["audit", "--json"]).await?;
    let newest = &all[0];
    assert_eq!(newest["operator"], ben_name);
    assert_eq!(newest["action"], "proposal.approved");
    assert_eq!(newest["details"]["proposed_by"], ada_name);
    ada.remove(gateway).await?;
    ben.remove(gateway).await
}

pub async fn what_operators_do_is_recorded(gateway: &Gateway) -> Result<()> {
    let eve = Login::add(gateway, "eve").await?;
    let create = ["merchant", "create", "--name", "Third shop", "--json"];
    let created = json(&eve.run(gateway, &create).await?)?;
    let id = created["merchant_id"].as_str().context("no id")?;
    for arguments in [
        vec!["merchant", "rate-limit", id, "500"],
        vec!["merchant", "public-intents", id, "redacted"],
        vec![
            "key",
            "revoke",
            created["client_id"].as_str().context("no client")?,
        ],
    ] {
        let ran = eve.run(gateway, &arguments).await?;
        assert_eq!(ran.code, Some(0), "{ran:#?}");
    }
    let rate = eve.run(gateway, &["rates", "set", "CRC", "533.48"]).await?;
    assert_eq!(rate.code, Some(0), "{rate:#?}");
    let audit = read(gateway, &["audit", "--merchant", id, "--json"]).await?;
    let entries = audit.as_array().context("no list")?;
    let actions: Vec<&str> = entries
        .iter()
        .filter_map(|one| one["action"].as_str())
        .collect();
    let expected = [
        "api_client.updated",
        "merchant.updated",
        "merchant.updated",
        "api_client.created",
        "api_key.created",
        "api_key.created",
        "merchant.created",
    ];
    assert_eq!(actions, expected);
    ensure!(
        entries
            .iter()
            .all(|one| one["operator"] == eve.name.as_str()),
        "{audit}"
    );
    let changed = entries
        .iter()
        .find(|one| one["action"] == "merchant.updated");
    assert_eq!(
        changed.map(|one| &one["details"]),
        Some(&serde_json::json!({"public_intents": "redacted"}))
    );
    let text = audit.to_string();
    for secret in ["test_key", "live_key", "client_secret"] {
        let secret = created[secret].as_str().context(secret)?;
        ensure!(!text.contains(secret), "{text}");
    }
    ensure!(!text.contains("hash"), "{text}");
    let newest = read(gateway, &["audit", "--limit", "1", "--json"]).await?;
    assert_eq!(newest[0]["action"], "rate.set");
    assert_eq!(newest[0]["merchant_id"], Value::Null);
    let shown = gateway.operate(&["audit", "--limit", "1"]).await?;
    ensure!(
        shown.contains(&eve.name) && shown.contains("rate.set"),
        "{shown}"
    );
    eve.remove(gateway).await
}
