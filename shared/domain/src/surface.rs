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

impl Surface {
    /// Every surface.
    pub const ALL: [Surface; 4] = [
        Surface::Finternet,
        Surface::Paygate,
        Surface::Finfusion,
        Surface::Fourgeeks,
    ];

    /// The surface's name in the database and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Surface::Finternet => "finternet",
            Surface::Paygate => "paygate",
            Surface::Finfusion => "finfusion",
            Surface::Fourgeeks => "fourgeeks",
        }
    }

    /// The inverse of [`Surface::name`].
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|surface| surface.name() == name)
    }
}
