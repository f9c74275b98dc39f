//! Customers, and lists of them in both forms.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Gateway, Process, run_cases};

use super::{get, post, uuid};

async fn create(gateway: &Gateway, email: &str) -> Result<Value> {
    let asked = json!({"email": email, "name": "John Doe", "phone": "+1234567890", "description": "Premium customer"});
    let made = post(gateway, "/v1/customers", &asked).await?;
    let id = made.at("/id");
    let expected = format!(
        r#"{{"id":"{id}","object":"customer","email":"{email}","name":"John Doe","phone":"+1234567890","description":"Premium customer"}}"#
    );
    assert_eq!((made.status, &made.text), (200, &expected));
    assert!(id.starts_with("cus_"));
    Ok(made.body)
}

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        a_customer_is_recognised_by_its_email_address,
        customers_are_listed_in_both_forms,
    )
}

async fn a_customer_is_recognised_by_its_email_address(gateway: &Gateway) -> Result<()> {
    let made = create(gateway, "customer@example.com").await?;
    let asked = json!({"email": "customer@example.com", "name": "Jane Doe"});
    let changed = post(gateway, "/v1/customers/", &asked).await?;
    assert_eq!(
        (&changed.body["id"], changed.at("/name")),
        (&made["id"], "Jane Doe")
    );
    let id = made["id"].as_str().unwrap_or_default();
    for id in [id.to_owned(), uuid(id)?] {
        let read = get(gateway, &format!("/v1/customers/{id}")).await?;
        assert_eq!((read.status, &read.text), (200, &changed.text));
    }
    let none = get(gateway, "/v1/customers/cus_0000000000000000000001").await?;
    assert_eq!(
        (none.status, none.at("/title")),
        (404, "Customers not found")
    );
    for (body, content) in [
        (json!({"name": "John Doe"}), "The email field is required."),
        (
            json!({"email": "nobody"}),
            "The email field must be an e-mail address.",
        ),
    ] {
        let refused = post(gateway, "/v1/customers", &body).await?;
        assert_eq!((refused.status, refused.at("/content")), (400, content));
    }
    Ok(())
}

async fn customers_are_listed_in_both_forms(gateway: &Gateway) -> Result<()> {
    let mut made = Vec::new();
    for number in 1..=3 {
        made.insert(0, create(gateway, &format!("c{number}@example.com")).await?);
    }
    let list = get(gateway, "/v1/customers?limit=2&offset=1").await?;
    let expected = json!({"items": made.get(1..), "total_items": 3, "limit": 2, "offset": 1});
    assert_eq!((list.status, list.body), (200, expected));

    let page = get(gateway, "/v1/customers/?page=2&page_size=1").await?;
    let address = format!("{}/v1/customers/", gateway.url(Process::Api));
    let id = uuid(
        made.get(1)
            .and_then(|made| made["id"].as_str())
            .unwrap_or_default(),
    )?;
    assert_eq!(
        (page.status, page.text),
        (
            200,
            format!(
                r#"{{"count":3,"next":"{address}?page=3&page_size=1","previous":"{address}?page=1&page_size=1","results":[{{"id":"{id}","email":"c2@example.com","name":"John Doe","phone":"+1234567890","description":"Premium customer","metadata":{{}},"test":true}}]}}"#
            )
        )
    );
    let whole = get(gateway, "/v1/customers/").await?;
    let ends = (&whole.body["next"], &whole.body["previous"]);
    assert_eq!(
        (ends, &whole.body["count"]),
        ((&Value::Null, &Value::Null), &json!(3))
    );
    Ok(())
}
