//! The public APIs one gateway speaks.

/// A wire contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Surface {
    /// `/v1` with a Bearer key: amounts in minor units.
    Paygate,
    /// `/v2`: amount objects.
    Finfusion,
}

impl Surface {
    /// The surface's name in tables and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Surface::Paygate => "paygate",
            Surface::Finfusion => "finfusion",
        }
    }

    /// Reads what [`Surface::name`] wrote.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Surface::Paygate, Surface::Finfusion]
            .into_iter()
            .find(|surface| surface.name() == name)
    }
}
