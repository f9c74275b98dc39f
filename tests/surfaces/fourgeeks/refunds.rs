//! Refunds in both shapes.

use anyhow::Result;
use serde_json::{Value, json};
use tests::{Gateway, cards, run_cases};

use super::{get, missing, post, problem, uuid, without_time};

#[tokio::test]
async fn cases() -> Result<()> {
    run_cases!(Gateway::start().await?;
        both_shapes_refund,
        refunds_are_listed_newest_first,
        what_cannot_be_refunded_is_refused,
    )
}

async fn both_shapes_refund(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let payment = paid.at("/id");
    let asked = json!({"payment_id": payment, "amount": 2500, "reason": "Customer requested partial refund"});
    let made = post(gateway, "/v1/refunds", &asked).await?;
    let id = made.at("/id");
    let expected = format!(
        r#"{{"id":"{id}","object":"refund","payment_id":"{payment}","amount":2500,"status":"succeeded","currency":"USD","reason":"Customer requested partial refund","created_at":"@","test":true}}"#
    );
    assert_eq!(
        (made.status, without_time(&made.text, "created_at", 0)?),
        (200, expected)
    );
    for path in [format!("/v1/refunds/{id}"), format!("/v1/refunds/{id}/")] {
        let read = get(gateway, &path).await?;
        assert_eq!((read.status, &read.text), (200, &made.text));
    }

    let charge = uuid(payment)?;
    let asked = json!({"charge_id": charge, "amount": "10.99", "reason": "requested_by_customer"});
    let made = post(gateway, "/v1/refunds/", &asked).await?;
    let second = made.at("/refund_id");
    assert_eq!(
        (made.status, &made.text),
        (
            200,
            &format!(
                r#"{{"refund_id":"{second}","charge_id":"{charge}","amount":"10.99","currency":"usd","reason":"requested_by_customer","status":"succeeded","test":true}}"#
            )
        )
    );
    // The rest; then nothing is left.
    let rest = post(gateway, "/v1/refunds/", &json!({"charge_id": payment})).await?;
    assert_eq!((rest.status, rest.at("/amount")), (200, "14.01"));
    let too_much = post(gateway, "/v1/refunds", &json!({"payment_id": payment})).await?;
    let content = "The amount field must be at most what is left of the payment.";
    assert_eq!(
        (too_much.status, too_much.text),
        (400, problem(400, "Invalid request", content))
    );
    let list = get(gateway, "/v1/payments/").await?;
    assert!(list.text.contains(r#""refund":50.0,"#), "{}", list.text);
    Ok(())
}

async fn refunds_are_listed_newest_first(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let mut made = Vec::new();
    for amount in [100, 200, 300] {
        let asked = json!({"payment_id": paid.at("/id"), "amount": amount});
        made.insert(0, post(gateway, "/v1/refunds", &asked).await?.body);
    }
    let listed = |items: &[Value], limit: u32, offset: u32| json!({"items": items, "total_items": 3, "limit": limit, "offset": offset});
    for (query, expected) in [
        ("", listed(&made, 10, 0)),
        ("?limit=2", listed(made.get(..2).unwrap_or_default(), 2, 0)),
        (
            "?limit=2&offset=2",
            listed(made.get(2..).unwrap_or_default(), 2, 2),
        ),
    ] {
        for path in ["/v1/refunds", "/v1/refunds/"] {
            let list = get(gateway, &format!("{path}{query}")).await?;
            assert_eq!((list.status, &list.body), (200, &expected), "{query}");
        }
    }
    Ok(())
}

async fn what_cannot_be_refunded_is_refused(gateway: &Gateway) -> Result<()> {
    let paid = gateway.pay(cards::APPROVED).await?;
    let declined = gateway.pay(cards::DECLINED).await?;
    let (paid, declined) = (paid.at("/id"), declined.at("/id"));
    let invalid = |content: &str| (400, problem(400, "Invalid request", content));
    let unknown = "pay_0000000000000000000001";
    for (body, expected) in [
        (json!({}), invalid("The payment_id field is required.")),
        (json!({"payment_id": unknown}), (404, missing())),
        (json!({"payment_id": "pay_1ABC123XYZ456"}), (404, missing())),
        (
            json!({"payment_id": paid, "amount": 0}),
            invalid("The amount field must be more than zero."),
        ),
        (
            json!({"payment_id": paid, "amount": "25.00"}),
            invalid("The amount field must be an integer."),
        ),
        (
            json!({"charge_id": paid, "amount": "0.001"}),
            invalid("The amount field must be a whole number of the currency's smallest unit."),
        ),
        (
            json!({"payment_id": paid, "amount": 5001}),
            invalid("The amount field must be at most what is left of the payment."),
        ),
        (
            json!({"payment_id": declined}),
            invalid("Only a payment that is completed can be refunded."),
        ),
    ] {
        let refused = post(gateway, "/v1/refunds", &body).await?;
        assert_eq!((refused.status, refused.text), expected, "{body}");
    }
    let none = get(gateway, "/v1/refunds/ref_0000000000000000000001").await?;
    assert_eq!((none.status, none.at("/title")), (404, "Refunds not found"));
    Ok(())
}
