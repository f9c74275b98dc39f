//! URLs to the hosted checkout page and from it to the merchant. The page's URL carries the data it
//! shows, unsigned, so the gateway reads only the payment's id from it and looks up everything
//! else.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::id::PaymentId;
use domain::payment::Payment;
use serde::{Deserialize, Serialize};
use serde_json::Serializer;
use serde_json::ser::Formatter;
use url::Url;

use super::MerchantProfile;
use super::number::Number;

/// The data in the document's example URL, in the same order, and the payment's id.
#[derive(Serialize)]
struct Data<'a> {
    return_url: &'a str,
    test: bool,
    has_customer: bool,
    company_email: &'a str,
    product: Product<'a>,
    statement_descriptor: [String; 1],
    company_name: &'a str,
    id_payment: String,
}

#[derive(Serialize)]
struct Product<'a> {
    total_price: Number,
    price: Number,
    currency: &'static str,
    name: &'a str,
    description: &'a [String],
}

/// The URL of a payment's checkout page; `None` if the payment has none. `base` is the gateway's
/// public URL, without a trailing slash.
pub fn address(base: &str, payment: &Payment, shop: &MerchantProfile) -> Option<String> {
    let checkout = payment.checkout.as_ref()?;
    let price = Number::exact(payment.money.amount());
    let data = Data {
        return_url: &checkout.return_url,
        test: !payment.mode.is_live(),
        has_customer: payment.customer.is_some(),
        company_email: &shop.email,
        product: Product {
            total_price: price.clone(),
            price,
            currency: payment.money.currency().code(),
            name: payment.description.as_deref().unwrap_or_default(),
            description: &checkout.items,
        },
        statement_descriptor: [shop.statement()],
        company_name: &shop.name,
        id_payment: payment.id.to_string(),
    };
    Some(format!("{base}/checkout/?data={}", encoded(&data)))
}

fn encoded(data: &Data<'_>) -> String {
    let mut json = Vec::new();
    // Strings and numbers always serialize. If they did not, the page would find no payment.
    let _ = data.serialize(&mut Serializer::with_formatter(&mut json, Spaced));
    STANDARD.encode(json)
}

/// Reads the payment's id from the page's `data`. Everything else in it is untrusted and ignored.
pub fn payment_of(data: &str) -> Option<PaymentId> {
    #[derive(Deserialize)]
    struct Claimed {
        id_payment: String,
    }
    let json = STANDARD.decode(data).ok()?;
    let claimed: Claimed = serde_json::from_slice(&json).ok()?;
    PaymentId::parse(&claimed.id_payment)
}

/// The URL that the payer returns to: the merchant's URL with `id_payment` in its query.
pub fn return_link(return_url: &str, payment: PaymentId) -> Option<String> {
    let mut url = Url::parse(return_url).ok()?;
    let id = payment.to_string();
    url.query_pairs_mut().append_pair("id_payment", &id);
    Some(url.into())
}

