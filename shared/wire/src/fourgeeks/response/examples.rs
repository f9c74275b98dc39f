//! The domain objects behind the document's examples.

use domain::card::{Brand, MaskedCard};
use domain::id::{CustomerId, MerchantId, PaymentId};
use domain::payment::{Checkout, Customer, Payment};
use serde_json::Error;
use time::macros::datetime;
use uuid::{Uuid, uuid};

use crate::fourgeeks::MerchantProfile;
use crate::samples::{self, money};

/// The merchant in the document's example URL.
pub fn merchant_profile() -> MerchantProfile {
    MerchantProfile {
        name: "4Geeks Payments".to_owned(),
        email: "support@4geeks.io".to_owned(),
    }
}

/// The payment that the document retrieves, with an id of our own.
pub fn payment() -> Result<Payment, Error> {
    Ok(Payment {
        id: PaymentId(Uuid::from_u128(1)),
        merchant_id: MerchantId(Uuid::from_u128(2)),
        money: money(50_000, "USD")?,
        description: Some("Premium subscription payment".to_owned()),
        customer: Some(Customer {
            id: CustomerId(uuid!("5c35a9f5-cd2a-4bf5-a0e2-d946eedeefeb")),
            email: Some("customer@example.com".to_owned()),
            name: None,
            phone: None,
        }),
        card: Some(MaskedCard {
            brand: Brand::Visa,
            last4: "4242".to_owned(),
            exp_month: 1,
            exp_year: 2030,
        }),
        checkout: Some(Checkout {
            items: vec!["Premium Plan - Monthly".to_owned()],
            return_url: "https://example.com/payment-result".to_owned(),
        }),
        created_at: datetime!(2025-12-04 10:30:00 UTC),
        updated_at: datetime!(2025-12-04 10:35:00 UTC),
        ..samples::payment("0")?
    })
}
