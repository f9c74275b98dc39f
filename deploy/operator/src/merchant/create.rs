//! `sluice merchant create`.

use clap::Args;
use domain::merchant::{FEE_BASIS_POINTS_DEFAULT, Mode};
use serde::Serialize;
use store::merchants::{self, New};

use crate::config::{Database, WebhookKey};
use crate::rates::currency;

#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    database: Database,
    /// Name of the merchant
    #[arg(long)]
    name: String,
    /// Requests per minute for each of its keys [default: each surface's own limit]
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    rate_limit: Option<i32>,
    /// Fee in hundredths of a percent of each captured amount
    #[arg(long, default_value_t = i16::try_from(FEE_BASIS_POINTS_DEFAULT).unwrap_or_default(),
          value_parser = clap::value_parser!(i16).range(0..=10_000))]
    fee_basis_points: i16,
    /// E-mail address for payers
    #[arg(long)]
    email: Option<String>,
    /// The merchant's currency (ISO 4217), in which lists show exchange rates
    #[arg(long, default_value = "USD")]
    currency: String,
    #[command(flatten)]
    webhook_key: WebhookKey,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Output<'a> {
    merchant_id: String,
    test_key: &'a str,
    live_key: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    webhook_secret: &'a str,
}

pub async fn run(create: Create) -> anyhow::Result<()> {
    let webhook_key = create.webhook_key.read()?;
    let new = New {
        name: create.name,
        rate_limit: create.rate_limit,
        fee_basis_points: create.fee_basis_points,
        email: create.email,
        currency: currency(&create.currency)?,
    };
    let created = merchants::create(&create.database.connect().await?, &new).await?;
    let webhook_secret = webhook_key
        .merchant(created.merchant_id, Mode::Test, 0)
        .text();
    let output = Output {
        merchant_id: created.merchant_id.to_string(),
        test_key: &created.test_key,
        live_key: &created.live_key,
        client_id: &created.client_id,
        client_secret: &created.client_secret,
        webhook_secret: &webhook_secret,
    };
    if create.json {
        println!("{}", serde_json::to_string(&output)?);
        return Ok(());
    }
    println!("merchant        {}", output.merchant_id);
    println!("test key        {}", output.test_key);
    println!("live key        {}", output.live_key);
    println!("client id       {}", output.client_id);
    println!("client secret   {}", output.client_secret);
    println!("webhook secret  {}", output.webhook_secret);
    println!("\nStore the secrets now; they cannot be shown again.");
    Ok(())
}