/// Formats JSON as in the document's example URL: a space after `,` and `:`, and ASCII only. It
/// also escapes `>` and `~`, so that the base64 has no `+`, which query parsers read as a space.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        for unit in text.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() && !b">~".contains(&byte) => out.write_all(&[byte])?,
                _ => write!(out, "\\u{unit:04x}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::fourgeeks::response::examples::{merchant_profile, payment};

    const BASE: &str = "https://console.4geeks.io";

    /// The data in the document's example URL.
    const PRINTED: &str = "eyJyZXR1cm5fdXJsIjogImh0dHA6Ly9leGFtcGxlLmNvbS9wYXltZW50LXJlc3VsdCIsICJ0ZXN0IjogdHJ1ZSwgImhhc19jdXN0b21lciI6IGZhbHNlLCAiY29tcGFueV9lbWFpbCI6ICJzdXBwb3J0QDRnZWVrcy5pbyIsICJwcm9kdWN0IjogeyJ0b3RhbF9wcmljZSI6IDUwMC4wMCwgInByaWNlIjogNTAwLjAwLCAiY3VycmVuY3kiOiAiVVNEIiwgIm5hbWUiOiAiUHJlbWl1bSBzcWJzY3JpcHRpb24gcGF5bWVudCIsICJkZXNjcmlwdGlvbiI6IFsiUHJlbWl1bSBQbGFuIC0gTW9udGhseSJdfSwgInN0YXRlbWVudF9kZXNjcmlwdG9yIjogWyI0R0VFS1MiXSwgImNvbXBhbnlfbmFtZSI6ICI0R2Vla3MgUGF5bWVudHMifQ==";

    fn carried(address: &str) -> Option<String> {
        let (_, data) = address.split_once("/checkout/?data=")?;
        String::from_utf8(STANDARD.decode(data).ok()?).ok()
    }

    /// Equal byte for byte, except for the payment's id, which only our URL carries, and the
    /// descriptor, which the document shortens.
    #[test]
    fn the_documents_own_address_is_written() -> Result<(), serde_json::Error> {
        let mut payment = payment()?;
        payment.customer = None;
        payment.description = Some("Premium sqbscription payment".to_owned());
        if let Some(checkout) = &mut payment.checkout {
            checkout.return_url = "http://example.com/payment-result".to_owned();
        }
        let printed = STANDARD.decode(PRINTED).unwrap_or_default();
        let printed = String::from_utf8(printed).unwrap_or_default();
        let ours = printed
            .replace("4GEEKS\"]", "4GEEKS PAYMENTS\"]")
            .replace("\"}", "\", \"id_payment\": \"pay_0000000000000000000001\"}");
        let address = address(BASE, &payment, &merchant_profile()).unwrap_or_default();
        assert_eq!(carried(&address), Some(ours));
        assert!(
            address.starts_with(
                "https://console.4geeks.io/checkout/?data=eyJyZXR1cm5fdXJsIjogImh0dHA6"
            )
        );
        Ok(())
    }

    #[test]
    fn only_the_id_is_believed() {
        let coded = |json: &str| STANDARD.encode(json);
        let id = "pay_0000000000000000000001";
        assert_eq!(
            payment_of(&coded(&format!(
                r#"{{"id_payment":"{id}","product":{{"price":0}}}}"#
            ))),
            PaymentId::parse(id)
        );
        for wrong in [
            "{}",
            "[]",
            r#"{"id_payment":1}"#,
            r#"{"id_payment":"x"}"#,
            r#"{"id_payment":"00000000-0000-0000-0000-000000000001"}"#,
            "x",
            "",
        ] {
            assert_eq!(payment_of(&coded(wrong)), None, "{wrong}");
        }
        assert_eq!(payment_of(PRINTED), None);
        assert_eq!(payment_of("not base64"), None);
    }

    #[test]
    fn the_id_joins_the_query_that_is_there() {
        let id = PaymentId(uuid::Uuid::from_u128(1));
        let back = |url| return_link(url, id);
        let pay = "id_payment=pay_0000000000000000000001";
        let expected = |text: &str| Some(text.replace('*', pay));
        assert_eq!(
            back("https://example.com/payment-result"),
            expected("https://example.com/payment-result?*")
        );
        assert_eq!(
            back("https://example.com/?order=7"),
            expected("https://example.com/?order=7&*")
        );
        assert_eq!(
            back("https://example.com/a?#end"),
            expected("https://example.com/a?*#end")
        );
    }

    proptest! {
        #[test]
        fn whatever_it_says_the_address_is_plain_and_names_the_payment(
            description in "\\PC{0,30}|[>~?\u{0}-\u{7f}]{0,30}",
            item in "\\PC{0,30}",
            number in any::<u128>(),
        ) {
            let mut payment = payment()?;
            payment.id = PaymentId(uuid::Uuid::from_u128(number));
            payment.description = Some(description.clone());
            if let Some(checkout) = &mut payment.checkout {
                checkout.items = vec![item.clone()];
            }
            let address = address(BASE, &payment, &merchant_profile()).unwrap_or_default();
            let (_, data) = address.split_once("?data=").unwrap_or_default();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/=".contains(&byte);
            prop_assert!(data.bytes().all(is_plain), "{}", data);
            prop_assert_eq!(payment_of(data), Some(payment.id));
            let json: Value = serde_json::from_str(&carried(&address).unwrap_or_default())?;
            prop_assert_eq!(json.pointer("/product/name"), Some(&description.into()));
            prop_assert_eq!(json.pointer("/product/description/0"), Some(&item.into()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (payment_of(&text), payment_of(&STANDARD.encode(bytes)));
        }
    }
}
