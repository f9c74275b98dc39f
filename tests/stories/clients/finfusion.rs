//! S003's examples.

use anyhow::Result;
use tests::Gateway;

use super::Examples;
use super::shown::check;

#[tokio::test]
async fn everything_is_created_and_retrieved() -> Result<()> {
    let gateway = Gateway::start().await?;
    let hosts = ["https://api.finfusion.cloud"];
    let examples = Examples::of(&gateway, "finfusion", &hosts).await?;
    let examples = examples.with("YOUR_API_KEY", &gateway.merchant.test_key);

    let paid = examples.curl("payment.sh").await?;
    assert_eq!(paid.status, 200, "{}", paid.text);
    check(&paid.body, &examples.printed("payment.json")?)?;

    let ours = examples.with("pay_1234567890", paid.at("/id"));
    let found = ours.curl("retrieve.sh").await?;
    assert_eq!((found.status, &found.body), (200, &paid.body));
    check(&found.body, &examples.printed("retrieve.json")?)?;

    // The endpoint last: its URL is not ours, and must receive nothing.
    for (request, printed) in [
        ("customer.sh", "customer.json"),
        ("endpoint.sh", "endpoint.json"),
    ] {
        let made = examples.curl(request).await?;
        assert_eq!(made.status, 200, "{}", made.text);
        check(&made.body, &examples.printed(printed)?)?;
    }
    gateway.finish().await
}
