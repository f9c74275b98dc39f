//! Customers: who pays, as a merchant knows them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::id::{CustomerId, MerchantId};
use crate::merchant::Mode;

/// A merchant's customer. Two of one merchant and mode never share an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Whose customer.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// The address it is known by.
    pub email: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its telephone number.
    pub phone: Option<String>,
    /// What the merchant says about it.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// When it was made.
    #[serde(with = "time::serde::timestamp")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::timestamp")]
    pub updated_at: OffsetDateTime,
}
