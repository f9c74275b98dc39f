//! Limits of request fields. The readers enforce them, and the schemas of the `OpenAPI` documents
//! state them. Lengths are in characters.

pub use domain::money::MINOR_MAX;

/// Maximum length of an e-mail address.
pub const EMAIL_MAX: usize = 254;
/// Maximum length of a person's name or an address line.
pub const NAME_MAX: usize = 200;
/// Maximum length of a city.
pub const CITY_MAX: usize = 100;
/// Maximum length of a postal code.
pub const POSTAL_CODE_MAX: usize = 20;
/// Maximum length of a telephone number.
pub const PHONE_MAX: usize = 40;
/// Maximum length of a description.
pub const DESCRIPTION_MAX: usize = 1_000;
/// Maximum length of the reason for a refund or a cancellation.
pub const REASON_MAX: usize = 500;
/// Maximum length of a bank account or other destination of a payout.
pub const DESTINATION_MAX: usize = 200;
/// Maximum length of the URL of a webhook endpoint or a page.
pub const URL_MAX: usize = 2_000;
/// Maximum length of a client id or secret.
pub const CREDENTIAL_MAX: usize = 200;
/// Maximum length of an amount as a decimal string.
pub const AMOUNT_MAX: usize = 40;
/// Maximum length of a card number, including spaces.
pub const CARD_NUMBER_MAX: usize = 40;
/// Maximum length of a value from a fixed list, such as a currency code. Longer values are rejected
/// before the lookup.
pub const WORD_MAX: usize = 40;
/// Maximum number of objects in a list response.
pub const LIST_MAX: u32 = 100;
/// Number of objects in a list response if the request has no limit.
pub const LIST_DEFAULT: u32 = 10;
/// Maximum number of objects that a list request may skip; each costs as much as a returned one.
pub const OFFSET_MAX: u32 = 10_000;
/// How far a list's objects are counted: as far as a page can reach.
pub const COUNT_MAX: u32 = OFFSET_MAX + LIST_MAX;

/// Pattern of an ISO 4217 currency code.
pub const CURRENCY: &str = "^[A-Z]{3}$";
/// Pattern of a card security code.
pub const SECURITY_CODE: &str = "^[0-9]{3,4}$";
