//! Customers that several processes store at the same time: one for each address, one event for each
//! request, and one request for each idempotency key.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, ensure};
use domain::id::{CustomerId, MerchantId};
use domain::merchant::Mode;
use futures::future::{try_join, try_join_all};
use serde_json::{Value, json};
use sqlx::types::Uuid;
use store::Role;
use store::accept::Key;
use store::batch::Batch;
use store::customers::{NewCustomer, Upsert, Upserted};
use tests::{Gateway, cards, example};

const REQUESTS: usize = 400;

/// The addresses and keys repeat in different rhythms, so that requests meet in all combinations.
fn request(merchant_id: MerchantId, number: usize) -> Upsert {
    let email = format!("{}@example.com", number % 37);
    Upsert {
        id: CustomerId(store::new_id()),
        event_id: store::new_id(),
        merchant_id,
        mode: Mode::Test,
        details: NewCustomer {
            // Some customers have no address.
            email: (!number.is_multiple_of(5)).then_some(email),
            name: Some(number.to_string()),
            ..NewCustomer::default()
        },
        idempotency: number.is_multiple_of(2).then(|| Key {
            key: format!("key-{}", number % 30),
            fingerprint: vec![7; 32],
        }),
    }
}

#[tokio::test]
async fn two_processes_store_customers_at_once() -> Result<()> {
    let gateway = Gateway::start().await?;
    let owner = sqlx::PgPool::connect(&gateway.database_url()).await?;
    let query = "select id from merchants order by id limit 1";
    let merchant: Uuid = sqlx::query_scalar(query).fetch_one(&owner).await?;
    let url = gateway.role_url(Role::Api)?;
    let mut processes = Vec::new();
    for _ in 0..2 {
        processes.push(Batch::<Upsert>::start(&store::connect(
            Role::Accept,
            &url,
            2,
        )?));
    }
    let requests: Vec<_> = (0..REQUESTS)
        .map(|number| request(MerchantId(merchant), number))
        .collect();
    let running = requests.iter().zip(processes.iter().cycle());
    let running = running.map(|(request, process)| process.run(request.clone()));
    let outcomes = try_join_all(running).await?;

    let (mut by_email, mut by_key) = (HashMap::new(), HashMap::new());
    let (mut without_email, mut recorded) = (0, HashSet::new());
    for (request, outcome) in requests.iter().zip(&outcomes) {
        if let Upserted::Stored(customer, _) = outcome {
            recorded.insert(request.event_id);
            if let Some(key) = &request.idempotency {
                let first = by_key.insert(&key.key, customer.id);
                ensure!(first.is_none(), "two requests took effect with {}", key.key);
            }
            match &customer.email {
                Some(email) => {
                    let known = by_email.insert(email.clone(), customer.id);
                    ensure!(known.is_none_or(|id| id == customer.id), "two are {email}");
                }
                None => without_email += 1,
            }
        }
    }
    for (request, outcome) in requests.iter().zip(&outcomes) {
        if let Upserted::Existing(existing) = outcome {
            let key = request.idempotency.as_ref().context("a key")?;
            let first = by_key.get(&key.key).context("the first request")?;
            assert_eq!(existing.subject, first.0, "{}", key.key);
        }
    }
    assert_eq!(by_key.len(), 15);
    assert_eq!(
        gateway.count("customers").await?,
        by_email.len() + without_email
    );
    let events: Vec<Uuid> = sqlx::query_scalar("select id from events where subject = 'customer'")
        .fetch_all(&owner)
        .await?;
    assert_eq!(events.len(), recorded.len(), "one event for each request");
    assert_eq!(events.into_iter().collect::<HashSet<_>>(), recorded);
    gateway.finish().await
}

/// Another process first takes the address of a request's customer and then its key, each while the
/// request waits for it.
async fn lose_two_races(gateway: &Gateway, path: &str, email: &str, body: &Value) -> Result<()> {
    let mut address = gateway.database().begin().await?;
    let insert = "
        with customer as (
            insert into customers (id, merchant_id, live, email)
            select gen_random_uuid(), id, false, $1 from merchants order by id limit 1
            returning id, merchant_id
        ), event as (
            insert into events (id, merchant_id, live, type, subject, subject_id, data, data_version)
            select gen_random_uuid(), merchant_id, false, 'customer.created', 'customer', id, '{}', 1
            from customer
        )
        select id from customer";
    let insert = sqlx::query_scalar(insert).bind(email);
    let customer: Uuid = insert.fetch_one(&mut *address).await?;
    let request = gateway.posting(path, body).header("Idempotency-Key", path);
    let races = async {
        gateway.wait_blocked_by(&mut address).await?;
        let mut key = gateway.database().begin().await?;
        let insert =
            "insert into idempotency_keys (merchant_id, live, key, fingerprint, subject_id)
                      select id, false, $1, 'another', $2 from merchants order by id limit 1";
        let insert = sqlx::query(insert).bind(path).bind(customer);
        insert.execute(&mut *key).await?;
        address.commit().await?;
        gateway.wait_blocked_by(&mut key).await?;
        key.commit().await?;
        Ok(())
    };
    let (response, ()) = try_join(gateway.send(request), races).await?;
    let found = (response.status, response.at("/error/code"));
    assert_eq!(found, (409, "idempotency_key_reused"), "{path}");
    Ok(())
}

#[tokio::test]
async fn a_request_that_loses_two_races_is_answered() -> Result<()> {
    let gateway = Gateway::start().await?;
    let (payer, buyer) = ("payer@example.com", "buyer@example.com");
    let mut payment = example(cards::APPROVED);
    payment["customer"] = json!({"email": payer});
    lose_two_races(&gateway, "/v1/payments", payer, &payment).await?;
    let customer = json!({"email": buyer});
    lose_two_races(&gateway, "/v1/customers", buyer, &customer).await?;
    assert_eq!(gateway.count("payments").await?, 0);
    assert_eq!(gateway.count("customers").await?, 2);
    gateway.finish().await
}
