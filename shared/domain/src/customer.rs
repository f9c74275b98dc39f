//! Customers: a merchant's record of who pays.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::id::{CustomerId, MerchantId};
use crate::merchant::Mode;

/// A merchant's customer. The e-mail address is unique per merchant and mode; ASCII letters of
/// either case are equal in it, other letters are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The customer's id.
    pub id: CustomerId,
    /// The merchant it belongs to.
    pub merchant_id: MerchantId,
    /// Test or live.
    pub mode: Mode,
    /// E-mail address.
    pub email: Option<String>,
    /// Full name.
    pub name: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The merchant's description.
    pub description: Option<String>,
    /// The merchant's own keys and values.
    pub metadata: Map<String, Value>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}
