//! The public APIs of the gateway.

/// A public API with its own paths, formats and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// `/v1/payment-intents`; intents, with amounts as decimal strings.
    Finternet,
    /// `/v1` with a Bearer key; amounts in minor units.
    Paygate,
    /// `/v2`; amounts as objects.
    Finfusion,
    /// `/v1/payments/` with Basic authentication; decimal strings and a hosted page.
    Fourgeeks,
}

names!(Surface {
    Finternet = "finternet",
    Paygate = "paygate",
    Finfusion = "finfusion",
    Fourgeeks = "fourgeeks",
});
